import type { AccessContext, AccessFetch, GrantedToken } from '../auth/access-context.js'
import { type AuthError, InternalError, isAuthError, ResourceAccessError } from '../errors/index.js'
import type { Clock } from '../lib/clock.js'

/** One declared grant of one request. */
export interface PendingGrant {
  readonly resource: string
  /** Gets the token; another one than `rejected`, where given. */
  acquire(rejected?: string): Promise<GrantedToken>
  /** Makes the `fetch` for this grant over a way to get the token. */
  fetchWith(acquire: (rejected?: string) => Promise<GrantedToken>): AccessFetch
}

/** An access context together with the way to fill it. */
export interface OpenAccessContext extends AccessContext {
  /** Tries a grant and keeps its token or its error. Never rejects. */
  attempt(resource: string): Promise<AuthError | undefined>
}

/** Makes the access context of one request over its declared grants. Tokens count until they expire. */
export function createAccessContext(grants: readonly PendingGrant[], clock: Clock): OpenAccessContext {
  const declared = new Map(grants.map((grant) => [grant.resource, grant]))
  const tokens = new Map<string, GrantedToken>()
  const errors = new Map<string, AuthError>()
  const inOrder = (isListed: (resource: string) => boolean) => [...declared.keys()].filter(isListed)

  function pending(resource: string): PendingGrant {
    const grant = declared.get(resource)
    if (grant === undefined) throw missing(resource, 'not declared')
    return grant
  }

  function current(resource: string): GrantedToken | undefined {
    const token = tokens.get(resource)
    return token?.expiresAt !== undefined && token.expiresAt * 1000 <= clock() ? undefined : token
  }

  async function acquire(resource: string, rejected?: string): Promise<GrantedToken> {
    const grant = pending(resource)
    const known = current(resource)
    if (known !== undefined && known.accessToken !== rejected) return known
    try {
      const token = await grant.acquire(rejected)
      tokens.set(resource, token)
      errors.delete(resource)
      return token
    } catch (thrown) {
      const error = isAuthError(thrown) ? thrown : new InternalError(thrown)
      tokens.delete(resource)
      errors.set(resource, error)
      throw error
    }
  }

  return {
    acquire: (resource) => acquire(resource),
    attempt: (resource) =>
      acquire(resource).then(
        () => undefined,
        (error: AuthError) => error,
      ),
    token(resource) {
      pending(resource)
      const token = current(resource)
      if (token !== undefined) return token.accessToken
      throw errors.get(resource) ?? missing(resource, 'not acquired, or expired: await access.acquire(resource) first')
    },
    get declared() {
      return [...declared.keys()]
    },
    has: (resource) => current(resource) !== undefined,
    fetch: (resource) => pending(resource).fetchWith((rejected) => acquire(resource, rejected)),
    get status() {
      if (errors.size === 0) return 'success'
      return tokens.size === 0 ? 'error' : 'partial_error'
    },
    get errors() {
      return new Map(errors)
    },
    get succeeded() {
      return inOrder((resource) => current(resource) !== undefined)
    },
    get failed() {
      return inOrder((resource) => errors.has(resource))
    },
  }
}

function missing(resource: string, detail: string): ResourceAccessError {
  return new ResourceAccessError(resource, 'ERR_GRANT_MISSING', { detail })
}
