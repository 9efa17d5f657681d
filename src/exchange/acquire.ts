import { sha256Base64url } from '#crypto'
import type { GrantedToken } from '../auth/access-context.js'
import type { Auth } from '../auth/auth.js'
import { hideSecrets } from '../client/hidden.js'
import { isAuthError, ResourceAccessError } from '../errors/index.js'
import { type EventListener, emit } from '../events.js'
import type { Clock } from '../lib/clock.js'
import type { GrantStore, StoredGrant } from '../stores/contract.js'
import type { ActorToken, ResolvedGrant } from './grant.js'
import type { ExchangedToken, GrantClient } from './grant-client.js'
import { toGrantError } from './grant-errors.js'
import { grantDigest, grantKey } from './grant-key.js'
import type { RefusalMemory } from './refusal-memory.js'

/** What acquiring a downstream token takes. */
export interface AcquireParts {
  readonly store: GrantStore
  readonly refusals: RefusalMemory
  /** Runs `work` in one process at a time where a lock is configured. */
  readonly exclusively: <T>(key: string, work: () => Promise<T>, look: () => Promise<T | undefined>) => Promise<T>
  readonly clock: Clock
  readonly onEvent: EventListener | undefined
}

/** Gets one caller's token for one grant. `fresh` passes the cache by, after a downstream 401. */
export type Acquire = (
  auth: Auth<unknown>,
  grant: ResolvedGrant,
  client: GrantClient,
  fresh?: boolean,
) => Promise<GrantedToken>

/** Before its expiry by this much a token counts as expired, or by a tenth of its lifetime where that is less. */
const expirySkewMs = 30_000

/**
 * Makes the function that exchanges tokens (RFC 8693): from the cache where possible, one exchange at a time per exact
 * key, refusals remembered for seconds. Sends the caller's token to the token endpoint and nowhere else.
 *
 * @throws {@link ResourceAccessError} or {@link StepUpRequiredError}, from the returned function.
 */
export function createAcquire(parts: AcquireParts): Acquire {
  const { refusals } = parts
  const digests = new WeakMap<ResolvedGrant, WeakMap<GrantClient, Promise<string>>>()
  const flights = new Map<string, Promise<GrantedToken>>()

  function digestOf(grant: ResolvedGrant, client: GrantClient): Promise<string> {
    const byClient = digests.get(grant) ?? new WeakMap<GrantClient, Promise<string>>()
    digests.set(grant, byClient)
    const digest = byClient.get(client) ?? grantDigest(grant, client)
    byClient.set(client, digest)
    return digest
  }

  async function exchange(
    auth: Auth<unknown>,
    grant: ResolvedGrant,
    client: GrantClient,
    actor: ActorToken | undefined,
    key: string,
  ): Promise<GrantedToken> {
    try {
      const granted = checkGranted(await client.exchangeToken(exchangeParams(auth, grant, actor)), grant)
      await remember(parts, key, granted, auth)
      return granted
    } catch (thrown) {
      const error = isAuthError(thrown) ? thrown : toGrantError(grant.resource, thrown)
      if (error.status !== 503) refusals.add(key, error)
      throw error
    }
  }

  async function known(key: string): Promise<GrantedToken | undefined> {
    const refused = refusals.get(key)
    if (refused !== undefined) throw refused
    return lookUp(parts, key)
  }

  return async (auth, grant, client, fresh = false) => {
    const actor = await actorOf(grant)
    const actorHash = actor === undefined ? '' : await sha256Base64url(actor.token)
    const key = grantKey(await digestOf(grant, client), await sha256Base64url(auth.token), actorHash)
    const kept = fresh ? undefined : await known(key)
    if (kept !== undefined) return kept
    const underWay = flights.get(key)
    if (underWay !== undefined) return underWay
    const work = () => exchange(auth, grant, client, actor, key)
    const flight = fresh ? work() : parts.exclusively(key, work, () => lookUp(parts, key))
    flights.set(key, flight)
    return flight.finally(() => flights.delete(key))
  }
}

async function actorOf(grant: ResolvedGrant): Promise<ActorToken | undefined> {
  try {
    return await grant.actor?.()
  } catch (cause) {
    throw new ResourceAccessError(grant.resource, 'ERR_GRANT_UNAVAILABLE', { detail: 'actor token', cause })
  }
}

async function lookUp({ store, clock, onEvent }: AcquireParts, key: string): Promise<GrantedToken | undefined> {
  try {
    const kept = await store.get(key)
    return kept !== undefined && kept.expiresAt * 1000 > clock() ? redacted(kept) : undefined
  } catch (error) {
    emit(onEvent, { type: 'store.failed', store: 'grants', reason: nameOf(error), failedOpen: true })
    return undefined
  }
}

async function remember(
  { store, clock, onEvent }: AcquireParts,
  key: string,
  granted: GrantedToken,
  auth: Auth<unknown>,
): Promise<void> {
  const nowMs = clock()
  const { accessToken, tokenType, scope, issuedTokenType, expiresAt } = granted
  if (expiresAt === undefined) return
  const expiresAtMs = expiresAt * 1000
  const untilMs = expiresAtMs - Math.min(expirySkewMs, (expiresAtMs - nowMs) / 10)
  const ttlMs = Math.min(untilMs, (auth.expiresAt ?? Number.POSITIVE_INFINITY) * 1000) - nowMs
  if (ttlMs <= 0) return
  const kept: StoredGrant = { accessToken, tokenType, scope, issuedTokenType, expiresAt }
  try {
    await store.set(key, kept, ttlMs)
  } catch (error) {
    emit(onEvent, { type: 'store.failed', store: 'grants', reason: nameOf(error), failedOpen: true })
  }
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error
}

function exchangeParams(auth: Auth<unknown>, grant: ResolvedGrant, actor: ActorToken | undefined) {
  const { resource, audience, scope, requestedTokenType, sendResource } = grant
  return {
    subjectToken: auth.token,
    ...(sendResource && { resource: [resource] }),
    ...(audience.length > 0 && { audience }),
    ...(scope.length > 0 && { scope }),
    ...(requestedTokenType !== undefined && { requestedTokenType }),
    ...(actor !== undefined && { actor }),
  }
}

function checkGranted(token: ExchangedToken, grant: ResolvedGrant): GrantedToken {
  const { issuedTokenType, scope, expiresAt } = token
  const refused = (detail: string) => new ResourceAccessError(grant.resource, 'ERR_GRANT_REFUSED', { detail })
  if (issuedTokenType === undefined) throw refused('issued_token_type is missing')
  if (grant.requestedTokenType !== undefined && issuedTokenType !== grant.requestedTokenType) {
    throw refused('issued_token_type is not the requested one')
  }
  if (!grant.allowNarrowerScope && !grant.scope.every((needed) => scope.includes(needed))) {
    throw refused('the granted scope is narrower than asked for')
  }
  const { accessToken, tokenType } = token
  return redacted({ accessToken, tokenType, expiresAt, scope, issuedTokenType })
}

function redacted({ accessToken, ...shown }: GrantedToken): GrantedToken {
  return hideSecrets(shown, { accessToken })
}
