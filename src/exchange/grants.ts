import type { AccessContext } from '../auth/access-context.js'
import type { Auth } from '../auth/auth.js'
import { type AuthError, ConfigurationError } from '../errors/index.js'
import type { EventListener } from '../events.js'
import { type Clock, systemClock } from '../lib/clock.js'
import { checkNames, numberOption } from '../options/check.js'
import type { GrantStore, LockStore } from '../stores/contract.js'
import { createMemoryGrantStore } from '../stores/memory-grant-store.js'
import { createAccessFetch } from './access-fetch.js'
import { createAcquire } from './acquire.js'
import { createAccessContext, type PendingGrant } from './create-access-context.js'
import { createExclusively } from './exclusively.js'
import { type Grant, type ResolvedGrant, resolveGrant } from './grant.js'
import type { GrantClient } from './grant-client.js'
import { createRefusalMemory } from './refusal-memory.js'

/** Options of {@link createGrants}. @group Grants */
export interface GrantsOptions {
  /** The OAuth client that asks for downstream tokens; or several, each for the authorization server it names. */
  readonly client: GrantClient | readonly GrantClient[]
  /** Where exchanged tokens are kept. Default: in memory, at most 10,000. */
  readonly store?: GrantStore | undefined
  /** Lets one process of a fleet at a time exchange for one key. Default: single flight within this process only. */
  readonly lock?: LockStore | undefined
  /** How long a refusal is remembered. 0 to 60, default 5. */
  readonly refusalSeconds?: number | undefined
  /** Timeout of one `access.fetch`. Default 30,000. */
  readonly fetchTimeoutMs?: number | undefined
  /** Goes out to downstream services. Default: the platform's `fetch`. */
  readonly fetch?: typeof globalThis.fetch | undefined
  readonly clock?: Clock | undefined
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
}

const names = ['client', 'store', 'lock', 'refusalSeconds', 'fetchTimeoutMs', 'fetch', 'clock', 'onEvent']

/**
 * Makes the grant engine (RFC 8693). Made once, beside the resource server.
 *
 * @throws {@link ConfigurationError}
 * @group Grants
 */
export function createGrants(options: GrantsOptions): Grants {
  checkNames('createGrants', options, names)
  const { clock = systemClock, onEvent, store = createMemoryGrantStore({ clock }) } = options
  const clientFor = createClientSelection(options.client)
  const refusalMs = numberOption('refusalSeconds', options.refusalSeconds, { min: 0, max: 60, fallback: 5 }) * 1000
  const timeoutMs = numberOption('fetchTimeoutMs', options.fetchTimeoutMs, { min: 1, max: 600_000, fallback: 30_000 })
  const acquire = createAcquire({
    store,
    clock,
    onEvent,
    refusals: createRefusalMemory(refusalMs, clock),
    exclusively: createExclusively(options.lock, onEvent),
  })
  const fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init))

  function pendingGrant(auth: Auth<unknown>, grant: ResolvedGrant): PendingGrant {
    return {
      resource: grant.resource,
      acquire: async (fresh) => acquire(auth, grant, clientFor(grant, auth), fresh),
      fetchWith: (get) =>
        createAccessFetch({ grant, fetch, timeoutMs, acquire: get, proofs: () => clientFor(grant, auth).dpop }),
    }
  }

  return {
    prepare(declared) {
      const grants = declared.map(resolveGrant)
      refuseRepeats(grants)
      return async (auth) => {
        const access = createAccessContext(grants.map((grant) => pendingGrant(auth, grant)))
        const eager = grants.filter(({ mode }) => mode !== 'lazy')
        const failures = await Promise.all(eager.map(({ resource }) => access.attempt(resource)))
        return { access, failure: failures.find((failure, index) => failure && eager[index]?.mode === 'required') }
      }
    },
  }
}

function refuseRepeats(grants: readonly ResolvedGrant[]): void {
  const seen = new Set(grants.map(({ resource }) => resource))
  if (seen.size < grants.length) throw new ConfigurationError('A grant names a resource that another one names too.')
}

function createClientSelection(given: GrantClient | readonly GrantClient[]) {
  const clients = (Array.isArray(given) ? given : [given]) as readonly GrantClient[]
  if (clients.length === 0 || clients.some((client) => typeof client?.exchangeToken !== 'function')) {
    throw new ConfigurationError('`client` takes an OAuth client of portcullis/client, or an array of them.')
  }
  const byIssuer = new Map(clients.map((client) => [client.issuer, client]))
  if (byIssuer.size < clients.length) throw new ConfigurationError('`client` holds two clients of one issuer.')
  const [only] = clients
  return ({ issuer }: ResolvedGrant, auth: Auth<unknown>): GrantClient => {
    if (issuer === undefined && clients.length === 1 && only !== undefined) return only
    const wanted = typeof issuer === 'function' ? issuer(auth) : (issuer ?? auth.issuer)
    const client = byIssuer.get(wanted)
    if (client === undefined) throw new ConfigurationError('No client is configured for the issuer a grant names.')
    return client
  }
}
