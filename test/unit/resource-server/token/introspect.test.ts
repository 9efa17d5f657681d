import { ConfigurationError, createResourceServer, type Fetch, type PortcullisEvent } from 'portcullis'
import { clientSecretPost } from 'portcullis/client'
import { createDpopClient, requestFacts } from 'portcullis/testing'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { insightOf } from '../../../../src/resource-server/insight.js'
import { introspectingServer, outcomeOfResult, resource } from '../../../support/introspecting-server.js'

const unavailable = '503 ERR_INTROSPECTION_UNAVAILABLE'
const inactive = '401 ERR_TOKEN_INACTIVE'

function reasons(events: readonly PortcullisEvent[]): string[] {
  return events.flatMap((event) => (event.type === 'introspection.failed' ? [event.reason] : []))
}

describe('the introspection request', () => {
  it('[INTR-01] is a POST form with token and hint, authenticated, that asks for JSON', async () => {
    const { issuer, outcome } = introspectingServer()
    const token = issuer.mintOpaqueToken()
    expect(await outcome(token)).toBe('accepted')
    const [request] = issuer.requests('introspection')
    expect(request?.method).toBe('POST')
    expect(request?.url).toBe('https://issuer.test/introspect')
    expect(request?.headers).toMatchObject({
      accept: 'application/json',
      'content-type': 'application/x-www-form-urlencoded',
      authorization: `Basic ${btoa('test-client:test-secret')}`,
    })
    expect(Object.fromEntries(new URLSearchParams(request?.body))).toEqual({ token, token_type_hint: 'access_token' })
  })

  it('[INTR-01] carries a credential in the form too, which cannot replace the token', async () => {
    const secret = clientSecretPost({ clientId: 'test-client', clientSecret: 'test-secret' })
    const { issuer, outcome } = introspectingServer({
      introspection: {
        credential: {
          authenticate: async () => ({
            form: { ...(await secret.authenticate({ issuer: '', endpoint: '' })).form, token: 'another' },
          }),
        },
      },
    })
    const token = issuer.mintOpaqueToken()
    expect(await outcome(token)).toBe('accepted')
    expect(new URLSearchParams(issuer.requests('introspection')[0]?.body).getAll('token')).toEqual([token])
  })

  it('[INTR-01] escapes a token that would otherwise end its parameter', async () => {
    const { issuer, outcome } = introspectingServer()
    expect(await outcome('a+b/c~d=')).toBe(inactive)
    expect(new URLSearchParams(issuer.requests('introspection')[0]?.body).get('token')).toBe('a+b/c~d=')
  })

  it('[INTR-01] tells the credential issuer and endpoint, and asks it anew for every request', async () => {
    const targets: unknown[] = []
    const { issuer, outcomeOf } = introspectingServer({
      introspection: {
        credential: {
          authenticate(target) {
            targets.push(target)
            return { headers: { authorization: `Basic ${btoa('test-client:test-secret')}` } }
          },
        },
      },
    })
    expect(await outcomeOf({})).toBe('accepted')
    expect(await outcomeOf({})).toBe('accepted')
    const target = { issuer: issuer.issuer, endpoint: 'https://issuer.test/introspect' }
    expect(targets).toEqual([target, target])
  })

  it('[INTR-01] goes to the configured endpoint without discovery', async () => {
    const { issuer, outcomeOf } = introspectingServer({
      introspection: { endpoint: 'https://issuer.test/introspect' },
    })
    expect(await outcomeOf({})).toBe('accepted')
    expect(issuer.requestCount()).toBe(1)
  })

  it('[INTR-01] [REAL-04] refuses an endpoint over http, configured or discovered', async () => {
    const endpoint = 'http://issuer.test/introspect'
    expect(() => introspectingServer({ introspection: { endpoint } })).toThrow(ConfigurationError)
    const discovered = introspectingServer({ authorizationServer: { metadata: { introspection_endpoint: endpoint } } })
    expect(await discovered.outcomeOf({})).toBe('503 ERR_INTROSPECTION_UNAVAILABLE')
    expect(discovered.issuer.requestCount('introspection')).toBe(0)
  })

  it('[REAL-04] asks an endpoint of a private network where the application named its host, and no other', async () => {
    const asked: string[] = []
    const fetch: Fetch = async (url) => {
      asked.push(url)
      return Response.json({ active: false })
    }
    const named = introspectingServer({
      introspection: { endpoint: 'https://10.1.2.3/introspect' },
      server: { fetch },
    })
    expect(await named.outcome('opaque')).toBe(inactive)
    expect(asked).toEqual(['https://10.1.2.3/introspect'])

    const own = introspectingServer({ authorizationServer: { issuer: 'https://10.1.2.3' } })
    expect(await own.outcomeOf({})).toBe('accepted')

    const metadata = { introspection_endpoint: 'https://10.1.2.3/introspect' }
    const discovered = introspectingServer({ authorizationServer: { metadata } })
    expect(await discovered.outcomeOf({})).toBe(unavailable)
    expect(reasons(discovered.events)).toEqual(['private_address'])
    expect(discovered.issuer.requestCount('introspection')).toBe(0)
  })

  it('[C-30] sends no token anywhere but to the endpoint, and names none in events and errors', async () => {
    const { issuer, call, events } = introspectingServer()
    const token = issuer.mintOpaqueToken({ active: false })
    const refused = await call(token)
    issuer.override('introspection', { kind: 'html' })
    const failed = await call(`${token}x`)
    expect(JSON.stringify([refused, failed, events])).not.toContain(token)
    for (const { url, headers } of issuer.requests()) expect(JSON.stringify([url, headers])).not.toContain(token)
  })
})

