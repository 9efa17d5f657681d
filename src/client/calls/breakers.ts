import type { CircuitBreakerPolicy, CircuitState } from 'cockatiel'
import type { BreakerState, CircuitName } from '../../kit/client-events.js'
import { emit } from '../../kit/event-sink.js'
import { CircuitOpenError, type OAuthClientError } from '../errors.js'
import type { ClientSettings } from '../settings.js'
import { loadCockatiel } from './load-cockatiel.js'

/** The circuit breakers of one client: one per endpoint, made at first use. */
export interface Breakers {
  /**
   * Runs one attempt through its circuit. `progress` tells how far it came.
   *
   * @throws {@link CircuitOpenError} where the endpoint is left alone, with the time that is left until it is tried again.
   */
  run<T>(circuit: CircuitName, attempt: () => Promise<T>, progress: () => Progress): Promise<T>
  states(): Readonly<Partial<Record<CircuitName, BreakerState>>>
}

type Cockatiel = typeof import('cockatiel')

/** By cockatiel's numbers: closed, open, half open, isolated. */
const stateNames: Readonly<Record<CircuitState, BreakerState>> = ['closed', 'open', 'half-open', 'open']

/**
 * A caller who goes away without saying that time is up may have run out of patience with the server, or be gone for
 * reasons of its own. From here on the server is to blame.
 */
const patienceMs = 2000

const troubles: readonly OAuthClientError['code'][] = [
  'ERR_NETWORK',
  'ERR_CONNECTION',
  'ERR_TIMEOUT',
  'ERR_UNAVAILABLE',
  'ERR_SERVER_FAILURE',
]

/** A failure that counts against the endpoint. */
class Trouble {
  readonly failure: unknown
  constructor(failure: unknown) {
    this.failure = failure
  }
}

/** How far an attempt came. */
interface Progress {
  /** When its last request was sent, by the monotonic clock; `undefined` before that. */
  readonly sentAtMs?: number | undefined
  /** The answer, once it is there completely. */
  readonly answer?: unknown
}

interface Circuit {
  readonly policy: CircuitBreakerPolicy
  /** When it opened last, by `Date.now`: the clock that cockatiel lets the trial through by. */
  openedAtMs: number
}

type Outcome<T> = { readonly value: T } | { readonly failure: unknown }

/**
 * See {@link Breakers}. Cockatiel is loaded with the first call: loading makes an `AbortController`, which Workers forbid
 * outside of a request.
 */
export function createBreakers({ breaker: options, issuer, onEvent, monotonicClock }: ClientSettings): Breakers {
  const circuits = new Map<CircuitName, Circuit>()
  if (options === undefined) return { run: (_circuit, attempt) => attempt(), states: () => ({}) }
  const { failureThreshold, resetTimeoutMs } = options

  function circuitOf(name: CircuitName, cockatiel: Cockatiel): Circuit {
    const { CircuitState, ConsecutiveBreaker, circuitBreaker, handleWhen } = cockatiel
    const known = circuits.get(name)
    if (known !== undefined) return known
    // A trial that ends without an answer, for whatever reason, proves nothing: the circuit opens again.
    const counts = handleWhen(
      (error) => (error as unknown) instanceof Trouble || policy.state === CircuitState.HalfOpen,
    )
    const policy = circuitBreaker(counts, {
      halfOpenAfter: resetTimeoutMs,
      breaker: new ConsecutiveBreaker(failureThreshold),
    })
    const circuit = { policy, openedAtMs: 0 }
    policy.onStateChange((state) => {
      if (state === CircuitState.Open) circuit.openedAtMs = Date.now()
      emit(onEvent, { type: 'client.breaker', issuer, circuit: name, state: stateNames[state] })
    })
    circuits.set(name, circuit)
    return circuit
  }

  /** A refusal is an answer: it counts as a success of the endpoint, and resets the count of failures. */
  async function settle<T>(attempt: () => Promise<T>, progress: () => Progress): Promise<Outcome<T>> {
    try {
      return { value: await attempt() }
    } catch (failure) {
      const { sentAtMs, answer } = progress()
      if (sentAtMs !== undefined && isTrouble(failure as OAuthClientError, monotonicClock() - sentAtMs))
        throw new Trouble(failure)
      if (answer === undefined) throw failure
      return { failure }
    }
  }

  return {
    async run(name, attempt, progress) {
      const cockatiel = await loadCockatiel()
      const circuit = circuitOf(name, cockatiel)
      try {
        const outcome = await circuit.policy.execute(() => settle(attempt, progress))
        if ('failure' in outcome) throw outcome.failure
        return outcome.value
      } catch (error) {
        if (error instanceof Trouble) throw error.failure
        if (!(error instanceof cockatiel.BrokenCircuitError)) throw error
        const retryAfterMs = Math.max(0, circuit.openedAtMs + resetTimeoutMs - Date.now())
        throw new CircuitOpenError('ERR_CIRCUIT_OPEN', { retryAfterMs })
      }
    },
    states: () => Object.fromEntries([...circuits].map(([name, { policy }]) => [name, stateNames[policy.state]])),
  }
}

/**
 * No answer to a request that was sent, or one with 5xx. Whatever a 4xx says is about the request: it must not close the
 * door to others.
 */
function isTrouble(error: OAuthClientError, waitedMs: number): boolean {
  if (error.code === 'ERR_ABORTED') return waitedMs >= patienceMs
  if (!troubles.includes(error.code)) return false
  return !('status' in error) || Number(error.status) >= 500
}
