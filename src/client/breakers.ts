import { type CircuitBreakerPolicy, CircuitState, ConsecutiveBreaker, circuitBreaker, handleWhen } from 'cockatiel'
import { isOAuthClientError, type OAuthClientError } from './errors.js'
import { type BreakerState, type CircuitName, notify } from './events.js'
import type { ClientSettings } from './settings.js'

/** The circuit breakers of one client: one per endpoint, made at first use. */
export interface Breakers {
  /** Runs one attempt through its circuit. `answered` tells whether the server is alive, whatever it said. */
  run<T>(circuit: CircuitName, attempt: () => Promise<T>, answered: () => boolean): Promise<T>
  states(): Readonly<Partial<Record<CircuitName, BreakerState>>>
}

const stateNames: Readonly<Record<CircuitState, BreakerState>> = {
  [CircuitState.Closed]: 'closed',
  [CircuitState.Open]: 'open',
  [CircuitState.HalfOpen]: 'half-open',
  [CircuitState.Isolated]: 'open',
}

type Outcome<T> = { readonly value: T } | { readonly failure: unknown }

/** See {@link Breakers}. */
export function createBreakers({ breaker: options, issuer, onEvent }: ClientSettings): Breakers {
  const policies = new Map<CircuitName, CircuitBreakerPolicy>()
  if (options === undefined) return { run: (_circuit, attempt) => attempt(), states: () => ({}) }
  const { failureThreshold, resetTimeoutMs } = options

  function policyOf(circuit: CircuitName): CircuitBreakerPolicy {
    const known = policies.get(circuit)
    if (known !== undefined) return known
    // A trial that ends without an answer, for whatever reason, proves nothing: the circuit opens again.
    const counts = handleWhen((error) => isServerTrouble(error) || policy.state === CircuitState.HalfOpen)
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

  return {
    async run(circuit, attempt, answered) {
      const outcome = await policyOf(circuit).execute(() => settle(attempt, answered))
      if ('failure' in outcome) throw outcome.failure
      return outcome.value
    },
    states: () => Object.fromEntries([...policies].map(([circuit, { state }]) => [circuit, stateNames[state]])),
  }
}

/** A refusal is an answer: it counts as a success of the endpoint, and resets the count of failures. */
async function settle<T>(attempt: () => Promise<T>, answered: () => boolean): Promise<Outcome<T>> {
  try {
    return { value: await attempt() }
  } catch (failure) {
    if (isServerTrouble(failure) || !answered()) throw failure
    return { failure }
  }
}

/** No answer, or one with 5xx. Whatever a 4xx says is about the request: it must not close the door to others. */
function isServerTrouble(error: unknown): boolean {
  if (!isOAuthClientError(error) || !troubles.includes(error.code)) return false
  return !('status' in error) || Number(error.status) >= 500
}

const troubles: readonly OAuthClientError['code'][] = ['ERR_NETWORK', 'ERR_TIMEOUT', 'ERR_SERVER_FAILURE']
