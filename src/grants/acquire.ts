import { sha256Base64url } from '#crypto'
import type { GrantedToken } from '../auth/access-context.js'
import type { Auth } from '../auth/auth.js'
import type { AuthError } from '../errors/index.js'
import { createShortMemory } from '../kit/bounded-cache.js'
import type { Clock } from '../kit/clock.js'
import { emit, isHeard, traced } from '../kit/event-sink.js'
import type { EventListener } from '../kit/events.js'
import { type MaybePromise, whenReady } from '../kit/maybe-promise.js'
import { createSingleFlight } from '../kit/single-flight.js'
import { withTimeLimit } from '../kit/time-limit.js'
import type { Exclusively, Holding } from '../stores/exclusively.js'
import { checkGranted, type ExchangeRequest, exchangeParams, type GrantCache, type GrantClient } from './exchange.js'
import type { ActorToken, GrantSettings } from './grant.js'
import { describeFailure, type MapRefusal, toActorError, toGrantError } from './grant-errors.js'
import { grantKey } from './grant-key.js'

/** What acquiring a downstream token takes. */
export interface AcquireSettings {
  /** The client to ask for a grant of a caller. Throws an {@link AuthError} where there is none. */
  readonly clientFor: (grant: GrantSettings, auth: Auth<unknown>) => GrantClient
  readonly cache: GrantCache
  /** `undefined`: this process is the only one that exchanges. */
  readonly exclusively: Exclusively | undefined
  readonly refusalMs: number
  readonly timeoutMs: number
  readonly mapRefusal: MapRefusal | undefined
  readonly clock: Clock
  readonly monotonicClock: Clock
  readonly onEvent: EventListener | undefined
}

/** One caller's need for one token. */
export interface AcquireRequest {
  readonly auth: Auth<unknown>
  readonly grant: GrantSettings
  /** A token the downstream service rejected: any other will do. Comes back where no other is to be had at present. */
  readonly rejected: GrantedToken | undefined
}

/** Gets one caller's token for one grant: at once where a cache in this process has it. Throws or rejects. */
export type Acquire = (request: AcquireRequest) => MaybePromise<GrantedToken>

interface Acquired {
  readonly token: GrantedToken
  readonly isNew: boolean
}

/** A service that rejects every token must not cost an exchange per request: so long, another one is not asked for. */
const rejectionMs = 10_000
const maxRefusals = 1000
const maxExchanges = 10_000

/**
 * Makes the function that exchanges tokens (RFC 8693): from the cache where possible, one exchange at a time per exact
 * key, refusals remembered for seconds. Sends the caller's token to the token endpoint and nowhere else.
 *
 * @throws {@link AuthError} from the returned function: {@link ResourceAccessError}, {@link InvalidTokenError} where the
 * caller's token is no longer good there, {@link StepUpRequiredError}, what `mapRefusal` makes of a refusal, or a fault of
 * the application. Each caller gets an error of its own.
 */
