import { signCompact } from 'portcullis/testing'
import { describe, expect, it } from 'vitest'
import { createAttackedServer } from '../support/attacked-server.js'

const notNumbers = [
  '"9999999999"',
  'null',
  'true',
  '[]',
  '{}',
  '[9999999999]',
  '-1',
  '-0.5',
  '1e999',
  '-1e999',
  '""',
  '"NaN"',
  '"Infinity"',
]

describe('games with dates', () => {
  it('[JWT-01] refuses exp, nbf and iat that are no finite, non-negative numbers', async () => {
    const { issuer, call } = createAttackedServer()
    const { header, payload, key } = issuer.tokenParts()
    for (const name of ['exp', 'nbf', 'iat']) {
      for (const value of notNumbers) {
        const json = `${JSON.stringify(payload).slice(0, -1)},"${name}":${value}}`
        expect(await call(signCompact({ header, payload: json, key })), `${name} ${value}`).toBe(
          '401 ERR_TOKEN_CLAIM_INVALID',
        )
      }
    }
  })

  it('[JWT-01] [JWT-02] takes 0, -0 and the smallest numbers for long past', async () => {
    const { issuer, call } = createAttackedServer()
    const { header, payload, key } = issuer.tokenParts()
    for (const value of ['0', '-0', '0.0', '1e-300', '5e-324', '1E0']) {
      const json = `${JSON.stringify(payload).slice(0, -1)},"exp":${value}}`
      expect(await call(signCompact({ header, payload: json, key })), value).toBe('401 ERR_TOKEN_EXPIRED')
    }
  })

  it('[JWT-02] [JWT-03] refuses nbf and iat ahead, however far', async () => {
    const { issuer, call, clock } = createAttackedServer()
    const now = clock.now() / 1000
    for (const value of [now + 61, clock.now(), 1e15, 1e300, 1.7e308, Number.MAX_VALUE]) {
      expect(await call(issuer.mintToken({ nbf: value })), String(value)).toBe('401 ERR_TOKEN_NOT_YET_VALID')
      expect(await call(issuer.mintToken({ iat: value })), String(value)).toBe('401 ERR_TOKEN_NOT_YET_VALID')
    }
  })

  it('[JWT-02] [BEAR-12] [S4-28] refuses a token the very moment it expires, remembered or not', async () => {
    const { issuer, call, clock } = createAttackedServer({
      issuer: { issuer: 'https://issuer.test', clockToleranceSeconds: 0 },
    })
    const [known, fresh] = [issuer.mintToken(), issuer.mintToken()]
    expect(await call(known)).toBe('ok')
    clock.advance(299_999)
    expect(await call(known)).toBe('ok')
    clock.advance(1)
    expect(await call(known)).toBe('401 ERR_TOKEN_EXPIRED')
    expect(await call(fresh)).toBe('401 ERR_TOKEN_EXPIRED')
  })

  it('refuses a remembered token when the clock goes back before it was valid', async () => {
    const { issuer, call, clock } = createAttackedServer()
    const token = issuer.mintToken()
    expect(await call(token)).toBe('ok')
    clock.advance(-61_000)
    expect(await call(token)).toBe('401 ERR_TOKEN_NOT_YET_VALID')
    clock.advance(61_000)
    expect(await call(token)).toBe('ok')
  })

  it('lets nothing pass by a clock that gives no number', async () => {
    let time = Date.UTC(2026, 0, 1)
    const { issuer, call } = createAttackedServer({ clock: () => time })
    const [token, other] = [issuer.mintToken(), issuer.mintToken()]
    expect(await call(token)).toBe('ok')
    time = Number.NaN
    expect(await call(token)).not.toBe('ok')
    expect(await call(other)).not.toBe('ok')
  })
})
