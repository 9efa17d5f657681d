import { createResourceServer, type PortcullisEvent, type ResourceServerOptions } from 'portcullis'
import { createFrozenClock, createSigningKey, createTestIssuer, requestFacts, signCompact } from 'portcullis/testing'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { LogoutToken } from '../../../src/issuer/logout-token.js'
import { createBackchannelLogout } from '../../../src/revocation/backchannel-logout.js'
import type { ReplayStore } from '../../../src/stores/contract.js'
import { rejection } from '../../support/client-set-up.js'
import { outcomeOfResult, resource } from '../../support/introspecting-server.js'

const logoutEvent = 'http://schemas.openid.net/event/backchannel-logout'
const badToken = {
  status: 400,
  headers: { 'Cache-Control': 'no-store', 'Content-Type': 'application/json' },
  body: JSON.stringify({ error: 'invalid_request', error_description: 'The logout token is not valid' }),
}

function world(
  options: Partial<ResourceServerOptions> = {},
  logoutAudience: string | readonly string[] | undefined = 'api-client',
) {
  const clock = createFrozenClock()
  const issuer = createTestIssuer({ clock: clock.now })
  const events: PortcullisEvent[] = []
  const server = createResourceServer({
    resource,
    issuer: { issuer: issuer.issuer, logoutAudience },
    fetch: issuer.fetch,
    clock: clock.now,
    onEvent: (event) => void events.push(event),
    ...options,
  })
  const claims = {
    iss: issuer.issuer,
    aud: 'api-client',
    iat: clock.now() / 1000,
    exp: clock.now() / 1000 + 120,
    jti: 'logout-1',
    sub: 'user-1',
    events: { [logoutEvent]: {} },
  }
  const logoutToken = (changes: object = {}, header: object = {}, key = issuer.signingKey()) =>
    signCompact({
      header: { typ: 'logout+jwt', alg: key.algorithm, kid: key.kid, ...header },
      payload: { ...claims, ...changes },
      key,
    })
  return {
    clock,
    issuer,
    events,
    server,
    logoutToken,
    send: (token: unknown) =>
      server.backchannelLogout(requestFacts({ method: 'POST', url: '/logout', formBody: { logout_token: token } })),
    outcome: async (token: string) =>
      outcomeOfResult(await server.authenticate(requestFacts({ headers: { authorization: `Bearer ${token}` } }))),
  }
}

afterEach(() => {
  vi.useRealTimers()
})

