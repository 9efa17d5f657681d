import type { StepUp } from '../client/challenges.js'
import { type ClientErrorOptions, OAuthClientError } from '../client/errors.js'

/**
 * Why a user has to sign in again.
 *
 * - `no_tokens`: nothing is kept for them.
 * - `no_refresh_token`: the access token is over, and there is nothing to renew it with.
 * - `invalid_grant`: the authorization server does not take the refresh token any more.
 * - `refresh_expired`: the time of the refresh token is over.
 * - `subject_changed`: the answer to a refresh was about somebody else, and was thrown away.
 * - `logged_out`: somebody ended the session.
 * - `expired`: the access token is over, and the caller wanted no refresh.
 * - `insufficient_user_authentication`: a service wants the user to sign in again, or in another way (RFC 9470).
 *
 * @group User tokens
 */
export type ReauthenticationReason =
  | 'no_tokens'
  | 'no_refresh_token'
  | 'invalid_grant'
  | 'refresh_expired'
  | 'subject_changed'
  | 'logged_out'
  | 'expired'
  | 'insufficient_user_authentication'

/** What a {@link ReauthenticationRequiredError} says besides its code. @group User tokens */
export interface ReauthenticationErrorOptions extends ClientErrorOptions {
  readonly reason: ReauthenticationReason
  readonly stepUp?: StepUp | undefined
}

/**
 * There is no token to be had without the user: start a login. Never worth a retry.
 *
 * @group User tokens
 */
export class ReauthenticationRequiredError extends OAuthClientError {
  readonly reason: ReauthenticationReason
  /** What the service wants of the next login; `undefined` for other reasons. */
  readonly stepUp: StepUp | undefined

  constructor(code: 'ERR_REAUTHENTICATION_REQUIRED', options: ReauthenticationErrorOptions) {
    super(code, options)
    this.reason = options.reason
    this.stepUp = options.stepUp
  }
}

/** The error of a caller who has to sign in again at this provider. */
export function reauthenticationRequired(
  { issuer }: { readonly issuer: string | undefined },
  reason: ReauthenticationReason,
  stepUp?: StepUp,
): ReauthenticationRequiredError {
  return new ReauthenticationRequiredError('ERR_REAUTHENTICATION_REQUIRED', { reason, issuer, stepUp })
}
