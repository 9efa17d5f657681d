import { describe, expect, it } from 'vitest'
import { monotonicClock, systemClock } from '../../../src/kit/clock.js'

describe('systemClock', () => {
  it('tells milliseconds since the epoch', () => {
    const before = Date.now()
    const now = systemClock()
    expect(now).toBeGreaterThanOrEqual(before)
    expect(now).toBeLessThanOrEqual(Date.now())
  })
})

describe('monotonicClock', () => {
  it('tells milliseconds that never go back', () => {
    const before = performance.now()
    const now = monotonicClock()
    expect(now).toBeGreaterThanOrEqual(before)
    expect(now).toBeLessThanOrEqual(performance.now())
  })
})
