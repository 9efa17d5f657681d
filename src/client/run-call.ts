import { DelegateBackoff, handleWhen, type RetryPolicy, retry, TimeoutStrategy, timeout } from 'cockatiel'
import { linkSignals } from '../lib/linked-signal.js'
import type { Breakers } from './breakers.js'
import { ClientConfigurationError, type ClientErrorContext, OAuthClientError } from './errors.js'
import { type CircuitName, type ClientOperation, notify } from './events.js'
import { type Attempt, startAttempt } from './guarded-response.js'
import { mapError } from './map-error.js'
import type { CallOptions } from './options.js'
import { mayRetry, type RetryRule } from './retry-rule.js'
import type { ClientSettings } from './settings.js'

/** What kind of call is made. */
export interface CallSpec {
  readonly operation: ClientOperation
  readonly circuit: CircuitName
  readonly retry: RetryRule
  /** Whether a successful answer must be JSON by its media type. */
  readonly expectsJson: boolean
}

/** One attempt of a call: what its work may use. */
export interface CallAttempt extends Attempt {
  /** For errors the operation raises itself. */
  readonly context: ClientErrorContext & { readonly correlationId: string }
}

/** Runs calls of one client with time limits, repetitions and circuits around them. */
export type RunCall = <T>(
  spec: CallSpec,
  options: CallOptions | undefined,
  work: (attempt: CallAttempt) => Promise<T>,
) => Promise<T>

/** One call under way. */
interface Call extends CallSpec {
  readonly context: CallAttempt['context']
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/**
 * Builds the policy stack: overall time limit, repetitions, circuit, time limit of the attempt. Whatever fails leaves as
 * an {@link OAuthClientError}.
 */
export function createRunCall(settings: ClientSettings, breakers: Breakers, closing: AbortSignal): RunCall {
  return async (spec, options, work) => {
    const { signal, release } = linkSignals([closing, options?.signal])
    const call = describeCall(settings, spec, options, signal)
    const limit = timeout(settings.totalTimeoutMs, TimeoutStrategy.Aggressive)
    const retries = retryPolicy(settings, call)
    try {
      if (closing.aborted) throw new ClientConfigurationError('ERR_CLIENT_CLOSED', call.context)
      if (call.signal.aborted) throw new OAuthClientError('ERR_ABORTED', call.context)
      return await limit.execute(
        (total) =>
          retries.execute(
            ({ signal, attempt }) => runAttempt(settings, breakers, call, work, signal, attempt),
            total.signal,
          ),
        call.signal,
      )
    } catch (error) {
      throw mapError(error, { ...call, attempt: undefined, aborted: call.signal.aborted })
    } finally {
      release()
    }
  }
}

function describeCall(
  settings: ClientSettings,
  spec: CallSpec,
  options: CallOptions | undefined,
  signal: AbortSignal,
): Call {
  const correlationId = options?.correlationId ?? crypto.randomUUID()
  return {
    ...spec,
    context: { operation: spec.operation, issuer: settings.issuer, correlationId },
    timeoutMs: options?.timeoutMs ?? settings.timeoutMs,
    signal,
  }
}

/** Exponential back-off with full jitter. A `Retry-After` that is too long, or outlasts the call, ends the call. */
function retryPolicy(settings: ClientSettings, call: Call): RetryPolicy {
  const { maxRetries, initialDelayMs, maxDelayMs, maxRetryAfterMs } = settings.retry
  const deadlineMs = settings.clock() + settings.totalTimeoutMs
  const worthIt = handleWhen((error) => {
    const { retryAfterMs = 0 } = error as OAuthClientError
    if (!mayRetry(call.retry, error as OAuthClientError)) return false
    return retryAfterMs <= maxRetryAfterMs && settings.clock() + retryAfterMs < deadlineMs
  })
  const backoff = new DelegateBackoff<{
    readonly attempt: number
    readonly result: { readonly error?: Error } | object
  }>(({ attempt, result }) => {
    const jittered = Math.random() * Math.min(maxDelayMs, initialDelayMs * 2 ** (attempt - 1))
    return Math.max(jittered, retryAfterOf(result))
  })
  const policy = retry(worthIt, { maxAttempts: maxRetries, backoff }).dangerouslyUnref()
  policy.onRetry(({ delay }) => {
    const { operation, context } = call
    const { correlationId } = context
    notify(settings.onEvent, {
      type: 'client.retry',
      issuer: settings.issuer,
      operation,
      correlationId,
      delayMs: delay,
    })
  })
  return policy
}

/** Only mapped errors come here: see {@link runAttempt}. */
function retryAfterOf(result: object): number {
  const { error } = result as { readonly error: OAuthClientError }
  return error.retryAfterMs ?? 0
}

async function runAttempt<T>(
  settings: ClientSettings,
  breakers: Breakers,
  call: Call,
  work: (attempt: CallAttempt) => Promise<T>,
  signal: AbortSignal,
  index: number,
): Promise<T> {
  const startedMs = settings.clock()
  const limit = timeout(call.timeoutMs, TimeoutStrategy.Aggressive)
  let current: CallAttempt | undefined
  const toError = (error: unknown): OAuthClientError =>
    mapError(error, {
      ...call,
      attempt: current,
      aborted: call.signal.aborted,
      resetTimeoutMs: settings.breaker?.resetTimeoutMs,
    })
  const report = (code: OAuthClientError['code'] | undefined): void =>
    notify(settings.onEvent, {
      type: 'client.attempt',
      issuer: settings.issuer,
      operation: call.operation,
      correlationId: call.context.correlationId,
      attempt: index + 1,
      durationMs: settings.clock() - startedMs,
      status: current?.answer?.status,
      code,
    })
  const limited = (): Promise<T> =>
    limit
      .execute((inner) => {
        current = { ...startAttempt(inner.signal, call.expectsJson), context: call.context }
        return work(current)
      }, signal)
      .catch((error: unknown) => {
        throw toError(error)
      })
  try {
    const result = await breakers.run(call.circuit, limited, () => current?.answer !== undefined)
    report(undefined)
    return result
  } catch (error) {
    const mapped = toError(error)
    report(mapped.code)
    throw mapped
  }
}