describe('the events of introspection', () => {
  const told = async (
    mint: (world: ReturnType<typeof introspectingServer>) => string,
    world = introspectingServer(),
  ) => {
    await world.call(mint(world))
    return world.events.filter(({ type }) => type.startsWith('introspection.'))
  }

  it('[REAL-44] tell an answer, whether the token is active, and how long it took', async () => {
    const { issuer } = introspectingServer().issuer
    const durationMs = expect.toSatisfy((ms: number) => ms >= 0 && ms < 60_000)
    const answered = (active: boolean) => [{ type: 'introspection.answered', issuer, active, durationMs }]
    expect(await told((world) => world.issuer.mintOpaqueToken())).toEqual(answered(true))
    expect(await told((world) => world.issuer.mintOpaqueToken({ active: false }))).toEqual(answered(false))
    expect(await told((world) => world.issuer.mintOpaqueToken({ iss: 'https://x.test' }))).toEqual(answered(true))
  })

  it('[REAL-44] tell the time that passed, and never less than none', async () => {
    let nowMs = 5000
    const steps = [250, -1000]
    const watch = vi.spyOn(performance, 'now').mockImplementation(() => nowMs)
    onTestFinished(() => watch.mockRestore())
    const authenticate = () => {
      nowMs += steps.shift() ?? 0
      return { headers: { authorization: `Basic ${btoa('test-client:test-secret')}` } }
    }
    const world = introspectingServer({ introspection: { credential: { authenticate } } })
    await told((of) => of.issuer.mintOpaqueToken(), world)
    const events = await told((of) => of.issuer.mintOpaqueToken(), world)
    expect(events).toMatchObject([{ durationMs: 250 }, { durationMs: 0 }])
  })

  it('[REAL-44] are told to a listener that traces, within its own work', async () => {
    const works: unknown[] = []
    const onEvent = Object.assign(() => undefined, {
      trace: <T>(work: unknown, run: () => Promise<T>) => {
        works.push(work)
        return run()
      },
    })
    const { issuer, call } = introspectingServer({ server: { onEvent } })
    await call(issuer.mintOpaqueToken())
    expect(works).toContainEqual({ operation: 'introspection', issuer: issuer.issuer })
  })

  it('[REAL-44] stand beside how many answers are remembered, good ones and bad ones', async () => {
    const { issuer, call, server } = introspectingServer()
    for (const active of [true, false, false]) await call(issuer.mintOpaqueToken({ active }))
    expect(insightOf(server)?.issuers.known()[0]?.introspector?.remembered()).toEqual({ accepted: 1, refused: 2 })
  })

  it('[REAL-44] tell no failure of the endpoint where discovery is what failed', async () => {
    const world = introspectingServer()
    world.issuer.override(['oauthMetadata', 'openidConfiguration'], { kind: 'down' })
    expect(await told(() => world.issuer.mintOpaqueToken(), world)).toEqual([])
    expect(reasons(world.events)).toEqual([])
  })
})

