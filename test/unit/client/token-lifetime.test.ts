import { canRefresh, expiresInSeconds, isExpired, shouldRefresh } from 'portcullis/client'
import { describe, expect, it } from 'vitest'

const issuedAt = 1_800_000_000
const at = (seconds: number) => ({ nowMs: (issuedAt + seconds) * 1000 })

describe('the life of an access token', () => {
  it('[S1-73] is told in seconds', () => {
    const token = { issuedAt, expiresAt: issuedAt + 100 }
    expect(expiresInSeconds(token, at(40))).toBe(60)
    expect(expiresInSeconds(token, at(101))).toBe(-1)
    expect(expiresInSeconds({ issuedAt: 0, expiresAt: 1 })).toBeLessThan(0)
  })

  it('[S1-75] [D09] ends when its server said, or after an hour where it did not', () => {
    expect(isExpired({ issuedAt, expiresAt: issuedAt + 100 }, at(99.9))).toBe(false)
    expect(isExpired({ issuedAt, expiresAt: issuedAt + 100 }, at(100))).toBe(true)
    const untold = { issuedAt, expiresAt: undefined }
    expect(isExpired(untold, at(3599))).toBe(false)
    expect(isExpired(untold, at(3600))).toBe(true)
    expect(isExpired(untold, { ...at(60), fallbackLifetimeSeconds: 60 })).toBe(true)
    expect(isExpired({ issuedAt, expiresAt: 1 })).toBe(true)
  })

  it('[S1-77] [D10] is renewed 60 s before its end, or within its last tenth', () => {
    const long = { issuedAt, expiresAt: issuedAt + 3600 }
    expect(shouldRefresh(long, at(3539))).toBe(false)
    expect(shouldRefresh(long, at(3540))).toBe(true)
    expect(shouldRefresh(long, { ...at(3540), skewSeconds: 10 })).toBe(false)
    expect(shouldRefresh(long, { ...at(3000), skewSeconds: 600 })).toBe(false)
    const short = { issuedAt, expiresAt: issuedAt + 100 }
    expect(shouldRefresh(short, at(89))).toBe(false)
    expect(shouldRefresh(short, at(90))).toBe(true)
    expect(shouldRefresh({ issuedAt, expiresAt: undefined }, { ...at(89), fallbackLifetimeSeconds: 100 })).toBe(false)
    expect(shouldRefresh({ issuedAt, expiresAt: issuedAt - 5 }, at(-6))).toBe(false)
    expect(shouldRefresh({ issuedAt: 1, expiresAt: 2 })).toBe(true)
  })

  it('[S1-76] can be renewed while its refresh token lives', () => {
    expect(canRefresh({ refreshToken: undefined, refreshExpiresAt: undefined })).toBe(false)
    expect(canRefresh({ refreshToken: 'r', refreshExpiresAt: undefined })).toBe(true)
    expect(canRefresh({ refreshToken: 'r', refreshExpiresAt: issuedAt + 10 }, at(9))).toBe(true)
    expect(canRefresh({ refreshToken: 'r', refreshExpiresAt: issuedAt + 10 }, at(10))).toBe(false)
    expect(canRefresh({ refreshToken: 'r', refreshExpiresAt: 1 })).toBe(false)
  })
})
