import type { AuthError } from '../errors/index.js'

/** A token for a downstream service, as the authorization server issued it. Shows its secret in no inspection. */
export interface GrantedToken {
  readonly accessToken: string
  /** `N_A` is no access token and never goes into an `Authorization` field (RFC 8693 §2.2.1). */
  readonly tokenType: 'Bearer' | 'DPoP' | 'N_A'
  /** In seconds since the Unix epoch, like `auth.expiresAt`; `undefined` when the server did not say. */
  readonly expiresAt: number | undefined
  readonly scope: readonly string[]
  readonly issuedTokenType: string
}

/** A `fetch` that carries a downstream token. See {@link AccessContext.fetch}. */
export type AccessFetch = (input: string | URL, init?: RequestInit) => Promise<Response>

/**
 * What the grants of one request brought: a token or an error for each downstream resource. A class so that its name is
 * there at run time: parameters of this type can be told by their metadata. Not every one is an instance of it.
 *
 * @group Grants
 */
export abstract class AccessContext {
  /** The resources there are grants for, in the order declared. */
  abstract readonly declared: readonly string[]
  /** `success`: all declared grants that were tried succeeded; `error`: all failed; else `partial_error`. */
  abstract readonly status: 'success' | 'partial_error' | 'error'
  /**
   * The access token for a resource.
   *
   * @throws the error its grant failed with; {@link ResourceAccessError} when it is still to be acquired (mode `lazy`),
   * has expired since, or was not declared.
   */
  abstract token(resource: string): string
  /** Whether a token for the resource is at hand. */
  abstract has(resource: string): boolean
  /**
   * The token for a resource with its particulars, exchanging for it now where mode is `lazy`, or where the one at hand
   * has expired.
   *
   * @throws {@link ResourceAccessError} or another {@link AuthError} when it cannot be had.
   */
  abstract acquire(resource: string): Promise<GrantedToken>
  /**
   * A `fetch` for a resource: adds the token, with a DPoP proof where it is bound, and after a downstream 401 gets a new
   * one and tries once more. Sends to the grant's allowed origins only and follows no redirect. Rejects as `fetch` does
   * when the service cannot be reached.
   *
   * @throws {@link ResourceAccessError} for a grant that was not declared. The function rejects with it for an origin
   * that is not allowed, and when the token cannot be had.
   */
  abstract fetch(resource: string): AccessFetch
  /** The errors, by resource. */
  abstract readonly errors: ReadonlyMap<string, AuthError>
  /** Resources with a token, in the order declared. */
  abstract readonly succeeded: readonly string[]
  /** Resources whose grant failed, in the order declared. */
  abstract readonly failed: readonly string[]
}
