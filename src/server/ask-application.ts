import type { Auth } from '../auth/auth.js'
import { AccessDeniedError, InternalError, InvalidTokenError, isAuthError, UnavailableError } from '../errors/index.js'
import { inTime } from '../lib/in-time.js'
import type { MaybePromise } from '../lib/maybe-promise.js'

/**
 * Asks a route's `allow`.
 *
 * @throws {@link AccessDeniedError} for any answer but true, or the {@link AuthError} that `allow` throws.
 * @throws {@link InternalError} for anything else that it throws.
 */
export async function askAllow<Claims>(
  allow: (auth: Auth<Claims>) => boolean | Promise<boolean>,
  auth: Auth<Claims>,
): Promise<void> {
  let allowed: unknown
  try {
    allowed = await allow(auth)
  } catch (thrown) {
    throw isAuthError(thrown) ? thrown : new InternalError(thrown, 'allow')
  }
  if (allowed !== true) throw new AccessDeniedError()
}

/**
 * Asks the application whether a token was revoked, after our own list has said no.
 *
 * @throws {@link InvalidTokenError} `ERR_TOKEN_REVOKED` for any answer but false.
 * @throws {@link UnavailableError} when the application cannot tell, or takes more than 5 s.
 */
export async function askIsRevoked<Claims>(
  isRevoked: (auth: Auth<Claims>) => boolean | Promise<boolean>,
  auth: Auth<Claims>,
  listed: MaybePromise<void>,
): Promise<void> {
  await listed
  let revoked: boolean
  try {
    const answer = isRevoked(auth)
    revoked = typeof answer === 'boolean' ? answer : await inTime(() => answer)
  } catch (cause) {
    throw new UnavailableError('ERR_STORE_UNAVAILABLE', { detail: 'isRevoked failed', cause })
  }
  if (revoked !== false) throw new InvalidTokenError('ERR_TOKEN_REVOKED')
}