describe('the introspection answer', () => {
  it('[INTR-02] [INTR-06] makes active: false an invalid token', async () => {
    const { call, issuer } = introspectingServer()
    const result = await call(issuer.mintOpaqueToken({ active: false }))
    expect(result.ok || result.answer.headers['WWW-Authenticate']).toEqual([
      expect.stringContaining('error="invalid_token"'),
      expect.stringMatching(/^DPoP (?!.*error)/),
    ])
    expect(outcomeOfResult(result)).toBe(inactive)
  })

  it.each(['true', 'false', 1, 0, null, {}, [true], undefined])(
    '[INTR-02] takes active: %j for a broken answer, not for a verdict',
    async (active) => {
      const { outcomeOf, events } = introspectingServer()
      expect(await outcomeOf({ active })).toBe(unavailable)
      expect(reasons(events)).toEqual(['active_missing'])
    },
  )

  it.each([
    ['an array', '[]'],
    ['a string', '"active"'],
    ['nothing', ''],
    ['half of it', '{"active":true'],
  ])('[INTR-02] calls %s a broken answer', async (_, body) => {
    const { outcomeOf, issuer, events } = introspectingServer()
    issuer.override('introspection', { kind: 'answer', body })
    expect(await outcomeOf({})).toBe(unavailable)
    expect(reasons(events)).toEqual(['malformed'])
  })

  it('[INTR-02] does not find active in a prototype', async () => {
    const { outcomeOf, issuer } = introspectingServer()
    issuer.override('introspection', { kind: 'answer', body: '{"__proto__":{"active":true}}' })
    expect(await outcomeOf({})).toBe(unavailable)
  })

  it.each([
    ['down', { kind: 'down' }, 'network'],
    ['a redirect', { kind: 'redirect' }, 'redirect'],
    ['a page', { kind: 'html' }, 'media_type'],
    ['too large', { kind: 'oversized', bytes: 300 * 1024 }, 'too_large'],
    ['busy', { kind: 'status', status: 503 }, 'status'],
    ['forbidding', { kind: 'status', status: 403 }, 'status'],
    ['malformed to its mind', { kind: 'status', status: 400 }, 'status'],
    ['created', { kind: 'answer', status: 201 }, 'status'],
  ] as const)('[C-17] [E-13] answers 503 without a challenge when the endpoint is %s', async (_, behaviour, reason) => {
    const { call, issuer, events } = introspectingServer()
    issuer.override('introspection', behaviour)
    const result = await call(issuer.mintOpaqueToken())
    expect(outcomeOfResult(result)).toBe(unavailable)
    expect(result.ok || result.answer.headers).not.toHaveProperty('WWW-Authenticate')
    expect(result.ok || result.answer.headers['Retry-After']).toBe('5')
    const durationMs = expect.any(Number)
    expect(events).toContainEqual({ type: 'introspection.failed', issuer: issuer.issuer, reason, durationMs })
    const { cause, expected, received } = result.ok ? ({} as Record<string, unknown>) : result.error
    if (reason === 'status') expect([expected, typeof received]).toEqual([200, 'number'])
    else if (reason !== 'media_type') expect(cause).toMatchObject({ reason })
  })

  it.each(['head', 'body'] as const)('[C-17] gives up on an endpoint that hangs in the %s', async (during) => {
    const { outcomeOf, issuer, events } = introspectingServer({ introspection: { timeoutMs: 30 } })
    issuer.override('introspection', { kind: 'hang', during })
    expect(await outcomeOf({})).toBe(unavailable)
    expect(reasons(events)).toEqual(['timeout'])
  })

  it('[INTR-06] takes 401 for our own credentials being wrong: 503 and an alarm', async () => {
    const { outcomeOf, events, issuer } = introspectingServer({ authorizationServer: { clients: { other: 'x' } } })
    expect(await outcomeOf({})).toBe(unavailable)
    expect(events).toContainEqual({
      type: 'introspection.failed',
      issuer: issuer.issuer,
      reason: 'credential_refused',
      durationMs: expect.any(Number),
    })
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('secret')
      },
    ],
    ['rejects', () => Promise.reject(new Error('secret'))],
    ['gives nothing', () => undefined as never],
    ['hangs', () => new Promise<never>(() => {})],
  ])('[C-17] answers 503 when the credential %s', async (_, authenticate) => {
    const { call, issuer, events } = introspectingServer({
      introspection: { credential: { authenticate }, timeoutMs: 30 },
    })
    const result = await call(issuer.mintOpaqueToken())
    expect(outcomeOfResult(result)).toBe(unavailable)
    expect(reasons(events)).toEqual(['credential_unavailable'])
    expect(result.ok || result.error.cause).toBeInstanceOf(Error)
    expect(JSON.stringify([result, events])).not.toContain('secret')
    expect(issuer.requestCount('introspection')).toBe(0)
  })

  it('[C-17] answers 503 when the metadata cannot be had, or names no endpoint', async () => {
    const down = introspectingServer()
    down.issuer.override(['oauthMetadata', 'openidConfiguration'], { kind: 'down' })
    expect(await down.outcomeOf({})).toBe('503 ERR_ISSUER_UNAVAILABLE')
    const none = introspectingServer({ authorizationServer: { metadata: { introspection_endpoint: undefined } } })
    expect(await none.outcomeOf({})).toBe(unavailable)
    expect(reasons(none.events)).toEqual(['endpoint_missing'])
  })
})

