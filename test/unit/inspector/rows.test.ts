import { AccessDeniedError, createResourceServer, InvalidTokenError, type RequestFacts } from 'portcullis'
import { createDpopClient, createFrozenClock, createTestIssuer, requestFacts } from 'portcullis/testing'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { createRecorder, type Recorder } from '../../../src/inspector/recorder.js'
import { createRing } from '../../../src/inspector/ring.js'
import type { EventRow, RequestRow, Row } from '../../../src/inspector/wire.js'
import { createEventSink } from '../../../src/kit/event-sink.js'
import type { PortcullisEvent } from '../../../src/kit/events.js'
import { insightOf } from '../../../src/resource-server/insight.js'
import { introspectingServer } from '../../support/introspecting-server.js'

const clock = createFrozenClock()
const issuer = createTestIssuer({ clock: clock.now })
afterAll(() => issuer.close())
const open: Recorder[] = []
afterEach(() => {
  for (const recorder of open.splice(0)) recorder.close()
})
const resource = 'https://api.example.com'

function setUp(options: Partial<Parameters<typeof createResourceServer>[0]> = {}) {
  const server = createResourceServer({
    resource,
    issuer: issuer.issuer,
    fetch: issuer.fetch,
    clock: clock.now,
    ...options,
  })
  return { server, ...record(server) }
}

function record(server: ReturnType<typeof createResourceServer>) {
  const insight = insightOf(server)
  if (insight === undefined) throw new Error('no insight')
  const recorder = createRecorder([{ server, insight }], clock.now)
  open.push(recorder)
  const rows = (): Row[] => recorder.ring.after(0, 500).texts.map((text) => JSON.parse(text))
  const requests = async (count: number): Promise<RequestRow[]> => {
    await vi.waitFor(
      () => expect(rows().filter(({ kind }) => kind === 'request').length).toBeGreaterThanOrEqual(count),
      { timeout: 30_000 },
    )
    return rows().filter((row): row is RequestRow => row.kind === 'request')
  }
  return { recorder, rows, requests }
}

const bearer = (token: string, more: Partial<Parameters<typeof requestFacts>[0]> = {}) =>
  requestFacts({ url: '/me', ...more, headers: { host: 'localhost:3000', authorization: `Bearer ${token}` } })

