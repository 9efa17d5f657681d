import { context, metrics, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { createGrants, createResourceServer, type PortcullisEvent, type ResourceServerOptions } from 'portcullis'
import { clientSecretBasic, createOAuthClient } from 'portcullis/client'
import { openTelemetry } from 'portcullis/otel'
import {
  createDpopClient,
  createFrozenClock,
  createTestIssuer,
  requestFacts,
  type TestIssuer,
} from 'portcullis/testing'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'

const spans = new InMemorySpanExporter()
const contexts = new AsyncLocalStorageContextManager()
let points: InMemoryMetricExporter
let meters: MeterProvider

beforeAll(() => {
  context.setGlobalContextManager(contexts.enable())
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }))
})
afterAll(() => {
  contexts.disable()
  for (const api of [trace, metrics, context]) api.disable()
})
beforeEach(() => {
  points = new InMemoryMetricExporter(AggregationTemporality.DELTA)
  const reader = new PeriodicExportingMetricReader({ exporter: points, exportIntervalMillis: 60_000 })
  meters = new MeterProvider({ readers: [reader] })
  metrics.disable()
  metrics.setGlobalMeterProvider(meters)
  spans.reset()
})
afterEach(() => meters.shutdown())

/** What was measured since the test began: name and attributes of every point. */
async function measured(): Promise<Record<string, Record<string, unknown>[]>> {
  await meters.forceFlush()
  const all = points.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics))
  return Object.fromEntries(
    all.map(({ descriptor, dataPoints }) => [descriptor.name, dataPoints.map(({ attributes }) => attributes)]),
  )
}

const clock = createFrozenClock()
const resource = 'https://api.example.com'

function setUp(options: Partial<ResourceServerOptions> = {}) {
  const issuer = createTestIssuer({ clock: clock.now })
  const server = createResourceServer({
    resource,
    issuer: issuer.issuer,
    fetch: issuer.fetch,
    clock: clock.now,
    onEvent: openTelemetry(),
    ...options,
  } as ResourceServerOptions)
  const call = (token = issuer.mintToken(), members = {}) =>
    server.authenticate({ ...requestFacts({ headers: { authorization: `Bearer ${token}` } }), ...members })
  return { issuer, server, call }
}

const inRequest = <T>(work: () => Promise<T>): Promise<T> =>
  trace
    .getTracer('http')
    .startActiveSpan('GET /me', { kind: SpanKind.SERVER }, (span) => work().finally(() => span.end()))

/** A `fetch` as the instrumentation of undici makes it: a span of its own, which it tells in the field of W3C. */
function instrumented(fetch: TestIssuer['fetch']): TestIssuer['fetch'] {
  return (url, init) => {
    const settings = { kind: SpanKind.CLIENT, attributes: { 'url.path': new URL(url).pathname } }
    return trace.getTracer('undici').startActiveSpan(init.method, settings, (span) => {
      const { traceId, spanId } = span.spanContext()
      const headers = { ...init.headers, traceparent: `00-${traceId}-${spanId}-01` }
      return fetch(url, { ...init, headers }).finally(() => span.end())
    })
  }
}

/** Another process that serves a request: it knows of the caller what the field says, and nothing else. */
function serving<T>(name: string, traceparent: string | undefined, work: () => Promise<T>): Promise<T> {
  const [, traceId = '', spanId = ''] = traceparent?.split('-') ?? []
  const caller = trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: 1, isRemote: true })
  return trace
    .getTracer('http')
    .startActiveSpan(name, { kind: SpanKind.SERVER }, caller, (span) => work().finally(() => span.end()))
}

