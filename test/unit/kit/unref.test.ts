import { describe, expect, it, vi } from 'vitest'
import { unref } from '../../../src/kit/unref.js'

describe('unref', () => {
  it('lets a timer not hold the process, and passes over what is no timer of Node', () => {
    const timer = { unref: vi.fn() }
    unref(timer)
    expect(timer.unref).toHaveBeenCalledOnce()
    for (const other of [undefined, null, 7, {}, { unref: true }]) expect(() => unref(other)).not.toThrow()
  })
})