describe('a line of the development page', () => {
  it('tells of a caller that was let through: where, how long, every step, the token masked', async () => {
    let now = 0
    const { server, requests } = setUp({ monotonicClock: () => (now += 1.23456) })
    const token = issuer.mintToken({
      scope: 'read',
      email: 'ada@example.com',
      jti: 'abcdefgh-secret',
      roles: ['a', 'b'],
      tenant: { id: 1 },
      flag: true,
      gone: null,
      cnf: { other: 'x', deep: {} },
    })
    const facts = {
      ...bearer(token, { url: '/me?access_token=hidden&a=1&a=2' }),
      route: () => '/:who',
      requestId: () => 'req-7',
      secure: true,
    }
    await server.authenticate(facts, { scope: 'read' }).then((result) => result.ok)
    const [row] = await requests(1)
    expect(row).toMatchObject({
      kind: 'request',
      atMs: clock.now(),
      phase: 'request',
      method: 'GET',
      target: '/me?access_token=…&a=…',
      origin: 'https://localhost:3000',
      route: '/:who',
      requestId: 'req-7',
      durationMs: 2.469,
      scheme: 'Bearer',
      hasProof: false,
      resource,
    })
    expect(row?.token?.length).toBe(token.length)
    const claims = Object.fromEntries(row?.token?.claims ?? [])
    expect(claims).toMatchObject({
      iss: JSON.stringify(issuer.issuer),
      scope: '"read"',
      email: 'text of 15 characters',
      jti: '"abcdef…", text of 15 characters',
      roles: 'list of 2',
      tenant: 'object of 1',
      flag: 'boolean',
      gone: 'null',
      cnf: 'other: "x", deep: object of 0',
    })
    expect(Object.fromEntries(row?.token?.header ?? [])['typ']).toBe('"at+jwt"')
  })

  it('tells of a refusal what a guard answered: the sentence, the step, the challenge by its parameters', async () => {
    const { server, requests } = setUp()
    await server.authenticate(bearer(issuer.mintToken({ scope: 'read' })), { scope: 'write' })
    const [row] = await requests(1)
    expect(row).toMatchObject({ outcome: 'refused', code: 'ERR_SCOPE_INSUFFICIENT', status: 403, failed: 'scope' })
    expect(row?.sentence).toContain('write')
    expect(row?.steps.find(([name]) => name === 'scope')).toEqual([
      'scope',
      'failed',
      '"write"',
      '"read"',
      'RFC 6750 §3.1',
    ])
    expect(row?.steps.find(([name]) => name === 'allow')).toEqual(['allow', 'skipped'])
    expect(row?.steps).toHaveLength(24)
    const [challenge] = row?.challenges ?? []
    expect(challenge?.scheme).toBe('Bearer')
    expect(Object.fromEntries(challenge?.parameters ?? [])).toMatchObject({
      error: 'insufficient_scope',
      scope: 'write',
    })
    expect(Object.fromEntries(row?.fields ?? [])).toMatchObject({ 'Cache-Control': 'no-store' })
  })

  it('says what explain says, for guards, checks, tokens and what comes up later', async () => {
    const { server, requests } = setUp()
    const token = issuer.mintToken({ scope: 'read' })
    const result = await server.authenticate(bearer(token))
    if (!result.ok) throw result.error
    expect(() => server.check(result.auth, { scope: 'write' })).toThrow()
    await server.checkAsync(result.auth, {})
    await server.verify(issuer.mintToken({}, { tamper: 'signature' })).catch(() => {})
    await server.optionalGuard()(requestFacts({}))
    await server.authenticate(requestFacts({}))
    server.refuse(new InvalidTokenError('ERR_TOKEN_REFUSED'), result.auth)
    const rows = await requests(7)
    expect(rows.map(({ phase, outcome, code, failed, steps }) => [phase, outcome, code, failed, steps.length])).toEqual(
      [
        ['request', 'accepted', undefined, undefined, 24],
        ['check', 'refused', 'ERR_SCOPE_INSUFFICIENT', 'scope', 24],
        ['check', 'accepted', undefined, undefined, 24],
        ['token', 'refused', 'ERR_TOKEN_SIGNATURE', 'signature', 24],
        ['request', 'anonymous', undefined, undefined, 24],
        ['request', 'refused', 'ERR_TOKEN_MISSING', 'credentials', 24],
        ['check', 'refused', 'ERR_TOKEN_REFUSED', undefined, 0],
      ],
    )
  })

  it.each<[string, Parameters<ReturnType<typeof setUp>['server']['authenticate']>[1], string, string | undefined]>([
    ['an allow that says no', { allow: () => false }, 'refused', 'allow'],
    [
      'an allow that throws',
      {
        allow: () => {
          throw new TypeError('x')
        },
      },
      'failed',
      'allow',
    ],
    ['a claims function that says no', { claims: () => false }, 'refused', 'claim_rules'],
    [
      'a claims function that throws',
      {
        claims: () => {
          throw new TypeError('x')
        },
      },
      'failed',
      'claim_rules',
    ],
    ['a claim rule', { claims: { plan: 'gold' } }, 'refused', 'claim_rules'],
    ['both, where the claims function says no', { claims: () => false, allow: () => true }, 'refused', 'claim_rules'],
    [
      'an error of ours out of allow',
      {
        allow: () => {
          throw new AccessDeniedError()
        },
      },
      'refused',
      'allow',
    ],
    ['a role', { roles: 'admin' }, 'refused', 'roles'],
  ])('names the step: %s', async (_what, requirement, outcome, failed) => {
    const { server, requests } = setUp()
    await server.authenticate(bearer(issuer.mintToken({})), requirement)
    const [row] = await requests(1)
    expect([row?.outcome, row?.failed]).toEqual([outcome, failed])
  })

  it('names the schema of claims that throws, and a token that is no JWT by its length alone', async () => {
    const schema = {
      '~standard': {
        version: 1,
        vendor: 'x',
        validate: () => {
          throw new TypeError('x')
        },
      },
    } as const
    const { server, requests } = setUp({ claims: schema as never })
    await server.authenticate(bearer(issuer.mintToken({})))
    await server.authenticate(bearer('opaque-token'))
    const headless = issuer.mintToken({}).replace(/^[^.]+/, 'e30x')
    await server.authenticate(bearer(headless))
    const [first, second, third] = await requests(3)
    expect(third?.token?.header).toEqual([])
    expect([first?.outcome, first?.failed]).toEqual(['failed', 'schema'])
    expect(second).toMatchObject({ code: 'ERR_TOKEN_UNRECOGNISED', token: { header: [], claims: [], length: 12 } })
  })

  it('calls nothing, fetches nothing and uses nothing up for it', async () => {
    const allow = vi.fn(() => true)
    const isRevoked = vi.fn(() => false)
    const fetch = vi.fn(issuer.fetch)
    const { server, requests } = setUp({ fetch, isRevoked })
    await server.authenticate(bearer(issuer.mintToken({})), { allow })
    await server.authenticate(bearer(issuer.mintToken({}, { header: { kid: 'unknown' } })), { allow })
    const fetched = fetch.mock.calls.length
    await requests(2)
    expect([allow.mock.calls.length, isRevoked.mock.calls.length, fetch.mock.calls.length]).toEqual([1, 1, fetched])
  })

  it('holds no proof, nonce, cookie, or secret of a path, and survives facts that throw', async () => {
    const { server, requests } = setUp({ dpop: { nonce: { secrets: ['a-secret-of-at-least-thirty-two-bytes'] } } })
    const client = createDpopClient({ clock: clock.now })
    const token = issuer.mintToken({ cnf: { jkt: client.jkt } })
    const url = `${resource}/reset/0123456789abcdefghijklmnop/6f9619ff-8b86-d011-b42d-00c04fc964ff`
    const { authorization, dpop } = client.headers({ url, accessToken: token })
    const facts: RequestFacts = requestFacts({
      url: '/reset/0123456789abcdefghijklmnop/6f9619ff-8b86-d011-b42d-00c04fc964ff',
      headers: { authorization, dpop },
    })
    const result = await server.authenticate(facts)
    const throwing: RequestFacts = {
      ...facts,
      headerValues: () => {
        throw new TypeError('x')
      },
    }
    await server.authenticate(throwing)
    const [row, blind] = await requests(2)
    expect(row).toMatchObject({
      code: 'ERR_PROOF_NONCE',
      hasProof: true,
      target: '/reset/(masked)/6f9619ff-8b86-d011-b42d-00c04fc964ff',
      origin: 'http://localhost',
    })
    const text = JSON.stringify(row)
    const nonce = result.ok ? '' : String(result.answer.headers['DPoP-Nonce'])
    expect(nonce.length).toBeGreaterThan(10)
    for (const secret of [nonce, dpop, token]) expect(text).not.toContain(secret)
    expect(Object.fromEntries(row?.fields ?? [])['DPoP-Nonce']).toBe('(masked)')
    expect(blind?.outcome).toBe('failed')
    expect(Object.keys(blind ?? {})).not.toContain('target')
  })

  it('shows a token of many claims by its first forty', async () => {
    const { server, requests } = setUp()
    const many = Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`claim-${at}`, at]))
    await server.authenticate(bearer(issuer.mintToken(many)))
    const [row] = await requests(1)
    expect(row?.token?.claims).toHaveLength(41)
    expect(row?.token?.claims.at(-1)).toEqual(['…', expect.stringMatching(/^and \d\d more$/)])
  })
})