describe('the local checks of an active token', () => {
  it('[INTR-07] [STEP-05] [RAR-02] hands every member on, and shapes the same auth as a JWT', async () => {
    const { call, issuer, clock } = introspectingServer()
    const claims = {
      scope: 'read write',
      username: 'ada',
      acr: 'mfa',
      auth_time: clock.now() / 1000 - 10,
      authorization_details: [{ type: 'payment' }],
      act: { sub: 'agent' },
      may_act: { sub: 'other' },
      jti: 'one',
    }
    const opaque = await call(issuer.mintOpaqueToken(claims))
    const jwt = await call(issuer.mintToken(claims))
    if (!opaque.ok || !jwt.ok) throw new Error('refused')
    expect(opaque.auth.claims).toMatchObject(claims)
    const shape = ({ auth }: typeof opaque) => ({ ...auth, claims: undefined })
    expect(shape(opaque)).toEqual(shape(jwt))
    expect(opaque.auth.actor).toEqual({ sub: 'agent' })
    expect(Object.isFrozen(opaque.auth.claims)).toBe(true)
  })

  it.each([
    ['expired', { exp: -61 }, '401 ERR_TOKEN_EXPIRED'],
    ['expired within the leeway', { exp: -59 }, 'accepted'],
    ['not valid yet', { nbf: 61 }, '401 ERR_TOKEN_NOT_YET_VALID'],
    ['valid within the leeway', { nbf: 59 }, 'accepted'],
    ['issued in the future', { iat: 61 }, '401 ERR_TOKEN_NOT_YET_VALID'],
  ])('[INTR-03] judges a token that is %s', async (_, offsets, expected) => {
    const { issuer, outcomeOf, clock } = introspectingServer()
    const times = Object.fromEntries(Object.entries(offsets).map(([name, by]) => [name, clock.now() / 1000 + by]))
    // The issuer itself would call an expired token inactive.
    issuer.override('introspection', {
      kind: 'answer',
      body: { active: true, sub: 'user', aud: resource, ...times },
    })
    expect(await outcomeOf({})).toBe(expected)
  })

  it.each([
    ['another issuer', { iss: 'https://issuer.test/' }, '401 ERR_TOKEN_ISSUER'],
    ['an issuer that is no string', { iss: null }, '401 ERR_TOKEN_ISSUER'],
    ['no issuer', { iss: undefined }, 'accepted'],
    ['another audience', { aud: 'https://other.test' }, '401 ERR_TOKEN_AUDIENCE'],
    ['several audiences, this one among them', { aud: ['https://other.test', resource] }, 'accepted'],
    ['no audience', { aud: undefined }, '401 ERR_TOKEN_CLAIM_MISSING'],
    ['an empty audience', { aud: [] }, '401 ERR_TOKEN_CLAIM_MISSING'],
    ['an exp that is a string', { exp: '1900000000' }, '401 ERR_TOKEN_CLAIM_INVALID'],
    ['a binding that cannot be checked', { cnf: { kid: 'x' } }, '401 ERR_TOKEN_CONFIRMATION'],
    ['a binding to a certificate that is not there', { cnf: { 'x5t#S256': 'x' } }, '401 ERR_TOKEN_CERTIFICATE'],
    ['a binding to a key, sent as Bearer', { cnf: { jkt: 'x' } }, '401 ERR_TOKEN_BOUND'],
    ['a scope that is no string', { scope: 1 }, '401 ERR_TOKEN_CLAIM_INVALID'],
    ['a client_id that is no string', { client_id: 1 }, '401 ERR_TOKEN_CLAIM_INVALID'],
    ['no more than sub and aud', { client_id: undefined, jti: undefined, iat: undefined, exp: undefined }, 'accepted'],
  ])('[INTR-03] judges a token with %s', async (_, claims, expected) => {
    expect(await introspectingServer().outcomeOf(claims)).toBe(expected)
  })

  it('[INTR-03] [JWT-11] refuses an answer that nests too deep', async () => {
    const nested = (levels: number): unknown => (levels === 0 ? {} : { in: nested(levels - 1) })
    expect(await introspectingServer().outcomeOf({ deep: nested(33) })).toBe('401 ERR_TOKEN_CLAIM_INVALID')
    expect(await introspectingServer().outcomeOf({ deep: nested(20) })).toBe('accepted')
  })

  it('[INTR-03] demands the scope of the route', async () => {
    const { outcomeOf } = introspectingServer()
    expect(await outcomeOf({ scope: 'read' }, { scope: 'write' })).toBe('403 ERR_SCOPE_INSUFFICIENT')
    expect(await outcomeOf({ scope: 'read write' }, { scope: 'write' })).toBe('accepted')
  })

  it('[INTR-03] accepts a missing audience only by the option that says so, and another one not even then', async () => {
    const { outcomeOf } = introspectingServer({ introspection: { dangerouslyAllowMissingAudience: true } })
    expect(await outcomeOf({ aud: undefined })).toBe('accepted')
    expect(await outcomeOf({ aud: 'https://other.test' })).toBe('401 ERR_TOKEN_AUDIENCE')
  })

  it('[INTR-03] judges the greatest age, for which it needs iat', async () => {
    const { outcomeOf, clock } = introspectingServer({ issuer: { maxTokenAgeSeconds: 100 } })
    expect(await outcomeOf({ iat: clock.now() / 1000 - 161 })).toBe('401 ERR_TOKEN_TOO_OLD')
    expect(await outcomeOf({ iat: undefined })).toBe('401 ERR_TOKEN_CLAIM_MISSING')
  })

  it('[INTR-07] lets the client stand in for an absent sub', async () => {
    const { call, issuer, outcomeOf } = introspectingServer()
    const result = await call(issuer.mintOpaqueToken({ sub: undefined, client_id: 'batch' }))
    expect(result.ok && result.auth).toMatchObject({ subject: 'batch', clientId: 'batch', isClientToken: true })
    expect(await outcomeOf({ sub: undefined, client_id: undefined })).toBe('401 ERR_TOKEN_CLAIM_MISSING')
    expect(await outcomeOf({ sub: 7, client_id: 'batch' })).toBe('401 ERR_TOKEN_CLAIM_INVALID')
  })

  it('[INTR-07] leaves expiresAt open when the issuer does', async () => {
    const { call, issuer } = introspectingServer()
    const result = await call(issuer.mintOpaqueToken({ exp: undefined }))
    expect(result.ok && result.auth.expiresAt).toBeUndefined()
    expect(result.ok).toBe(true)
  })

  it('[STEP-05] judges acr and auth_time of the answer', async () => {
    const { outcomeOf, clock } = introspectingServer()
    const stale = { acr: 'mfa', auth_time: clock.now() / 1000 - 500 }
    expect(await outcomeOf(stale, { acr: 'mfa', maxAgeSeconds: 600 })).toBe('accepted')
    expect(await outcomeOf(stale, { maxAgeSeconds: 300 })).toBe('401 ERR_STEP_UP_REQUIRED')
    expect(await outcomeOf(stale, { acr: 'hardware' })).toBe('401 ERR_STEP_UP_REQUIRED')
    expect(await outcomeOf({}, { acr: 'mfa' })).toBe('401 ERR_STEP_UP_REQUIRED')
  })

  it('[RAR-02] judges authorization_details of the answer', async () => {
    const { outcomeOf } = introspectingServer()
    const requirement = { authorizationDetails: { payment: () => true } }
    expect(await outcomeOf({ authorization_details: [{ type: 'payment' }] }, requirement)).toBe('accepted')
    expect(await outcomeOf({ authorization_details: [{ type: 'other' }] }, requirement)).toBe(
      '403 ERR_AUTHORIZATION_DETAILS',
    )
    for (const authorization_details of ['payment', { type: 'payment' }, [{}], ['payment'], [null]]) {
      expect(await outcomeOf({ authorization_details })).toBe('401 ERR_TOKEN_CLAIM_INVALID')
    }
  })

  it.each([
    ['Bearer', undefined, 'Bearer', 'accepted'],
    ['bearer', undefined, 'Bearer', 'accepted'],
    ['DPoP', undefined, 'Bearer', '401 ERR_TOKEN_CONFIRMATION'],
    ['DPoP', undefined, 'DPoP', '401 ERR_TOKEN_CONFIRMATION'],
    ['Bearer', undefined, 'DPoP', '401 ERR_TOKEN_UNBOUND'],
    ['Bearer', { jkt: 'x' }, 'DPoP', '401 ERR_TOKEN_CONFIRMATION'],
    ['Bearer', { jkt: 'x' }, 'Bearer', '401 ERR_TOKEN_CONFIRMATION'],
    ['DPoP', { jkt: 'x' }, 'Bearer', '401 ERR_TOKEN_BOUND'],
    ['dpop', { jkt: 'x' }, 'DPoP', '401 ERR_PROOF_MISSING'],
    ['N_A', undefined, 'Bearer', '401 ERR_TOKEN_TYPE'],
    ['refresh_token', undefined, 'Bearer', '401 ERR_TOKEN_TYPE'],
    [7, undefined, 'Bearer', '401 ERR_TOKEN_TYPE'],
  ])(
    '[INTR-03] [DPOP-25] holds token_type %j and cnf %j against scheme %s',
    async (token_type, cnf, scheme, expected) => {
      const { outcome, issuer } = introspectingServer()
      expect(await outcome(issuer.mintOpaqueToken({ token_type, cnf }), {}, scheme)).toBe(expected)
    },
  )

  it('[DPOP-25] checks the proof itself, and sends none to the issuer', async () => {
    const { server, issuer, clock, outcome } = introspectingServer()
    const client = createDpopClient({ clock: clock.now })
    const accessToken = issuer.mintOpaqueToken({ cnf: { jkt: client.jkt } })
    const headers = client.headers({ url: `${resource}/me`, accessToken })
    const result = await server.authenticate(requestFacts({ url: '/me', headers }))
    expect(outcomeOfResult(result)).toBe('accepted')
    expect(result.ok && result.auth.confirmation).toMatchObject({ jkt: client.jkt })
    const thief = createDpopClient({ clock: clock.now }).headers({ url: `${resource}/me`, accessToken })
    const stolen = await server.authenticate(requestFacts({ url: '/me', headers: thief }))
    expect(outcomeOfResult(stolen)).toBe('401 ERR_TOKEN_BINDING_MISMATCH')
    expect(await outcome(accessToken)).toBe('401 ERR_TOKEN_BOUND')
    for (const request of issuer.requests('introspection')) expect(request.headers).not.toHaveProperty('dpop')
  })
})

