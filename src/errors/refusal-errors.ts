import { AuthError, type AuthErrorOptions } from './auth-error.js'
import type { AuthErrorCode } from './codes.js'

/** No access token in the request. 401 with a bare challenge (RFC 6750 §3.1). @group Errors */
export class MissingTokenError extends AuthError {
  readonly status = 401
  readonly oauthError = undefined

  constructor(options?: AuthErrorOptions) {
    super('ERR_TOKEN_MISSING', options)
  }
}

/** Malformed or repeated credentials. 400 `invalid_request` (RFC 6750 §3.1). @group Errors */
export class InvalidRequestError extends AuthError {
  readonly status = 400
  readonly oauthError = 'invalid_request'

  constructor(code: 'ERR_REQUEST_MALFORMED' | 'ERR_REQUEST_AMBIGUOUS', options?: AuthErrorOptions) {
    super(code, options)
  }
}

/** The reasons that make an access token unusable. */
export type InvalidTokenCode = Exclude<Extract<AuthErrorCode, `ERR_TOKEN_${string}`>, 'ERR_TOKEN_MISSING'>

/** An access token that was sent and is not good. 401 `invalid_token` (RFC 6750 §3.1). @group Errors */
export class InvalidTokenError extends AuthError {
  readonly status = 401
  readonly oauthError = 'invalid_token'

  constructor(code: InvalidTokenCode, options?: AuthErrorOptions) {
    super(code, options)
  }
}

/** The reasons that make a DPoP proof unusable. */
export type InvalidProofCode = Exclude<Extract<AuthErrorCode, `ERR_PROOF_${string}`>, 'ERR_PROOF_NONCE'>

/** A DPoP proof that is missing, repeated or wrong. 401 `invalid_dpop_proof` (RFC 9449 §7.1). @group Errors */
export class InvalidProofError extends AuthError {
  readonly status = 401
  readonly oauthError = 'invalid_dpop_proof'

  constructor(code: InvalidProofCode, options?: AuthErrorOptions) {
    super(code, options)
  }
}

/** A DPoP proof without the nonce this server wants. 401 `use_dpop_nonce` (RFC 9449 §9). @group Errors */
export class DpopNonceRequiredError extends AuthError {
  readonly status = 401
  readonly oauthError = 'use_dpop_nonce'
  /** The nonce for the next attempt, sent in the `DPoP-Nonce` field. */
  readonly nonce: string

  constructor(nonce: string, options?: AuthErrorOptions) {
    super('ERR_PROOF_NONCE', options)
    this.nonce = nonce
  }
}

/** What a step-up challenge asks for (RFC 9470 §3). */
export interface StepUpDemand {
  /** Acceptable authentication context classes, in order of preference. */
  readonly acrValues?: readonly string[] | undefined
  /** The oldest acceptable authentication, in seconds. */
  readonly maxAgeSeconds?: number | undefined
  /** Scopes that are missing as well, so that one round trip settles both. */
  readonly scope?: string | undefined
}

/** The user must authenticate again, better or more recently. 401 (RFC 9470 §3). @group Errors */
export class StepUpRequiredError extends AuthError {
  readonly status = 401
  readonly oauthError = 'insufficient_user_authentication'
  /** What the challenge asks for. */
  readonly demand: StepUpDemand

  constructor(demand: StepUpDemand, options?: AuthErrorOptions) {
    super('ERR_STEP_UP_REQUIRED', options)
    this.demand = demand
  }
}

/** The token has too little scope or authorization details. 403 `insufficient_scope` (RFC 6750 §3.1). @group Errors */
export class InsufficientScopeError extends AuthError {
  readonly status = 403
  readonly oauthError = 'insufficient_scope'
  /** The scopes that would satisfy the route, space-delimited; `undefined` where it is not scope that is missing. */
  readonly scope: string | undefined

  constructor(scope: string | undefined, options?: AuthErrorOptions) {
    super(scope === undefined ? 'ERR_AUTHORIZATION_DETAILS' : 'ERR_SCOPE_INSUFFICIENT', options)
    this.scope = scope
  }
}

/** The token is good and the application says no all the same. 403 without a challenge. @group Errors */
export class AccessDeniedError extends AuthError {
  readonly status = 403
  readonly oauthError = undefined

  constructor(
    code:
      | 'ERR_ROLE_INSUFFICIENT'
      | 'ERR_CLAIM_REQUIREMENT'
      | 'ERR_ORIGIN_FORBIDDEN'
      | 'ERR_HOST_FORBIDDEN' = 'ERR_CLAIM_REQUIREMENT',
    options?: AuthErrorOptions,
  ) {
    super(code, options)
  }
}
