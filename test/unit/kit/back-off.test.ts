import { describe, expect, it } from 'vitest'
import { backOffDelayMs, scatteredMs } from '../../../src/kit/back-off.js'

const options = { initialDelayMs: 1000, maxDelayMs: 30_000 }

describe('backOffDelayMs', () => {
  it('[JWKS-04] doubles from the initial delay to the longest', () => {
    const delays = [1, 2, 3, 4, 5, 6, 7, 2000].map((failures) => backOffDelayMs(failures, options, () => 1))
    expect(delays).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000])
  })

  it('[JWKS-04] leaves the upper half to chance', () => {
    expect(backOffDelayMs(1, options, () => 0)).toBe(500)
    expect(backOffDelayMs(6, options, () => 0.5)).toBe(22_500)
  })
})

describe('scatteredMs', () => {
  it('[JWKS-02] gives the whole time at most, and half of it at least', () => {
    expect([0, 0.5, 1].map((chance) => scatteredMs(3600, () => chance))).toEqual([3600, 2700, 1800])
  })

  it('[JWKS-02] draws from Math.random where nothing else is given', () => {
    const drawn = Array.from({ length: 100 }, () => scatteredMs(1000))
    expect(Math.max(...drawn)).toBeLessThanOrEqual(1000)
    expect(Math.min(...drawn)).toBeGreaterThanOrEqual(500)
    expect(new Set(drawn).size).toBeGreaterThan(50)
  })
})
