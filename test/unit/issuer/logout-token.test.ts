import { createSigningKey, signCompact } from 'portcullis/testing'
import { describe, expect, it } from 'vitest'
import { InvalidTokenError } from '../../../src/errors/index.js'
import { type LogoutTokenRules, verifyLogoutToken } from '../../../src/issuer/logout-token.js'
import { createStaticKeys } from '../../../src/issuer/static-keys.js'
import { type CompactJws, readCompactJws } from '../../../src/jws/compact-jws.js'

const issuer = 'https://issuer.test'
const now = 1_800_000_000
const key = createSigningKey({ kid: 'k' })
const event = 'http://schemas.openid.net/event/backchannel-logout'
const good = { iss: issuer, aud: 'app', iat: now, exp: now + 120, jti: 'j', sub: 'user', events: { [event]: {} } }

const rules: LogoutTokenRules = {
  issuer,
  algorithms: new Set(['ES256']),
  keys: createStaticKeys([key.publicJwk]),
  clockToleranceMs: 60_000,
  audiences: ['app', 'other'],
  expMayLack: false,
}

interface Change {
  readonly claims?: object
  readonly header?: object
  readonly rules?: Partial<LogoutTokenRules>
  readonly seconds?: number
}

async function verify({ claims = {}, header = {}, rules: change = {}, seconds = now }: Change) {
  const parts = { header: { alg: 'ES256', kid: 'k', typ: 'logout+jwt', ...header }, payload: { ...good, ...claims } }
  const jws = readCompactJws(signCompact({ ...parts, key } as never)) as CompactJws
  return verifyLogoutToken(jws, { ...rules, ...change }, seconds * 1000)
}

async function outcome(change: Change): Promise<string> {
  try {
    await verify(change)
    return 'ok'
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidTokenError)
    const { code, detail } = error as InvalidTokenError
    return detail === undefined ? code : `${code} ${detail}`
  }
}

describe('a logout token', () => {
  it('[LOGO-02] says whose sessions end, and how long it is good', async () => {
    expect(await verify({ claims: { sid: 's' } })).toEqual({
      issuer,
      jti: 'j',
      sub: 'user',
      sid: 's',
      issuedAt: now,
      validUntilMs: (now + 180) * 1000,
    })
    expect(await verify({ claims: { sub: undefined, sid: 's' } })).toMatchObject({ sub: undefined, sid: 's' })
    expect(await verify({})).toMatchObject({ sub: 'user', sid: undefined })
  })

  it('[LOGO-02] may have the type of any JWT, and of no other kind', async () => {
    for (const typ of ['logout+jwt', 'application/logout+JWT', 'JWT', undefined]) {
      expect(await outcome({ header: { typ } }), `${typ}`).toBe('ok')
    }
    for (const typ of ['at+jwt', 'id+jwt', 'dpop+jwt', '']) {
      expect(await outcome({ header: { typ } }), typ).toBe('ERR_TOKEN_TYPE')
    }
  })

  it('[LOGO-02] is refused where another algorithm or another key signed', async () => {
    expect(await outcome({ rules: { algorithms: new Set(['RS256']) } })).toBe('ERR_TOKEN_ALGORITHM')
    const keys = createStaticKeys([{ ...createSigningKey().publicJwk, kid: 'k' }])
    expect(await outcome({ rules: { keys } })).toBe('ERR_TOKEN_SIGNATURE')
  })

  it('[LOGO-02] must name this server in its audience', async () => {
    for (const aud of ['app', 'other', ['x', 'app']]) expect(await outcome({ claims: { aud } }), `${aud}`).toBe('ok')
    for (const aud of ['x', 'App', [], ['x'], undefined, null, 5, ['app', 5], { app: 1 }]) {
      expect(await outcome({ claims: { aud } }), JSON.stringify(aud)).toBe('ERR_TOKEN_AUDIENCE')
    }
    expect(await outcome({ rules: { audiences: [] } })).toBe('ERR_TOKEN_AUDIENCE')
  })

  it('[LOGO-02] must have the logout event, which is an object', async () => {
    expect(await outcome({ claims: { events: undefined } })).toBe('ERR_TOKEN_CLAIM_MISSING events')
    for (const events of [{}, [], 'x', { [event]: true }, { [event]: [] }, { [event]: null }, { [`${event}x`]: {} }]) {
      expect(await outcome({ claims: { events } }), JSON.stringify(events)).toBe('ERR_TOKEN_CLAIM_INVALID events')
    }
    expect(await outcome({ claims: { events: { [event]: { more: 1 }, other: 1 } } })).toBe('ok')
  })

  it('[LOGO-02] must have no nonce, which an ID token has', async () => {
    for (const nonce of ['n', '', null]) {
      expect(await outcome({ claims: { nonce } })).toBe('ERR_TOKEN_CLAIM_INVALID nonce')
    }
  })

  it('[LOGO-02] must have iat, jti, and sub or sid', async () => {
    for (const name of ['iat', 'jti']) {
      expect(await outcome({ claims: { [name]: undefined } })).toBe(`ERR_TOKEN_CLAIM_MISSING ${name}`)
    }
    expect(await outcome({ claims: { sub: undefined } })).toBe('ERR_TOKEN_CLAIM_MISSING sub or sid')
    for (const name of ['jti', 'sub', 'sid', 'iat', 'exp']) {
      expect(await outcome({ claims: { [name]: [] } })).toBe(`ERR_TOKEN_CLAIM_INVALID ${name}`)
    }
  })

  it('[LOGO-02] is good from its iat to its exp, with leeway', async () => {
    const times = [now - 60.001, now - 60, now + 179.999, now + 180]
    const outcomes = await Promise.all(times.map((seconds) => outcome({ seconds })))
    expect(outcomes).toEqual(['ERR_TOKEN_NOT_YET_VALID', 'ok', 'ok', 'ERR_TOKEN_EXPIRED'])
  })

  it('[LOGO-02] is good for two minutes without exp, and no leeway, where exp may be absent', async () => {
    const claims = { exp: undefined }
    expect(await outcome({ claims })).toBe('ERR_TOKEN_CLAIM_MISSING exp')
    const lax = { expMayLack: true }
    const at = (seconds: number) => outcome({ claims, rules: lax, seconds })
    expect([await at(now), await at(now + 120), await at(now + 120.001)]).toEqual(['ok', 'ok', 'ERR_TOKEN_EXPIRED'])
    expect(await verify({ rules: lax })).toMatchObject({ validUntilMs: (now + 180) * 1000 })
  })
})
