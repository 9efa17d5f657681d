import type { Auth } from '../auth/auth.js'
import { AccessDeniedError, InvalidTokenError, UnavailableError } from '../errors/index.js'
import { callApplication } from '../kit/call-application.js'
import { isThenable, type MaybePromise, whenReady } from '../kit/maybe-promise.js'
import { inTime } from '../kit/time-limit.js'

/** A function of the application that answers yes or no about a caller, now or later. */
export type Question<Claims> = (auth: Auth<Claims>) => boolean | PromiseLike<boolean>

/**
 * Asks a route's `allow`. Throws synchronously or rejects.
 *
 * @throws {@link AccessDeniedError} for any answer but true, or the {@link AuthError} that `allow` throws.
 * @throws {@link InternalError} for anything else that it throws.
 */
export function askAllow<Claims>(allow: Question<Claims>, auth: Auth<Claims>): MaybePromise<void> {
  return whenReady(
    callApplication('allow', () => allow(auth)),
    settleAllow,
  )
}

function settleAllow(allowed: unknown): void {
  if (allowed !== true) throw new AccessDeniedError()
}

/**
 * Asks the application whether a token was revoked, after our own list has said no. Throws synchronously or rejects.
 *
 * @throws {@link InvalidTokenError} `ERR_TOKEN_REVOKED` for any answer but false.
 * @throws {@link UnavailableError} when the application cannot tell, or takes more than 5 s.
 */
export function askIsRevoked<Claims>(isRevoked: Question<Claims>, auth: Auth<Claims>): MaybePromise<void> {
  let answer: unknown
  let waits: boolean
  try {
    answer = isRevoked(auth)
    waits = isThenable(answer)
  } catch (cause) {
    return cannotTell(cause)
  }
  return waits ? inTime(() => answer).then(settleRevoked, cannotTell) : settleRevoked(answer)
}

function settleRevoked(revoked: unknown): void {
  if (revoked !== false) throw new InvalidTokenError('ERR_TOKEN_REVOKED')
}

function cannotTell(cause: unknown): never {
  throw new UnavailableError('ERR_STORE_UNAVAILABLE', { detail: 'isRevoked failed', cause, callback: 'isRevoked' })
}
