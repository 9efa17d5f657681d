import { AccessContext, AccessGrant, joinAccess } from '../auth/access-context.js'
import type { Auth } from '../auth/auth.js'
import { type AuthError, ConfigurationError, InternalError } from '../errors/index.js'
import { createBoundedCache } from '../kit/bounded-cache.js'
import type { BreakerState, CircuitName } from '../kit/client-events.js'
import { type Clock, monotonicClock, systemClock } from '../kit/clock.js'
import { createEventSink } from '../kit/event-sink.js'
import type { EventListener } from '../kit/events.js'
import { anything, checkOptions, func, integer, methods, type Rules, refuseRepeats } from '../kit/options.js'
import type { GrantStore, LockStore } from '../stores/contract.js'
import { createExclusively } from '../stores/exclusively.js'
import { createMemoryGrantStore } from '../stores/memory/memory-grant-store.js'
import { createStoreWatch, type StoreHealth } from '../stores/store-watch.js'
import { createAccessFetch } from './access-fetch.js'
import { createAcquire } from './acquire.js'
import { createGrantCache, type GrantClient, storeInTime } from './exchange.js'
import { type Grant, type GrantSettings, toGrantSettings } from './grant.js'
import type { MapRefusal } from './grant-errors.js'

/** Options of {@link createGrants}. @group Grants */
export interface GrantsOptions {
  /**
   * The OAuth client that asks for downstream tokens; or several, each for the authorization server it names. A caller's
   * token goes to the one of its own issuer, unless a grant names another.
   */
  readonly client: GrantClient | readonly GrantClient[]
  /** Where exchanged tokens are kept. It has 5 s to answer. Default: in memory, at most 10,000. */
  readonly store?: GrantStore | undefined
  /**
   * Lets one process of a fleet at a time exchange for one key; its lease of 30 s is renewed for as long as the exchange
   * takes. It has 5 s to answer. The others wait for the result, 15 s at most, and are then answered 503. Default: single
   * flight within this process only.
   */
  readonly lock?: LockStore | undefined
  /** How long a refusal is remembered. 0 to 60, default 5. */
  readonly refusalSeconds?: number | undefined
  /** Makes something else of a refusal than 502, or a step-up challenge: an `AccessDeniedError`, for instance. */
  readonly mapRefusal?: MapRefusal | undefined
  /** How long a caller waits for an exchange, whatever retries the client has. Default 10,000. */
  readonly exchangeTimeoutMs?: number | undefined
  /** How long an attempt of `access.fetch` may take, the body of its answer included. Default 30,000. */
  readonly fetchTimeoutMs?: number | undefined
  /** Goes out to downstream services. Default: the platform's `fetch`. */
  readonly fetch?: typeof globalThis.fetch | undefined
  readonly clock?: Clock | undefined
  /** Milliseconds that never run backwards, for durations in events. Default: `performance.now`. */
  readonly monotonicClock?: Clock | undefined
  readonly onEvent?: EventListener | undefined
}

/** What the grants of a request came to: the access context, and the failure that keeps the handler from running. */
export interface GrantOutcome {
  readonly access: AccessContext
  /** The first failure of a grant with mode `required`. */
  readonly failure: AuthError | undefined
}

/** The engine behind `grant()`: exchanges the caller's token for downstream ones. @group Grants */
export interface Grants {
  /**
   * Compiles grants into a function that acquires them for a caller, in parallel. It never rejects.
   *
   * @throws {@link ConfigurationError} for a grant that cannot be right, at once.
   */
  prepare(grants: readonly Grant[]): (auth: Auth<unknown>) => Promise<GrantOutcome>
  /** The state of store, lock and clients, for probes and dashboards. No network. */
  health(): GrantsHealth
}

/** The state of a grant engine. Names authorization servers; holds no secret. @group Grants */
export interface GrantsHealth {
  /** `degraded`: a store or the lock failed last, or a circuit is not closed. Requests without grants are served. */
  readonly status: 'ok' | 'degraded'
  readonly store: StoreHealth
  /** `undefined` without a lock. */
  readonly lock: StoreHealth | undefined
  /** The circuits used so far, by the issuer of the client; none where the client has no breaker. */
  readonly circuits: Readonly<Record<string, Readonly<Partial<Record<CircuitName, BreakerState>>>>>
}

const rules: Rules<GrantsOptions> = {
  client: anything,
  store: methods('get', 'set', 'delete'),
  lock: methods('acquire'),
  refusalSeconds: integer(0, 60),
  mapRefusal: func,
  exchangeTimeoutMs: integer(1, 600_000),
  fetchTimeoutMs: integer(1, 600_000),
  fetch: func,
  clock: func,
  monotonicClock: func,
  onEvent: func,
}

const maxNonces = 1000

/**
 * Makes the grant engine (RFC 8693). Made once, beside the resource server.
 *
 * @throws {@link ConfigurationError}
 * @group Grants
 */
