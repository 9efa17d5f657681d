/**
 * OpenTelemetry: metrics of what is judged, spans of what goes out. Made of events alone, and of `@opentelemetry/api`, which
 * the application brings with its SDK.
 *
 * @module
 */
import { type Attributes, metrics, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import type { TracedOperation, TracedWork, TracingListener } from '../kit/event-sink.js'
import { emit } from '../kit/event-sink.js'
import type { EventListener, PortcullisEvent } from '../kit/events.js'
import { failureCode } from '../kit/failure-code.js'
import { checkOptions, flag, func, type Rules } from '../kit/options.js'

/** Options of {@link openTelemetry}. @group Events */
export interface OpenTelemetryOptions {
  /** A span for every request that goes out to an authorization server. Default true. */
  readonly spans?: boolean | undefined
  /** Histograms and counters. Default true. */
  readonly metrics?: boolean | undefined
  /** Puts the pattern of the route into metrics as `http.route`: one more series for each route. Default false. */
  readonly routes?: boolean | undefined
  /** A listener that gets every event as well. */
  readonly onEvent?: EventListener | undefined
}

const rules: Rules<OpenTelemetryOptions> = { spans: flag, metrics: flag, routes: flag, onEvent: func }

const spanNames: Readonly<Record<TracedOperation, string>> = {
  keys: 'fetch keys',
  discovery: 'discover',
  introspection: 'introspect',
  exchange: 'exchange token',
  client: 'call',
}

const durationNames: Readonly<Record<TracedOperation, string>> = {
  keys: 'portcullis.key_set.fetch.duration',
  discovery: 'portcullis.discovery.duration',
  introspection: 'portcullis.introspection.duration',
  exchange: 'portcullis.exchange.duration',
  client: 'portcullis.client.call.duration',
}

/** A gate answers in microseconds: the buckets of HTTP, which begin at 5 ms, would hold it in one. */
const boundaries = [1e-5, 5e-5, 1e-4, 5e-4, 1e-3, 5e-3, 1e-2, 5e-2, 0.1, 0.5, 1, 5]

/** How many issuers, resources or routes metrics tell apart; the rest is `_OTHER`. */
const maxValues = 20

/**
 * Makes the listener that turns events into OpenTelemetry: `onEvent: openTelemetry()` of a server, client or grant engine,
 * or `server.observe(openTelemetry())`. Register the SDK before the first request: instruments are made with the first
 * event.
 *
 * No token, claim, client or path is ever in it; issuers, resources and routes are those of the configuration, 20 of each
 * at most in metrics. A span's status says `Error` only where this server or one it depends on failed: a refused caller is
 * no error.
 *
 * @throws `ConfigurationError`
 * @group Events
 */
export function openTelemetry(options: OpenTelemetryOptions = {}): TracingListener {
  checkOptions<OpenTelemetryOptions>('openTelemetry', options, rules)
  const { spans = true, routes = false, onEvent } = options
  const record = options.metrics === false ? undefined : createRecorder(routes)

  function listen(event: PortcullisEvent): void {
    emit(onEvent, event)
    if (isJudgement(event)) trace.getActiveSpan()?.setAttributes(spanAttributes(event))
    record?.event(event)
  }

  async function measured(work: TracedWork, run: () => Promise<unknown>): Promise<void> {
    const startedMs = performance.now()
    let errorType: string | undefined
    try {
      await run()
    } catch (error) {
      errorType = failureCode(error)
      throw error
    } finally {
      record?.work(work, (performance.now() - startedMs) / 1000, errorType)
    }
  }

  return Object.assign(listen, {
    trace(work: TracedWork, run: () => Promise<unknown>): unknown {
      return spans ? withinSpan(work, () => measured(work, run)) : measured(work, run)
    },
  })
}

function withinSpan(work: TracedWork, run: () => Promise<void>): Promise<void> {
  const { hostname, port } = new URL(work.issuer)
  const attributes = {
    'portcullis.issuer': work.issuer,
    'portcullis.grant.resource': work.resource,
    'server.address': hostname,
    'server.port': port === '' ? undefined : Number(port),
  }
  const settings = { kind: SpanKind.INTERNAL, attributes: defined(attributes) }
  return trace
    .getTracer('portcullis')
    .startActiveSpan(work.call ?? spanNames[work.operation], settings, async (span) => {
      try {
        await run()
      } catch (error) {
        span.setAttribute('error.type', failureCode(error))
        span.setStatus({ code: SpanStatusCode.ERROR })
      } finally {
        span.end()
      }
    })
}

type Judgement = Extract<PortcullisEvent, { readonly type: `auth.${string}` }>

function isJudgement(event: PortcullisEvent): event is Judgement {
  return event.type.startsWith('auth.')
}

function outcomeOf(event: Judgement): string {
  if (event.type === 'auth.refused') return event.status >= 500 ? 'failed' : 'refused'
  return event.type === 'auth.accepted' ? 'accepted' : 'anonymous'
}

function spanAttributes(event: Judgement): Attributes {
  return defined({
    'portcullis.outcome': outcomeOf(event),
    'portcullis.resource': event.resource,
    'portcullis.code': event.type === 'auth.refused' ? event.code : undefined,
    'portcullis.issuer': event.type === 'auth.accepted' ? event.issuer : undefined,
    'portcullis.scheme': event.type === 'auth.accepted' ? event.scheme : undefined,
    'portcullis.binding': event.type === 'auth.accepted' ? event.binding : undefined,
  })
}

function createRecorder(routes: boolean) {
  const issuers = boundedValues()
  const resources = boundedValues()
  const routeNames = boundedValues()
  const made = new Map<string, { record(seconds: number, attributes: Attributes): void }>()
  const counters = new Map<string, { add(count: number, attributes: Attributes): void }>()
  const meter = () => metrics.getMeter('portcullis')

  function seconds(name: string, value: number, attributes: Record<string, unknown>): void {
    const histogram =
      made.get(name) ?? meter().createHistogram(name, { unit: 's', advice: { explicitBucketBoundaries: boundaries } })
    made.set(name, histogram)
    histogram.record(value, defined(attributes))
  }

  function count(name: string, unit: string, attributes: Record<string, unknown>): void {
    const counter = counters.get(name) ?? meter().createCounter(name, { unit })
    counters.set(name, counter)
    counter.add(1, defined(attributes))
  }

  function judgement(event: Judgement): void {
    const outcome = outcomeOf(event)
    const code = event.type === 'auth.refused' ? event.code : undefined
    seconds('portcullis.authentication.duration', event.durationMs / 1000, {
      'portcullis.outcome': outcome,
      'portcullis.code': code,
      'portcullis.resource': resources(event.resource),
      'portcullis.issuer': event.type === 'auth.accepted' ? issuers(event.issuer) : undefined,
      'portcullis.scheme': event.type === 'auth.accepted' ? event.scheme : undefined,
      'error.type': outcome === 'failed' ? code : undefined,
      'http.route': routes ? routeNames(event.route) : undefined,
    })
  }

  type Counted = readonly [name: string, unit: string, attributes: Record<string, unknown>]

  function counted(event: PortcullisEvent): Counted | undefined {
    switch (event.type) {
      case 'dpop.replayed':
        return ['portcullis.dpop.replays', '{replay}', { 'portcullis.resource': resources(event.resource) }]
      case 'store.failed':
        return [
          'portcullis.store.failures',
          '{failure}',
          {
            'portcullis.store': event.store,
            'error.type': event.reason,
            'portcullis.failed_open': event.failedOpen,
          },
        ]
      case 'keys.failed':
        return [
          'portcullis.key_set.failures',
          '{failure}',
          {
            'portcullis.issuer': issuers(event.issuer),
            'error.type': event.reason,
            'portcullis.stale': event.stale,
          },
        ]
      case 'grant.exchanged':
      case 'grant.reused':
      case 'grant.failed':
        return [
          'portcullis.grants',
          '{grant}',
          {
            'portcullis.grant.source': event.type.slice('grant.'.length),
            'portcullis.grant.resource': resources(event.resource),
            'error.type': event.type === 'grant.failed' ? event.code : undefined,
          },
        ]
      default:
        return undefined
    }
  }

  return {
    event(event: PortcullisEvent): void {
      if (isJudgement(event)) {
        judgement(event)
        return
      }
      const found = counted(event)
      if (found) count(...found)
    },
    work({ operation, issuer, call }: TracedWork, value: number, errorType: string | undefined): void {
      seconds(durationNames[operation], value, {
        'portcullis.issuer': issuers(issuer),
        'portcullis.client.call': call,
        'error.type': errorType,
      })
    },
  }
}

/** The values of one attribute: the first ones as they are, all others as one. */
function boundedValues(): (value: string | undefined) => string | undefined {
  const known = new Set<string>()
  return (value) => {
    if (value === undefined || known.has(value)) return value
    if (known.size >= maxValues) return '_OTHER'
    known.add(value)
    return value
  }
}

function defined(attributes: Readonly<Record<string, unknown>>): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined)) as Attributes
}
