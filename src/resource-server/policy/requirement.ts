import type { Auth } from '../../auth/auth.js'

/**
 * Scopes a route demands. A string is a space-delimited list of which all are needed; an array likewise. `all` and
 * `any` nest: `{ all: ['read', { any: ['mail', 'calendar'] }] }`.
 */
export type ScopeExpression =
  | string
  | readonly ScopeExpression[]
  | { readonly all: readonly ScopeExpression[] }
  | { readonly any: readonly ScopeExpression[] }

/**
 * Roles a route demands. A string is one role, spaces included; an array is a list of which all are needed. `all` and
 * `any` nest: `{ any: ['admin', { all: ['editor', 'Night shift'] }] }`.
 */
export type RoleExpression =
  | string
  | readonly RoleExpression[]
  | { readonly all: readonly RoleExpression[] }
  | { readonly any: readonly RoleExpression[] }

/** A claim demand: an exact value, a list of which one must match, or a function. For array claims one match suffices. */
export type ClaimRule =
  | string
  | number
  | boolean
  | readonly (string | number | boolean)[]
  | ((value: unknown) => boolean)

/** An authorization detail as the token carries it (RFC 9396 §2). */
export interface AuthorizationDetail {
  readonly type: string
  readonly [member: string]: unknown
}

/** Decides, per type, whether one granted detail covers what the route needs. No generic subset rule can (RFC 9396 §12). */
export type AuthorizationDetailsRule = Readonly<Record<string, (detail: AuthorizationDetail) => boolean>>

/** Whether bound tokens are demanded: `off` refuses them, `allowed` takes both, `required` takes only bound ones. */
export type BindingMode = 'off' | 'allowed' | 'required'

/**
 * What a route demands of a request. All members must hold. Compiled once per route; a wrong member is a
 * {@link ConfigurationError} there and then.
 *
 * @group Resource server
 */
export interface Requirement<Claims = unknown> {
  /** The resource (RFC 9728 identifier) this route belongs to; needed when the server has several. */
  readonly resource?: string | undefined
  readonly scope?: ScopeExpression | undefined
  /**
   * Compared exactly with `auth.roles`, see the claim profile of the issuer. 403 without a challenge: no client can ask
   * for a role.
   */
  readonly roles?: RoleExpression | undefined
  /** Rules on claims, by name. A failed one is 403 without a challenge. */
  readonly claims?: Readonly<Record<string, ClaimRule>> | ((claims: Claims) => boolean) | undefined
  /** Acceptable authentication context classes, in order of preference (RFC 9470). */
  readonly acr?: string | readonly string[] | undefined
  /** The oldest acceptable user authentication, in seconds (RFC 9470). */
  readonly maxAgeSeconds?: number | undefined
  /** Every named type must be granted by a detail its function accepts (RFC 9396). */
  readonly authorizationDetails?: AuthorizationDetailsRule | undefined
  /** Overrides the resource's DPoP mode for this route. */
  readonly dpop?: BindingMode | undefined
  /** Overrides the resource's mTLS mode for this route. */
  readonly mtls?: BindingMode | undefined
  /** A last word of the application's own: false is 403. */
  readonly allow?: ((auth: Auth<Claims>) => boolean | Promise<boolean>) | undefined
}
