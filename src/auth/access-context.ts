import { type AuthError, InternalError, isAuthError, ResourceAccessError } from '../errors/index.js'
import type { Clock } from '../kit/clock.js'
import type { MaybePromise } from '../kit/maybe-promise.js'

/** A token for a downstream service, as the authorization server issued it. Shows its secret in no inspection. */
export interface GrantedToken {
  readonly accessToken: string
  /** `N_A` is not an access token and never goes into an `Authorization` field (RFC 8693 §2.2.1). */
  readonly tokenType: 'Bearer' | 'DPoP' | 'N_A'
  /** In seconds since the Unix epoch, like `auth.expiresAt`; `undefined` when the server did not say. */
  readonly expiresAt: number | undefined
  readonly scope: readonly string[]
  readonly issuedTokenType: string
}

/** A `fetch` that carries a downstream token. See {@link AccessContext.fetch}. */
export type AccessFetch = (input: string | URL, init?: RequestInit) => Promise<Response>

/** Gets the token; another one than `rejected`, where given and where there is one to be had. */
export type AcquireToken = (rejected?: GrantedToken) => MaybePromise<GrantedToken>

/** How the token of one declared grant of one request is got and used. */
export interface AccessGrantSettings {
  readonly resource: string
  readonly acquire: AcquireToken
  /** Makes the `fetch` for this grant over a way to get the token. */
  readonly fetchWith: (acquire: (rejected?: GrantedToken) => Promise<GrantedToken>) => AccessFetch
  readonly clock: Clock
}

/** One declared grant of one request, and what came of it. A token counts until it expires. */
export class AccessGrant {
  readonly #settings: AccessGrantSettings
  #token: GrantedToken | undefined
  #error: AuthError | undefined

  constructor(settings: AccessGrantSettings) {
    this.#settings = settings
  }

  get resource(): string {
    return this.#settings.resource
  }

  /** Why the last attempt failed. */
  get error(): AuthError | undefined {
    return this.#error
  }

  /** Whether there was a token, expired or not, when it was last tried. */
  get cameOff(): boolean {
    return this.#token !== undefined
  }

  /** The token at hand that has not expired. */
  get token(): GrantedToken | undefined {
    const token = this.#token
    return token?.expiresAt !== undefined && token.expiresAt * 1000 <= this.#settings.clock() ? undefined : token
  }

  /** The token at hand, or one that is got now. Throws, or rejects with, an {@link AuthError}, and nothing else. */
  acquire(rejected?: GrantedToken): MaybePromise<GrantedToken> {
    const known = this.token
    if (known !== undefined && known.accessToken !== rejected?.accessToken) return known
    const keep = (token: GrantedToken): GrantedToken => {
      this.#token = token
      this.#error = undefined
      return token
    }
    const fail = (thrown: unknown): never => {
      this.#token = undefined
      this.#error = isAuthError(thrown) ? thrown : new InternalError(thrown)
      throw this.#error
    }
    try {
      const acquired = this.#settings.acquire(rejected)
      return acquired instanceof Promise ? acquired.then(keep, fail) : keep(acquired)
    } catch (thrown) {
      return fail(thrown)
    }
  }

  /** Tries the grant and keeps its token or its error. Neither throws nor rejects. */
  attempt(): MaybePromise<AuthError | undefined> {
    try {
      const acquired = this.acquire()
      if (!(acquired instanceof Promise)) return undefined
      return acquired.then(
        () => undefined,
        (error) => error as AuthError,
      )
    } catch (error) {
      return error as AuthError
    }
  }

  fetch(): AccessFetch {
    return this.#settings.fetchWith(async (rejected) => this.acquire(rejected))
  }
}

let grantsOf: (access: AccessContext) => readonly AccessGrant[]

/**
 * What the grants of one request brought: a token or an error for each downstream resource. Every `auth.access` is an
 * instance of it; on a route without grants it holds nothing and refuses everything.
 *
 * @group Grants
 */