describe('the ring of lines', () => {
  const line = (extra: Partial<RequestRow> = {}): RequestRow => ({
    kind: 'request',
    atMs: 0,
    phase: 'request',
    method: 'GET',
    target: '/me',
    origin: undefined,
    route: undefined,
    requestId: undefined,
    correlationId: 'c',
    durationMs: 1,
    scheme: 'Bearer',
    hasProof: false,
    resource,
    issuer: undefined,
    outcome: 'refused',
    code: 'ERR_TOKEN_AUDIENCE',
    status: 401,
    failed: 'audience',
    sentence: 'why',
    steps: [['audience', 'failed', 'a', 'b', 'c']],
    token: { header: [['alg', 'ES256']], claims: [['iss', 'x']], length: 3 },
    fields: [],
    challenges: [],
    ...extra,
  })

  it('keeps 500, tells how many were forgotten, and goes on from a place', () => {
    const ring = createRing()
    for (let at = 1; at <= 600; at += 1) ring.add(line({ method: `M${at}` }))
    const first = ring.after(50, 2)
    expect(first).toMatchObject({ dropped: 50, next: 102 })
    expect(first.texts.map((text) => JSON.parse(text).method)).toEqual(['M101', 'M102'])
    expect(ring.after(102, 1000).texts).toHaveLength(498)
    expect(ring.after(600, 10)).toEqual({ texts: [], next: 600, dropped: 0 })
    expect(ring.after(9999, 10)).toMatchObject({ dropped: 100, next: 110 })
  })

  it('begins empty, and cuts no line of 4 KiB', () => {
    const ring = createRing()
    expect(ring.after(0, 10)).toEqual({ texts: [], next: 0, dropped: 0 })
    const rest = Buffer.byteLength(JSON.stringify(line({ sentence: '' })))
    const ofBytes = (bytes: number) => line({ sentence: 'x'.repeat(bytes - rest) })
    for (const bytes of [4096, 4097]) ring.add(ofBytes(bytes))
    const [whole, cut] = ring.after(0, 10).texts
    expect(whole).toBe(JSON.stringify(ofBytes(4096)))
    expect(Buffer.byteLength(String(cut))).toBeLessThan(4096)
  })

  it('makes no line longer than 4 KiB, and leaves out what can be missed best', () => {
    const ring = createRing()
    const long = 'ä'.repeat(3000)
    const members = [['name', long]] as const
    ring.add(line({ token: { header: [['alg', 'ES256']], claims: members, length: 3 } }))
    ring.add(line({ token: { header: members, claims: members, length: 3 } }))
    ring.add(line({ steps: [['audience', 'failed', long, long, 'RFC']] }))
    ring.add(line({ sentence: long }))
    ring.add({ kind: 'event', atMs: 0, type: 'store.failed', correlationId: undefined, members })
    const texts = ring.after(0, 10).texts
    for (const text of texts) expect(Buffer.byteLength(text)).toBeLessThanOrEqual(4096)
    const [a, b, c, d, e] = texts.map((text) => JSON.parse(text))
    expect(a.token).toEqual({ header: [['alg', 'ES256']], claims: [['…', 'too long to be shown']], length: 3 })
    expect(b.token.header).toEqual([])
    expect(c.steps).toEqual([['audience', 'failed']])
    expect(d).toMatchObject({ code: 'ERR_TOKEN_AUDIENCE', steps: [], fields: [], challenges: [] })
    expect(d.sentence).toBeUndefined()
    expect(e).toEqual({ kind: 'event', atMs: 0, type: 'store.failed', members: [] })
  })
})

