/*
 * The choice to keep sessions in cookies. How is in `cookie-keeper.ts`.
 */
import { checkOptions, integer, type Rules } from '../../kit/options.js'

/** Options of {@link cookieSessions}. @group Sessions */
export interface CookieSessionsOptions {
  /** How many cookies one session may take. 1 to 3, default 3. */
  readonly maxChunks?: number | undefined
}

/** Says that sessions are in cookies. Made by {@link cookieSessions}. @group Sessions */
export interface CookieSessions {
  readonly kind: 'cookies'
  readonly maxChunks: number
}

const rules: Rules<CookieSessionsOptions> = { maxChunks: integer(1, 3) }

/**
 * For `sessions` of `createLogin`: keeps small sessions in the browser, sealed with `keys`, in up to three cookies of at most
 * 4,096 bytes, attributes included. A login that does not fit is refused, `ERR_SESSION_TOO_LARGE`. Holds no tokens: name a
 * store in `tokens`, or `false`. Who copied a cookie has the session until it ends, also after a logout, unless there are
 * `revocations`.
 *
 * @throws `ConfigurationError` for an option that is wrong or unknown.
 * @group Sessions
 */
export function cookieSessions(options: CookieSessionsOptions = {}): CookieSessions {
  checkOptions('cookieSessions', options, rules)
  return Object.freeze({ kind: 'cookies', maxChunks: options.maxChunks ?? 3 })
}
