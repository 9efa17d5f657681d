import { createHash } from 'node:crypto'
import {
  AccessDeniedError,
  createResourceServer,
  InternalError,
  InvalidTokenError,
  MissingTokenError,
  type PortcullisEvent,
  type Refused,
  type Requirement,
  ResourceAccessError,
  type ResourceServerOptions,
  UnavailableError,
} from 'portcullis'
import { clientSecretBasic } from 'portcullis/client'
import { createDpopClient, createFrozenClock, createTestIssuer, requestFacts } from 'portcullis/testing'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { introspectingServer } from '../../support/introspecting-server.js'

const clock = createFrozenClock()
const issuer = createTestIssuer({ clock: clock.now })
afterAll(() => issuer.close())

function setUp(options: Partial<ResourceServerOptions> = {}) {
  const events: PortcullisEvent[] = []
  let ticks = 0
  const server = createResourceServer({
    resource: 'https://api.example.com',
    issuer: issuer.issuer,
    fetch: issuer.fetch,
    clock: clock.now,
    monotonicClock: () => 1000 + 5 * ticks++,
    onEvent: (event) => events.push(event),
    ...options,
  } as ResourceServerOptions)
  const request = (claims: Record<string, unknown>, request?: object) => ({
    ...requestFacts({ headers: { authorization: `Bearer ${issuer.mintToken(claims)}` } }),
    ...(request && { request }),
  })
  const about = () => events.filter(({ type }) => type.startsWith('auth.'))
  return { server, about, request }
}