export function createAcquire(parts: AcquireSettings): Acquire {
  const { cache, clientFor, clock, exclusively, mapRefusal, monotonicClock, onEvent, refusalMs, timeoutMs } = parts
  const flights = createSingleFlight<Acquired>()
  const refusals = createShortMemory<unknown>(maxRefusals, refusalMs, clock)
  const exchanges = createShortMemory<true>(maxExchanges, rejectionMs, clock)

  function inTurn(
    key: string,
    work: (holding?: Holding) => Promise<Acquired>,
    look: () => Promise<Acquired | undefined>,
  ): Promise<Acquired> {
    return exclusively === undefined ? work() : exclusively(key, work, look)
  }

  function askWhom({ auth, grant }: AcquireRequest): MaybePromise<ExchangeRequest> {
    const fail = (thrown: unknown): never => {
      const { code, detail } = thrown as AuthError
      const { issuer, correlationId } = auth
      emit(onEvent, { ...failed, issuer, resource: grant.resource, correlationId, code, detail })
      throw thrown
    }
    try {
      const client = clientFor(grant, auth)
      if (grant.actor === undefined) return { auth, grant, client, actor: undefined }
      return actorToken(grant, grant.actor, timeoutMs).then((actor) => ({ auth, grant, client, actor }), fail)
    } catch (thrown) {
      return fail(thrown)
    }
  }

  function tellReused({ auth, grant, client }: ExchangeRequest, source: 'cache' | 'joined'): void {
    if (!isHeard(onEvent)) return
    const about = { issuer: client.issuer, resource: grant.resource, correlationId: auth.correlationId }
    emit(onEvent, { type: 'grant.reused', ...about, source })
  }

  /** Where neither a refusal nor an exchange under way comes before the cache, the cache is asked right away. */
  function acquire(
    key: string,
    request: ExchangeRequest,
    rejected: GrantedToken | undefined,
  ): MaybePromise<GrantedToken> {
    if (rejected !== undefined || flights.current(key) !== undefined || refusals.get(key) !== undefined) {
      return acquireInTurn(key, request, rejected)
    }
    const kept = cache.get(key)
    if (kept === undefined || kept instanceof Promise) return acquireInTurn(key, request, rejected, async () => kept)
    tellReused(request, 'cache')
    return kept
  }

  /** @param first - what the cache answers, where it was asked already. */
  async function acquireInTurn(
    key: string,
    request: ExchangeRequest,
    rejected: GrantedToken | undefined,
    first?: () => Promise<GrantedToken | undefined>,
  ): Promise<GrantedToken> {
    const about = { issuer: request.client.issuer, resource: request.grant.resource }
    const look = async (ask = async () => cache.get(key)): Promise<Acquired | undefined> => {
      const token = await ask()
      return token === undefined || token.accessToken === rejected?.accessToken ? undefined : { token, isNew: false }
    }
    const work = async (holding?: Holding): Promise<Acquired> => {
      if (rejected !== undefined) await cache.delete(key)
      const token = await exchange(key, request, holding?.alone)
      exchanges.set(key, true)
      return { token, isNew: true }
    }
    const fly = async (): Promise<Acquired> => {
      const refusal = refusals.get(key)
      if (refusal !== undefined) {
        const { correlationId } = request.auth
        const failure = { ...describeFailure(refusal), remembered: true, durationMs: 0 }
        emit(onEvent, { type: 'grant.failed', ...about, correlationId, ...failure })
        throw refusal
      }
      const kept = await look(first)
      if (kept !== undefined) return kept
      if (rejected !== undefined && exchanges.get(key)) return { token: rejected, isNew: false }
      return inTurn(key, work, () => look())
    }
    const flightKey = rejected === undefined ? key : `${key}.${await sha256Base64url(rejected.accessToken)}`
    const joined = flights.current(flightKey)
    const { token, isNew } = await (joined ?? flights.run(flightKey, fly))
    if (joined !== undefined) tellReused(request, 'joined')
    else if (!isNew) tellReused(request, 'cache')
    return token
  }

  /** A token that was exchanged alone no longer stays out of the cache: another process may have put a newer one there. */
  async function exchange(
    key: string,
    request: ExchangeRequest,
    alone: AbortSignal | undefined,
  ): Promise<GrantedToken> {
    const { auth, grant, client } = request
    const about = { issuer: client.issuer, resource: grant.resource, correlationId: auth.correlationId }
    const startedMs = monotonicClock()
    const durationMs = () => Math.max(0, monotonicClock() - startedMs)
    try {
      const params = exchangeParams(request)
      const { correlationId } = about
      const ask = (signal: AbortSignal) =>
        client.exchangeToken(params, { signal, totalTimeoutMs: clientTimeoutMs(timeoutMs), correlationId })
      const answer = await traced(onEvent, { operation: 'exchange', ...about }, () => withTimeLimit(timeoutMs, ask))
      const granted = checkGranted(answer, request)
      if (alone?.aborted !== true) await cache.set(key, granted, auth.expiresAt)
      const { expiresAt } = granted
      const expiresInSeconds = expiresAt && Math.round(expiresAt - clock() / 1000)
      emit(onEvent, { type: 'grant.exchanged', ...about, durationMs: durationMs(), expiresInSeconds })
      return granted
    } catch (thrown) {
      const failure = describeFailure(thrown)
      if (failure.refused) refusals.set(key, thrown)
      emit(onEvent, { type: 'grant.failed', ...about, ...failure, remembered: false, durationMs: durationMs() })
      throw thrown
    }
  }

  function acquireFor(whom: ExchangeRequest, rejected: GrantedToken | undefined): MaybePromise<GrantedToken> {
    const fail = (thrown: unknown): never => {
      throw toGrantError(whom.grant.resource, thrown, mapRefusal)
    }
    try {
      const acquired = whenReady(grantKey(whom), (key) => acquire(key, whom, rejected))
      return acquired instanceof Promise ? acquired.catch(fail) : acquired
    } catch (thrown) {
      return fail(thrown)
    }
  }

  return (request) => whenReady(askWhom(request), (whom) => acquireFor(whom, request.rejected))
}

/** A failure before anybody was asked. */
const failed = {
  type: 'grant.failed',
  refused: false,
  remembered: false,
  durationMs: 0,
  error: undefined,
  errorDescription: undefined,
} as const

/**
 * The client gives up shortly before we do: so it knows what it did not get an answer to, counts it, and does not wait
 * for a `Retry-After` that outlasts the caller.
 */
function clientTimeoutMs(timeoutMs: number): number {
  return Math.max(1, Math.floor(timeoutMs - Math.min(100, timeoutMs / 10)))
}

async function actorToken(
  { resource }: GrantSettings,
  actor: NonNullable<GrantSettings['actor']>,
  timeoutMs: number,
): Promise<ActorToken> {
  try {
    const given: Partial<ActorToken> | undefined = await withTimeLimit(timeoutMs, async () => actor())
    const { token, type } = given ?? {}
    // Without an actor the server might issue a token that shows only the subject.
    if (!isText(token) || !isText(type)) throw new TypeError('`actor` must give a `token` and its `type`.')
    return { token, type }
  } catch (thrown) {
    throw toActorError(resource, thrown)
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}
