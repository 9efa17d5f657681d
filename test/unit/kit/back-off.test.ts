import { describe, expect, it } from 'vitest'
import { backOffDelayMs } from '../../../src/kit/back-off.js'

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
