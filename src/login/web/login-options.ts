/*
 * What `createLogin` is told, checked and completed.
 */
import { ConfigurationError } from '../../errors/index.js'
import type { RequestFacts } from '../../http/request-facts.js'
import { type Clock, systemClock } from '../../kit/clock.js'
import type { EventListener } from '../../kit/events.js'
import { isLoopbackHostname } from '../../kit/fetch/secure-url.js'
import type { JsonObject } from '../../kit/json.js'
import type { MaybePromise } from '../../kit/maybe-promise.js'
import {
  anything,
  checkOptions,
  choice,
  flag,
  func,
  integer,
  members,
  methods,
  orFalse,
  type Rules,
  refuseRepeats,
  required,
  takes,
  text,
  texts,
} from '../../kit/options.js'
import type { LockStore, SessionStore, TokenStore } from '../../stores/contract.js'
import { createMemorySessionStore } from '../../stores/memory/memory-session-store.js'
import { createMemoryTokenStore } from '../../stores/memory/memory-token-store.js'
import { createSealer, type SealKey } from '../../stores/sealer.js'
import type { LoginResult } from '../login-result.js'
import type { Provider } from '../provider.js'
import type { LoginLimit } from './login-limit.js'
import type { LoginSession } from './login-session.js'

/** How long sessions last. @group Web login */
export interface SessionLimits {
  /** How long one lasts that is not used. 60 to 31,536,000, default 86,400 (a day). */
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
  /** The session of this browser until now, of whichever user; it ends with the login. */
  readonly previous: LoginSession | undefined
  /** The request with which the user came back. */
  readonly request: RequestFacts
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
  /** Default: in memory, for one process, 10,000 at most. */
  readonly sessions?: SessionStore | undefined
  /**
   * Where their tokens are. Default: in memory, where the sessions are. With `sessions` it has to be said: a store and a
   * lock, or `false` to keep none.
   */
  readonly tokens?: SessionTokens | false | undefined
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
  /** How providers answer. `form_post` for those that post; their cookie is then `SameSite=None`. Default `query`. */
  readonly responseMode?: 'query' | 'form_post' | undefined
  /** Where users are after a logout: a path, or an https URL; registered at the providers. Default `/`. */
  readonly postLogoutRedirect?: string | undefined
  /** Whether a logout here goes on to the provider, where it has a page for it. Default true. */
  readonly logoutAtProvider?: boolean | undefined
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

/** {@link LoginOptions}, checked and complete. */
export interface LoginSettings {
  readonly base: URL
  /** The public URL of the routes, without `/` at the end. */
  readonly routesUrl: string
  /** Paths of the routes as requests may have them. */
  readonly paths: readonly string[]
  readonly providers: ReadonlyMap<string, Provider>
  readonly keys: readonly SealKey[]
  readonly secure: boolean
  readonly store: SessionStore
  readonly tokens: SessionTokens | false
  readonly idleSeconds: number
  readonly absoluteSeconds: number
  readonly rolling: boolean
  readonly claims: readonly string[]
  readonly onLogin: LoginOptions['onLogin']
  readonly responseMode: 'query' | 'form_post'
  readonly postLogoutRedirect: string
  readonly logoutAtProvider: boolean
  readonly limit: LoginLimit | false
  readonly trustedProxies: readonly string[]
  readonly onEvent: EventListener | undefined
  readonly clock: Clock
}

const year = 31_536_000

const defaultClaims = [
  ...['name', 'given_name', 'family_name', 'nickname', 'preferred_username', 'login'],
  ...['email', 'email_verified', 'picture', 'avatar_url', 'locale', 'zoneinfo'],
]

const isProviders = (value: unknown): boolean =>
  Array.isArray(value) && value.length > 0 && value.every((one) => typeof one?.redeem === 'function')

const rules: Rules<LoginOptions> = {
  baseUrl: required(text),
  basePath: takes(
    (value) => /^(\/[\w.~-]+)+$/.test(String(value)),
    'a path such as `/auth`, without a slash at its end',
  ),
  providers: required(takes(isProviders, 'a list of what createProvider() makes, at least one')),
  keys: required(anything),
  sessions: methods('get', 'set', 'touch', 'delete'),
  tokens: orFalse(
    members<SessionTokens>({
      store: required(methods('get', 'set', 'replace', 'delete', 'describe')),
      lock: methods('acquire'),
    }),
  ),
  session: members<SessionLimits>({
    idleSeconds: integer(60, year),
    absoluteSeconds: integer(60, year),
    rolling: flag,
  }),
  claims: texts,
  onLogin: func,
  responseMode: choice('query', 'form_post'),
  postLogoutRedirect: text,
  logoutAtProvider: flag,
  limit: orFalse(members<LoginLimit>({ max: integer(1, 10_000), windowSeconds: integer(1, 3600) })),
  trustedProxies: texts,
  allowInsecureLoopback: flag,
  onEvent: func,
  clock: func,
}

/** @throws {@link ConfigurationError} for options that cannot be right, by themselves or together. */
export function toLoginSettings(options: LoginOptions): LoginSettings {
  checkOptions('createLogin', options, rules)
  const { basePath = '/auth', providers, session = {}, clock = systemClock } = options
  const base = readBase(options)
  refuseRepeats(
    'providers',
    providers.map(({ name }) => name),
  )
  createSealer(options.keys)
  const prefix = base.pathname === '/' ? '' : base.pathname
  return {
    base,
    routesUrl: base.origin + prefix + basePath,
    paths: [...new Set([prefix + basePath, basePath])],
    providers: new Map(providers.map((provider) => [provider.name, provider])),
    keys: [...options.keys],
    secure: base.protocol === 'https:',
    ...storesOf(options, clock),
    idleSeconds: session.idleSeconds ?? 86_400,
    absoluteSeconds: session.absoluteSeconds ?? 604_800,
    rolling: session.rolling ?? true,
    claims: options.claims ?? defaultClaims,
    onLogin: options.onLogin,
    responseMode: options.responseMode ?? 'query',
    postLogoutRedirect: readPostLogout(options, base),
    logoutAtProvider: options.logoutAtProvider ?? true,
    limit: options.limit ?? {},
    trustedProxies: options.trustedProxies ?? [],
    onEvent: options.onEvent,
    clock,
  }
}

function storesOf({ sessions, tokens }: LoginOptions, clock: Clock): Pick<LoginSettings, 'store' | 'tokens'> {
  if (sessions !== undefined && tokens === undefined) {
    throw new ConfigurationError(
      '`tokens` says where the tokens of these sessions are: `{ store, lock }`, or `false` to keep none.',
    )
  }
  return {
    store: sessions ?? createMemorySessionStore({ clock }),
    tokens: tokens ?? { store: createMemoryTokenStore({ clock }) },
  }
}

function readBase({ baseUrl, allowInsecureLoopback = false }: LoginOptions): URL {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined
  const isPlain = url !== undefined && !/[?#@]/.test(baseUrl) && /^https?:$/.test(url.protocol)
  if (!isPlain) throw new ConfigurationError('`baseUrl` takes an https URL without query, fragment and user.')
  if (url.protocol === 'http:' && !(allowInsecureLoopback && isLoopbackHostname(url.hostname))) {
    throw new ConfigurationError(
      '`baseUrl` is http: take https, or on `localhost` say `allowInsecureLoopback: true` for development.',
    )
  }
  url.pathname = url.pathname.replace(/\/+$/, '')
  return url
}

function readPostLogout({ postLogoutRedirect = '/' }: LoginOptions, base: URL): string {
  const prefix = base.pathname === '/' ? '' : base.pathname
  if (postLogoutRedirect.startsWith('/')) return base.origin + prefix + postLogoutRedirect
  if (URL.canParse(postLogoutRedirect) && /^https:$/.test(new URL(postLogoutRedirect).protocol))
    return postLogoutRedirect
  throw new ConfigurationError('`postLogoutRedirect` takes a path of the application, or an https URL.')
}