describe('events', () => {
  it('[REAL-44] tell of guards, checks, tokens and anonymous callers, with a duration that never runs backwards', async () => {
    const { server, about, request } = setUp()
    const result = await server.authenticate(request({}))
    if (!result.ok) throw result.error
    server.check(result.auth, {})
    await server.checkAsync(result.auth, {})
    await server.verify(issuer.mintToken())
    await server.optionalGuard()(requestFacts({}))
    const { correlationId } = result.auth
    expect(about()).toMatchObject([
      { type: 'auth.accepted', phase: 'request', durationMs: 5, correlationId },
      { type: 'auth.accepted', phase: 'check', durationMs: 5, correlationId },
      { type: 'auth.accepted', phase: 'check', durationMs: 5, correlationId },
      { type: 'auth.accepted', phase: 'token', durationMs: 5 },
      { type: 'auth.anonymous', phase: 'request', durationMs: 5, resource: 'https://api.example.com' },
    ])
    const { about: backwards, server: other, request: its } = setUp({ monotonicClock: () => -Math.random() })
    await other.authenticate(its({}))
    expect(backwards()).toMatchObject([{ durationMs: expect.any(Number) }])
  })

  it('[S4-27] [S4-49] carry the correlation id of the error, one for all guards of a request', async () => {
    const { server, about, request } = setUp()
    const incoming = {}
    const admitted = await server.authenticate(request({}, incoming))
    const refused = await server.authenticate(request({ aud: 'https://other.test' }, incoming))
    if (!admitted.ok || refused.ok) throw new Error('unexpected')
    const { correlationId } = refused.error
    expect(correlationId).toBe(admitted.auth.correlationId)
    expect(JSON.parse(JSON.stringify(refused.error))).toMatchObject({ correlationId })
    expect(about()).toMatchObject([{ correlationId }, { correlationId }])
    expect(admitted.auth.withAccess(admitted.auth.access).correlationId).toBe(correlationId)
  })

  it('[REAL-44] tell of a request once, however many guards let it through, and of every refusal', async () => {
    const { server, about, request } = setUp()
    const incoming = {}
    for (let guard = 0; guard < 3; guard++) await server.authenticate(request({}, incoming))
    await server.authenticate(request({ aud: 'https://other.test' }, incoming))
    await server.authenticate(request({}, {}))
    await server.authenticate(request({}))
    const admitted = await server.authenticate(request({}))
    if (!admitted.ok) throw admitted.error
    expect(about().map(({ type }) => type)).toEqual([
      'auth.accepted',
      'auth.refused',
      'auth.accepted',
      'auth.accepted',
      'auth.accepted',
    ])
  })

  it('[REAL-44] tell of every check, also of a request that was told of', async () => {
    const { server, about, request } = setUp()
    const admitted = await server.authenticate(request({}, {}))
    if (!admitted.ok) throw admitted.error
    server.check(admitted.auth, {})
    server.check(admitted.auth, {})
    expect(about().map((event) => 'phase' in event && event.phase)).toEqual(['request', 'check', 'check'])
  })

  it('[REAL-44] tell of what came up behind the guard, without a duration, and of an error for each request', async () => {
    const { server, about, request } = setUp()
    const callers = [await server.authenticate(request({})), await server.authenticate(request({}))]
    const [one, other] = callers.map((result) => (result.ok ? result.auth : undefined))
    about().length = 0
    const { error } = server.refuse(new InvalidTokenError('ERR_TOKEN_REVOKED'), one)
    expect(server.refuse(error, one).error).toBe(error)
    const again = server.refuse(error, other).error
    expect([error.correlationId, again.correlationId]).toEqual([one?.correlationId, other?.correlationId])
    expect(about().slice(2)).toMatchObject([
      { type: 'auth.refused', durationMs: 0, correlationId: one?.correlationId },
      { type: 'auth.refused', durationMs: 0, correlationId: other?.correlationId },
    ])
  })

  it('[REAL-44] say whose fault a refusal is, and what is normal traffic', async () => {
    const { server, about, request } = setUp({ isRevoked: () => Promise.reject(new Error('down')) })
    await server.authenticate(requestFacts({}))
    await server.authenticate(request({ exp: 1 }))
    await server.authenticate(request({}))
    const open = setUp()
    await open.server.authenticate(open.request({}), { roles: 'admin' })
    await open.server.authenticate(open.request({}), {
      claims: () => 1 as never,
      allow: () => Promise.reject(new Error()),
    })
    const faults = [...about(), ...open.about()].map(
      (event) => event.type === 'auth.refused' && [event.fault, event.handshake],
    )
    expect(faults).toEqual([
      ['caller', true],
      ['caller', false],
      ['dependency', false],
      ['policy', false],
      ['policy', false],
    ])
    const broken = setUp()
    await broken.server.authenticate(broken.request({}), { allow: () => Promise.reject(new Error('mine')) })
    broken.server.refuse(new ResourceAccessError('https://files.example', 'ERR_GRANT_REFUSED'))
    expect(broken.about()).toMatchObject([
      { fault: 'application', status: 500 },
      { fault: 'dependency', status: 502, handshake: false },
    ])
    const asking = setUp({ dpop: { nonce: { secrets: ['n'.repeat(32)] } } })
    const client = createDpopClient({ clock: clock.now })
    const accessToken = issuer.mintToken({ cnf: { jkt: client.jkt } })
    const headers = client.headers({ url: 'https://api.example.com/', accessToken })
    await asking.server.authenticate(requestFacts({ headers }))
    expect(asking.about()).toMatchObject([{ code: 'ERR_PROOF_NONCE', handshake: true }])
  })

  it('[REAL-44] say how a token was known to be good, and whether it was told of before', async () => {
    const { server, about, request } = setUp()
    const facts = request({})
    await server.authenticate(facts)
    const again = await server.authenticate(facts)
    if (!again.ok) throw again.error
    server.check(again.auth, {})
    const introspecting = introspectingServer()
    const opaque = introspecting.issuer.mintOpaqueToken()
    await introspecting.call(opaque)
    await introspecting.call(opaque)
    const sourcesOf = (events: readonly PortcullisEvent[]) =>
      events.flatMap((event) => (event.type === 'auth.accepted' ? [event.source] : []))
    expect(sourcesOf(about())).toEqual(['verified', 'cache', 'cache'])
    expect(sourcesOf(introspecting.events)).toEqual(['introspected', 'cache'])
    expect(introspecting.events.filter(({ type }) => type === 'introspection.answered')).toEqual([
      {
        type: 'introspection.answered',
        issuer: introspecting.issuer.issuer,
        active: true,
        durationMs: expect.any(Number),
      },
    ])
  })

  it('[REAL-44] name the issuer of a refused token only where it is trusted here, and what the challenge says', async () => {
    const { server, about, request } = setUp({ isRevoked: () => Promise.reject(new Error('down')) })
    await server.authenticate(request({ exp: 1 }))
    await server.authenticate(request({ iss: 'https://hunter2.test' }))
    await server.authenticate(requestFacts({ headers: { authorization: 'Bearer a.b.c' } }))
    await server.authenticate(requestFacts({}))
    await server.authenticate(request({}))
    const tenants = {
      has: (iss: string) => {
        if (iss === 'https://broken.test') throw new Error('mine')
        return typeof iss !== 'string' || iss === issuer.issuer
      },
    }
    const tenanted = setUp({ issuer: () => ({}), tenants })
    await tenanted.server.authenticate(tenanted.request({ exp: 1 }))
    await tenanted.server.authenticate(tenanted.request({ iss: 'https://broken.test' }))
    await tenanted.server.authenticate(tenanted.request({ iss: 5 }))
    const told = [...about(), ...tenanted.about()].map(
      (event) =>
        event.type === 'auth.refused' && [event.issuer, event.scheme, event.oauthError, event.retryAfterSeconds],
    )
    expect(told).toEqual([
      [issuer.issuer, 'Bearer', 'invalid_token', undefined],
      [undefined, 'Bearer', 'invalid_token', undefined],
      [undefined, 'Bearer', 'invalid_token', undefined],
      [undefined, undefined, undefined, undefined],
      [issuer.issuer, 'Bearer', undefined, 5],
      [issuer.issuer, 'Bearer', 'invalid_token', undefined],
      [undefined, 'Bearer', undefined, undefined],
      [undefined, 'Bearer', 'invalid_token', undefined],
    ])
    expect(JSON.stringify(about())).not.toContain('hunter2')
  })

  it('[REAL-44] say the method, the pattern of the route and the id of the request where the framework does', async () => {
    const { server, about, request } = setUp()
    const facts = request({})
    await server.authenticate({ ...facts, route: () => '/users/:id', requestId: () => `req-1\u202e${'x'.repeat(300)}` })
    await server.authenticate(facts)
    const silent = () => {
      throw new Error('no route')
    }
    await server.authenticate({ ...facts, route: silent })
    await server.authenticate({ ...facts, route: () => '\u202e\n', requestId: () => 5 as never })
    const requestId = expect.stringMatching(/^req-1\\u\{202e\}x{122}$/)
    expect(about()).toMatchObject([
      { method: 'GET', route: '/users/:id', requestId },
      { method: 'GET', route: undefined },
      {},
      { route: '\\u{202e}\\u{a}', requestId: undefined },
    ])
    expect(about()[2]).not.toHaveProperty('method')
  })

  it('[REAL-44] ask nothing of the framework, the clock or the platform while they are not heard', async () => {
    const { request } = setUp()
    const monotonicClock = vi.fn(() => 1)
    const uuid = vi.spyOn(crypto, 'randomUUID')
    const server = createResourceServer({
      resource: 'https://api.example.com',
      issuer: issuer.issuer,
      fetch: issuer.fetch,
      clock: clock.now,
      monotonicClock,
    })
    const [route, requestId] = [vi.fn(), vi.fn()]
    const facts = { ...request({ aud: 'https://api.example.com' }), route, requestId }
    const result = await server.authenticate(facts)
    expect(result.ok).toBe(true)
    if (result.ok) server.check(result.auth, {})
    await server.optionalGuard()(requestFacts({}))
    expect([monotonicClock, uuid, route, requestId].map((spy) => spy.mock.calls.length)).toEqual([0, 0, 0, 0])
    await server.authenticate({ ...facts, ...requestFacts({}) })
    expect([monotonicClock, route, requestId].map((spy) => spy.mock.calls.length)).toEqual([0, 0, 0])
    const events: string[] = []
    const stop = server.observe(({ type }) => events.push(type))
    await server.authenticate(facts)
    stop()
    await server.authenticate(facts)
    uuid.mockRestore()
    expect(events).toEqual(['auth.accepted'])
    expect(route).toHaveBeenCalledTimes(1)
    expect(() => server.observe(5 as never)).toThrow('`observe` takes a function')
  })

  it('[REAL-44] say how the token was bound', async () => {
    const certificate = { clientCertificate: new Uint8Array([1, 2, 3]) }
    const thumbprint = createHash('sha256').update(certificate.clientCertificate).digest('base64url')
    const client = createDpopClient({ clock: clock.now })
    const { server, about } = setUp()
    for (const cnf of [
      undefined,
      { 'x5t#S256': thumbprint },
      { jkt: client.jkt },
      { jkt: client.jkt, 'x5t#S256': thumbprint },
    ]) {
      const accessToken = issuer.mintToken({ ...(cnf && { cnf }) })
      const fields = client.headers({ url: 'https://api.example.com/', accessToken })
      const headers = cnf?.jkt === undefined ? { authorization: `Bearer ${accessToken}` } : fields
      await server.authenticate(requestFacts({ headers, ...certificate }))
    }
    expect(about().map((event) => event.type === 'auth.accepted' && event.binding)).toEqual([
      'none',
      'mtls',
      'dpop',
      'both',
    ])
  })

  it.each([
    [{ aud: 'https://other.test' }, {}, ['https://api.example.com'], 'https://other.test'],
    [{ iss: 'https://other.test' }, {}, ['https://issuer.test'], 'https://other.test'],
    [{ scope: 'read' }, { scope: 'read write' }, ['read', 'write'], ['read']],
    [
      { acr: 'low' },
      { acr: 'high', maxAgeSeconds: 60 },
      ['acr high', 'max_age 60'],
      ['acr low', 'auth_time undefined'],
    ],
    [{ exp: 0 }, {}, 'before 1970-01-01T00:01:00.000Z', expect.stringMatching(/^20.*Z$/)],
    [{ jti: undefined }, {}, 'jti', undefined],
    [{ roles: ['user'] }, { roles: { any: ['admin', { all: ['editor'] }] } }, ['admin', 'editor'], ['user']],
    [{ plan: 'free' }, { claims: { plan: ['gold', 'silver'] } }, ['gold', 'silver'], 'free'],
    [{ cnf: { kid: '1' } }, {}, ['jkt', 'x5t#S256'], ['kid']],
    [{ cnf: 'secret' }, {}, 'an object with members', 'secret'],
    [{ cnf: { jkt: 5 } }, {}, 'a text that is not empty', 5],
    [{ cnf: { 'x5t#S256': 'thumb' } }, { mtls: 'off' }, 'no x5t#S256', 'x5t#S256'],
    [{ cnf: { 'x5t#S256': 'thumb' } }, { mtls: 'required' }, 'thumb', 'no certificate'],
    [{}, { mtls: 'required' }, 'x5t#S256', 'no certificate named'],
    [{}, { dpop: 'required' }, 'jkt', 'Bearer'],
    [{ token_use: 'id' }, {}, 'an access token', ['token_use id']],
    [{ typ: 'Refresh', nonce: 'n' }, {}, 'an access token', ['typ Refresh', 'nonce']],
    [{ cnf: { jkt: 'x' } }, {}, 'DPoP', 'Bearer'],
    [{ authorization_details: [{ type: 'read' }] }, { authorizationDetails: { pay: () => true } }, ['pay'], ['read']],
    [
      { aud: `\u202e${'x'.repeat(300)}` },
      {},
      ['https://api.example.com'],
      expect.stringMatching(/^\\u\{202e\}x{199}…$/),
    ],
    [{ aud: issuer.mintToken() }, {}, ['https://api.example.com'], '(masked)'],
    [
      { aud: Array.from({ length: 20 }, String) },
      {},
      ['https://api.example.com'],
      expect.arrayContaining(['and 4 more']),
    ],
  ] as [Record<string, unknown>, Requirement, unknown, unknown][])(
    '[REAL-40] explain a refusal of %o where asked to',
    async (claims, requirement, expected, received) => {
      const { server, about, request } = setUp({ explainRefusals: true })
      const result = await server.authenticate(request(claims), requirement)
      if (result.ok) throw new Error('unexpected')
      expect(about()).toMatchObject([{ type: 'auth.refused', expected, received }])
      expect(JSON.stringify(result.answer)).not.toContain('other.test')
      const quiet = setUp()
      await quiet.server.authenticate(quiet.request(claims), requirement)
      expect(quiet.about()[0]).not.toHaveProperty('received')
      expect(JSON.stringify(result.error)).not.toContain('received')
    },
  )

  it.each([
    [{ at_hash: 'hidden' }, {}, 'an access token', ['at_hash']],
    [{ token_use: 7 }, {}, 'an access token', ['token_use (number)']],
    [{ sub: 'ada' }, {}, 'an access token', []],
    [{}, { alg: 'none' }, 'an asymmetric algorithm', 'none'],
    [{}, { alg: 'RS512' }, ['ES256'], 'RS512'],
    [{}, { typ: 5 }, 'a string', 5],
    [{}, { typ: 'dpop+jwt' }, ['jwt'], 'dpop+jwt'],
    [{}, { b64: true }, 'no such member', 'crit or b64'],
    [{}, { cat: 'machine' }, 'a header that meets `headerConditions`', 'another header'],
  ])('[REAL-40] explain a JWT of another kind: claims %o, header %o', async (claims, header, expected, received) => {
    const { server, about } = setUp({
      explainRefusals: true,
      issuer: {
        issuer: issuer.issuer,
        tokenTypes: ['JWT'],
        algorithms: ['ES256'],
        headerConditions: { cat: ['user'] },
      },
    })
    const token = issuer.mintToken({ scope: undefined, ...claims }, { header: { typ: 'JWT', cat: 'user', ...header } })
    await server.authenticate(requestFacts({ headers: { authorization: `Bearer ${token}` } }))
    expect(about()).toMatchObject([{ type: 'auth.refused', expected, received }])
    expect(JSON.stringify(about())).not.toContain('hidden')
  })

  it.each([
    [{ active: false }, 'active', false],
    [{ iss: 'https://other.test' }, 'https://issuer.test', 'https://other.test'],
    [{ token_use: 'refresh' }, 'an access token', 'refresh'],
    [{ typ: 'ID' }, 'an access token', 'ID'],
    [{ token_type: 'mac' }, ['Bearer', 'DPoP'], 'mac'],
    [{ token_type: 'DPoP' }, 'Bearer', 'DPoP'],
    [{ token_type: 'Bearer', cnf: { jkt: 'x' } }, 'DPoP', 'Bearer'],
  ])('[REAL-40] explain what introspection said: %o', async (claims, expected, received) => {
    const { server, about } = setUp({
      explainRefusals: true,
      issuer: {
        issuer: issuer.issuer,
        introspection: { credential: clientSecretBasic({ clientId: 'test-client', clientSecret: 'test-secret' }) },
      },
    })
    const token = issuer.mintOpaqueToken(claims)
    issuer.override('introspection', {
      kind: 'answer',
      body: { active: true, aud: 'https://api.example.com', ...claims },
    })
    await server.authenticate(requestFacts({ headers: { authorization: `Bearer ${token}` } }))
    issuer.restore('introspection')
    expect(about()).toMatchObject([{ type: 'auth.refused', expected, received }])
  })

  it.each([
    [{ jti: 'j1' }, 'jti'],
    [{ sub: 'alice' }, 'sub'],
    [{ sid: 's1' }, 'sid'],
  ])('[REAL-40] say by what a token was revoked: %o', async (revocation, received) => {
    const { server, about, request } = setUp({ explainRefusals: true })
    await server.revoke({ issuer: issuer.issuer, ...revocation })
    await server.authenticate(request({ jti: 'j1', sub: 'alice', sid: 's1' }))
    expect(about()).toMatchObject([{ code: 'ERR_TOKEN_REVOKED', received }])
  })

  it('[REAL-40] say that the application called a token revoked', async () => {
    const { server, about, request } = setUp({ explainRefusals: true, isRevoked: () => true })
    await server.authenticate(request({}))
    const expected = 'a token that was not revoked'
    expect(about()).toMatchObject([{ code: 'ERR_TOKEN_REVOKED', expected, received: 'isRevoked' }])
    const failing = setUp({ isRevoked: () => Promise.reject(new Error('mine')) })
    await failing.server.authenticate(failing.request({}))
    expect(failing.about()).toMatchObject([{ code: 'ERR_STORE_UNAVAILABLE', detail: 'isRevoked failed' }])
  })

  it('[REAL-40] say in a sentence what the request and its token show', async () => {
    const { server, about, request } = setUp({ explainRefusals: true })
    const token = issuer.mintToken({}, { header: { kid: 'unknown' } })
    await server.authenticate(requestFacts({ headers: { authorization: `Bearer ${token}` } }))
    await server.authenticate(request({ iss: 'https://other.test', aud: 'x' }))
    await server.authenticate(requestFacts({ headers: { authorization: token } }))
    await server.authenticate(requestFacts())
    const headerValues = () => {
      throw new UnavailableError('ERR_KEYS_UNAVAILABLE')
    }
    expect(await server.authenticate({ ...requestFacts(), headerValues })).toMatchObject({ answer: { status: 503 } })
    server.refuse(new MissingTokenError())
    const sentences = about().map((event) => event.type === 'auth.refused' && event.sentence)
    expect(sentences).toEqual([
      expect.stringContaining(`The issuer "${issuer.issuer}" publishes no key with \`kid\` "unknown"`),
      expect.stringContaining('https://other.test'),
      expect.stringContaining('`Authorization` holds a token without a scheme'),
      expect.stringContaining('The request has no `Authorization` field'),
      expect.stringContaining('The keys of the authorization server cannot be had'),
      expect.stringContaining('The request has no `Authorization` field'),
    ])
  })
})

