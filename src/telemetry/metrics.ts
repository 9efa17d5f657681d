/** What events come to in metrics: histograms, counters, and gauges that are read when they are collected. */
import { type Attributes, metrics } from '@opentelemetry/api'
import type { ReadKeySets, TracedOperation, TracedWork } from '../kit/event-sink.js'
import type { PortcullisEvent } from '../kit/events.js'
import { createGauges } from './gauges.js'

/** What became of a caller. */
export type Judgement = Extract<PortcullisEvent, { readonly type: `auth.${string}` }>

/** Makes metrics of events and of work. Built by {@link createRecorder}. */
export interface Recorder {
  event(event: PortcullisEvent): void
  /** @param seconds - how long it took. */
  work(work: TracedWork, seconds: number, errorType: string | undefined): void
  /** Reads key sets when gauges are collected, for as long as somebody else holds `read`. */
  watch(read: ReadKeySets): void
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

/** How many issuers, resources, routes or kinds of errors metrics tell apart; the rest is `_OTHER`. */
const maxValues = 20

type Told<Type extends PortcullisEvent['type']> = Extract<PortcullisEvent, { readonly type: Type }>
type Values = Readonly<Record<string, unknown>>

/** Makes a recorder. Instruments are made when they are first needed, since an SDK may be registered until then. */
export function createRecorder(routes: boolean): Recorder {
  const issuers = boundedValues()
  const resources = boundedValues()
  const routeNames = boundedValues()
  const errorTypes = boundedValues()
  const histograms = new Map<string, { record(seconds: number, attributes: Attributes): void }>()
  const counters = new Map<string, { add(count: number, attributes: Attributes): void }>()
  const gauges = createGauges((issuer) => issuers(issuer) as string)
  const meter = () => metrics.getMeter('portcullis')

  function seconds(name: string, value: number, attributes: Values): void {
    const histogram =
      histograms.get(name) ??
      meter().createHistogram(name, { unit: 's', advice: { explicitBucketBoundaries: boundaries } })
    histograms.set(name, histogram)
    histogram.record(value, defined(attributes))
  }

  function count(name: string, unit: string, attributes: Values, added = 1): void {
    const counter = counters.get(name) ?? meter().createCounter(name, { unit })
    counters.set(name, counter)
    counter.add(added, defined(attributes))
  }

  function judgement(event: Judgement): void {
    const outcome = outcomeOf(event)
    const { code, issuer, scheme, source } = event as Partial<Extract<Judgement, { readonly type: 'auth.refused' }>> &
      Partial<Extract<Judgement, { readonly type: 'auth.accepted' }>>
    seconds('portcullis.authentication.duration', event.durationMs / 1000, {
      'portcullis.outcome': outcome,
      'portcullis.code': code,
      'portcullis.resource': resources(event.resource),
      'portcullis.issuer': issuers(issuer),
      'portcullis.scheme': scheme,
      'portcullis.token.source': source,
      'error.type': outcome === 'failed' ? code : undefined,
      'http.route': routes ? routeNames(event.route) : undefined,
    })
  }

  function grant(event: Extract<PortcullisEvent, { readonly type: `grant.${string}` }>): void {
    count('portcullis.grants', '{grant}', {
      'portcullis.grant.source': event.type === 'grant.reused' ? event.source : event.type.slice('grant.'.length),
      'portcullis.grant.resource': resources(event.resource),
      'error.type': event.type === 'grant.failed' ? event.code : undefined,
    })
  }

  function refreshed(event: Told<'tokens.refreshed'> | Told<'tokens.refresh_failed'>): void {
    seconds('portcullis.token_refresh.duration', event.durationMs / 1000, {
      'portcullis.provider': issuers(event.provider),
      'error.type': event.type === 'tokens.refresh_failed' ? event.code : undefined,
    })
  }

  function login(event: Told<'login.completed'> | Told<'login.failed'>): void {
    count('portcullis.logins', '{login}', {
      'portcullis.provider': issuers(event.provider),
      'error.type': event.type === 'login.failed' ? event.code : undefined,
    })
  }

  const handlers: { readonly [Type in PortcullisEvent['type']]?: (event: Told<Type>) => void } = {
    'auth.accepted': judgement,
    'auth.anonymous': judgement,
    'auth.refused': judgement,
    'grant.exchanged': grant,
    'grant.reused': grant,
    'grant.failed': grant,
    'tokens.refreshed': refreshed,
    'tokens.refresh_failed': refreshed,
    'login.completed': login,
    'login.failed': login,
    'dpop.replayed': ({ resource }) =>
      count('portcullis.dpop.replays', '{replay}', { 'portcullis.resource': resources(resource) }),
    'keys.unknown': ({ issuer, asked, count: added }) =>
      count(
        'portcullis.key_set.unknown_lookups',
        '{lookup}',
        { 'portcullis.issuer': issuers(issuer), 'portcullis.asked': asked },
        added,
      ),
    'keys.failed': ({ issuer, reason, stale }) =>
      count('portcullis.key_set.failures', '{failure}', {
        'portcullis.issuer': issuers(issuer),
        'error.type': reason,
        'portcullis.stale': stale,
      }),
    'store.failed': ({ store, reason, failedOpen }) =>
      count('portcullis.store.failures', '{failure}', {
        'portcullis.store': store,
        'error.type': errorTypes(reason),
        'portcullis.failed_open': failedOpen,
      }),
    'lock.waited': ({ store, outcome, durationMs }) =>
      seconds('portcullis.lease.wait.duration', durationMs / 1000, {
        'portcullis.store': store,
        'portcullis.outcome': outcome,
      }),
    'client.attempt': ({ issuer, operation, status, code, durationMs }) =>
      seconds('portcullis.client.attempt.duration', durationMs / 1000, {
        'portcullis.issuer': issuers(issuer),
        'portcullis.client.call': operation,
        'http.response.status_code': status,
        'error.type': code,
      }),
    'client.breaker': ({ issuer, circuit: name, state }) => gauges.circuit(issuer, name, state),
    'introspection.breaker': ({ issuer, state }) => gauges.circuit(issuer, 'introspection', state),
  }

  return {
    event(event) {
      gauges.make(meter())
      const handle = handlers[event.type] as ((event: PortcullisEvent) => void) | undefined
      handle?.(event)
    },
    work({ operation, issuer, call }, value, errorType) {
      seconds(durationNames[operation], value, {
        'portcullis.issuer': issuers(issuer),
        'portcullis.client.call': call,
        'error.type': errorTypes(errorType),
      })
    },
    watch: gauges.watch,
  }
}

/** In one word. */
export function outcomeOf(event: Judgement): 'accepted' | 'anonymous' | 'refused' | 'failed' {
  if (event.type === 'auth.refused') return event.status >= 500 ? 'failed' : 'refused'
  return event.type === 'auth.accepted' ? 'accepted' : 'anonymous'
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

/** Attributes without those that have no value. */
export function defined(attributes: Values): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined)) as Attributes
}