describe('portcullis/otel', () => {
  it('[REAL-44] puts the outcome on the span of the request, and spans round what goes out below it', async () => {
    const { call, issuer } = setUp()
    await inRequest(() => call())
    const [discover, keys, request] = spans.getFinishedSpans()
    expect([discover?.name, keys?.name, request?.name]).toEqual(['discover', 'fetch keys', 'GET /me'])
    expect(request?.attributes).toEqual({
      'portcullis.outcome': 'accepted',
      'portcullis.resource': resource,
      'portcullis.issuer': issuer.issuer,
      'portcullis.scheme': 'Bearer',
      'portcullis.binding': 'none',
      'portcullis.token.source': 'verified',
    })
    expect(keys?.attributes).toEqual({ 'portcullis.issuer': issuer.issuer, 'server.address': 'issuer.test' })
    expect(keys?.parentSpanContext?.spanId).toBe(request?.spanContext().spanId)
    expect(discover?.parentSpanContext?.spanId).toBe(keys?.spanContext().spanId)
    expect([keys?.kind, keys?.status.code]).toEqual([SpanKind.INTERNAL, SpanStatusCode.UNSET])
  })

  it('[REAL-44] calls only failures errors: of this server, and of those it depends on', async () => {
    const { call, issuer } = setUp()
    await inRequest(() => call(issuer.mintToken({ exp: 1 })))
    const request = spans.getFinishedSpans().at(-1)
    expect(request?.attributes).toEqual({
      'portcullis.outcome': 'refused',
      'portcullis.resource': resource,
      'portcullis.code': 'ERR_TOKEN_EXPIRED',
      'portcullis.issuer': issuer.issuer,
      'portcullis.scheme': 'Bearer',
    })
    expect(request?.status.code).toBe(SpanStatusCode.UNSET)
    spans.reset()
    const down = setUp({ issuer: 'https://down.test:8443', fetch: () => Promise.reject(new TypeError('fetch failed')) })
    await down.call(issuer.mintToken({ iss: 'https://down.test:8443' }))
    const failed = spans.getFinishedSpans().find(({ name }) => name === 'fetch keys')
    expect(failed?.status).toEqual({ code: SpanStatusCode.ERROR })
    expect(failed?.attributes).toMatchObject({ 'server.port': 8443, 'error.type': expect.stringMatching(/^\w+$/) })
    expect(failed?.events).toEqual([])
    expect((await measured())['portcullis.authentication.duration']).toContainEqual({
      'portcullis.outcome': 'failed',
      'portcullis.code': 'ERR_ISSUER_UNAVAILABLE',
      'portcullis.resource': resource,
      'portcullis.issuer': 'https://down.test:8443',
      'portcullis.scheme': 'Bearer',
      'error.type': 'ERR_ISSUER_UNAVAILABLE',
    })
  })

  it('[REAL-44] counts outcomes and times, with nothing of the token, the client or the path in them', async () => {
    const { call, server, issuer } = setUp({ dpop: { replayStore: { reserve: () => false } } })
    await call(undefined, { route: () => '/users/:id' })
    await server.optionalGuard()(requestFacts({}))
    const client = createDpopClient({ clock: clock.now })
    const accessToken = issuer.mintToken({ cnf: { jkt: client.jkt } })
    await server.authenticate(requestFacts({ headers: client.headers({ url: `${resource}/`, accessToken }) }))
    const found = await measured()
    expect(found['portcullis.authentication.duration']).toEqual([
      {
        'portcullis.outcome': 'accepted',
        'portcullis.resource': resource,
        'portcullis.issuer': issuer.issuer,
        'portcullis.scheme': 'Bearer',
        'portcullis.token.source': 'verified',
      },
      { 'portcullis.outcome': 'anonymous', 'portcullis.resource': resource },
      {
        'portcullis.outcome': 'refused',
        'portcullis.code': 'ERR_PROOF_REPLAYED',
        'portcullis.resource': resource,
        'portcullis.issuer': issuer.issuer,
        'portcullis.scheme': 'DPoP',
      },
    ])
    expect(found['portcullis.key_set.fetch.duration']).toEqual([{ 'portcullis.issuer': issuer.issuer }])
    expect(found['portcullis.discovery.duration']).toEqual([{ 'portcullis.issuer': issuer.issuer }])
    expect(found['portcullis.dpop.replays']).toEqual([{ 'portcullis.resource': resource }])
    const broken = setUp({ dpop: { replayStore: { reserve: () => Promise.reject(new Error('down')) } } })
    const other = broken.issuer.mintToken({ cnf: { jkt: client.jkt } })
    await broken.server.authenticate(
      requestFacts({ headers: client.headers({ url: `${resource}/`, accessToken: other }) }),
    )
    expect((await measured())['portcullis.store.failures']).toEqual([
      { 'portcullis.store': 'replay', 'error.type': 'Error', 'portcullis.failed_open': false },
    ])
  })

  it('[REAL-44] bounds the values of each attribute, and tells routes where it is asked to', async () => {
    const heard: PortcullisEvent[] = []
    const { call } = setUp({ onEvent: openTelemetry({ routes: true, onEvent: (event) => heard.push(event) }) })
    for (let route = 0; route < 30; route++) await call(undefined, { route: () => `/r${route}` })
    const series = (await measured())['portcullis.authentication.duration'] ?? []
    expect(series.map((attributes) => attributes['http.route'])).toEqual([
      ...Array.from({ length: 20 }, (_, index) => `/r${index}`),
      '_OTHER',
    ])
    expect(heard.filter(({ type }) => type === 'auth.accepted')).toHaveLength(30)
  })

  it('[REAL-44] leaves out what is switched off, and refuses options it does not have', async () => {
    const { call } = setUp({ onEvent: openTelemetry({ spans: false }) })
    await call()
    expect(spans.getFinishedSpans()).toEqual([])
    expect((await measured())['portcullis.discovery.duration']).toHaveLength(1)
    points.reset()
    await setUp({ onEvent: openTelemetry({ metrics: false }) }).call()
    const ofOthers = /\.key_set\.(?:age|status)$/
    expect(Object.keys(await measured()).filter((name) => !ofOthers.test(name))).toEqual([])
    expect(spans.getFinishedSpans()).toHaveLength(2)
    expect(() => openTelemetry({ span: true } as never)).toThrow('Did you mean `spans`?')
  })

  it('[REAL-44] joins a request, its exchange and its downstream call into one trace', async () => {
    const telemetry = openTelemetry()
    const { call, issuer } = setUp({ onEvent: telemetry })
    const client = createOAuthClient({
      issuer: issuer.issuer,
      credential: clientSecretBasic({ clientId: 'test-client', clientSecret: 'test-secret' }),
      fetch: instrumented(issuer.fetch),
      clock: clock.now,
      onEvent: telemetry,
    })
    const downstream = 'https://calendar.example.com'
    const calendar = createResourceServer({
      resource: downstream,
      issuer: issuer.issuer,
      fetch: instrumented(issuer.fetch),
      clock: clock.now,
      onEvent: openTelemetry(),
    })
    const toCalendar = instrumented(async (url, { headers }) => {
      const facts = requestFacts({ url, headers })
      const { ok } = await serving('GET /events', headers['traceparent'], () => calendar.authenticate(facts))
      return new Response(null, { status: ok ? 200 : 401 })
    })
    const fetch: typeof globalThis.fetch = (input, init) => {
      const { url, headers } = new Request(input, init)
      return toCalendar(url, { ...init, method: 'GET', headers: Object.fromEntries(headers) } as never)
    }
    const grants = createGrants({ client, fetch, clock: clock.now, onEvent: telemetry })
    const prepared = grants.prepare([downstream])
    await inRequest(async () => {
      const result = await call()
      if (!result.ok) throw result.error
      const { access, failure } = await prepared(result.auth)
      if (failure !== undefined) throw failure
      expect((await access.fetch(downstream)(`${downstream}/events`)).status).toBe(200)
      await prepared(result.auth)
    })
    const finished = spans.getFinishedSpans()
    const named = (name: string) => finished.find((span) => span.name === name)
    expect(new Set(finished.map((span) => span.spanContext().traceId)).size).toBe(1)
    const request = named('GET /me')?.spanContext().spanId
    expect(named('exchange token')?.parentSpanContext?.spanId).toBe(request)
    expect(named('exchange token')?.attributes).toMatchObject({ 'portcullis.grant.resource': downstream })
    expect(named('exchangeToken')?.parentSpanContext?.spanId).toBe(named('exchange token')?.spanContext().spanId)
    const tokenRequest = finished.find(({ attributes }) => attributes['url.path'] === '/token')
    expect(tokenRequest?.parentSpanContext?.spanId).toBe(named('exchangeToken')?.spanContext().spanId)
    const downstreamCall = finished.find(({ attributes }) => attributes['url.path'] === '/events')
    expect(downstreamCall?.parentSpanContext?.spanId).toBe(request)
    expect(named('GET /events')?.parentSpanContext?.spanId).toBe(downstreamCall?.spanContext().spanId)
    expect(named('GET /events')?.attributes).toMatchObject({ 'portcullis.outcome': 'accepted' })
    expect(named('GET /events')?.attributes).toMatchObject({ 'portcullis.resource': downstream })
    const keysOfCalendar = finished.filter(
      ({ name, parentSpanContext }) =>
        name === 'fetch keys' && parentSpanContext?.spanId === named('GET /events')?.spanContext().spanId,
    )
    expect(keysOfCalendar).toHaveLength(1)
    const found = await measured()
    expect(found['portcullis.grants']?.map((attributes) => attributes['portcullis.grant.source'])).toEqual([
      'exchanged',
      'cache',
    ])
    expect(found['portcullis.client.attempt.duration']).toContainEqual({
      'portcullis.issuer': issuer.issuer,
      'portcullis.client.call': 'exchangeToken',
      'http.response.status_code': 200,
    })
    expect(found['portcullis.client.call.duration']).toContainEqual({
      'portcullis.issuer': issuer.issuer,
      'portcullis.client.call': 'exchangeToken',
    })
    expect(JSON.stringify([found, finished.map(({ attributes }) => attributes)])).not.toMatch(
      /(?<![\w-])eyJ[\w-]+\.|test-secret/,
    )
  })

  it('[REAL-44] reads the age, the state and the clock of key sets when gauges are collected', async () => {
    const telemetry = openTelemetry()
    const { call, issuer } = setUp({ onEvent: telemetry })
    const later = createResourceServer({ resource, issuer: 'https://idle.test', clock: clock.now })
    later.observe(telemetry)
    await call()
    clock.advance(90_000)
    await meters.forceFlush()
    const all = points.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics))
    const valuesOf = (name: string) =>
      all
        .filter(({ descriptor }) => descriptor.name === name)
        .flatMap(({ dataPoints }) => dataPoints.map(({ value, attributes }) => ({ value, ...attributes })))
    const own = { 'portcullis.issuer': issuer.issuer }
    expect(valuesOf('portcullis.key_set.age')).toContainEqual({ value: 90, ...own })
    expect(valuesOf('portcullis.issuer.clock_offset')).toEqual([])
    expect(valuesOf('portcullis.key_set.status')).toEqual(
      expect.arrayContaining([
        { value: 1, ...own, 'portcullis.state': 'fresh' },
        { value: 0, ...own, 'portcullis.state': 'stale' },
        { value: 1, 'portcullis.issuer': 'https://idle.test', 'portcullis.state': 'empty' },
      ]),
    )
  })

  it('[REAL-44] counts logins, refreshes, waits, unknown keys and circuits, and folds what it cannot bound', async () => {
    const telemetry = openTelemetry()
    const about = { issuer: 'https://as.test', correlationId: 'c1' } as const
    const events: PortcullisEvent[] = [
      { type: 'login.completed', provider: 'main', issuer: about.issuer },
      { type: 'login.failed', provider: 'main', issuer: about.issuer, code: 'ERR_TIMEOUT' },
      { type: 'tokens.refreshed', provider: 'main', durationMs: 5 },
      { type: 'tokens.refresh_failed', provider: 'main', code: 'ERR_TIMEOUT', durationMs: 5 },
      { type: 'lock.waited', store: 'grants', outcome: 'timeout', durationMs: 15_000 },
      { type: 'keys.unknown', issuer: about.issuer, asked: false, count: 41 },
      { type: 'client.breaker', issuer: about.issuer, circuit: 'token', state: 'open' },
      { type: 'introspection.breaker', issuer: about.issuer, state: 'half-open' },
      ...Array.from({ length: 30 }, (_, index) => {
        return { type: 'store.failed', store: 'replay', reason: `E${index}`, failedOpen: false } as const
      }),
    ]
    for (const event of events) telemetry(event)
    const found = await measured()
    expect(found['portcullis.logins']).toEqual([
      { 'portcullis.provider': 'main' },
      { 'portcullis.provider': 'main', 'error.type': 'ERR_TIMEOUT' },
    ])
    expect(found['portcullis.token_refresh.duration']).toHaveLength(2)
    expect(found['portcullis.lease.wait.duration']).toEqual([
      { 'portcullis.store': 'grants', 'portcullis.outcome': 'timeout' },
    ])
    expect(found['portcullis.key_set.unknown_lookups']).toEqual([
      { 'portcullis.issuer': about.issuer, 'portcullis.asked': false },
    ])
    expect(found['portcullis.store.failures']?.map((attributes) => attributes['error.type'])).toHaveLength(21)
    expect(found['portcullis.store.failures']?.at(-1)).toMatchObject({ 'error.type': '_OTHER' })
    const status = points
      .getMetrics()
      .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics))
      .find(({ descriptor }) => descriptor.name === 'portcullis.circuit.status')
    const standing = status?.dataPoints.flatMap(({ value, attributes }) => (value === 1 ? [attributes] : []))
    expect(standing).toEqual([
      { 'portcullis.issuer': about.issuer, 'portcullis.circuit': 'token', 'portcullis.state': 'open' },
      { 'portcullis.issuer': about.issuer, 'portcullis.circuit': 'introspection', 'portcullis.state': 'half-open' },
    ])
  })

  it('[REAL-44] begins a trace of its own for keys that are fetched ahead, with a link to the request', async () => {
    const { call } = setUp()
    await call()
    spans.reset()
    clock.advance(3400_000)
    await inRequest(() => call())
    await new Promise((resolve) => setImmediate(resolve))
    const named = (name: string) => spans.getFinishedSpans().find((span) => span.name === name)
    const request = named('GET /me')?.spanContext()
    expect(named('fetch keys')?.parentSpanContext).toBeUndefined()
    expect(named('fetch keys')?.spanContext().traceId).not.toBe(request?.traceId)
    expect(named('fetch keys')?.links.map(({ context: to }) => to.spanId)).toEqual([request?.spanId])
  })
})