export class AccessContext {
  readonly #grants: readonly AccessGrant[]

  static {
    grantsOf = (access) => access.#grants
  }

  /** @hidden */
  constructor(grants: readonly AccessGrant[] = []) {
    this.#grants = grants
    Object.freeze(this)
  }

  /** The resources there are grants for, in the order declared. */
  get declared(): readonly string[] {
    return this.#grants.map(({ resource }) => resource)
  }

  /** `success`: all declared grants that were tried succeeded; `error`: all failed; else `partial_error`. */
  get status(): 'success' | 'partial_error' | 'error' {
    if (this.#grants.every(({ error }) => error === undefined)) return 'success'
    return this.#grants.some(({ cameOff }) => cameOff) ? 'partial_error' : 'error'
  }

  /**
   * The access token for a resource.
   *
   * @throws the error its grant failed with; {@link ResourceAccessError} when it is still to be acquired (mode `lazy`),
   * has expired since, or was not declared.
   */
  token(resource: string): string {
    const { token, error } = this.#grant(resource)
    if (token !== undefined) return token.accessToken
    throw error ?? missing(resource, 'not acquired, or expired: await access.acquire(resource) first')
  }

  /** Whether a token for the resource is at hand. */
  has(resource: string): boolean {
    return this.succeeded.includes(resource)
  }

  /**
   * The token for a resource with its particulars, exchanging for it now where mode is `lazy`, or where the one at hand
   * has expired.
   *
   * @throws {@link ResourceAccessError} or another {@link AuthError} when it cannot be had.
   */
  async acquire(resource: string): Promise<GrantedToken> {
    return this.#grant(resource).acquire()
  }

  /**
   * A `fetch` for a resource: adds the token, with a DPoP proof where it is bound, and after a downstream 401 gets a new
   * one and tries once more. Sends to the grant's allowed origins only and follows no redirect. Rejects as `fetch` does
   * when the service cannot be reached.
   *
   * @throws {@link ResourceAccessError} for a grant that was not declared. The function rejects with it for an origin
   * that is not allowed, and when the token cannot be had.
   */
  fetch(resource: string): AccessFetch {
    return this.#grant(resource).fetch()
  }

  /** The errors, by resource. */
  get errors(): ReadonlyMap<string, AuthError> {
    const failed = this.#grants.flatMap(({ resource, error }) =>
      error === undefined ? [] : [[resource, error] as const],
    )
    return new Map(failed)
  }

  /** Resources with a token, in the order declared. */
  get succeeded(): readonly string[] {
    return this.#grants.filter(({ token }) => token !== undefined).map(({ resource }) => resource)
  }

  /** Resources whose grant failed, in the order declared. */
  get failed(): readonly string[] {
    return this.#grants.filter(({ error }) => error !== undefined).map(({ resource }) => resource)
  }

  #grant(resource: string): AccessGrant {
    const grant = this.#grants.find((one) => one.resource === resource)
    if (grant !== undefined) return grant
    throw missing(resource, this.#grants.length === 0 ? 'the route declares no grant' : 'not declared')
  }
}

/** The access context of a request whose route declares no grant. */
export const noAccess: AccessContext = new AccessContext()

/**
 * The access of a request whose grants were declared in two places: on a router and on its route, for instance. What
 * both declare is asked of `later`.
 */
export function joinAccess(earlier: AccessContext, later: AccessContext): AccessContext {
  const [first, second] = [grantsOf(earlier), grantsOf(later)]
  if (first.length === 0) return later
  if (second.length === 0) return earlier
  const isLater = new Set(second.map(({ resource }) => resource))
  return new AccessContext([...first.filter(({ resource }) => !isLater.has(resource)), ...second])
}

function missing(resource: string, detail: string): ResourceAccessError {
  return new ResourceAccessError(resource, 'ERR_GRANT_MISSING', { detail })
}