describe('server.backchannelLogout', () => {
  it('[LOGO-02] [LOGO-03] answers 200 and revokes every token of the subject issued until then', async () => {
    const { issuer, send, logoutToken, outcome, clock, events } = world()
    const token = issuer.mintToken({ sid: 'any' })
    const other = issuer.mintToken({ sub: 'user-2' })
    expect(await outcome(token)).toBe('accepted')
    expect(await send(logoutToken())).toEqual({ status: 200, headers: { 'Cache-Control': 'no-store' }, body: '' })
    expect(events).toContainEqual({ type: 'logout.accepted', issuer: issuer.issuer, kind: 'subject' })
    clock.advance(1000)
    expect(await outcome(token)).toBe('401 ERR_TOKEN_REVOKED')
    expect(await outcome(other)).toBe('accepted')
    expect(await outcome(issuer.mintToken())).toBe('accepted')
  })

  it('[LOGO-03] revokes the tokens of one session by sid alone', async () => {
    const { issuer, send, logoutToken, outcome } = world()
    const [one, two] = [issuer.mintToken({ sid: 'one' }), issuer.mintToken({ sid: 'two' })]
    expect((await send(logoutToken({ sub: undefined, sid: 'one' }))).status).toBe(200)
    expect(await outcome(one)).toBe('401 ERR_TOKEN_REVOKED')
    expect(await outcome(two)).toBe('accepted')
  })

  it('[LOGO-03] spares the other sessions of the user where it names both, and counts tokens without session in', async () => {
    const { issuer, send, logoutToken, outcome } = world()
    const [one, two, none] = [{ sid: 'one' }, { sid: 'two' }, {}].map((claims) => issuer.mintToken(claims))
    expect((await send(logoutToken({ sid: 'one' }))).status).toBe(200)
    expect(await Promise.all([one, two, none].map((token) => outcome(String(token))))).toEqual([
      '401 ERR_TOKEN_REVOKED',
      'accepted',
      '401 ERR_TOKEN_REVOKED',
    ])
  })

  it('[LOGO-02] tells the end of the session by the clock of the issuer', async () => {
    const { issuer, send, logoutToken, outcome, clock } = world()
    const endedAt = clock.now() / 1000
    const token = logoutToken({ iat: endedAt })
    clock.advance(30_000)
    const later = issuer.mintToken()
    expect((await send(token)).status).toBe(200)
    expect(await outcome(later)).toBe('accepted')
  })

  it.each([
    ['no type', {}, { typ: undefined }],
    ['the type JWT', {}, { typ: 'JWT' }],
    ['the type in other letters', {}, { typ: 'application/Logout+JWT' }],
    ['several audiences', { aud: ['x', 'api-client'] }, {}],
    ['members in the event', { events: { [logoutEvent]: { more: 1 }, other: {} } }, {}],
    ['a clock that is a little ahead', { iat: Date.UTC(2026, 0, 1) / 1000 + 59 }, {}],
  ])('[LOGO-02] accepts a logout token with %s', async (_, claims, header) => {
    const { send, logoutToken } = world()
    expect((await send(logoutToken(claims, header))).status).toBe(200)
  })

  it('[REAL-35] accepts each of several audiences, and no other', async () => {
    const { send, logoutToken } = world({}, ['api-client', 'web-client'])
    for (const aud of ['api-client', 'web-client', ['x', 'web-client']]) {
      expect((await send(logoutToken({ aud, jti: String(aud) }))).status, String(aud)).toBe(200)
    }
    for (const aud of ['x', ['x'], [], ['api-client', 7], 'api-client,web-client']) {
      expect((await send(logoutToken({ aud, jti: 'other' }))).status, String(aud)).toBe(400)
    }
    expect(() => world({}, [])).toThrow('`logoutAudience` takes')
    expect(() => world({}, ['a', ''])).toThrow('`logoutAudience` takes')
  })

  it('[REAL-35] judges a logout token without exp by its age where the issuer may leave it out', async () => {
    const issuer = {
      issuer: 'https://issuer.test',
      logoutAudience: 'api-client',
      optionalLogoutClaims: ['exp'] as const,
    }
    const { send, logoutToken, clock, events } = world({ issuer })
    const sent = (jti: string, changes: object = {}) => send(logoutToken({ exp: undefined, jti, ...changes }))
    const issuedAt = clock.now() / 1000
    expect((await sent('one')).status).toBe(200)
    expect((await sent('one')).status).toBe(400)
    clock.advance(120_000)
    expect((await sent('two')).status).toBe(200)
    clock.advance(1000)
    expect((await sent('three')).status).toBe(400)
    expect(events.at(-1)).toMatchObject({ code: 'ERR_TOKEN_EXPIRED' })
    expect((await sent('four', { iat: undefined })).status).toBe(400)
    expect((await sent('five', { exp: issuedAt + 600 })).status).toBe(200)
    expect((await sent('six', { exp: issuedAt, iat: issuedAt + 100 })).status).toBe(400)
    expect((await sent('seven', { exp: null })).status).toBe(400)
    const wrong = { ...issuer, optionalLogoutClaims: ['iat'] } as never
    expect(() => world({ issuer: wrong })).toThrow('`optionalLogoutClaims` takes a list of exp only')
  })

  const now = Date.UTC(2026, 0, 1) / 1000
  it.each<[string, object, object, string]>([
    ['the issuer unknown', { iss: 'https://other.test' }, {}, 'ERR_TOKEN_ISSUER'],
    ['no issuer', { iss: undefined }, {}, 'ERR_TOKEN_ISSUER'],
    ['another audience', { aud: 'another-client' }, {}, 'ERR_TOKEN_AUDIENCE'],
    ['the resource as audience', { aud: resource }, {}, 'ERR_TOKEN_AUDIENCE'],
    ['no audience', { aud: undefined }, {}, 'ERR_TOKEN_AUDIENCE'],
    ['an audience that is a number', { aud: [7, 'api-client'] }, {}, 'ERR_TOKEN_AUDIENCE'],
    ['no iat', { iat: undefined }, {}, 'ERR_TOKEN_CLAIM_MISSING'],
    ['an iat that is text', { iat: 'x' }, {}, 'ERR_TOKEN_CLAIM_INVALID'],
    ['an iat in the future', { iat: now + 61 }, {}, 'ERR_TOKEN_NOT_YET_VALID'],
    ['no exp', { exp: undefined }, {}, 'ERR_TOKEN_CLAIM_MISSING'],
    ['an exp in the past', { exp: now - 60 }, {}, 'ERR_TOKEN_EXPIRED'],
    ['no jti', { jti: undefined }, {}, 'ERR_TOKEN_CLAIM_MISSING'],
    ['an empty jti', { jti: '' }, {}, 'ERR_TOKEN_CLAIM_INVALID'],
    ['neither sub nor sid', { sub: undefined }, {}, 'ERR_TOKEN_CLAIM_MISSING'],
    ['a sub that is no string', { sub: 7 }, {}, 'ERR_TOKEN_CLAIM_INVALID'],
    ['a sid that is no string', { sid: {} }, {}, 'ERR_TOKEN_CLAIM_INVALID'],
    ['no events', { events: undefined }, {}, 'ERR_TOKEN_CLAIM_MISSING'],
    ['events that are a list', { events: [logoutEvent] }, {}, 'ERR_TOKEN_CLAIM_INVALID'],
    ['another event', { events: { 'urn:other': {} } }, {}, 'ERR_TOKEN_CLAIM_INVALID'],
    ['an event that is no object', { events: { [logoutEvent]: true } }, {}, 'ERR_TOKEN_CLAIM_INVALID'],
    ['a nonce', { nonce: 'x' }, {}, 'ERR_TOKEN_CLAIM_INVALID'],
    ['a nonce that is null', { nonce: null }, {}, 'ERR_TOKEN_CLAIM_INVALID'],
    ['the type of access tokens', {}, { typ: 'at+jwt' }, 'ERR_TOKEN_TYPE'],
    ['the type of ID tokens', {}, { typ: 'id_token+jwt' }, 'ERR_TOKEN_TYPE'],
    ['alg none', {}, { alg: 'none' }, 'ERR_TOKEN_ALGORITHM'],
    ['an algorithm that is not accepted', {}, { alg: 'RS512' }, 'ERR_TOKEN_ALGORITHM'],
    ['a critical header', {}, { crit: ['x'], x: 1 }, 'ERR_TOKEN_CRITICAL_HEADER'],
    ['an unknown key', {}, { kid: 'unknown' }, 'ERR_TOKEN_KEY_UNKNOWN'],
  ])('[LOGO-02] refuses a logout token with %s', async (_, claims, header, code) => {
    const { issuer, send, logoutToken, outcome, events } = world()
    expect(await send(logoutToken(claims, header))).toEqual(badToken)
    expect(events).toContainEqual(expect.objectContaining({ type: 'logout.refused', code }))
    expect(await outcome(issuer.mintToken())).toBe('accepted')
  })

  it('[LOGO-02] refuses a signature by another key, and an access token', async () => {
    const { issuer, send, logoutToken, events } = world()
    const stranger = createSigningKey({ algorithm: 'ES256', kid: issuer.signingKey().kid })
    expect(await send(logoutToken({}, {}, stranger))).toEqual(badToken)
    expect(events).toContainEqual(expect.objectContaining({ code: 'ERR_TOKEN_SIGNATURE' }))
    expect(await send(issuer.mintToken({ aud: 'api-client' }, { header: { typ: 'JWT' } }))).toEqual(badToken)
  })

  it.each([
    ['no token', undefined],
    ['two tokens', ['a.b.c', 'a.b.c']],
    ['no JWT', 'opaque'],
    ['an empty token', ''],
    ['a token that is too large', 'x'.repeat(20_000)],
  ])('[LOGO-02] refuses a form with %s', async (_, token) => {
    expect(await world().send(token)).toEqual(badToken)
  })

  it('[LOGO-02] refuses a request without form, and any other method', async () => {
    const { server } = world()
    expect(await server.backchannelLogout(requestFacts({ method: 'POST' }))).toEqual(badToken)
    const facts = { method: 'POST', url: '/', headerValues: () => [] }
    expect(await server.backchannelLogout(facts)).toEqual(badToken)
    expect(await server.backchannelLogout(requestFacts())).toEqual({
      status: 405,
      headers: { 'Cache-Control': 'no-store', Allow: 'POST' },
      body: '',
    })
  })

  it('[LOGO-02] refuses everything without logoutAudience, which must be text', async () => {
    const { send, logoutToken, events, issuer } = world({ issuer: 'https://issuer.test' })
    expect(await send(logoutToken({ aud: undefined }))).toEqual(badToken)
    expect(events).toContainEqual({
      type: 'logout.refused',
      code: 'ERR_TOKEN_AUDIENCE',
      status: 401,
      detail: 'no logoutAudience',
    })
    expect(issuer.requestCount()).toBe(0)
    expect(() => world({}, '')).toThrow('logoutAudience')
  })

  it('[LOGO-03] refuses a second use of a jti, per issuer', async () => {
    const { send, logoutToken } = world()
    expect((await send(logoutToken())).status).toBe(200)
    expect(await send(logoutToken())).toEqual(badToken)
    expect((await send(logoutToken({ jti: 'logout-2' }))).status).toBe(200)
  })

  it('[LOGO-03] lets exactly one of concurrent uses through', async () => {
    const { send, logoutToken } = world()
    const token = logoutToken()
    const statuses = (await Promise.all(Array.from({ length: 10 }, () => send(token)))).map(({ status }) => status)
    expect(statuses.filter((status) => status === 200)).toHaveLength(1)
  })

  it('[LOGO-03] reserves in the configured store, for no longer than a day', async () => {
    const reserve = vi.fn(() => true)
    const { send, logoutToken, clock } = world({ dpop: { replayStore: { reserve } } })
    expect((await send(logoutToken())).status).toBe(200)
    const digest = expect.stringMatching(/^[\w-]{43}$/)
    expect(reserve).toHaveBeenLastCalledWith(digest, 180_000, digest)
    expect((await send(logoutToken({ jti: 'x', exp: clock.now() / 1000 + 1_000_000 }))).status).toBe(200)
    expect(reserve).toHaveBeenLastCalledWith(expect.any(String), 86_400_000, expect.any(String))
  })

  it('[REAL-17] reserves for the subject, whatever the session, so that one user cannot use the store up', async () => {
    const reserve = vi.fn((..._reservation: unknown[]) => true)
    const { send, logoutToken } = world({ dpop: { replayStore: { reserve } } })
    for (const [sub, sid] of [
      ['ada', 'one'],
      ['ada', 'two'],
      ['bob', 'one'],
    ]) {
      expect((await send(logoutToken({ jti: `${sub} ${sid}`, sub, sid }))).status).toBe(200)
    }
    const [one, two, three] = reserve.mock.calls.map(([, , owner]) => owner)
    expect(two).toBe(one)
    expect(three).not.toBe(one)
  })

  const unavailable = {
    status: 503,
    headers: { 'Cache-Control': 'no-store', 'Retry-After': '5', 'Content-Type': 'application/json' },
    body: '{"error":"temporarily_unavailable"}',
  }

  it.each([
    [
      'throws',
      () => {
        throw new Error('down')
      },
    ],
    ['rejects', () => Promise.reject('down')],
    ['answers something else', () => 'yes' as never],
  ])('[LOGO-03] [C-17] answers 503 when the replay store %s, so that the issuer sends again', async (_, reserve) => {
    const { send, logoutToken, events } = world({ dpop: { replayStore: { reserve } } })
    expect(await send(logoutToken())).toEqual(unavailable)
    expect(events).toContainEqual(expect.objectContaining({ type: 'store.failed', store: 'replay', failedOpen: false }))
    expect(events).toContainEqual(expect.objectContaining({ type: 'logout.refused', code: 'ERR_STORE_UNAVAILABLE' }))
  })

  it('[C-17] answers 503 when the replay store never answers', async () => {
    const { send, logoutToken } = world({ dpop: { replayStore: { reserve: () => new Promise(() => {}) } } })
    const token = logoutToken()
    vi.useFakeTimers()
    const late = send(token)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(await late).toEqual(unavailable)
  })

  it('[C-17] answers 503 when the revocation cannot be stored, and takes the same token again', async () => {
    let down = true
    const revocationStore = {
      revoke: () => (down ? Promise.reject(new Error('down')) : Promise.resolve()),
      revokedAt: (keys: readonly string[]) => keys.map(() => undefined),
    }
    const { send, logoutToken } = world({ revocationStore })
    expect(await send(logoutToken())).toEqual(unavailable)
    down = false
    expect((await send(logoutToken())).status).toBe(200)
  })

  it('[C-17] answers 503 when the keys of the issuer cannot be had', async () => {
    const { issuer, send, logoutToken } = world()
    issuer.override('jwks', { kind: 'down' })
    expect(await send(logoutToken())).toEqual({
      ...unavailable,
      headers: { ...unavailable.headers, 'Retry-After': expect.any(String) },
    })
  })

  it('[E-14] rejects with a bug, as a fault of the application with its cause', async () => {
    const { server } = world()
    const facts = requestFacts({ method: 'POST' })
    const broken = {
      ...facts,
      formBody: () => {
        throw new Error('secret')
      },
    }
    const fault = await rejection(server.backchannelLogout(broken))
    expect(fault).toMatchObject({ status: 500, code: 'ERR_INTERNAL', cause: { message: 'secret' } })
    expect(JSON.stringify(fault)).not.toContain('secret')
  })

  it('[REAL-26] calls a form that nothing parsed a fault of the application, and tells so', async () => {
    const { server, events } = world()
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const fault = await rejection(server.backchannelLogout(requestFacts({ method: 'POST', headers })))
    expect(fault).toMatchObject({ status: 500, message: expect.stringContaining('mount a body parser') })
    expect(events).toMatchObject([
      { type: 'logout.refused', code: 'ERR_CONFIGURATION' },
      { type: 'application.failed', errorName: 'ERR_CONFIGURATION' },
    ])
    const noForm = await server.backchannelLogout(requestFacts({ method: 'POST' }))
    expect(noForm.status).toBe(400)
  })

  it('[JWT-07] is no door for logout tokens as access tokens', async () => {
    const { issuer, clock } = world()
    const server = createResourceServer({
      resource,
      issuer: { issuer: issuer.issuer, tokenTypes: ['at+jwt', 'JWT'], optionalClaims: ['client_id'] },
      fetch: issuer.fetch,
      clock: clock.now,
    })
    for (const typ of ['logout+jwt', 'JWT']) {
      const token = issuer.mintToken({ events: { [logoutEvent]: {} } }, { header: { typ } })
      const facts = requestFacts({ headers: { authorization: `Bearer ${token}` } })
      expect(outcomeOfResult(await server.authenticate(facts))).toBe('401 ERR_TOKEN_TYPE')
    }
  })
})

