import { createMemoryRevocationStore } from 'portcullis'
import { OAuthClientError } from 'portcullis/client'
import {
  createLogin,
  createMemorySessionStore,
  createMemoryTokenStore,
  type LoginOptions,
  type ProviderOptions,
} from 'portcullis/login'
import { describe, expect, it } from 'vitest'
import type { HttpAnswer } from '../../../../src/http/http-answer.js'
import { answer } from '../../../support/fake-token-endpoint.js'
import { testKey } from '../../../support/key-material.js'
import { signIdToken } from '../../../support/login-set-up.js'
import { requestFacts } from '../../../support/request-facts.js'
import { appUrl, asPage, sealKeys, setUpWebLogin } from '../../../support/web-login-set-up.js'

const logoutEvent = 'http://schemas.openid.net/event/backchannel-logout'

function world(options: Partial<LoginOptions> = {}, ofProvider: Partial<ProviderOptions> = {}) {
  const setUp = setUpWebLogin(options, undefined, ofProvider)
  const { login, time, facts } = setUp
  let count = 0
  const logoutToken = (changes: object = {}, header: object = {}, key = testKey('k1')) => {
    const iat = time.nowMs / 1000
    count += 1
    const good = { iss: 'https://as.example', aud: 'app', iat, exp: iat + 120, jti: `logout-${count}`, sub: 'alice' }
    return signIdToken({ ...good, events: { [logoutEvent]: {} }, ...changes }, { typ: 'logout+jwt', ...header }, key)
  }
  const post = async (form: string, path = '/auth/backchannel-logout/corporate', type?: string) => {
    const headers = { 'content-type': type ?? 'application/x-www-form-urlencoded' }
    const request = requestFacts({ method: 'POST', url: path, headers })
    return (await login.handle(request, async () => (type ? undefined : new URLSearchParams(form)))) as HttpAnswer
  }
  return {
    ...setUp,
    logoutToken,
    post,
    send: (token: string) => post(`logout_token=${token}`),
    lives: async () => (await login.session(facts('/'))) !== undefined,
  }
}

const bad = {
  status: 400,
  headers: {
    'Cache-Control': 'no-store',
    'Content-Type': 'application/json',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
  },
  body: JSON.stringify({ error: 'invalid_request', error_description: 'The logout token is not valid' }),
}