describe('which tokens are introspected', () => {
  it('verifies JWTs locally unless told otherwise', async () => {
    const { outcome, issuer } = introspectingServer()
    expect(await outcome(issuer.mintToken())).toBe('accepted')
    expect(issuer.requestCount('introspection')).toBe(0)
  })

  it('[INTR-03] introspects JWTs of an issuer that says so, and fetches no keys', async () => {
    const { outcome, issuer, server } = introspectingServer({ introspection: { introspectJwts: true } })
    const token = issuer.mintToken()
    expect(await outcome(token)).toBe('accepted')
    const revoked = issuer.mintToken()
    issuer.revoke(revoked)
    expect(await outcome(revoked)).toBe(inactive)
    expect(server.health().ready).toBe(true)
    await server.warmUp()
    expect(issuer.requestCount('jwks')).toBe(0)
  })

  it('asks about a token with the payload of a JWT and no readable header, for the issuer to judge', async () => {
    const { outcome, issuer } = introspectingServer({ introspection: { introspectJwts: true } })
    expect(await outcome(issuer.mintToken().replace(/^[^.]+/, 'AAAA'))).toBe(inactive)
    expect(issuer.requestCount('introspection')).toBe(1)
  })

  it('[JWT-11] introspects no token that is too large or no token68', async () => {
    const { outcome, issuer } = introspectingServer()
    expect(await outcome('x'.repeat(16 * 1024 + 1))).toBe('401 ERR_TOKEN_TOO_LARGE')
    expect(await outcome('a,b')).toBe('400 ERR_REQUEST_MALFORMED')
    expect(issuer.requestCount()).toBe(0)
  })

  it('[E-04] [JOSE-21] tells why a token is refused where nobody can be asked about it', async () => {
    const { issuer } = introspectingServer()
    const server = createResourceServer({ resource, issuer: issuer.issuer, fetch: issuer.fetch })
    const jwe = `${btoa('{"alg":"dir","enc":"A128GCM"}').replaceAll('=', '')}.a.b.c.d`
    const codes = await Promise.all(
      ['opaque', 'a.b', 'a.b.c', 'a.b.c.d.e', 'e30.b.c', jwe].map(async (token) =>
        outcomeOfResult(await server.authenticate(requestFacts({ headers: { authorization: `Bearer ${token}` } }))),
      ),
    )
    expect(codes).toEqual([
      '401 ERR_TOKEN_UNRECOGNISED',
      '401 ERR_TOKEN_UNRECOGNISED',
      '401 ERR_TOKEN_UNRECOGNISED',
      '401 ERR_TOKEN_UNRECOGNISED',
      '401 ERR_TOKEN_MALFORMED',
      '401 ERR_TOKEN_ENCRYPTED',
    ])
    expect(issuer.requestCount()).toBe(0)
  })

  it('[REAL-33] tells how to configure introspection, whatever characters the token has', async () => {
    const { issuer } = introspectingServer()
    const events: PortcullisEvent[] = []
    const server = createResourceServer({
      resource,
      issuer: issuer.issuer,
      fetch: issuer.fetch,
      onEvent: (event) => events.push(event),
    })
    const opaque = [
      'opaque',
      'ory_at_abc.def',
      'a.b.c',
      'a~b+c/d==',
      'a.b.c.d.e',
      '...',
      'a|b',
      'a:b',
      'ä.ö.ü',
      '{"a":1}',
    ]
    for (const token of opaque) {
      await server.authenticate(requestFacts({ headers: { authorization: `Bearer ${token}` } }))
      expect(events.at(-1), token).toMatchObject({
        type: 'auth.refused',
        code: /^[\w.~+/=]+$/.test(token) ? 'ERR_TOKEN_UNRECOGNISED' : 'ERR_REQUEST_MALFORMED',
        detail: expect.stringMatching(/opaque tokens, give one issuer of the resource `introspection`/),
      })
      expect(JSON.stringify(events.at(-1))).not.toContain('ory_at')
    }
    expect(events).toHaveLength(opaque.length)
  })

  it('[INTR-03] runs the claims schema, whose failure is invalid_token and is remembered', async () => {
    const schema = {
      '~standard': {
        version: 1 as const,
        vendor: 'test',
        validate: (value: unknown) => {
          const { username } = value as { username?: string }
          return typeof username === 'string'
            ? { value: { username } }
            : { issues: [{ message: 'x', path: [{ key: 'username' }] }] }
        },
      },
    }
    const { issuer, call, outcome } = introspectingServer({ server: { claims: schema as never } })
    const result = await call(issuer.mintOpaqueToken({ username: 'ada' }))
    expect(result.ok && result.auth.claims).toEqual({ username: 'ada' })
    const bad = issuer.mintOpaqueToken()
    expect(await outcome(bad)).toBe('401 ERR_TOKEN_CLAIM_INVALID')
    expect(await outcome(bad)).toBe('401 ERR_TOKEN_CLAIM_INVALID')
    expect(issuer.requestCount('introspection')).toBe(2)
  })
})