describe('options', () => {
  it.each([
    [{ tokenCacheEntries: 1.5 }, /`tokenCacheEntries` takes a whole number/],
    [{ resource: { resource: 'https://api.example.com', metadata: { maxAgeSeconds: 0.5 } } }, /takes a whole number/],
    [{ resource: { resource: 'https://api.example.com', metadata: { atRot: true } } }, /Did you mean `atRoot`/],
    [{ dpop: { maxAgeSeconds: 1.5 } }, /`dpop.maxAgeSeconds` takes a whole number from 1 to 300/],
    [{ dpop: { maxAgeSecond: 1 } }, /`dpop` has no option `maxAgeSecond`. Did you mean `maxAgeSeconds`/],
    [{ dpop: { nonce: { secrets: ['x'.repeat(32)], maxAgeSeconds: 10.5 } } }, /takes a whole number from 10 to 3600/],
    [{ mtls: { certificatesFrom: 'nginx' } }, /Did you mean `certificateFrom`/],
    [{ issuer: { issuer: 'https://issuer.test', clockToleranceSeconds: 0.5 } }, /takes a whole number from 0 to 300/],
    [{ revocationTtlSeconds: 60.5 }, /takes a whole number from 60/],
    [{ explainRefusal: true }, /Did you mean `explainRefusals`/],
    [{ monotonicClock: 5 }, /`monotonicClock` takes a function/],
  ])('[REAL-19] refuse %o', (options, message) => {
    expect(() => setUp(options as never)).toThrow(message)
  })
})

