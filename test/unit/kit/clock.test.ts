import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/kit/clock.js'

describe('systemClock', () => {
  it('tells milliseconds since the epoch', () => {
    const before = Date.now()
    const now = systemClock()
    expect(now).toBeGreaterThanOrEqual(before)
    expect(now).toBeLessThanOrEqual(Date.now())
  })
})
