import type { AccessFetch, GrantedToken } from '../auth/access-context.js'
import { createTokenFetch } from '../client/token-fetch.js'
import { ResourceAccessError } from '../errors/index.js'
import type { BoundedCache } from '../kit/bounded-cache.js'
import type { GrantProofs } from './exchange.js'
import type { GrantSettings } from './grant.js'

/** What an authenticated `fetch` takes. */
export interface AccessFetchSettings {
  readonly grant: GrantSettings
  readonly proofs: () => GrantProofs | undefined
  /** Gets the token; another one than `rejected`, where given and where there is one to be had. */
  readonly acquire: (rejected?: GrantedToken) => Promise<GrantedToken>
  readonly fetch: typeof globalThis.fetch
  readonly timeoutMs: number
  /** The newest nonce of each origin (RFC 9449 §8.2). */
  readonly nonces: BoundedCache<string>
}

/**
 * Makes a `fetch` that carries a downstream token: to the origins of its grant only, following no redirect. See
 * {@link createTokenFetch}.
 */
export function createAccessFetch({ grant, acquire, ...settings }: AccessFetchSettings): AccessFetch {
  const { resource, allowedOrigins } = grant
  return createTokenFetch<GrantedToken>({
    ...settings,
    acquire,
    baseUrl: resource,
    allowedOrigins,
    maxRedirects: 0,
    retriesOn401: true,
    misuse: (detail) => new ResourceAccessError(resource, 'ERR_GRANT_MISSING', { detail }),
  })
}
