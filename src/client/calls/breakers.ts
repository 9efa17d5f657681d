import { type CircuitBreakerPolicy, CircuitState, ConsecutiveBreaker, circuitBreaker, handleWhen } from 'cockatiel'
import type { Attempt } from '../../kit/fetch/guarded-response.js'
import { isOAuthClientError, type OAuthClientError } from '../errors.js'
import { type BreakerState, type CircuitName, notify } from '../events.js'
import type { ClientSettings } from '../settings.js'

/** The circuit breakers of one client: one per endpoint, made at first use. */
export interface Breakers {
  /** Runs one attempt through its circuit. `progress` tells how far it came. */
  run<T>(circuit: CircuitName, attempt: () => Promise<T>, progress: () => Attempt | undefined): Promise<T>
  states(): Readonly<Partial<Record<CircuitName, BreakerState>>>
}

const stateNames: Readonly<Record<CircuitState, BreakerState>> = {
  [CircuitState.Closed]: 'closed',
  [CircuitState.Open]: 'open',
  [CircuitState.HalfOpen]: 'half-open',
  [CircuitState.Isolated]: 'open',
}

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

type Outcome<T> = { readonly value: T } | { readonly failure: unknown }

/** See {@link Breakers}. */
export function createBreakers({ breaker: options, issuer, onEvent, clock }: ClientSettings): Breakers {
  const policies = new Map<CircuitName, CircuitBreakerPolicy>()
  if (options === undefined) return { run: (_circuit, attempt) => attempt(), states: () => ({}) }
  const { failureThreshold, resetTimeoutMs } = options

  function policyOf(circuit: CircuitName): CircuitBreakerPolicy {
    const known = policies.get(circuit)
    if (known !== undefined) return known
    // A trial that ends without an answer, for whatever reason, proves nothing: the circuit opens again.
    const counts = handleWhen(
      (error) => (error as unknown) instanceof Trouble || policy.state === CircuitState.HalfOpen,
    )
    const policy = circuitBreaker(counts, {
      halfOpenAfter: resetTimeoutMs,
      breaker: new ConsecutiveBreaker(failureThreshold),
    })
    policy.onStateChange((state) =>
      notify(onEvent, { type: 'client.breaker', issuer, circuit, state: stateNames[state] }),
    )
    policies.set(circuit, policy)
    return policy
  }

  /** A refusal is an answer: it counts as a success of the endpoint, and resets the count of failures. */
  async function settle<T>(attempt: () => Promise<T>, progress: () => Attempt | undefined): Promise<Outcome<T>> {
    try {
      return { value: await attempt() }
    } catch (failure) {
      const { sentAtMs, answer } = progress() ?? {}
      if (sentAtMs !== undefined && isTrouble(failure, clock() - sentAtMs)) throw new Trouble(failure)
      if (answer === undefined) throw failure
      return { failure }
    }
  }

  return {
    async run(circuit, attempt, progress) {
      try {
        const outcome = await policyOf(circuit).execute(() => settle(attempt, progress))
        if ('failure' in outcome) throw outcome.failure
        return outcome.value
      } catch (error) {
        throw error instanceof Trouble ? error.failure : error
      }
    },
    states: () => Object.fromEntries([...policies].map(([circuit, { state }]) => [circuit, stateNames[state]])),
  }
}

/**
 * No answer to a request that was sent, or one with 5xx. Whatever a 4xx says is about the request: it must not close the
 * door to others.
 */
function isTrouble(error: unknown, waitedMs: number): boolean {
  if (!isOAuthClientError(error)) return false
  if (error.code === 'ERR_ABORTED') return waitedMs >= patienceMs
  if (!troubles.includes(error.code)) return false
  return !('status' in error) || Number(error.status) >= 500
}
