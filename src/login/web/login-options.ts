/*
 * What `createLogin` is told.
 */
import type { OAuthClientError } from '../../client/errors.js'
import type { AuthError } from '../../errors/index.js'
import type { RequestFacts } from '../../http/request-facts.js'
import type { Clock } from '../../kit/clock.js'
import type { EventListener } from '../../kit/events.js'
import type { JsonObject } from '../../kit/json.js'
import type { MaybePromise } from '../../kit/maybe-promise.js'
import type { LockStore, RevocationStore, SessionStore, TokenStore } from '../../stores/contract.js'
import type { SealKey } from '../../stores/sealer.js'
import type { LoginResult } from '../login-result.js'
import type { Provider } from '../provider.js'
import type { CookieSessions } from './cookie-sessions.js'
import type { LoginPage } from './login-answers.js'
import type { LoginLimit } from './login-limit.js'
import type { LoginSession } from './login-session.js'

/** How long sessions last. @group Web login */
export interface SessionLimits {
  /**
   * How long one lasts that is not used. 60 to 31,536,000, default 86,400 (a day). Not each use is written down: it may end
   * 60 s early, in cookies a tenth of this early, and never late.
   */
  readonly idleSeconds?: number | undefined
  /** How long one lasts at all. 60 to 31,536,000, default 604,800 (a week). */
  readonly absoluteSeconds?: number | undefined
  /** Whether using a session makes it last `idleSeconds` from then on. Default true. */
  readonly rolling?: boolean | undefined
}

/** Where the tokens of sessions are kept. @group Web login */
export interface SessionTokens {
  readonly store: TokenStore
  /** Needed where several processes share the store. */
  readonly lock?: LockStore | undefined
}

/** What `onLogin` is told besides the result. @group Web login */
export interface LoginContext {
  /** The name of the provider. */
  readonly provider: string
  /**
   * The session of this browser until now, of whichever user; it ends with the login. `undefined` also for one in cookies
   * where the answer was posted from another site: browsers keep the cookies back.
   */
  readonly previous: LoginSession | undefined
  /** The request with which the user came back. */
  readonly request: RequestFacts
}

/** What `onError` is told besides the error. @group Web login */
export interface LoginErrorContext {
  /** The name of the provider. */
  readonly provider: string
  /** Where the user would have gone; `undefined` where the login is none that this browser began. */
  readonly returnTo: string | undefined
  /** The request with which the user came back. */
  readonly request: RequestFacts
}

/** What `onError` gives. @group Web login */
export interface LoginErrorAnswer {
  /** A path of the application, where the user goes instead of the page that says what went wrong. */
  readonly redirectTo?: string | undefined
}

/** What `onLogin` gives. @group Web login */
export interface LoginAddition {
  /** Kept in the session as `data`: JSON, part of the 64 KiB that a session may have. */
  readonly data?: JsonObject | undefined
}

/** Options of {@link createLogin}. Read once, checked completely. @group Web login */
export interface LoginOptions {
  /**
   * Where browsers find the application: an https origin, with a path where a proxy puts it below one. Redirect URIs are
   * made of it alone, never of `Host` or `X-Forwarded-Host`.
   */
  readonly baseUrl: string
  /** Where the routes are, below `baseUrl`. Default `/auth`. */
  readonly basePath?: string | undefined
  /** Whom users can sign in with; the first one where a request names none and no page is wanted. */
  readonly providers: readonly Provider[]
  /** Seal the cookies of logins under way: the first seals, all open. 32 random bytes each; share them within the fleet. */
  readonly keys: readonly SealKey[]
  /** A store, or what `cookieSessions` makes. Default: in memory, for one process, 10,000 at most. */
  readonly sessions?: SessionStore | CookieSessions | undefined
  /**
   * Where their tokens are. Default: in memory, where the sessions are. With `sessions` it has to be said: a store and a
   * lock, or `false` to keep none.
   */
  readonly tokens?: SessionTokens | false | undefined
  /**
   * What logouts at the providers mark (OpenID Connect Back-Channel Logout 1.0): a session that began before its mark is
   * over. One store for the fleet, such as that of the resource servers of the same users. Default: in memory, where the
   * sessions are. With `sessions` and without it there is no `/backchannel-logout`.
   */
  readonly revocations?: RevocationStore | undefined
  readonly session?: SessionLimits | undefined
  /** Claims of the ID token and of userinfo that a session keeps. Default: names, e-mail address, picture, locale. */
  readonly claims?: readonly string[] | undefined
  /**
   * Called with every login that succeeded, before its session begins. Throw an `AccessDeniedError` to refuse the user:
   * a page says so, status 403. Anything else it throws is a fault of the application.
   */
  readonly onLogin?:
    | ((result: LoginResult, context: LoginContext) => MaybePromise<LoginAddition | undefined>)
    | undefined
  /**
   * Called with every login that failed on its way back, before the answer: an `OAuthClientError`, the `AccessDeniedError` of
   * `onLogin`, or an `UnavailableError`. May send the user to a page of yours. What it throws is a fault of the application.
   */
  readonly onError?:
    | ((error: OAuthClientError | AuthError, context: LoginErrorContext) => MaybePromise<LoginErrorAnswer | undefined>)
    | undefined
  /** How providers answer. `form_post` for those that post; their cookie is then `SameSite=None`. Default `query`. */
  readonly responseMode?: 'query' | 'form_post' | undefined
  /** Where users are after a logout: a path, or an https URL; registered at the providers. Default `/`. */
  readonly postLogoutRedirect?: string | undefined
  /** Whether a logout here goes on to the provider, where it has a page for it. Default true. */
  readonly logoutAtProvider?: boolean | undefined
  /**
   * Lays out the pages of the login: the whole document, made of what it is told. Default: plain, dark and light by what
   * the user's system says.
   */
  readonly pages?: ((page: LoginPage) => string) | undefined
  /** How many logins one client may start; `false` for no limit. Default 10 within 60 s. */
  readonly limit?: LoginLimit | false | undefined
  /** IP addresses and ranges of your proxies, whose `X-Forwarded-For` tells the client for `limit`. Default none. */
  readonly trustedProxies?: readonly string[] | undefined
  /** Allows a `baseUrl` of `http://localhost` and the like: cookies then lose `Secure`. For development. Default false. */
  readonly allowInsecureLoopback?: boolean | undefined
  readonly onEvent?: EventListener | undefined
  /** Default: the system clock. */
  readonly clock?: Clock | undefined
}
