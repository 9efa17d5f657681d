/** One exchange: what is asked, what may come of it, and how that is kept. Does NOT call the client: see acquire.ts. */
import type { GrantedToken } from '../auth/access-context.js'
import type { Auth } from '../auth/auth.js'
import type { BreakerState, CircuitName } from '../kit/client-events.js'
import type { Clock } from '../kit/clock.js'
import { hideSecrets } from '../kit/hidden.js'
import { isThenable, type MaybePromise } from '../kit/maybe-promise.js'
import { inPatience } from '../kit/time-limit.js'
import type { GrantStore, StoredGrant } from '../stores/contract.js'
import type { StoreWatch } from '../stores/store-watch.js'
import type { ActorToken, GrantSettings } from './grant.js'
import { UnusableTokenError } from './grant-errors.js'

/**
 * What the grant engine needs of an OAuth client; `createOAuthClient` of `portcullis/client` gives it.
 *
 * @group Grants
 */
export interface GrantClient {
  readonly issuer: string
  /** A part of the cache key. While it is `undefined`, tokens are shared with no other process. */
  readonly clientId: string | undefined
  /** RFC 8693, with every check of the answer that does not depend on the grant. */
  exchangeToken(params: ExchangeParams, options: ExchangeCallOptions): Promise<ExchangedToken>
  /** The key downstream tokens are bound to, where this client asks for bound ones. */
  readonly dpop?: GrantProofs | undefined
  /** The circuits of this client, for `grants.health()`. */
  readonly breakers?: (() => Readonly<Partial<Record<CircuitName, BreakerState>>>) | undefined
}

/** How long an exchange may take. @group Grants */
export interface ExchangeCallOptions {
  /** Tells the request in logs of both sides; see `Auth.correlationId`. */
  readonly correlationId: string
  /** Aborted when the caller waits no longer. */
  readonly signal: AbortSignal
  /** Time for the whole call, repetitions and pauses included. A little less than until `signal` aborts. */
  readonly totalTimeoutMs: number
}

/** What is asked of the token endpoint. @group Grants */
export interface ExchangeParams {
  readonly subjectToken: string
  readonly resource?: readonly string[]
  readonly audience?: readonly string[]
  readonly scope?: readonly string[]
  readonly requestedTokenType?: string
  readonly actor?: { readonly token: string; readonly type: string }
}

/** The answer to an exchange. @group Grants */
export interface ExchangedToken {
  readonly accessToken: string
  readonly tokenType: 'Bearer' | 'DPoP' | 'N_A'
  /** In seconds since the Unix epoch; `undefined` when the server did not say. */
  readonly expiresAt: number | undefined
  /** The granted scopes; those requested where the server named none. */
  readonly scope: readonly string[]
  readonly issuedTokenType: string | undefined
}

/** Makes DPoP proofs for requests to resource servers (RFC 9449 §4.2). @group Grants */
export interface GrantProofs {
  /** The thumbprint of the proof key (RFC 7638). */
  thumbprint(): Promise<string>
  /** A proof for one request. */
  proof(request: {
    readonly method: string
    readonly url: string
    readonly accessToken: string
    readonly nonce?: string | undefined
  }): Promise<string>
}

/** One exchange for one caller: everything the downstream token depends on. */
export interface ExchangeRequest {
  readonly auth: Auth<unknown>
  readonly grant: GrantSettings
  readonly client: GrantClient
  readonly actor: ActorToken | undefined
}

/** RFC 6749 appendix A.12: anything else would not fit into a header field. */
const sendable = /^[\x20-\x7e]+$/

const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token'

/**
 * Holds the answer to an exchange to what was asked for (RFC 8693 §2.2.1): type, scope, binding, and that it is not the
 * caller's own token. Does NOT look into the token: that is for the service it is meant for.
 *
 * @throws {@link UnusableTokenError}
 */
export function checkGranted(token: ExchangedToken, request: ExchangeRequest): GrantedToken {
  const { accessToken, tokenType, issuedTokenType, scope, expiresAt } = token
  const problem = problems(token, request).find(([isThere]) => isThere)
  if (problem !== undefined) throw new UnusableTokenError(problem[1])
  return redacted({ accessToken, tokenType, expiresAt, scope, issuedTokenType: issuedTokenType as string })
}

