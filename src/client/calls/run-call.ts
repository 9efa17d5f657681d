import type { RetryPolicy } from 'cockatiel'
import type { CircuitName, ClientOperation } from '../../kit/client-events.js'
import { emit, traced } from '../../kit/event-sink.js'
import { pause, withTimeLimit } from '../../kit/time-limit.js'
import { OAuthClientError } from '../errors.js'
import type { ClientSettings } from '../settings.js'
import { type Attempt, createAttempt } from './attempt.js'
import type { Breakers } from './breakers.js'
import { loadCockatiel } from './load-cockatiel.js'
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
  /** The failure after which the next attempt is waited for. */
  pausedAfter?: OAuthClientError | undefined
}

/**
 * Which failures of an operation may be repeated without spending anything twice.
 *
 * - `safe`: every retryable one; repeating changes nothing (client credentials, introspection, revocation, discovery).
 * - `refused`: only where the server said it did not do it, 429 and 503 (token exchange, JWT grant, PAR).
 * - `never`: none, for what asks again by itself (device login).
 * - `rate_limited`: only 429. After anything else it is not known whether a rotating refresh token was spent.
 */
export type RetryRule = 'safe' | 'refused' | 'rate_limited' | 'never'

/** What kind of request a call makes. */
export interface CallSettings {
  readonly circuit: CircuitName
  readonly retry: RetryRule
  /** Whether a successful answer must be JSON by its media type. */
  readonly expectsJson: boolean
}

/** Runs calls of one client with time limits, repetitions and circuits around them. */
export type RunCall = <T>(spec: CallSettings, call: Call, work: (attempt: Attempt) => Promise<T>) => Promise<T>

/** What runs the calls of one client. */
export interface CallRunner {
  readonly settings: ClientSettings
  readonly breakers: Breakers
  /** Aborted once the client is closed. */
  readonly closing: AbortSignal
}

/** What identifies a call in its errors. */
export function contextOf({ operation, issuer, correlationId }: Call): Attempt['context'] {
  return { operation, issuer, correlationId }
}

/**
 * Does the work of a call within its time. An abort, or the end of the time, ends the waiting, and not work that others
 * share. Whatever fails leaves as an {@link OAuthClientError} of this call's own.
 */
export async function withinCall<T>(
  { settings, closing }: CallRunner,
  call: Call,
  start: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const sources = [call.signal, closing]
  const { issuer, correlationId } = call
  const asked = { operation: 'client', issuer, call: call.operation, correlationId } as const
  try {
    return await traced(settings.onEvent, asked, () =>
      withTimeLimit(Math.max(1, call.deadlineMs - settings.monotonicClock()), start, sources),
    )
  } catch (thrown) {
    const context = contextOf(call)
    const signal = sources.find((source) => source?.aborted)
    const error = mapError(thrown, { context, attempt: undefined, signal })
    // Time that ran out in a pause is not what went wrong.
    if (error.code === 'ERR_TIMEOUT' && call.pausedAfter !== undefined) throw call.pausedAfter
    const { operation = call.operation, issuer = call.issuer } = error
    throw error.correlationId === call.correlationId
      ? error
      : OAuthClientError.forCall(error, { ...context, operation, issuer })
  }
}

/** Makes the requests of a call: repetitions, circuit, time limit of the attempt. To be used {@link withinCall}. */
export async function repeatAttempts<T>(
  runner: CallRunner,
  spec: CallSettings,
  call: Call,
  signal: AbortSignal,
  work: (attempt: Attempt) => Promise<T>,
): Promise<T> {
  const attemptAt = (index: number): Promise<T> => {
    call.pausedAfter = undefined
    return runAttempt(runner, spec, { ...call, signal }, work, index)
  }
  try {
    return await attemptAt(0)
  } catch (error) {
    const { policy, pauseMs } = await retryPolicy(runner.settings, spec.retry, call)
    return policy.execute(async ({ attempt }) => {
      // The attempt that was made is its first one.
      if (attempt === 0) throw error
      await pause(pauseMs(), signal)
      return attemptAt(attempt)
    }, signal)
  }
}

