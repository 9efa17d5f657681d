/**
 * OpenTelemetry: metrics of what is judged, spans of what goes out. Made of events alone, and of `@opentelemetry/api`, which
 * the application brings with its SDK.
 *
 * @module
 */
import { type Attributes, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import type { ReadKeySets, TracedOperation, TracedWork, TracingListener } from '../kit/event-sink.js'
import { emit } from '../kit/event-sink.js'
import type { EventListener, PortcullisEvent } from '../kit/events.js'
import { failureCode } from '../kit/failure-code.js'
import { checkOptions, flag, func, type Rules } from '../kit/options.js'
import { createRecorder, defined, type Judgement, outcomeOf } from './metrics.js'

/** Options of {@link openTelemetry}. @group Events */
export interface OpenTelemetryOptions {
  /** A span for every request that goes out to an authorization server. Default true. */
  readonly spans?: boolean | undefined
  /** Histograms, counters and gauges. Default true. */
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
    watch: (read: ReadKeySets) => record?.watch(read),
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
  // Work that no request waits for would hang below a span that is over before it begins.
  const around = work.isBackground === true ? trace.getActiveSpan()?.spanContext() : undefined
  const links = around === undefined ? [] : [{ context: around }]
  const root = work.isBackground === true
  const settings = { kind: SpanKind.INTERNAL, attributes: defined(attributes), links, root }
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

function isJudgement(event: PortcullisEvent): event is Judgement {
  return event.type.startsWith('auth.')
}

function spanAttributes(event: Judgement): Attributes {
  const { code, issuer, scheme, binding, source } = event as Partial<
    Extract<Judgement, { readonly type: 'auth.refused' }>
  > &
    Partial<Extract<Judgement, { readonly type: 'auth.accepted' }>>
  return defined({
    'portcullis.outcome': outcomeOf(event),
    'portcullis.resource': event.resource,
    'portcullis.code': code,
    'portcullis.issuer': issuer,
    'portcullis.scheme': scheme,
    'portcullis.binding': binding,
    'portcullis.token.source': source,
  })
}
