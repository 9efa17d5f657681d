import { describe, expect, it } from 'vitest'
import { createTokenBucket } from '../../../src/kit/token-bucket.js'

function taken(bucket: ReturnType<typeof createTokenBucket>, nowMs: number): number {
  let count = 0
  while (bucket.take(nowMs)) count += 1
  return count
}

describe('a token bucket', () => {
  it('[JWKS-03] starts full, and refills one token an interval up to its capacity', () => {
    const bucket = createTokenBucket({ capacity: 3, refillIntervalMs: 10_000 })
    expect(taken(bucket, 0)).toBe(3)
    expect(taken(bucket, 9_999)).toBe(0)
    expect(taken(bucket, 10_000)).toBe(1)
    expect(taken(bucket, 30_000)).toBe(2)
    expect(taken(bucket, 10_000_000)).toBe(3)
  })

  it('[REAL-07] tells how long it takes until there is a token', () => {
    const bucket = createTokenBucket({ capacity: 2, refillIntervalMs: 1000 })
    expect(bucket.waitMs(0)).toBe(0)
    expect(taken(bucket, 0)).toBe(2)
    expect([bucket.waitMs(0), bucket.waitMs(400), bucket.waitMs(1000), bucket.waitMs(9000)]).toEqual([1000, 600, 0, 0])
    expect(taken(bucket, 9000)).toBe(2)
  })

  it('gains nothing from a clock that goes backwards, and loses nothing', () => {
    const bucket = createTokenBucket({ capacity: 2, refillIntervalMs: 1000 })
    expect(bucket.take(50_000)).toBe(true)
    expect(taken(bucket, 0)).toBe(1)
    expect(taken(bucket, 1000)).toBe(1)
  })
})