interface Point {
  readonly name: string
  readonly unit: string
  readonly value: unknown
  readonly attributes: object
}

/** Every point since the test began: of a histogram the sum of what was recorded. */
async function pointsMeasured(): Promise<readonly Point[]> {
  await meters.forceFlush()
  const all = points.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics))
  return all.flatMap(({ descriptor: { name, unit }, dataPoints }) =>
    dataPoints.map(({ value, attributes }) => {
      return { name, unit, value: typeof value === 'number' ? value : (value as { sum: number }).sum, attributes }
    }),
  )
}

const about = { resource, issuer: 'https://as.test' }
const named = { 'portcullis.resource': resource, 'portcullis.issuer': about.issuer }
const ofIssuer = { 'portcullis.issuer': about.issuer }
const authentication = 'portcullis.authentication.duration'

/** An event, and what it comes to. */
const counted: readonly (readonly [event: object, name: string, unit: string, value: number, attributes: object])[] = [
  [
    { type: 'auth.refused', status: 500, code: 'ERR_X', scheme: 'DPoP', durationMs: 5, ...about },
    ...([authentication, 's', 0.005] as const),
    {
      ...named,
      'portcullis.outcome': 'failed',
      'portcullis.code': 'ERR_X',
      'portcullis.scheme': 'DPoP',
      'error.type': 'ERR_X',
    },
  ],
  [
    { type: 'auth.refused', status: 499, code: 'ERR_X', durationMs: 5, ...about },
    ...([authentication, 's', 0.005] as const),
    { ...named, 'portcullis.outcome': 'refused', 'portcullis.code': 'ERR_X' },
  ],
  [
    { type: 'auth.accepted', source: 'cache', route: '/x', durationMs: 2, ...about },
    ...([authentication, 's', 0.002] as const),
    { ...named, 'portcullis.outcome': 'accepted', 'portcullis.token.source': 'cache' },
  ],
  [
    { type: 'auth.anonymous', resource, durationMs: 1 },
    ...([authentication, 's', 0.001] as const),
    { 'portcullis.outcome': 'anonymous', 'portcullis.resource': resource },
  ],
  ...(
    [
      [{ type: 'grant.exchanged' }, { 'portcullis.grant.source': 'exchanged' }],
      [{ type: 'grant.reused', source: 'store' }, { 'portcullis.grant.source': 'store' }],
      [
        { type: 'grant.failed', code: 'ERR_X' },
        { 'portcullis.grant.source': 'failed', 'error.type': 'ERR_X' },
      ],
    ] as const
  ).map(
    ([event, attributes]) =>
      [
        { ...event, resource },
        ...(['portcullis.grants', '{grant}', 1] as const),
        { 'portcullis.grant.resource': resource, ...attributes },
      ] as const,
  ),
  ...(
    [
      [{ type: 'tokens.refreshed' }, {}],
      [{ type: 'tokens.refresh_failed', code: 'ERR_X' }, { 'error.type': 'ERR_X' }],
    ] as const
  ).map(
    ([event, attributes]) =>
      [
        { ...event, provider: 'main', durationMs: 5 },
        ...(['portcullis.token_refresh.duration', 's', 0.005] as const),
        { 'portcullis.provider': 'main', ...attributes },
      ] as const,
  ),
  ...(
    [
      [{ type: 'login.completed' }, {}],
      [{ type: 'login.failed', code: 'ERR_X' }, { 'error.type': 'ERR_X' }],
    ] as const
  ).map(
    ([event, attributes]) =>
      [
        { ...event, provider: 'main' },
        ...(['portcullis.logins', '{login}', 1] as const),
        { 'portcullis.provider': 'main', ...attributes },
      ] as const,
  ),
  [{ type: 'dpop.replayed', resource }, 'portcullis.dpop.replays', '{replay}', 1, { 'portcullis.resource': resource }],
  [
    { type: 'keys.unknown', ...about, asked: true, count: 41 },
    ...(['portcullis.key_set.unknown_lookups', '{lookup}', 41] as const),
    { ...ofIssuer, 'portcullis.asked': true },
  ],
  [
    { type: 'keys.failed', ...about, reason: 'timeout', stale: true },
    ...(['portcullis.key_set.failures', '{failure}', 1] as const),
    { ...ofIssuer, 'error.type': 'timeout', 'portcullis.stale': true },
  ],
  [
    { type: 'store.failed', store: 'grants', reason: 'E', failedOpen: true },
    ...(['portcullis.store.failures', '{failure}', 1] as const),
    { 'portcullis.store': 'grants', 'error.type': 'E', 'portcullis.failed_open': true },
  ],
  [
    { type: 'lock.waited', store: 'grants', outcome: 'timeout', durationMs: 15_000 },
    ...(['portcullis.lease.wait.duration', 's', 15] as const),
    { 'portcullis.store': 'grants', 'portcullis.outcome': 'timeout' },
  ],
  [
    { type: 'client.attempt', ...about, operation: 'refresh', status: 400, code: 'ERR_X', durationMs: 5 },
    ...(['portcullis.client.attempt.duration', 's', 0.005] as const),
    { ...ofIssuer, 'portcullis.client.call': 'refresh', 'http.response.status_code': 400, 'error.type': 'ERR_X' },
  ],
]