describe('/backchannel-logout', () => {
  it('[LOGO-02] tells why it refused, and 503 where the provider cannot be asked', async () => {
    const { post, send, logoutToken, events, server } = world()
    const refused = (code: string, status: number, detail?: string) => ({
      type: 'logout.refused',
      code,
      status,
      detail,
    })
    for (const form of ['', 'logout_token=', 'logout_token=a&logout_token=b', 'logout_token=a%20b']) {
      expect((await post(form)).status).toBe(400)
      expect(events.at(-1)).toEqual(refused('ERR_TOKEN_MALFORMED', 401, 'not one logout_token'))
    }
    expect((await send('nonsense')).status).toBe(400)
    expect((await send(logoutToken({ aud: 'other' }))).status).toBe(400)
    expect(events.at(-1)).toMatchObject({ code: 'ERR_TOKEN_AUDIENCE' })
    server.script('/.well-known/openid-configuration', answer({}, 503))
    const down = world()
    down.server.script('/.well-known/openid-configuration', answer({}, 503))
    expect((await down.send(down.logoutToken())).status).toBe(503)
    expect(down.events.find(({ type }) => type === 'logout.refused')).toMatchObject({
      code: 'ERR_KEYS_UNAVAILABLE',
      status: 503,
    })
    for (const [error, status, code] of [
      [new TypeError('a bug'), 503, 'ERR_KEYS_UNAVAILABLE'],
      [new OAuthClientError('ERR_NETWORK'), 503, 'ERR_KEYS_UNAVAILABLE'],
      [new OAuthClientError('ERR_LOGOUT_TOKEN'), 400, 'ERR_TOKEN_MALFORMED'],
    ] as const) {
      const broken = setUpWebLogin({}, (one) => ({ ...one, verifyLogoutToken: () => Promise.reject(error) }))
      const request = requestFacts({
        ...{ method: 'POST', url: '/auth/backchannel-logout/corporate' },
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      })
      const answered = await broken.login.handle(request, async () => new URLSearchParams({ logout_token: 'a' }))
      expect(answered?.status).toBe(status)
      expect(broken.events.find(({ type }) => type === 'logout.refused')).toMatchObject({ code })
    }
  })

  it('[LOGO-02] [LOGO-03] ends every session of a user that began before, by `sub` alone', async () => {
    const { signIn, send, logoutToken, lives, events, server, time } = world()
    await signIn('/auth/login', { sid: 'one' })
    expect((await send(logoutToken({ sub: 'bob' }))).status).toBe(200)
    expect(await lives()).toBe(true)
    const answered = await send(logoutToken())
    expect(answered).toEqual({
      status: 200,
      headers: { 'Cache-Control': 'no-store', 'Referrer-Policy': 'no-referrer', 'X-Content-Type-Options': 'nosniff' },
      body: '',
    })
    expect(events).toContainEqual({ type: 'logout.accepted', issuer: 'https://as.example', kind: expect.any(String) })
    expect(await lives()).toBe(false)
    expect(events).toContainEqual({ type: 'session.ended', provider: 'corporate', reason: 'revoked' })
    await expect.poll(() => server.at('/revoke').length).toBeGreaterThan(0)
    time.nowMs += 1000
    await signIn('/auth/login', { sid: 'two', iat: time.nowMs / 1000 })
    expect(await lives()).toBe(true)
  })

  it('[LOGO-03] ends one session by `sid`, alone or beside `sub`, and leaves the others of the user', async () => {
    for (const named of [{ sub: undefined, sid: 'one' }, { sid: 'one' }]) {
      const { signIn, send, logoutToken, lives, cookies } = world()
      await signIn('/auth/login', { sid: 'one' })
      const first = new Map(cookies)
      cookies.clear()
      await signIn('/auth/login', { sid: 'two' })
      expect((await send(logoutToken(named))).status).toBe(200)
      expect(await lives()).toBe(true)
      for (const [name, value] of first) cookies.set(name, value)
      expect(await lives()).toBe(false)
    }
  })

  it('compares the clock of the provider with itself, not with that of this process', async () => {
    const { signIn, send, logoutToken, lives, time } = world()
    const behind = time.nowMs / 1000 - 50
    await signIn('/auth/login', { iat: behind })
    expect((await send(logoutToken({ iat: behind + 1 }))).status).toBe(200)
    expect(await lives()).toBe(false)
  })

  it('[LOGO-02] refuses every token that is not a good one, says no more than that, and ends nothing', async () => {
    const { signIn, send, post, logoutToken, lives, events, time } = world()
    await signIn()
    const now = time.nowMs / 1000
    const wrong: [string, string][] = [
      [logoutToken({ iss: 'https://evil.example' }), 'ERR_TOKEN_ISSUER'],
      [logoutToken({ aud: 'other' }), 'ERR_TOKEN_AUDIENCE'],
      [logoutToken({ nonce: 'n' }), 'ERR_TOKEN_CLAIM_INVALID'],
      [logoutToken({ events: undefined }), 'ERR_TOKEN_CLAIM_MISSING'],
      [logoutToken({ events: { [logoutEvent]: true } }), 'ERR_TOKEN_CLAIM_INVALID'],
      [logoutToken({ exp: undefined }), 'ERR_TOKEN_CLAIM_MISSING'],
      [logoutToken({ exp: now - 61 }), 'ERR_TOKEN_EXPIRED'],
      [logoutToken({ iat: now + 61 }), 'ERR_TOKEN_NOT_YET_VALID'],
      [logoutToken({ jti: undefined }), 'ERR_TOKEN_CLAIM_MISSING'],
      [logoutToken({ sub: undefined }), 'ERR_TOKEN_CLAIM_MISSING'],
      [logoutToken({}, { typ: 'at+jwt' }), 'ERR_TOKEN_TYPE'],
      [logoutToken({}, { alg: 'RS256' }), 'ERR_TOKEN_ALGORITHM'],
      [logoutToken({}, { alg: 'none' }), 'ERR_TOKEN_ALGORITHM'],
      [logoutToken({}, { kid: 'k1' }, testKey('k2')), 'ERR_TOKEN_SIGNATURE'],
      ['not-a-token', 'ERR_TOKEN_ISSUER'],
      ['a.b.c.d.e', 'ERR_TOKEN_MALFORMED'],
      ['x'.repeat(70_000), 'ERR_TOKEN_MALFORMED'],
    ]
    for (const [token, code] of wrong) {
      expect(await send(token), code).toEqual(bad)
      expect(events.at(-1)).toMatchObject({ type: 'logout.refused', code })
    }
    const good = logoutToken()
    for (const form of ['', 'logout_token=', 'logout_token=a%20b', `logout_token=${good}&logout_token=${good}`]) {
      expect(await post(form), form).toEqual(bad)
    }
    expect(await post(`logout_token=${good}`, undefined, 'application/json')).toEqual(bad)
    expect(await lives()).toBe(true)
  })

  it('[REAL-35] takes a token without exp where the provider may leave it out, for 2 minutes from its iat', async () => {
    const ofHydra = { exp: undefined, sub: undefined, sid: 'one' }
    const strict = world()
    await strict.signIn('/auth/login', { sid: 'one' })
    expect(await strict.send(strict.logoutToken(ofHydra))).toEqual(bad)
    expect(strict.events.at(-1)).toMatchObject({ code: 'ERR_TOKEN_CLAIM_MISSING', detail: 'exp' })
    expect(await strict.lives()).toBe(true)

    const { signIn, send, logoutToken, lives, events, time } = world({}, { optionalLogoutClaims: ['exp'] })
    const iat = time.nowMs / 1000
    await signIn('/auth/login', { sid: 'one' })
    const late = logoutToken({ ...ofHydra, iat: iat + 1 })
    const old = logoutToken({ ...ofHydra, iat })
    time.nowMs += 120_001
    expect(await send(old)).toEqual(bad)
    expect(events.at(-1)).toMatchObject({ type: 'logout.refused', code: 'ERR_TOKEN_EXPIRED' })
    expect(await lives()).toBe(true)
    expect((await send(late)).status).toBe(200)
    expect(await lives()).toBe(false)
  })

  it('[LOGO-03] takes each token once', async () => {
    const { send, logoutToken } = world()
    const token = logoutToken()
    expect((await send(token)).status).toBe(200)
    expect(await send(token)).toEqual(bad)
  })

  it('takes POST alone, of providers it knows and that have ID tokens', async () => {
    const { login, facts, post, logoutToken } = world()
    const got = await login.handle(facts('/auth/backchannel-logout/corporate'))
    expect([got?.status, got?.headers['Allow']]).toEqual([405, 'POST'])
    expect((await post('', '/auth/backchannel-logout')).status).toBe(404)
    expect((await post('', '/auth/backchannel-logout/other')).status).toBe(404)
    const without = setUpWebLogin({}, (one) => ({ ...one, type: 'oauth2' }))
    const request = requestFacts({ method: 'POST', url: '/auth/backchannel-logout/corporate' })
    expect((await without.login.handle(request))?.status).toBe(404)
    const shared = world({ sessions: createMemorySessionStore(), tokens: false })
    expect((await shared.send(logoutToken())).status).toBe(404)
  })

  it('[A12] answers 503, for another try, where the keys or the store cannot be had', async () => {
    const { server, send, logoutToken } = world()
    server.script('/jwks', answer({}, 503))
    expect(await send(logoutToken())).toMatchObject({ status: 503, headers: { 'Retry-After': expect.any(String) } })
    let fails = true
    const store = createMemoryRevocationStore()
    const failing = world({
      revocations: {
        ...store,
        revoke: (...about) => (fails ? Promise.reject(new Error('CANARY')) : store.revoke(...about)),
        revokedAt: (keys) => (fails ? Promise.reject(new Error('CANARY')) : store.revokedAt(keys)),
      },
    })
    const token = failing.logoutToken()
    const refused = await failing.send(token)
    expect([refused.status, String(refused.body).includes('CANARY')]).toEqual([503, false])
    // No session is let in that may have ended.
    fails = false
    await failing.signIn()
    fails = true
    const guard = failing.login.guard()
    expect(await guard(failing.facts('/me'))).toMatchObject({ ok: false, answer: { status: 503 } })
    fails = false
    expect((await failing.send(token)).status).toBe(200)
    expect(await failing.lives()).toBe(false)
  })

  it('[LOGO-03] ends sessions over instances that share their stores', async () => {
    const shared = {
      sessions: createMemorySessionStore(),
      tokens: false,
      revocations: createMemoryRevocationStore(),
    } as const
    const one = world(shared)
    await one.signIn()
    const two = createLogin({
      ...shared,
      baseUrl: appUrl,
      providers: [one.provider],
      keys: sealKeys,
      clock: () => one.time.nowMs,
    })
    const mine = one.facts('/', { headers: asPage })
    expect(await two.session(mine)).toBeDefined()
    expect((await one.send(one.logoutToken())).status).toBe(200)
    expect(await two.session(mine)).toBeUndefined()
    expect(await one.lives()).toBe(false)
  })

  it('[A12] ends a session also where its tokens cannot be deleted', async () => {
    const tokens = createMemoryTokenStore()
    const failing = {
      ...tokens,
      get: () => Promise.reject(new Error('down')),
      delete: () => Promise.reject(new Error()),
    }
    const { signIn, send, logoutToken, lives } = world({ tokens: { store: failing } })
    await signIn()
    expect((await send(logoutToken())).status).toBe(200)
    expect(await lives()).toBe(false)
  })

  it('asks the list of ended sessions once for a request, and not at all before anything ended here', async () => {
    const store = createMemoryRevocationStore()
    let asked = 0
    const revocations = {
      ...store,
      revokedAt: (keys: readonly string[]) => {
        asked += 1
        return store.revokedAt(keys)
      },
    }
    const { signIn, lives } = world({ revocations })
    await signIn()
    asked = 0
    expect([await lives(), asked]).toEqual([true, 1])
  })
})

describe('provider.verifyLogoutToken', () => {
  it('[LOGO-02] tells what a good token says, and why another is none', async () => {
    const { provider, logoutToken, time } = world()
    const iat = time.nowMs / 1000
    expect(await provider.verifyLogoutToken(logoutToken({ jti: 'j', sid: 's' }))).toEqual({
      issuer: 'https://as.example',
      jti: 'j',
      sub: 'alice',
      sid: 's',
      issuedAt: iat,
      validUntilMs: (iat + 120) * 1000 + 60_000,
    })
    await expect(provider.verifyLogoutToken(logoutToken({ aud: 'x' }))).rejects.toMatchObject({
      code: 'ERR_LOGOUT_TOKEN',
      detail: 'ERR_TOKEN_AUDIENCE',
      retryable: false,
    })
    await expect(provider.verifyLogoutToken('a b')).rejects.toMatchObject({ code: 'ERR_CLIENT_ARGUMENT' })
  })
})