export function createGrants(options: GrantsOptions): Grants {
  checkOptions('createGrants', options, rules)
  const { store, lock, clock = systemClock } = options
  const onEvent = createEventSink(options.onEvent)
  const { refusalSeconds = 5, exchangeTimeoutMs = 10_000, fetchTimeoutMs = 30_000 } = options
  const clientOf = createClientSelection(options.client)
  const watches = {
    store: createStoreWatch('grants', store !== undefined, onEvent),
    lock: createStoreWatch('grants', true, onEvent),
  }
  const acquire = createAcquire({
    clientFor: (grant, auth) => clientOf(issuerOf(grant, auth)),
    cache: createGrantCache(store ? storeInTime(store) : createMemoryGrantStore({ clock }), clock, watches.store),
    exclusively:
      lock && createExclusively({ lock, store: 'grants', worksUnlocked: true, watch: watches.lock, onEvent }),
    refusalMs: refusalSeconds * 1000,
    timeoutMs: exchangeTimeoutMs,
    mapRefusal: options.mapRefusal,
    clock,
    monotonicClock: options.monotonicClock ?? monotonicClock,
    onEvent,
  })
  const fetching = {
    fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    timeoutMs: fetchTimeoutMs,
    nonces: createBoundedCache<string>(maxNonces),
  }

  function accessGrant(auth: Auth<unknown>, grant: GrantSettings): AccessGrant {
    return new AccessGrant({
      resource: grant.resource,
      clock,
      acquire: (rejected) => acquire({ auth, grant, rejected }),
      fetchWith: (get) =>
        createAccessFetch({ ...fetching, grant, acquire: get, proofs: () => clientOf(issuerOf(grant, auth)).dpop }),
    })
  }

  return {
    prepare(declared) {
      if (!Array.isArray(declared)) throw new ConfigurationError('Grants are declared as an array.')
      const grants = declared.map(toGrantSettings)
      refuseRepeats(
        'grants',
        grants.map(({ resource }) => resource),
      )
      for (const { issuer } of grants) if (typeof issuer === 'string') clientOf(issuer)
      const isLazy = (index: number): boolean => grants[index]?.mode === 'lazy'
      return async (auth) => {
        const ofRequest = grants.map((grant) => accessGrant(auth, grant))
        const attempts = ofRequest.map((one, index) => (isLazy(index) ? undefined : one.attempt()))
        const isWaiting = attempts.some((one) => one instanceof Promise)
        const failures = (isWaiting ? await Promise.all(attempts) : attempts) as readonly (AuthError | undefined)[]
        const failure = failures.find((found, index) => found && grants[index]?.mode === 'required')
        return { access: new AccessContext(ofRequest), failure }
      }
    },
    health: () => healthOf([options.client].flat(), watches.store.health(), lock && watches.lock.health()),
  }
}

function healthOf(clients: readonly GrantClient[], store: StoreHealth, lock: StoreHealth | undefined): GrantsHealth {
  const circuits = Object.fromEntries(clients.map((client) => [client.issuer, client.breakers?.() ?? {}]))
  const states = Object.values(circuits).flatMap((one) => Object.values(one))
  const isOk = store.failures + (lock?.failures ?? 0) === 0 && states.every((state) => state === 'closed')
  return { status: isOk ? 'ok' : 'degraded', store, lock, circuits }
}

/**
 * Runs `work` with the downstream tokens it declares, outside of any framework: for queue consumers, sockets, scripts.
 * Grants that `auth` has already stay.
 * Checks the grants anew with every call; who calls it often takes {@link Grants.prepare} once instead.
 *
 * @throws the failure of a grant with mode `required`, and whatever `work` throws.
 * @throws {@link ConfigurationError} for a grant that cannot be right.
 * @group Grants
 */
export async function withGrants<Claims, Result>(
  grants: Grants,
  auth: Auth<Claims>,
  declared: readonly Grant[],
  work: (auth: Auth<Claims>) => Promise<Result> | Result,
): Promise<Result> {
  const { access, failure } = await grants.prepare(declared)(auth)
  if (failure !== undefined) throw failure
  return work(auth.withAccess(joinAccess(auth.access, access)))
}

/** The client of an issuer. Throws where there is none. */
type ClientSelection = (issuer: string) => GrantClient

function createClientSelection(given: GrantClient | readonly GrantClient[]): ClientSelection {
  const clients = (Array.isArray(given) ? given : [given]) as readonly GrantClient[]
  if (clients.length === 0 || !clients.every(isClient)) {
    throw new ConfigurationError('`client` takes an OAuth client of portcullis/client, or an array of them.')
  }
  const byIssuer = new Map(clients.map((client) => [client.issuer, client]))
  if (byIssuer.size < clients.length) throw new ConfigurationError('`client` holds two clients of one issuer.')
  return (issuer) => {
    const client = byIssuer.get(issuer)
    if (client !== undefined) return client
    throw new ConfigurationError(
      "`client` holds no client of the issuer that a grant names, or that the caller's token comes from.",
    )
  }
}

function isClient(client: GrantClient): boolean {
  if (!hasParts(client, ['exchangeToken']) || typeof client.issuer !== 'string' || client.issuer === '') return false
  return client.dpop === undefined || hasParts(client.dpop, ['thumbprint', 'proof'])
}

/**
 * The issuer to ask for a grant of a caller: the one the grant names, else the caller's own. So no token goes to an
 * authorization server it does not come from unless a grant says so.
 */
function issuerOf({ issuer }: GrantSettings, auth: Auth<unknown>): string {
  if (typeof issuer !== 'function') return issuer ?? auth.issuer
  try {
    return issuer(auth)
  } catch (thrown) {
    throw new InternalError(thrown, 'issuer')
  }
}

function hasParts(value: unknown, methods: readonly string[]): boolean {
  if (typeof value !== 'object' || value === null) return false
  return methods.every((method) => typeof (value as Record<string, unknown>)[method] === 'function')
}