describe('createBackchannelLogout', () => {
  const token = { issuer: 'https://a.test', jti: 'j', sub: 'ada', sid: undefined, issuedAt: 1, validUntilMs: 61_000 }

  function endpoint(reserve: ReplayStore['reserve']) {
    const events: PortcullisEvent[] = []
    const revoke = vi.fn(async () => {})
    const answer = createBackchannelLogout({
      ...{ revocations: { revoke }, replayStore: { reserve }, clock: () => 1000 },
      onEvent: (event) => void events.push(event),
    })
    return { events, revoke, send: (changes = {}) => answer(async () => ({ ...token, ...changes }) as LogoutToken) }
  }

  it('[LOGO-03] revokes, uses the token up for its time, and tells what ended', async () => {
    const reserve = vi.fn<ReplayStore['reserve']>(() => true)
    const { events, revoke, send } = endpoint(reserve)
    expect(await send()).toEqual({ status: 200, headers: { 'Cache-Control': 'no-store' }, body: '' })
    await send({ sid: 's', validUntilMs: Number.MAX_SAFE_INTEGER })
    expect(revoke.mock.calls).toEqual([
      [{ issuer: 'https://a.test', sub: 'ada', sid: undefined, atSeconds: 1 }],
      [{ issuer: 'https://a.test', sub: 'ada', sid: 's', atSeconds: 1 }],
    ])
    const [first, second] = reserve.mock.calls
    expect([first?.[1], second?.[1]]).toEqual([60_000, 86_400_000])
    expect([first?.[0], first?.[2]]).toEqual([second?.[0], second?.[2]])
    expect(first?.[0]).not.toBe(first?.[2])
    expect(events).toEqual([
      { type: 'logout.accepted', issuer: 'https://a.test', kind: 'subject' },
      { type: 'logout.accepted', issuer: 'https://a.test', kind: 'session' },
    ])
  })

  it('[LOGO-02] refuses a token that was used before', async () => {
    const { events, send } = endpoint(() => false)
    expect(await send()).toEqual(badToken)
    const detail = 'jti was used before'
    expect(events).toEqual([{ type: 'logout.refused', code: 'ERR_TOKEN_CLAIM_INVALID', status: 401, detail }])
  })

  it.each<[string, ReplayStore['reserve'], string]>([
    ['rejects', () => Promise.reject(new RangeError('down')), 'RangeError'],
    ['answers neither true nor false', () => 1 as never, 'TypeError'],
  ])('[C-17] is 503 where the replay store %s', async (_what, reserve, reason) => {
    const { events, send } = endpoint(reserve)
    expect(await send()).toMatchObject({
      status: 503,
      headers: { 'Cache-Control': 'no-store', 'Retry-After': '5', 'Content-Type': 'application/json' },
    })
    expect(events).toEqual([
      { type: 'store.failed', store: 'replay', reason, failedOpen: false },
      { type: 'logout.refused', code: 'ERR_STORE_UNAVAILABLE', status: 503, detail: 'replay store' },
    ])
  })
})
