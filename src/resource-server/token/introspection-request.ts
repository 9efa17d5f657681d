/** How an introspection endpoint is asked, and how much. Does NOT look into the answer. */
import type { CircuitBreakerPolicy, CircuitState } from 'cockatiel'
import { InvalidTokenError, UnavailableError, type UnavailableErrorOptions } from '../../errors/index.js'
import type { Discovery } from '../../issuer/discovery.js'
import type { CredentialFields } from '../../issuer/endpoint-credential.js'
import { scatteredMs } from '../../kit/back-off.js'
import type { BreakerState } from '../../kit/client-events.js'
import type { Clock } from '../../kit/clock.js'
import type { IntrospectionFailureReason } from '../../kit/failure-code.js'
import { FetchFailure } from '../../kit/fetch/fetch-failure.js'
import {
  type FetchedAnswer,
  type GuardedFetchOptions,
  guardedFetch,
  readRetryAfter,
} from '../../kit/fetch/guarded-fetch.js'
import type { Surroundings } from '../../kit/surroundings.js'
import { withTimeLimit } from '../../kit/time-limit.js'
import type { IntrospectionSettings } from './introspection-options.js'

/** What introspection requests to one issuer are made of. */
export interface IntrospectionRequestSettings {
  readonly introspection: IntrospectionSettings
  readonly discovery: Discovery
  readonly surroundings: Surroundings
}

/** Media types of introspection answers: plain (RFC 7662 §2.2) and signed (RFC 9701 §4). */
export const introspectionMediaTypes = {
  plain: 'application/json',
  signed: 'application/token-introspection+jwt',
} as const

const maxBytes = 256 * 1024

/**
 * Makes the request of RFC 7662 §2.1: a POST form with the token, authenticated by the issuer's credential, which is
 * asked anew each time; or that of `tokenCheck`. The answer has status 200; nothing else about it is checked.
 *
 * @throws {@link InvalidTokenError} `ERR_TOKEN_INACTIVE` where the status of a `tokenCheck` says so.
 * @throws {@link UnavailableError} `ERR_INTROSPECTION_UNAVAILABLE` or `ERR_ISSUER_UNAVAILABLE`; a 401 is one too: it
 * speaks of our credentials, not of the token (RFC 7662 §2.3).
 */
export function createIntrospectionRequest(
  settings: IntrospectionRequestSettings,
): (token: string, attempt: Attempt) => Promise<FetchedAnswer> {
  const { introspection, discovery, surroundings } = settings
  const { issuer } = discovery
  const { fetch, insecureHosts } = surroundings
  const { credential, timeoutMs, tokenCheck } = introspection
  const accept = introspectionMediaTypes[introspection.signedResponse ? 'signed' : 'plain']
  const trustedHostnames = [issuer, introspection.endpoint ?? issuer].map((url) => new URL(url).hostname)

  const toForm = (token: string, { headers, form }: CredentialFields) => ({
    headers: { ...headers, accept, 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ ...form, token, token_type_hint: 'access_token' }).toString(),
  })

  async function findEndpoint(): Promise<string> {
    if (introspection.endpoint !== undefined) return introspection.endpoint
    const { introspection_endpoint: endpoint } = await discovery.metadata()
    if (endpoint === undefined) throw introspectionFailure('endpoint_missing')
    return endpoint
  }

  async function authenticate(endpoint: string): Promise<CredentialFields> {
    try {
      const { headers = {}, form = {} } = await withTimeLimit(timeoutMs, async () =>
        credential.authenticate({ issuer, endpoint }),
      )
      return { headers, form }
    } catch (cause) {
      throw introspectionFailure('credential_unavailable', { cause })
    }
  }

  return async (token, attempt) => {
    const endpoint = await findEndpoint()
    const credentialFields = await authenticate(endpoint)
    const answer = await sendAttempt(attempt, endpoint, {
      fetch,
      method: 'POST',
      ...(tokenCheck === undefined ? toForm(token, credentialFields) : tokenCheck.toRequest(token, credentialFields)),
      timeoutMs,
      maxBytes,
      insecureHosts,
      trustedHostnames,
    })
    if (answer.status === 200) return answer
    if (tokenCheck?.inactiveStatuses.includes(answer.status)) {
      throw new InvalidTokenError('ERR_TOKEN_INACTIVE', { expected: 'active', received: answer.status })
    }
    const reason = answer.status === 401 ? 'credential_refused' : 'status'
    throw introspectionFailure(reason, { expected: 200, received: answer.status })
  }
}

async function sendAttempt(attempt: Attempt, endpoint: string, options: GuardedFetchOptions): Promise<FetchedAnswer> {
  try {
    return await attempt(() => guardedFetch(endpoint, options))
  } catch (error) {
    throw error instanceof FetchFailure ? introspectionFailure(error.reason, { cause: error }) : error
  }
}

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

/**
 * An introspection that tells nothing about the token: no answer, a broken one, or our own credentials refused.
 *
 * @param reason - becomes the `detail` of the error and the `reason` of the event.
 */
export function introspectionFailure(
  reason: IntrospectionFailureReason,
  about: Omit<UnavailableErrorOptions, 'detail'> = {},
): UnavailableError {
  return new UnavailableError('ERR_INTROSPECTION_UNAVAILABLE', { ...about, detail: reason })
}
