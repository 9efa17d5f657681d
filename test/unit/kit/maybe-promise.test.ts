import { describe, expect, it } from 'vitest'
import { isThenable, whenReady } from '../../../src/kit/maybe-promise.js'

describe('whenReady', () => {
  it('stays synchronous for a value that is there', () => {
    expect(whenReady(2, (value) => value * 3)).toBe(6)
  })

  it('waits for a promise', async () => {
    const result = whenReady(Promise.resolve(2), (value) => value * 3)
    expect(result).toBeInstanceOf(Promise)
    expect(await result).toBe(6)
  })

  it('passes a rejection on without calling the next step', async () => {
    const failure = new Error('no')
    let called = false
    const result = whenReady(Promise.reject(failure), () => {
      called = true
    })
    await expect(result).rejects.toBe(failure)
    expect(called).toBe(false)
  })

  it('throws at once what the next step throws at once', () => {
    expect(() =>
      whenReady(1, () => {
        throw new RangeError('no')
      }),
    ).toThrow(RangeError)
  })
})

describe('isThenable', () => {
  // biome-ignore lint/suspicious/noThenProperty: what query builders give
  const query = { then: () => {} }

  it('knows a promise of whatever make', () => {
    expect([Promise.resolve(), query].map(isThenable)).toEqual([true, true])
  })

  it('takes nothing else for one', () => {
    // biome-ignore lint/suspicious/noThenProperty: that is what it is about
    const others = [null, undefined, 'then', 5, {}, [], { then: true }, () => {}]
    expect(others.filter(isThenable)).toEqual([])
  })
})
