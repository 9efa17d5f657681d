import { CircuitState, ConsecutiveBreaker, circuitBreaker, handleWhen, noop } from 'cockatiel'
import type { Clock } from '../../kit/clock.js'
import { FetchFailure } from '../../kit/fetch/fetch-failure.js'
import type { FetchedAnswer } from '../../kit/fetch/guarded-fetch.js'
import { readRetryAfter } from '../../kit/retry-after.js'
import type { ResolvedIntrospection } from '../options/resolve-introspection.js'
import { introspectionFailure } from './introspection-failure.js'

/** A state of the circuit to an introspection endpoint. */
export type IntrospectionCircuit = 'closed' | 'open' | 'half-open'

/** Sends one request, unless the circuit opened since the question was let in. */
export type Attempt = (send: () => Promise<FetchedAnswer>) => Promise<FetchedAnswer>

/** Decides how much one introspection endpoint is asked. */
export interface IntrospectionGate {
  /**
   * Lets one question in, or refuses it at once.
   *
   * @param isKnown - whether the token was good when last asked about: a quarter of the places is kept for those, so that
   * invented tokens never take them all.
   * @throws {@link UnavailableError} `ERR_INTROSPECTION_UNAVAILABLE`, with the time after which a retry makes sense.
   */
  run<T>(isKnown: boolean, ask: (attempt: Attempt) => Promise<T>): Promise<T>
}

/** What a gate is made of. */
export interface IntrospectionGateSettings extends Pick<ResolvedIntrospection, 'maxInFlight' | 'breaker'> {
  readonly clock: Clock
  readonly onCircuit: (state: IntrospectionCircuit) => void
}

const stateNames: Readonly<Record<CircuitState, IntrospectionCircuit>> = {
  [CircuitState.Closed]: 'closed',
  [CircuitState.Open]: 'open',
  [CircuitState.HalfOpen]: 'half-open',
  [CircuitState.Isolated]: 'open',
}

/**
 * Answers that speak of the server and not of the token. 500 is not among them: with some servers a token of an odd form
 * causes it, and whoever invents tokens must not be able to open the circuit.
 */
const troubles: ReadonlySet<number> = new Set([429, 502, 503, 504])

const longestPauseMs = 300_000

/** Makes the gate to one endpoint. */
export function createIntrospectionGate(settings: IntrospectionGateSettings): IntrospectionGate {
  const { maxInFlight, clock } = settings
  const forKnownOnly = Math.floor(maxInFlight / 4)
  const circuit = createCircuit(settings)
  let inFlight = 0

  return {
    async run(isKnown, ask) {
      if (inFlight >= (isKnown ? maxInFlight : maxInFlight - forKnownOnly)) {
        throw introspectionFailure('too many in flight', undefined, 1)
      }
      const pass = circuit.enter(clock())
      inFlight += 1
      try {
        return await ask(pass.attempt)
      } finally {
        inFlight -= 1
        pass.leave()
      }
    },
  }
}

/** Cockatiel counts and decides; how long the circuit stays open goes by our own clock, so that time can be injected. */
function createCircuit({ breaker, clock, onCircuit }: IntrospectionGateSettings) {
  let openUntilMs = 0
  let isTrying = false
  const policy =
    breaker === undefined
      ? noop
      : circuitBreaker(handleWhen(isOutage).orWhenResult(isTrouble), {
          halfOpenAfter: Number.NEGATIVE_INFINITY,
          breaker: new ConsecutiveBreaker(breaker.failureThreshold),
        })

  function isClosed(): boolean {
    return !('state' in policy) || policy.state === CircuitState.Closed
  }
  function refuse(nowMs: number): never {
    throw introspectionFailure('circuit open', undefined, Math.max(1, (openUntilMs - nowMs) / 1000))
  }
  if ('onBreak' in policy && breaker !== undefined) {
    policy.onBreak((reason) => {
      openUntilMs = clock() + Math.max(breaker.resetTimeoutMs, pauseAskedFor(reason, clock()))
    })
    policy.onStateChange((state) => onCircuit(stateNames[state]))
  }

  return {
    enter(nowMs: number) {
      const isTrial = !isClosed()
      if (isTrial && (isTrying || nowMs < openUntilMs)) refuse(nowMs)
      if (isTrial) isTrying = true
      const attempt: Attempt = (send) => (isTrial || isClosed() ? policy.execute(send) : refuse(clock()))
      return {
        attempt,
        leave() {
          if (isTrial) isTrying = false
        },
      }
    },
  }
}

function isOutage(error: unknown): boolean {
  return error instanceof FetchFailure && (error.reason === 'network' || error.reason === 'timeout')
}

function isTrouble(answer: unknown): boolean {
  return troubles.has((answer as FetchedAnswer).status)
}

/** What a server asks for by `Retry-After`, within reason. */
function pauseAskedFor(reason: unknown, nowMs: number): number {
  const { value } = reason as { readonly value?: FetchedAnswer }
  const askedMs = value === undefined ? undefined : readRetryAfter(value.headers.get('retry-after'), nowMs)
  return Math.min(longestPauseMs, askedMs ?? 0)
}
