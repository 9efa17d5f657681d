import { sha256Base64url } from '#crypto'
import type { GrantedToken } from '../auth/access-context.js'
import type { Auth } from '../auth/auth.js'
import { type EventListener, emit } from '../events.js'
import { withDeadline } from '../lib/deadline.js'
import { createSingleFlight } from '../lib/single-flight.js'
import { checkGranted } from './check-granted.js'
import type { Exclusively } from './exclusively.js'
import type { ResolvedGrant } from './grant.js'
import type { GrantCache } from './grant-cache.js'
import type { ExchangeParams, GrantClient } from './grant-client.js'
import { isRefusal, type MapRefusal, toGrantError } from './grant-errors.js'
import { type GrantKeyParts, grantKey } from './grant-key.js'
import type { RefusalMemory } from './refusal-memory.js'

/** What acquiring a downstream token takes. */
export interface AcquireParts {
  readonly cache: GrantCache
  readonly refusals: RefusalMemory
  readonly exclusively: Exclusively
  readonly timeoutMs: number
  readonly mapRefusal: MapRefusal | undefined
  readonly onEvent: EventListener | undefined
}

/** One caller's need for one token. */
export interface AcquireRequest {
  readonly auth: Auth<unknown>
  readonly grant: ResolvedGrant
  readonly client: GrantClient
  /** A token the downstream service rejected: any other will do. */
  readonly rejected: string | undefined
}

/** Gets one caller's token for one grant. */
export type Acquire = (request: AcquireRequest) => Promise<GrantedToken>

/**
 * Makes the function that exchanges tokens (RFC 8693): from the cache where possible, one exchange at a time per exact
 * key, refusals remembered for seconds. Sends the caller's token to the token endpoint and nowhere else.
 *
 * @throws {@link AuthError} from the returned function: {@link ResourceAccessError}, {@link StepUpRequiredError}, or
 * what `mapRefusal` makes of a refusal. Each caller gets an error of its own.
 */
export function createAcquire(parts: AcquireParts): Acquire {
  const { cache, refusals, exclusively, timeoutMs, mapRefusal } = parts
  const flights = createSingleFlight<GrantedToken>()

  async function acquire({ rejected, ...about }: AcquireRequest): Promise<GrantedToken> {
    const { actor } = about.grant
    const request: GrantKeyParts = { ...about, actor: actor && (await withDeadline(timeoutMs, async () => actor())) }
    const key = await grantKey(request)
    const look = async (): Promise<GrantedToken | undefined> => {
      const kept = await cache.get(key)
      return kept?.accessToken === rejected ? undefined : kept
    }
    const work = async (): Promise<GrantedToken> => {
      if (rejected !== undefined) await cache.delete(key)
      return exchange(parts, request, key)
    }
    const flightKey = rejected === undefined ? key : `${key}.${await sha256Base64url(rejected)}`
    return flights.run(flightKey, async () => {
      const refusal = refusals.get(key)
      if (refusal !== undefined) throw refusal
      return (await look()) ?? exclusively(key, work, look)
    })
  }

  return async (request) => {
    try {
      return await acquire(request)
    } catch (thrown) {
      throw toGrantError(request.grant.resource, thrown, mapRefusal)
    }
  }
}

async function exchange(parts: AcquireParts, request: GrantKeyParts, key: string): Promise<GrantedToken> {
  const { auth, grant, client } = request
  const about = { issuer: client.issuer, resource: grant.resource }
  try {
    const params = exchangeParams(request)
    const answer = await withDeadline(parts.timeoutMs, (signal) => client.exchangeToken(params, { signal }))
    const granted = checkGranted(answer, request)
    await parts.cache.set(key, granted, auth.expiresAt)
    emit(parts.onEvent, { type: 'grant.exchanged', ...about })
    return granted
  } catch (thrown) {
    const isRefused = isRefusal(thrown)
    if (isRefused) parts.refusals.add(key, thrown)
    emit(parts.onEvent, { type: 'grant.failed', ...about, refused: isRefused })
    throw thrown
  }
}

function exchangeParams({ auth, grant, actor }: GrantKeyParts): ExchangeParams {
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
