import { DelegateBackoff, handleWhen, type RetryPolicy, retry } from 'cockatiel'
import type { CustomFetch } from 'openid-client'
import { type Attempt, guardedResponse, startAttempt } from '../../kit/fetch/guarded-response.js'
import { withTimeLimit } from '../../kit/time-limit.js'
import { type ClientErrorContext, OAuthClientError } from '../errors.js'
import { type CircuitName, type ClientOperation, notify } from '../events.js'
import type { ClientSettings } from '../settings.js'
import type { Breakers } from './breakers.js'
import { mapError } from './map-error.js'

/** One call of a function of the client, its options complete. Serves as the context of its errors. */
export interface Call {
  readonly operation: ClientOperation
  readonly issuer: string
  readonly correlationId: string
  readonly signal?: AbortSignal | undefined
  /** Time for one attempt. */
  readonly timeoutMs: number
  /** When the time of the whole call is up, by the monotonic clock. */
  readonly deadlineMs: number
}

/**
 * Which failures of an operation may be repeated without spending anything twice.
 *
 * - `safe`: every retryable one; repeating changes nothing (client credentials, introspection, revocation, discovery).
 * - `refused`: only where the server said it did not do it, 429 and 503 (token exchange, JWT grant, PAR).
 * - `rate_limited`: 429 alone. After anything else nobody knows whether a rotating refresh token was spent.
 */
export type RetryRule = 'safe' | 'refused' | 'rate_limited'

/** What kind of request a call makes. */
export interface CallSpec {
  readonly circuit: CircuitName
  readonly retry: RetryRule
  /** Whether a successful answer must be JSON by its media type. */
  readonly expectsJson: boolean
}

/** One attempt of a call: what its work may use. */
export interface CallAttempt extends Attempt {
  /** When its last request was sent, by the monotonic clock; `undefined` before that. */
  sentAtMs?: number
  /** For errors the operation raises itself. */
  readonly context: ClientErrorContext & { readonly correlationId: string }
  /** The guarded fetch of this attempt, in the shape `openid-client` takes. */
  readonly fetch: CustomFetch
}

/** Runs calls of one client with time limits, repetitions and circuits around them. */
export type RunCall = <T>(spec: CallSpec, call: Call, work: (attempt: CallAttempt) => Promise<T>) => Promise<T>

/** A request under way. */
interface Running extends CallSpec, Call {
  readonly context: CallAttempt['context']
  readonly signal: AbortSignal
  /** The failure after which the next attempt is waited for. */
  pausedAfter?: OAuthClientError | undefined
}

/** What identifies a call in its errors. */
export function contextOf({ operation, issuer, correlationId }: Call): CallAttempt['context'] {
  return { operation, issuer, correlationId }
}

/**
 * Waits for work that other calls may share: an abort, or the end of the time of this call, ends the waiting and not the
 * work. A failure becomes an error of this call's own.
 */
export function joinWork<T>(
  settings: Pick<ClientSettings, 'monotonicClock'>,
  call: Call,
  start: () => Promise<T>,
): Promise<T> {
  return withinCall(settings, call, async () => {
    try {
      return await start()
    } catch (error) {
      const own = error as OAuthClientError
      const { operation = call.operation, issuer = call.issuer } = own
      throw OAuthClientError.forCall(own, { operation, issuer, correlationId: call.correlationId })
    }
  })
}

/** Does work within the time of the call, and until one of `others` aborts. Starts nothing once aborted. */
async function withinCall<T>(
  settings: Pick<ClientSettings, 'monotonicClock'>,
  call: Call,
  start: (signal: AbortSignal) => Promise<T>,
  others: readonly AbortSignal[] = [],
): Promise<T> {
  const sources = [call.signal, ...others]
  try {
    return await withTimeLimit(Math.max(1, call.deadlineMs - settings.monotonicClock()), start, sources)
  } catch (error) {
    const signal = sources.find((source) => source?.aborted)
    throw mapError(error, { context: contextOf(call), attempt: undefined, signal })
  }
}

/**
 * Builds the policy stack: overall time limit, repetitions, circuit, time limit of the attempt. Whatever fails leaves as
 * an {@link OAuthClientError}.
 */