const operations = [
  ['keys', 'fetch keys', 'portcullis.key_set.fetch.duration'],
  ['discovery', 'discover', 'portcullis.discovery.duration'],
  ['introspection', 'introspect', 'portcullis.introspection.duration'],
  ['exchange', 'exchange token', 'portcullis.exchange.duration'],
  ['client', 'call', 'portcullis.client.call.duration'],
] as const

describe('the metrics of portcullis/otel', () => {
  it.each(counted)(
    '[REAL-44] take %j in their unit, and nothing else',
    async (event, name, unit, value, attributes) => {
      openTelemetry()(event as PortcullisEvent)
      const found = (await pointsMeasured()).filter((point) => !/\.(age|status|clock_offset)$/.test(point.name))
      expect(found).toEqual([{ name, unit, value, attributes }])
    },
  )

  it.each(operations)('[REAL-44] time %s, as its span does, and tell why it failed', async (operation, span, name) => {
    const telemetry = openTelemetry()
    await telemetry.trace({ operation, issuer: about.issuer }, async () => {})
    await telemetry.trace({ operation, issuer: about.issuer }, () => Promise.reject(new RangeError('x')))
    expect(spans.getFinishedSpans().map((one) => [one.name, one.status.code, one.attributes['error.type']])).toEqual([
      [span, SpanStatusCode.UNSET, undefined],
      [span, SpanStatusCode.ERROR, 'RangeError'],
    ])
    const found = (await pointsMeasured()).filter((point) => point.name === name)
    expect(found.map(({ unit, attributes }) => [unit, attributes])).toEqual([
      ['s', ofIssuer],
      ['s', { ...ofIssuer, 'error.type': 'RangeError' }],
    ])
  })

  it('[REAL-44] tell microseconds from seconds', async () => {
    openTelemetry()({ type: 'auth.anonymous', resource, durationMs: 0.02 } as PortcullisEvent)
    await meters.forceFlush()
    const all = points.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics))
    const measured = all.find(({ descriptor }) => descriptor.name === authentication)?.dataPoints ?? []
    expect(measured.map(({ value }) => value)).toMatchObject([
      {
        buckets: {
          boundaries: [1e-5, 5e-5, 1e-4, 5e-4, 1e-3, 5e-3, 1e-2, 5e-2, 0.1, 0.5, 1, 5],
          counts: [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        },
      },
    ])
  })

  it.each<[string, string, (value: string) => object]>([
    ['resource', 'portcullis.resource', (value) => ({ type: 'dpop.replayed', resource: value })],
    ['issuer', 'portcullis.issuer', (value) => ({ type: 'keys.failed', issuer: value, reason: 'x', stale: false })],
    ['error.type', 'error.type', (value) => ({ type: 'store.failed', store: 's', reason: value, failedOpen: false })],
  ])('[REAL-44] tell 20 values of %s apart, known ones ever after', async (_name, attribute, eventOf) => {
    const telemetry = openTelemetry()
    for (let value = 0; value < 25; value++) telemetry(eventOf(`v${value}`) as PortcullisEvent)
    telemetry(eventOf('v3') as PortcullisEvent)
    const found = (await pointsMeasured()).filter(({ name }) => /replays|failures/.test(name))
    expect(found.map(({ value, attributes }) => [Reflect.get(attributes, attribute), value])).toEqual([
      ...Array.from({ length: 20 }, (_, value) => [`v${value}`, value === 3 ? 2 : 1]),
      ['_OTHER', 5],
    ])
  })

  it('[REAL-44] show key sets and circuits as they stand, 200 circuits at most', async () => {
    const telemetry = openTelemetry()
    const readings = [
      { issuer: 'https://k.test', state: 'stale', ageMs: 90_500, clockOffsetMs: -2000 },
      { issuer: 'https://new.test', state: 'empty', ageMs: undefined, clockOffsetMs: undefined },
    ]
    const read = () => readings as never
    telemetry.watch?.(read)
    const breaker = (circuit: string, state: string) =>
      telemetry({ type: 'client.breaker', issuer: 'https://k.test', circuit, state } as PortcullisEvent)
    for (let circuit = 0; circuit < 205; circuit++) breaker(`bound-${circuit}`, 'open')
    breaker('bound-0', 'closed')
    const found = (await pointsMeasured()).filter(({ attributes }) =>
      /https:\/\/(k|new)\.test/.test(JSON.stringify(attributes)),
    )
    const of = (name: string, issuer = 'https://k.test') =>
      found.filter((point) => point.name === name && Reflect.get(point.attributes, 'portcullis.issuer') === issuer)
    const ofKeys = { 'portcullis.issuer': 'https://k.test' }
    expect(of('portcullis.key_set.age')).toEqual([
      { name: 'portcullis.key_set.age', unit: 's', value: 90.5, attributes: ofKeys },
    ])
    expect(of('portcullis.issuer.clock_offset')).toEqual([
      { name: 'portcullis.issuer.clock_offset', unit: 's', value: -2, attributes: ofKeys },
    ])
    expect(of('portcullis.key_set.age', 'https://new.test')).toEqual([])
    expect(of('portcullis.key_set.status').map(({ value, attributes }) => [attributes, value])).toEqual(
      ['empty', 'fresh', 'due', 'stale', 'expired'].map((state) => [
        { ...ofKeys, 'portcullis.state': state },
        state === 'stale' ? 1 : 0,
      ]),
    )
    const circuits = of('portcullis.circuit.status')
    expect(circuits).toHaveLength(600)
    expect(circuits.slice(0, 3).map(({ value, attributes }) => [attributes, value])).toEqual(
      ['closed', 'open', 'half-open'].map((state) => [
        { ...ofKeys, 'portcullis.circuit': 'bound-0', 'portcullis.state': state },
        state === 'closed' ? 1 : 0,
      ]),
    )
    expect(read()).toBe(readings)
  })

  it('[REAL-44] make each instrument once', () => {
    const meter = meters.getMeter('portcullis')
    const made: string[] = []
    for (const kind of ['createHistogram', 'createCounter', 'createObservableGauge'] as const) {
      const create = meter[kind].bind(meter)
      vi.spyOn(meter, kind).mockImplementation((name, options) => {
        made.push(name)
        return create(name, options) as never
      })
    }
    onTestFinished(() => void vi.restoreAllMocks())
    const telemetry = openTelemetry()
    for (const [event] of [...counted, ...counted]) telemetry(event as PortcullisEvent)
    expect(made.length).toBeGreaterThan(10)
    expect(new Set(made).size).toBe(made.length)
  })

  it('[REAL-44] count no missing value among those that are told apart', async () => {
    const telemetry = openTelemetry()
    telemetry({ type: 'auth.anonymous', resource, durationMs: 1 } as PortcullisEvent)
    for (let value = 0; value < 20; value++) {
      telemetry({ type: 'keys.failed', issuer: `v${value}`, reason: 'network', stale: false } as PortcullisEvent)
    }
    const found = (await pointsMeasured()).filter(({ name }) => name === 'portcullis.key_set.failures')
    expect(found.map(({ attributes }) => Reflect.get(attributes, 'portcullis.issuer'))).not.toContain('_OTHER')
  })

  it('[REAL-44] hold what a work took in seconds, under the name of this library', async () => {
    let nowMs = 70_000
    vi.spyOn(performance, 'now').mockImplementation(() => nowMs)
    onTestFinished(() => void vi.restoreAllMocks())
    await inRequest(async () => {
      await openTelemetry().trace({ operation: 'keys', issuer: about.issuer }, async () => {
        nowMs += 250
      })
    })
    const [span] = spans.getFinishedSpans()
    expect([span?.instrumentationScope.name, span?.links]).toEqual(['portcullis', []])
    expect(await pointsMeasured()).toContainEqual({
      ...{ name: 'portcullis.key_set.fetch.duration', unit: 's', value: 0.25, attributes: ofIssuer },
    })
  })

  it('[REAL-44] are left out without harm where they are switched off, and of events that come to nothing', async () => {
    const silent = openTelemetry({ metrics: false })
    for (const [event] of counted) expect(() => silent(event as PortcullisEvent)).not.toThrow()
    expect(() => openTelemetry()({ type: 'not.counted' } as never)).not.toThrow()
    await silent.trace({ operation: 'keys', issuer: about.issuer }, async () => {})
    expect(spans.getFinishedSpans().map(({ status }) => status.code)).toEqual([SpanStatusCode.UNSET])
    expect(() => openTelemetry({ span: true } as never)).toThrow('openTelemetry has no option')
  })

  it('[REAL-44] leave what fails without a span to whoever asked, and ports of addresses on its span', async () => {
    const work = { operation: 'keys', issuer: 'https://as.test:8443' } as const
    const silent = openTelemetry({ spans: false })
    await expect(silent.trace(work, () => Promise.reject(new Error('x')))).rejects.toThrow('x')
    await openTelemetry().trace({ ...work, isBackground: true }, async () => {})
    const [span] = spans.getFinishedSpans()
    expect([span?.attributes, span?.links]).toEqual([
      { 'portcullis.issuer': work.issuer, 'server.address': 'as.test', 'server.port': 8443 },
      [],
    ])
  })
})