describe('the recorder', () => {
  it('shows twenty requests a second and counts the rest, and lets go of tokens that are not shown', async () => {
    const { server, recorder, requests } = setUp()
    const token = issuer.mintToken({})
    await Promise.all(Array.from({ length: 30 }, () => server.authenticate(bearer(token))))
    expect(await requests(20)).toHaveLength(20)
    expect(recorder.state().counts).toEqual({ accepted: 30, anonymous: 0, refused: 0, failed: 0, unshown: 10 })
    clock.advance(1000)
    await server.authenticate(bearer(token))
    expect(await requests(21)).toHaveLength(21)
  })

  it('shows events of everything in the process, without their correlation ids, and adds them up', async () => {
    const { recorder, rows } = setUp()
    const tell = createEventSink(undefined)
    const correlationId = 'of-the-request'
    const grant = { issuer: 'https://i.example', resource: 'https://calendar.example', correlationId }
    const events: PortcullisEvent[] = [
      { type: 'grant.exchanged', ...grant, durationMs: 1, expiresInSeconds: 60 },
      { type: 'grant.reused', ...grant, source: 'cache' },
      {
        type: 'grant.failed',
        ...grant,
        code: 'ERR_GRANT_REFUSED',
        refused: true,
        remembered: false,
        durationMs: 1.23456,
        detail: undefined,
        error: 'invalid_grant',
        errorDescription: undefined,
      },
      { type: 'client.breaker', issuer: 'https://i.example', circuit: 'token', state: 'open' },
      { type: 'introspection.breaker', issuer: 'https://i.example', state: 'half-open' },
      { type: 'introspection.breaker', issuer: 'https://i.example', state: 'half-open' },
      { type: 'session.created', provider: 'google' },
      { type: 'session.created', provider: 'google' },
    ]
    for (const event of events) tell(event)
    const { grants, circuits, events: counted } = recorder.state()
    expect(grants).toEqual([
      { resource: grant.resource, exchanged: 1, reused: 1, failed: 1, lastFailure: 'ERR_GRANT_REFUSED' },
    ])
    expect(circuits).toEqual([
      { issuer: 'https://i.example', circuit: 'token', state: 'open', sinceMs: clock.now() },
      { issuer: 'https://i.example', circuit: 'introspection of callers', state: 'half-open', sinceMs: clock.now() },
    ])
    expect(counted.find(({ name }) => name === 'session.created')).toEqual({
      name: 'session.created',
      count: 2,
      lastAtMs: clock.now(),
    })
    const shown = rows() as EventRow[]
    expect(shown).toHaveLength(8)
    expect(shown[2]).toEqual({
      ...{ kind: 'event', atMs: clock.now(), type: 'grant.failed', correlationId },
      members: [
        ['issuer', `"${grant.issuer}"`],
        ['resource', `"${grant.resource}"`],
        ['code', '"ERR_GRANT_REFUSED"'],
        ['refused', 'true'],
        ['remembered', 'false'],
        ['durationMs', '1.235'],
        ['error', '"invalid_grant"'],
      ],
    })
  })

  it('counts the events of judgements, whose lines say more', () => {
    const { recorder, rows } = setUp()
    createEventSink(undefined)({ type: 'auth.anonymous', resource, correlationId: 'c', durationMs: 1 } as never)
    expect(recorder.state().events).toEqual([{ name: 'auth.anonymous', count: 1, lastAtMs: clock.now() }])
    expect(rows()).toEqual([])
  })

  it('counts a judgement whose report cannot be written', async () => {
    const { server } = setUp()
    const insight = insightOf(server)
    if (insight === undefined) throw new Error('no insight')
    let tell: Parameters<typeof insight.watch>[0] = () => {}
    const watch: typeof insight.watch = (listener) => {
      tell = listener
      return () => {}
    }
    const recorder = createRecorder([{ server, insight: { ...insight, watch } }], clock.now)
    open.push(recorder)
    tell({ error: undefined, token: 'a', report: () => Promise.reject(new TypeError('x')) } as never)
    await vi.waitFor(() => expect(recorder.state().counts).toMatchObject({ accepted: 1, unshown: 1 }), {
      timeout: 30_000,
    })
  })

  it('is bounded in what it adds up', () => {
    const { recorder } = setUp()
    const tell = createEventSink(undefined)
    for (let at = 0; at < 80; at += 1) {
      tell({
        type: 'grant.reused',
        issuer: 'i',
        resource: `https://${at}.example`,
        correlationId: 'c',
        source: 'joined',
      })
      tell({ type: 'client.breaker', issuer: `https://${at}.example`, circuit: 'token', state: 'open' })
    }
    const { grants, circuits } = recorder.state()
    expect([grants.length, circuits.length]).toEqual([50, 50])
  })

  it('survives what is no event, and hears nothing once it is closed', async () => {
    const { recorder, server, rows } = setUp()
    const tell = createEventSink(undefined)
    tell({ type: undefined } as never)
    tell({ type: 7 } as never)
    const pending = server.authenticate(bearer(issuer.mintToken({})))
    await pending
    recorder.close()
    await server.authenticate(bearer(issuer.mintToken({})))
    await new Promise((resolve) => setImmediate(resolve))
    await new Promise((resolve) => setImmediate(resolve))
    expect(rows().filter(({ kind }) => kind === 'request')).toEqual([])
    expect(recorder.state().counts.accepted).toBe(1)
  })

  it('tells keys with their thumbprints and ages, caches, settings and what is dangerous in them', async () => {
    const { server, recorder } = setUp({
      resource: [{ resource, bearerMethods: ['header', 'query'] }],
      issuer: { issuer: issuer.issuer, dangerouslyUnknownConfirmation: 'ignore' },
      dpop: {
        dangerouslyAllowReplayWhenStoreFails: true,
        pathPrefix: '/api',
        nonce: { secrets: ['a-secret-of-at-least-thirty-two-bytes'] },
      },
      implies: { write: 'read' },
      trustedProxies: '10.0.0.1' as never,
      allowInsecureLoopback: true,
    })
    expect(recorder.state().servers[0]).toMatchObject({ ready: false, issuers: [{ state: 'empty', keys: [] }] })
    await server.authenticate(bearer(issuer.mintToken({})))
    const [state] = recorder.state().servers
    expect(state).toMatchObject({
      resources: [resource],
      ready: true,
      caches: [
        ['verified tokens', '1 of at most 10000'],
        ['replay store', 'memory'],
        ['revocation store', 'memory'],
      ],
    })
    expect(state?.issuers[0]).toMatchObject({
      issuer: issuer.issuer,
      state: 'fresh',
      fetchedAtMs: clock.now(),
      keyCount: 1,
    })
    expect(state?.issuers[0]?.keys[0]).toMatchObject({
      type: expect.any(String),
      thumbprint: expect.stringMatching(/^[\w-]{43}$/),
    })
    expect(recorder.state().servers[0]?.issuers[0]?.keys).toEqual(state?.issuers[0]?.keys)
    const text = JSON.stringify(state)
    expect(text).not.toContain('a-secret-of')
    for (const part of [
      'dangerouslyAllowReplayWhenStoreFails',
      'allowInsecureLoopback',
      'dangerouslyUnknownConfirmation',
      'in the query',
      'replayStore',
      'revocationStore',
    ]) {
      expect(state?.warnings.join(' ')).toContain(part)
    }
  })

  it('tells what is remembered of introspection with its circuit, and a store that fails', async () => {
    const down = () => Promise.reject(new TypeError('hunter2'))
    const { server, ...of } = introspectingServer({
      server: { revocationStore: { revoke: down, revokedAt: down }, dpop: { replayStore: { reserve: () => true } } },
    })
    const { recorder } = record(server)
    const caches = () => recorder.state().servers[0]?.caches.slice(1)
    await of.outcome('unheard-of')
    await of.outcomeOf({})
    expect(caches()).toEqual([
      [
        `introspection at ${of.issuer.issuer}`,
        '1 good and 1 bad answers, of each at most 10000; circuit closed, 0 under way',
      ],
      ['replay store', 'shared'],
      ['revocation store', 'shared; failures in a row: 1, the last one TypeError'],
    ])
  })

  it('finds nothing dangerous in shared stores, and names hosts that may be reached over http', () => {
    const replayStore = { reserve: async () => true }
    const revocationStore = { revoke: async () => {}, revokedAt: async () => [] }
    const { recorder } = setUp({
      issuer: { issuer: issuer.issuer, keys: [createDpopClient().publicJwk] },
      dpop: { replayStore },
      revocationStore,
      dangerouslyAllowInsecureHosts: ['keycloak:8080'],
    })
    const [state] = recorder.state().servers
    expect(state?.warnings).toEqual(['`dangerouslyAllowInsecureHosts` names keycloak:8080.'])
    const [known] = state?.issuers ?? []
    expect(known).toMatchObject({ state: 'fresh', keyCount: 1, fetchedAtMs: undefined })
    expect(known?.keys).toEqual([{ kid: 'no kid', type: 'EC P-256', thumbprint: expect.stringMatching(/^[\w-]{43}$/) }])
  })
})