export function createRunCall(settings: ClientSettings, breakers: Breakers, closing: AbortSignal): RunCall {
  return async (spec, call, work) => {
    let running: Running | undefined
    try {
      return await withinCall(
        settings,
        call,
        (signal) => {
          const state: Running = { ...spec, ...call, context: contextOf(call), signal }
          running = state
          const policy = retryPolicy(settings, state)
          return policy.execute(({ attempt }) => runAttempt(settings, breakers, state, work, attempt), signal)
        },
        [closing],
      )
    } catch (error) {
      // Time that ran out in a pause is not what went wrong.
      const isLate = (error as OAuthClientError).code === 'ERR_TIMEOUT'
      throw isLate ? (running?.pausedAfter ?? error) : error
    }
  }
}

/** Exponential back-off with full jitter. A `Retry-After` that is too long, or outlasts the call, ends the call. */
function retryPolicy(settings: ClientSettings, running: Running): RetryPolicy {
  const { maxRetries, initialDelayMs, maxDelayMs, maxRetryAfterMs } = settings.retry
  const { issuer, operation, correlationId } = running
  const worthIt = handleWhen((error) => {
    const { retryAfterMs = 0 } = error as OAuthClientError
    if (!mayRetry(running.retry, error as OAuthClientError)) return false
    return retryAfterMs <= maxRetryAfterMs && settings.monotonicClock() + retryAfterMs < running.deadlineMs
  })
  const backoff = new DelegateBackoff<{ readonly attempt: number; readonly result: object }>(({ attempt, result }) => {
    const jittered = Math.random() * Math.min(maxDelayMs, initialDelayMs * 2 ** (attempt - 1))
    return Math.max(jittered, failureOf(result).retryAfterMs ?? 0)
  })
  const policy = retry(worthIt, { maxAttempts: maxRetries, backoff }).dangerouslyUnref()
  policy.onRetry((retried) => {
    running.pausedAfter = failureOf(retried)
    notify(settings.onEvent, { type: 'client.retry', issuer, operation, correlationId, delayMs: retried.delay })
  })
  return policy
}

/** Whether `rule` allows repeating an attempt that failed with `error`. Never while a circuit is open. */
function mayRetry(rule: RetryRule, error: OAuthClientError): boolean {
  if (!error.retryable || error.code === 'ERR_CIRCUIT_OPEN' || error.code === 'ERR_QUOTA_EXCEEDED') return false
  if (rule === 'safe' || error.code === 'ERR_RATE_LIMITED') return true
  return rule === 'refused' && 'status' in error && error.status === 503
}

/** Only mapped errors come here: see {@link runAttempt}. */
function failureOf(result: object): OAuthClientError {
  return (result as { readonly error: OAuthClientError }).error
}

async function runAttempt<T>(
  settings: ClientSettings,
  breakers: Breakers,
  running: Running,
  work: (attempt: CallAttempt) => Promise<T>,
  index: number,
): Promise<T> {
  running.pausedAfter = undefined
  const startedMs = settings.monotonicClock()
  let current: CallAttempt | undefined
  const toError = (error: unknown): OAuthClientError =>
    mapError(error, {
      context: running.context,
      signal: running.signal,
      attempt: current,
    })
  const report = (code: OAuthClientError['code'] | undefined): void =>
    notify(settings.onEvent, {
      type: 'client.attempt',
      issuer: running.issuer,
      operation: running.operation,
      correlationId: running.correlationId,
      attempt: index + 1,
      durationMs: Math.max(0, settings.monotonicClock() - startedMs),
      status: current?.answer?.status,
      code,
    })
  const begin = (signal: AbortSignal): Promise<T> => {
    current = beginAttempt(settings, running, signal)
    return work(current)
  }
  const limited = (): Promise<T> =>
    withTimeLimit(running.timeoutMs, begin, [running.signal]).catch((error: unknown) => {
      throw toError(error)
    })
  try {
    const result = await breakers.run(running.circuit, limited, () => current ?? {})
    report(undefined)
    return result
  } catch (error) {
    const mapped = toError(error)
    report(mapped.code)
    throw mapped
  }
}

function beginAttempt(settings: ClientSettings, running: Running, signal: AbortSignal): CallAttempt {
  const { context, expectsJson } = running
  const { correlationHeader: name } = settings
  const headers = name === undefined ? settings.headers : { ...settings.headers, [name]: context.correlationId }
  const attempt: CallAttempt = {
    ...startAttempt(signal, expectsJson),
    context,
    fetch(url, init) {
      attempt.sentAtMs = settings.monotonicClock()
      return guardedResponse({ ...settings, headers }, attempt, url, init)
    },
  }
  return attempt
}
