import type { Auth } from '../../auth/auth.js'
import type { JsonObject } from '../../kit/json.js'
import type { BindingMode } from '../binding/binding-options.js'

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

/**
 * One requirement made of several, from the outermost to the innermost: a class and its method, an endpoint and one of
 * its tools. Scopes add up, so that one challenge names them all, and so do roles; of any other member the innermost wins. A
 * member that is `undefined` says nothing. Checks nothing: whoever compiles the result does.
 *
 * @group Resource server
 */
export function mergeRequirements<Claims>(
  ...requirements: readonly (Requirement<Claims> | undefined)[]
): Requirement<Claims> {
  const given = requirements.filter((requirement) => requirement !== undefined)
  const scopes = given.map(({ scope }) => scope).filter((scope) => scope !== undefined)
  const roles = given.map((requirement) => requirement.roles).filter((role) => role !== undefined)
  const stated = given.flatMap(Object.entries).filter(([, value]) => value !== undefined)
  return {
    ...Object.fromEntries(stated),
    ...(scopes.length > 1 && { scope: { all: scopes } }),
    ...(roles.length > 1 && { roles: { all: roles } }),
  }
}

/** What a verified token shows of itself to a requirement. */
export interface JudgedToken {
  readonly tokenClaims: JsonObject
  readonly claims: unknown
  readonly scopes: readonly string[]
  readonly roles: readonly string[]
}

/** Throws where a verified token does not meet one part of a requirement. */
export type RequirementRule = (token: JudgedToken, nowMs: number, clockToleranceMs: number) => void