describe('what a server of two resources tells', () => {
  const issuer = createTestIssuer({ audience: 'https://api.example.com/b' })
  const events: PortcullisEvent[] = []
  const server = createResourceServer({
    resource: ['https://api.example.com/a', 'https://api.example.com/b'],
    issuer: issuer.issuer,
    fetch: issuer.fetch,
    authorizationServerMetadata: 'pass-through',
    onEvent: (event) => events.push(event),
  })

  describe('refuse', () => {
    it('answers for the resource the request was let through for', async () => {
      const auth = await server.verify(issuer.mintToken(), { resource: 'https://api.example.com/b' })
      const { answer, error } = server.refuse(new InvalidTokenError('ERR_TOKEN_REVOKED'), auth)
      expect(error.code).toBe('ERR_TOKEN_REVOKED')
      expect(String(answer.headers['WWW-Authenticate'])).toContain('oauth-protected-resource/b"')
    })

    it('answers a caller of another server as one it knows nothing of', async () => {
      const other = createResourceServer({
        ...{ resource: 'https://other.example', issuer: issuer.issuer, fetch: issuer.fetch },
      })
      const auth = await other.verify(issuer.mintToken({ aud: 'https://other.example' }))
      for (const caller of [auth, { resource: 'https://api.example.com/b' } as never]) {
        const { answer } = server.refuse(new InvalidTokenError('ERR_TOKEN_REVOKED'), caller)
        expect(String(answer.headers['WWW-Authenticate'])).toContain('oauth-protected-resource/a"')
      }
    })

    it('[E-14] answers anything that is no refusal by 500 with an empty body', () => {
      for (const thrown of [new Error('secret'), 'secret', undefined, null, { status: 401 }]) {
        expect(server.refuse(thrown).answer).toMatchObject({ status: 500, body: '' })
      }
      expect(server.refuse(new UnavailableError('ERR_GRANT_UNAVAILABLE')).answer.status).toBe(503)
    })

    it('reports a refusal once, however often it is answered', () => {
      const before = events.length
      const { error } = server.refuse(new InvalidTokenError('ERR_TOKEN_REVOKED'))
      server.refuse(error)
      expect(events.length - before).toBe(1)
    })
  })

  describe('events', () => {
    it('report every refusal of a token that the issuer called inactive, remembered or not', async () => {
      const { call, events: seen } = introspectingServer()
      for (let times = 1; times <= 3; times++) {
        await call('inactive')
        expect(seen.filter(({ type }) => type === 'auth.refused')).toHaveLength(times)
      }
    })
  })

  describe('the metadata of the authorization server', () => {
    it('is passed through from the issuer', async () => {
      const answer = await server.metadata(requestFacts({ url: '/.well-known/oauth-authorization-server' }))
      expect(answer?.status).toBe(200)
      expect(JSON.parse(answer?.body ?? '')).toMatchObject({ issuer: issuer.issuer })
    })

    it('cannot be passed through where a function gives the issuers', () => {
      const options = { resource: 'https://api.example.com', issuer: () => ({}), tenants: [issuer.issuer] }
      expect(() => createResourceServer({ ...options, authorizationServerMetadata: 'pass-through' })).toThrow(
        /`pass-through` needs an issuer that is listed/,
      )
    })
  })
})