function problems(token: ExchangedToken, { auth, grant, client }: ExchangeRequest): [isThere: boolean, text: string][] {
  const { accessToken, tokenType, issuedTokenType, scope } = token
  const { requestedTokenType = accessTokenType } = grant
  const isAsRequested = grant.requestedTokenType === undefined || issuedTokenType === requestedTokenType
  const isWide = grant.allowNarrowerScope || grant.scope.every((needed) => scope.includes(needed))
  const isBound = tokenType === 'DPoP'
  return [
    [issuedTokenType === undefined, 'issued_token_type is missing'],
    [!isAsRequested, 'issued_token_type is not the requested one'],
    [tokenType === 'N_A' && requestedTokenType === accessTokenType, 'the token is no access token'],
    [tokenType === 'Bearer' && client.dpop !== undefined, 'the token is not bound to the proof key'],
    [isBound && client.dpop === undefined, 'the token is bound, and there is no proof key'],
    [!isWide, 'the granted scope is narrower than asked for'],
    [!sendable.test(accessToken), 'the token has characters that no token has'],
    [accessToken === auth.token, 'the token is the very one to be exchanged'],
  ]
}

/** A token whose secret shows in no inspection. */
function redacted({ accessToken, ...shown }: GrantedToken): GrantedToken {
  return hideSecrets(shown, { accessToken })
}

/** What is asked of the token endpoint for `request`. The caller's token goes there and nowhere else. */
export function exchangeParams({ auth, grant, actor }: ExchangeRequest): ExchangeParams {
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

/** A {@link GrantStore} that never fails: without it, tokens are exchanged anew, and an event tells. */
export interface GrantCache {
  /** At once where the store answers at once. */
  get(key: string): MaybePromise<GrantedToken | undefined>
  /** Keeps a token until shortly before it expires, and no longer than the subject's own (in seconds, if it has one). */
  set(key: string, token: GrantedToken, subjectExpiresAt: number | undefined): Promise<void>
  delete(key: string): Promise<void>
}

/** Before its expiry by this much a token counts as expired, or by a tenth of its lifetime where that is less. */
const expirySkewMs = 30_000

/** Makes a {@link GrantCache}. */
export function createGrantCache(store: GrantStore, clock: Clock, watch: StoreWatch): GrantCache {
  async function failingOpen<T>(work: () => T | Promise<T>): Promise<T | undefined> {
    try {
      const answer = await work()
      watch.answered()
      return answer
    } catch (error) {
      watch.failed(error, true)
      return undefined
    }
  }

  /** A store in memory gives the same object again and again. */
  const shown = new WeakMap<StoredGrant, GrantedToken>()

  function show(kept: StoredGrant): GrantedToken {
    const known = shown.get(kept)
    if (known !== undefined) return known
    const token = redacted(kept)
    shown.set(kept, token)
    return token
  }

  function usable(kept: StoredGrant | undefined): GrantedToken | undefined {
    return kept !== undefined && kept.expiresAt * 1000 > clock() ? show(kept) : undefined
  }

  return {
    get(key) {
      try {
        const answer = store.get(key)
        if (isThenable(answer)) return failingOpen(() => answer).then(usable)
        watch.answered()
        return usable(answer)
      } catch (error) {
        watch.failed(error, true)
        return undefined
      }
    },
    async set(key, token, subjectExpiresAt = Number.POSITIVE_INFINITY) {
      const { accessToken, tokenType, scope, issuedTokenType, expiresAt } = token
      // A token whose expiry is unknown serves its request and is forgotten.
      if (expiresAt === undefined) return
      const nowMs = clock()
      const skewMs = Math.min(expirySkewMs, (expiresAt * 1000 - nowMs) / 10)
      const ttlMs = Math.min(expiresAt * 1000 - skewMs, subjectExpiresAt * 1000) - nowMs
      if (ttlMs <= 0) return
      await failingOpen(() => store.set(key, { accessToken, tokenType, scope, issuedTokenType, expiresAt }, ttlMs))
    },
    async delete(key) {
      await failingOpen(() => store.delete(key))
    },
  }
}

/** A store of the application's, that fails rather than keep a request waiting for more than 5 s. */
export function storeInTime(store: GrantStore): GrantStore {
  return {
    get: (key) => inPatience(store.get(key)),
    set: (key, grant, ttlMs) => inPatience(store.set(key, grant, ttlMs)),
    delete: (key) => inPatience(store.delete(key)),
  }
}
