import { AccessContext, type AccessFetch, type GrantedToken } from '../auth/access-context.js'
import { type AuthError, InternalError, isAuthError, ResourceAccessError } from '../errors/index.js'
import type { Clock } from '../kit/clock.js'

/** One declared grant of one request. */
export interface PendingGrant {
  readonly resource: string
  /** Gets the token; another one than `rejected`, where given and where there is one to be had. */
  acquire(rejected?: GrantedToken): Promise<GrantedToken>
  /** Makes the `fetch` for this grant over a way to get the token. */
  fetchWith(acquire: (rejected?: GrantedToken) => Promise<GrantedToken>): AccessFetch
}

/** The access context of one request over its declared grants, and the way to fill it. Tokens count until they expire. */
export class RequestAccess extends AccessContext {
  readonly #grants: readonly PendingGrant[]
  readonly #clock: Clock
  readonly #tokens = new Map<string, GrantedToken>()
  readonly #errors = new Map<string, AuthError>()

  constructor(grants: readonly PendingGrant[], clock: Clock) {
    super()
    this.#grants = grants
    this.#clock = clock
  }

  /** Tries a grant and keeps its token or its error. Never rejects. */
  async attempt(resource: string): Promise<AuthError | undefined> {
    try {
      await this.#acquire(resource)
      return undefined
    } catch (error) {
      return error as AuthError
    }
  }

  async acquire(resource: string): Promise<GrantedToken> {
    return this.#acquire(resource)
  }

  token(resource: string): string {
    this.#pending(resource)
    const token = this.#current(resource)
    if (token !== undefined) return token.accessToken
    const hint = 'not acquired, or expired: await access.acquire(resource) first'
    throw this.#errors.get(resource) ?? missing(resource, hint)
  }

  has(resource: string): boolean {
    return this.#current(resource) !== undefined
  }

  fetch(resource: string): AccessFetch {
    return this.#pending(resource).fetchWith((rejected) => this.#acquire(resource, rejected))
  }

  get declared(): readonly string[] {
    return this.#grants.map(({ resource }) => resource)
  }

  get status(): AccessContext['status'] {
    if (this.#errors.size === 0) return 'success'
    return this.#tokens.size === 0 ? 'error' : 'partial_error'
  }

  get errors(): ReadonlyMap<string, AuthError> {
    return new Map(this.#errors)
  }

  get succeeded(): readonly string[] {
    return this.declared.filter((resource) => this.has(resource))
  }

  get failed(): readonly string[] {
    return this.declared.filter((resource) => this.#errors.has(resource))
  }

  #pending(resource: string): PendingGrant {
    const grant = this.#grants.find((one) => one.resource === resource)
    if (grant === undefined) throw missing(resource, 'not declared')
    return grant
  }

  #current(resource: string): GrantedToken | undefined {
    const token = this.#tokens.get(resource)
    return token?.expiresAt !== undefined && token.expiresAt * 1000 <= this.#clock() ? undefined : token
  }

  async #acquire(resource: string, rejected?: GrantedToken): Promise<GrantedToken> {
    const grant = this.#pending(resource)
    const known = this.#current(resource)
    if (known !== undefined && known.accessToken !== rejected?.accessToken) return known
    try {
      const token = await grant.acquire(rejected)
      this.#tokens.set(resource, token)
      this.#errors.delete(resource)
      return token
    } catch (thrown) {
      const error = isAuthError(thrown) ? thrown : new InternalError(thrown)
      this.#tokens.delete(resource)
      this.#errors.set(resource, error)
      throw error
    }
  }
}

function missing(resource: string, detail: string): ResourceAccessError {
  return new ResourceAccessError(resource, 'ERR_GRANT_MISSING', { detail })
}