describe('faults of the application', () => {
  const issuer = createTestIssuer()
  afterAll(() => issuer.close())

  const secret = 'password=hunter2 at db.internal'

  class DriverError extends Error {
    override readonly name = 'DriverError'
  }

  function setUp(options: Partial<ResourceServerOptions> = {}) {
    const events: PortcullisEvent[] = []
    const server = createResourceServer({
      resource: 'https://api.example.com',
      issuer: issuer.issuer,
      fetch: issuer.fetch,
      onEvent: (event) => events.push(event),
      ...options,
    } as ResourceServerOptions)
    const request = () => requestFacts({ headers: { authorization: `Bearer ${issuer.mintToken()}` } })
    return { server, events, call: (requirement?: Requirement) => server.authenticate(request(), requirement) }
  }

  function fail(): never {
    throw new DriverError(secret)
  }

  describe('a fault of the application', () => {
    it.each([
      ['allow', {}, { allow: fail }],
      ['allow', {}, { allow: async () => fail() }],
      ['claims', {}, { claims: fail }],
      ['claims', {}, { claims: { sub: fail } }],
      ['claims', { claims: { '~standard': { version: 1, vendor: 'test', validate: fail } } }, {}],
      ['tenants', { issuer: () => ({}), tenants: { has: fail } }, {}],
    ] as const)('[REAL-26] in `%s` is told, with its cause and an event', async (callback, options, requirement) => {
      const { call, events } = setUp(options as never)
      const refused = (await call(requirement as never)) as Refused
      expect(refused).toMatchObject({ ok: false, fault: true, answer: { status: 500, body: '' } })
      expect(refused.error).toBeInstanceOf(InternalError)
      expect(refused.error.cause).toBeInstanceOf(DriverError)
      const { correlationId } = refused.error
      expect(correlationId).toMatch(/^[0-9a-f-]{36}$/)
      expect(events).toContainEqual({ type: 'application.failed', callback, errorName: 'DriverError', correlationId })
      expect(JSON.stringify([events, refused.error])).not.toContain('hunter2')
    })

    it.each([
      ['isRevoked', { isRevoked: fail }],
      ['issuer', { issuer: fail, tenants: [issuer.issuer] }],
    ] as const)('[REAL-26] in `%s`, which may be an outage, is 503 and told', async (callback, options) => {
      const { call, events } = setUp(options as never)
      expect(await call()).toMatchObject({
        fault: false,
        answer: { status: 503 },
        error: { cause: new DriverError(secret) },
      })
      expect(events).toContainEqual(expect.objectContaining({ type: 'application.failed', callback }))
    })

    it('[REAL-26] is told apart from a refusal', async () => {
      const { call, events, server } = setUp()
      expect(await call({ scope: 'write' })).toMatchObject({ fault: false, error: { status: 403 } })
      const denied = () => {
        throw new AccessDeniedError()
      }
      expect(await call({ allow: denied })).toMatchObject({ fault: false, error: { status: 403 } })
      expect(events.filter(({ type }) => type === 'application.failed')).toEqual([])
      const { error } = server.refuse(new Error('a bug'))
      expect(server.refuse(error)).toMatchObject({ fault: true, error: { cause: new Error('a bug') } })
      const { correlationId } = error
      const told = { type: 'application.failed', callback: undefined, errorName: 'Error', correlationId }
      expect(events.filter(({ type }) => type === 'application.failed')).toEqual([told])
    })

    it('[REAL-26] is what cannot even be looked at', () => {
      const trap = new Error('trap')
      const unreadable = new Proxy(new InvalidTokenError('ERR_TOKEN_REVOKED'), {
        ownKeys() {
          throw trap
        },
      })
      const { error, fault } = setUp().server.refuse(unreadable)
      expect([error.cause, fault]).toEqual([trap, true])
    })
  })
})