/**
 * Exponential back-off with full jitter. A `Retry-After` that is too long, or outlasts the call, ends the call. The policy
 * itself waits for nothing: its pauses would go on after the call was given up. `pauseMs` is the one due now.
 */
async function retryPolicy(
  settings: ClientSettings,
  rule: RetryRule,
  call: Call,
): Promise<{ readonly policy: RetryPolicy; readonly pauseMs: () => number }> {
  const { handleWhen, retry } = await loadCockatiel()
  const { maxRetries, initialDelayMs, maxDelayMs, maxRetryAfterMs } = settings.retry
  const { issuer, operation, correlationId } = call
  const worthIt = handleWhen((error) => {
    const { retryAfterMs = 0 } = error as OAuthClientError
    if (!mayRetry(rule, error as OAuthClientError)) return false
    return retryAfterMs <= maxRetryAfterMs && settings.monotonicClock() + retryAfterMs < call.deadlineMs
  })
  const policy = retry(worthIt, { maxAttempts: maxRetries })
  let delayMs = 0
  policy.onRetry(({ attempt, ...result }) => {
    call.pausedAfter = failureOf(result)
    const { code, retryAfterMs = 0 } = call.pausedAfter
    const jittered = Math.random() * Math.min(maxDelayMs, initialDelayMs * 2 ** (attempt - 1))
    delayMs = Math.max(jittered, retryAfterMs)
    emit(settings.onEvent, { type: 'client.retry', issuer, operation, correlationId, code, attempt, delayMs })
  })
  return { policy, pauseMs: () => delayMs }
}

/** Whether `rule` allows repeating an attempt that failed with `error`. Never while a circuit is open. */
function mayRetry(rule: RetryRule, error: OAuthClientError): boolean {
  if (rule === 'never' || !error.retryable || error.code === 'ERR_CIRCUIT_OPEN' || error.code === 'ERR_QUOTA_EXCEEDED')
    return false
  if (rule === 'safe' || error.code === 'ERR_RATE_LIMITED') return true
  return rule === 'refused' && 'status' in error && error.status === 503
}

/** Only mapped errors come here: see {@link runAttempt}. */
function failureOf(result: object): OAuthClientError {
  return (result as { readonly error: OAuthClientError }).error
}

async function runAttempt<T>(
  { settings, breakers }: CallRunner,
  spec: CallSettings,
  call: Call & { readonly signal: AbortSignal },
  work: (attempt: Attempt) => Promise<T>,
  index: number,
): Promise<T> {
  const { operation, issuer, correlationId, signal } = call
  const { monotonicClock, onEvent } = settings
  const startedMs = monotonicClock()
  let current: Attempt | undefined
  const toError = (error: unknown): OAuthClientError =>
    mapError(error, { context: contextOf(call), signal, attempt: current })
  const report = ({ code, retryable = false }: Partial<OAuthClientError> = {}): void =>
    emit(onEvent, {
      type: 'client.attempt',
      issuer,
      operation,
      correlationId,
      attempt: index + 1,
      durationMs: Math.max(0, monotonicClock() - startedMs),
      status: current?.answer?.status,
      code,
      retryable,
    })
  const begin = (limited: AbortSignal): Promise<T> => {
    current = createAttempt(settings, { context: contextOf(call), expectsJson: spec.expectsJson, signal: limited })
    return work(current)
  }
  const attempt = (): Promise<T> =>
    withTimeLimit(call.timeoutMs, begin, [signal]).catch((error: unknown) => {
      throw toError(error)
    })
  try {
    const result = await breakers.run(spec.circuit, attempt, () => current ?? {})
    report()
    return result
  } catch (error) {
    const mapped = toError(error)
    report(mapped)
    throw mapped
  }
}