describe('the memory of introspection', () => {
  const inactive = '401 ERR_TOKEN_INACTIVE'
  const unavailable = '503 ERR_INTROSPECTION_UNAVAILABLE'

  describe('what introspection remembers', () => {
    it.each([
      [0, 60_000],
      [0.5, 45_000],
      [1, 30_000],
    ])(
      '[INTR-05] reuses a positive answer for 60 seconds, less half of it by chance (%d), not a moment longer',
      async (chance, reusedMs) => {
        const random = vi.spyOn(Math, 'random').mockReturnValue(chance)
        onTestFinished(() => random.mockRestore())
        const { issuer, outcome, clock } = introspectingServer()
        const token = issuer.mintOpaqueToken()
        expect(await outcome(token)).toBe('accepted')
        issuer.revoke(token)
        clock.advance(reusedMs - 1)
        expect(await outcome(token)).toBe('accepted')
        clock.advance(1)
        expect(await outcome(token)).toBe(inactive)
        expect(issuer.requestCount('introspection')).toBe(2)
      },
    )

    it('[INTR-04] [INTR-05] reuses no answer beyond exp, leeway or not', async () => {
      const { issuer, outcome, clock } = introspectingServer()
      const token = issuer.mintOpaqueToken({ exp: clock.now() / 1000 + 30 })
      expect(await outcome(token)).toBe('accepted')
      clock.advance(29_999)
      expect(await outcome(token)).toBe('accepted')
      expect(issuer.requestCount('introspection')).toBe(1)
      clock.advance(1)
      expect(await outcome(token)).toBe(inactive)
      expect(issuer.requestCount('introspection')).toBe(2)
    })

    it('[INTR-04] reuses no answer beyond the greatest age', async () => {
      const { issuer, outcome, clock } = introspectingServer({
        issuer: { maxTokenAgeSeconds: 20, clockToleranceSeconds: 0 },
      })
      const token = issuer.mintOpaqueToken()
      expect(await outcome(token)).toBe('accepted')
      clock.advance(20_000)
      expect(await outcome(token)).toBe('401 ERR_TOKEN_TOO_OLD')
    })

    it('[INTR-05] reuses a negative answer for 10 seconds', async () => {
      const { issuer, outcome, clock } = introspectingServer()
      const token = issuer.mintOpaqueToken({ active: false })
      expect(await outcome(token)).toBe(inactive)
      clock.advance(9_999)
      expect(await outcome(token)).toBe(inactive)
      expect(issuer.requestCount('introspection')).toBe(1)
      clock.advance(1)
      expect(await outcome(token)).toBe(inactive)
      expect(issuer.requestCount('introspection')).toBe(2)
    })

    it('[INTR-05] takes both lifetimes from the options, 0 for none', async () => {
      const never = introspectingServer({ introspection: { cacheSeconds: 0, negativeCacheSeconds: 0 } })
      for (const token of [never.issuer.mintOpaqueToken(), 'unknown']) {
        const first = await never.outcome(token)
        expect(await never.outcome(token)).toBe(first)
      }
      expect(never.issuer.requestCount('introspection')).toBe(4)
      const longer = introspectingServer({ introspection: { cacheSeconds: 200, negativeCacheSeconds: 200 } })
      for (const token of [longer.issuer.mintOpaqueToken(), 'unknown']) {
        const first = await longer.outcome(token)
        longer.clock.advance(190_000 / 2)
        expect(await longer.outcome(token)).toBe(first)
      }
      expect(longer.issuer.requestCount('introspection')).toBe(2)
    })

    it('[INTR-05] remembers no failure to tell', async () => {
      const { issuer, outcome } = introspectingServer()
      const token = issuer.mintOpaqueToken()
      for (const behaviour of [
        { kind: 'down' },
        { kind: 'status', status: 401 },
        { kind: 'answer', body: '{}' },
      ] as const) {
        issuer.override('introspection', behaviour, { times: 1 })
        expect(await outcome(token)).toBe(unavailable)
      }
      expect(await outcome(token)).toBe('accepted')
      expect(issuer.requestCount('introspection')).toBe(4)
    })

    it('[INTR-05] asks once for any number of concurrent requests, and shares the failure too', async () => {
      const { issuer, outcome } = introspectingServer()
      const token = issuer.mintOpaqueToken()
      const hold = issuer.hold('introspection')
      const outcomes = Array.from({ length: 20 }, () => outcome(token))
      await hold.arrived
      hold.release()
      expect(new Set(await Promise.all(outcomes))).toEqual(new Set(['accepted']))
      expect(issuer.requestCount('introspection')).toBe(1)
      issuer.override('introspection', { kind: 'down' })
      const failures = await Promise.all(Array.from({ length: 20 }, () => outcome('another')))
      expect(new Set(failures)).toEqual(new Set([unavailable]))
      expect(issuer.requestCount('introspection')).toBe(2)
    })

    it('[INTR-05] keeps good answers through a flood of invented tokens, and forgets the oldest of those', async () => {
      let asked = 0
      const answers: Fetch = (url, init) => {
        asked += 1
        if (!init.body?.includes('invented')) return issuer.fetch(url, init)
        return Promise.resolve(Response.json({ active: false }))
      }
      const { issuer, outcome } = introspectingServer({
        introspection: { endpoint: 'https://issuer.test/introspect', negativeCacheSeconds: 3600 },
        server: { fetch: answers, tokenCacheEntries: 100 },
      })
      const token = issuer.mintOpaqueToken()
      expect(await outcome(token)).toBe('accepted')
      for (let index = 0; index < 101; index += 1) await outcome(`invented-${index}`)
      expect(asked).toBe(102)
      expect(await outcome(token)).toBe('accepted')
      expect(asked).toBe(102)
      expect(await outcome('invented-0')).toBe(inactive)
      expect(asked).toBe(103)
    })

    it('[INTR-05] keeps two tokens apart, and a token from its prefix', async () => {
      const { issuer, call } = introspectingServer()
      const [ada, bob] = [issuer.mintOpaqueToken({ sub: 'ada' }), issuer.mintOpaqueToken({ sub: 'bob' })]
      const subjects = []
      for (const token of [ada, bob, ada, bob]) {
        const result = await call(token)
        subjects.push(result.ok && result.auth.subject)
      }
      expect(subjects).toEqual(['ada', 'bob', 'ada', 'bob'])
      expect(outcomeOfResult(await call(ada.slice(0, -1)))).toBe(inactive)
    })

    it('[INTR-05] judges scope, binding and audience of a remembered token on every request', async () => {
      const { issuer, outcome, clock } = introspectingServer()
      const token = issuer.mintOpaqueToken({ scope: 'read', auth_time: clock.now() / 1000 })
      expect(await outcome(token)).toBe('accepted')
      expect(await outcome(token, { scope: 'write' })).toBe('403 ERR_SCOPE_INSUFFICIENT')
      expect(await outcome(token, {}, 'DPoP')).toBe('401 ERR_TOKEN_UNBOUND')
      expect(await outcome(token, { dpop: 'required' })).toBe('401 ERR_TOKEN_UNBOUND')
      clock.advance(29_000)
      expect(await outcome(token, { maxAgeSeconds: 0 })).toBe('accepted')
      issuer.revoke(token)
      expect(await outcome(token, { acr: 'mfa' })).toBe('401 ERR_STEP_UP_REQUIRED')
      expect(issuer.requestCount('introspection')).toBe(1)
    })

    it('[INTR-05] is not outlived by the cache of verified tokens', async () => {
      const { issuer, outcome, clock } = introspectingServer({ introspection: { introspectJwts: true } })
      const token = issuer.mintToken()
      expect(await outcome(token)).toBe('accepted')
      issuer.revoke(token)
      expect(await outcome(token)).toBe('accepted')
      clock.advance(60_000)
      expect(await outcome(token)).toBe(inactive)
    })
  })
})
