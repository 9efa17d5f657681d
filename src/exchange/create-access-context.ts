import type { AccessContext, AccessFetch, GrantedToken } from '../auth/access-context.js'
import { type AuthError, InternalError, isAuthError, ResourceAccessError } from '../errors/index.js'

/** One declared grant of one request. */
export interface PendingGrant {
  readonly resource: string
  /** Gets the token; `fresh` passes the cache by. */
  acquire(fresh: boolean): Promise<GrantedToken>
  /** Makes the `fetch` for this grant over a way to get the token. */
  fetchWith(acquire: (fresh: boolean) => Promise<GrantedToken>): AccessFetch
}

/** An access context together with the way to fill it. */
export interface OpenAccessContext extends AccessContext {
  /** Tries a grant and keeps its token or its error. Never rejects. */
  attempt(resource: string): Promise<AuthError | undefined>
}

/** Makes the access context of one request over its declared grants. */
export function createAccessContext(grants: readonly PendingGrant[]): OpenAccessContext {
  const declared = new Map(grants.map((grant) => [grant.resource, grant]))
  const tokens = new Map<string, GrantedToken>()
  const errors = new Map<string, AuthError>()
  const inOrder = (kept: ReadonlyMap<string, unknown>) => [...declared.keys()].filter((resource) => kept.has(resource))

  function pending(resource: string): PendingGrant {
    const grant = declared.get(resource)
    if (grant === undefined) throw new ResourceAccessError(resource, 'ERR_GRANT_MISSING', { detail: 'not declared' })
    return grant
  }

  async function acquire(resource: string, fresh = false): Promise<GrantedToken> {
    const grant = pending(resource)
    try {
      const token = (fresh ? undefined : tokens.get(resource)) ?? (await grant.acquire(fresh))
      tokens.set(resource, token)
      errors.delete(resource)
      return token
    } catch (thrown) {
      const error = isAuthError(thrown) ? thrown : new InternalError(thrown)
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
      const token = tokens.get(resource)
      if (token !== undefined) return token.accessToken
      const detail = 'not acquired yet: await access.acquire(resource) first'
      pending(resource)
      throw errors.get(resource) ?? new ResourceAccessError(resource, 'ERR_GRANT_MISSING', { detail })
    },
    has: (resource) => tokens.has(resource),
    fetch: (resource) => pending(resource).fetchWith((fresh) => acquire(resource, fresh)),
    get status() {
      if (errors.size === 0) return 'success'
      return tokens.size === 0 ? 'error' : 'partial_error'
    },
    get errors() {
      return new Map(errors)
    },
    get succeeded() {
      return inOrder(tokens)
    },
    get failed() {
      return inOrder(errors)
    },
  }
}
