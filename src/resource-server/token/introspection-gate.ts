/** How much one introspection endpoint is asked: places for questions, and a circuit that opens. Does NOT ask. */
import type { CircuitBreakerPolicy, CircuitState } from 'cockatiel'
import { scatteredMs } from '../../kit/back-off.js'
import type { BreakerState } from '../../kit/client-events.js'
import type { Clock } from '../../kit/clock.js'
import { FetchFailure } from '../../kit/fetch/fetch-failure.js'
import { type FetchedAnswer, readRetryAfter } from '../../kit/fetch/guarded-fetch.js'
import { introspectionFailure } from './introspection-failure.js'
import type { IntrospectionSettings } from './introspection-options.js'

/** Sends one request, unless the circuit opened since the question was let in. */
export type Attempt = (send: () => Promise<FetchedAnswer>) => Promise<FetchedAnswer>

/** Decides how much one introspection endpoint is asked. */
export interface IntrospectionGate {
  /**
   * Lets one question in, or refuses it at once.
   *
   * @param isKnown - whether the token was good when last asked about: a quarter of the places is kept for those, so that
   * invented tokens never take them all.
   * @throws `UnavailableError` `ERR_INTROSPECTION_UNAVAILABLE`, with the time after which a retry makes sense.
   */
  run<T>(isKnown: boolean, ask: (attempt: Attempt) => Promise<T>): Promise<T>
  health(): IntrospectionHealth
}

/** How one introspection endpoint is doing. @group Resource server */
export interface IntrospectionHealth {
  readonly circuit: BreakerState
  /** Questions under way; `introspection.maxInFlight` is the most there may be. */
  readonly inFlight: number
}

/** What a gate is made of. */
export interface IntrospectionGateSettings extends Pick<IntrospectionSettings, 'maxInFlight' | 'breaker'> {
  readonly clock: Clock
  readonly onCircuit: (state: BreakerState) => void
  /** Numbers from 0 to 1, for jitter. Default `Math.random`. */
  readonly random?: (() => number) | undefined
}

/** By cockatiel's numbers: closed, open, half open, isolated. */
const stateNames: Readonly<Record<CircuitState, BreakerState>> = ['closed', 'open', 'half-open', 'open']

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
        throw introspectionFailure('overloaded', { retryAfterSeconds: 1 })
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
    health: () => ({ circuit: circuit.state(), inFlight }),
  }
}

/**
 * Cockatiel counts and decides; how long the circuit stays open goes by our own clock, so that time can be injected. It is
 * loaded with the first question: loading makes an `AbortController`, which Workers forbid outside of a request.
 */
function createCircuit({ breaker, clock, onCircuit, random }: IntrospectionGateSettings) {
  let openUntilMs = 0
  let isTrying = false
  let policy: CircuitBreakerPolicy | undefined
  let making: Promise<void> | undefined

  async function makePolicy({ failureThreshold, resetTimeoutMs }: Exclude<typeof breaker, undefined>): Promise<void> {
    const { ConsecutiveBreaker, circuitBreaker, handleWhen } = await import('cockatiel')
    policy = circuitBreaker(handleWhen(isOutage).orWhenResult(isTrouble), {
      halfOpenAfter: Number.NEGATIVE_INFINITY,
      breaker: new ConsecutiveBreaker(failureThreshold),
    })
    policy.onBreak((reason) => {
      openUntilMs = clock() + Math.max(scatteredMs(resetTimeoutMs, random), pauseAskedFor(reason, clock()))
    })
    policy.onStateChange((state) => onCircuit(stateNames[state]))
  }
  function state(): BreakerState {
    return policy === undefined ? 'closed' : stateNames[policy.state]
  }
  function isClosed(): boolean {
    return state() === 'closed'
  }
  function refuse(nowMs: number): never {
    throw introspectionFailure('circuit_open', { retryAfterSeconds: Math.max(1, (openUntilMs - nowMs) / 1000) })
  }
  async function execute(send: () => Promise<FetchedAnswer>): Promise<FetchedAnswer> {
    if (breaker !== undefined && policy === undefined) {
      making ??= makePolicy(breaker)
      await making
    }
    return policy === undefined ? send() : policy.execute(send)
  }

  return {
    state,
    enter(nowMs: number) {
      const isTrial = !isClosed()
      if (isTrial && (isTrying || nowMs < openUntilMs)) refuse(nowMs)
      if (isTrial) isTrying = true
      const attempt: Attempt = (send) => (isTrial || isClosed() ? execute(send) : refuse(clock()))
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
