/*
 * What `createLogin` is told, checked and completed.
 */
import { ConfigurationError } from '../../errors/index.js'
import { type Clock, systemClock } from '../../kit/clock.js'
import type { EventListener } from '../../kit/events.js'
import { isLoopbackHostname } from '../../kit/fetch/secure-url.js'
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
import { createRevocationList, type RevocationList } from '../../revocation/revocation.js'
import type { SessionStore } from '../../stores/contract.js'
import { createMemoryRevocationStore } from '../../stores/memory/memory-revocation-store.js'
import { createMemorySessionStore } from '../../stores/memory/memory-session-store.js'
import { createMemoryTokenStore } from '../../stores/memory/memory-token-store.js'
import { createSealer, type SealKey } from '../../stores/sealer.js'
import type { Provider } from '../provider.js'
import type { CookieSessions } from './cookie-sessions.js'
import type { LoginLimit } from './login-limit.js'
import type { LoginOptions, SessionLimits, SessionTokens } from './login-options.js'

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
  readonly store: SessionStore | CookieSessions
  readonly tokens: SessionTokens | false
  /** What logouts elsewhere mark; `undefined` where nothing tells of them. */
  readonly revocations: RevocationList | undefined
  readonly idleSeconds: number
  readonly absoluteSeconds: number
  readonly rolling: boolean
  readonly claims: readonly string[]
  readonly onLogin: LoginOptions['onLogin']
  readonly onError: LoginOptions['onError']
  readonly responseMode: 'query' | 'form_post'
  readonly postLogoutRedirect: string
  readonly logoutAtProvider: boolean
  readonly limit: LoginLimit | false
  readonly pages: LoginOptions['pages']
  readonly trustedProxies: readonly string[]
  readonly onEvent: EventListener | undefined
  readonly clock: Clock
}

const year = 31_536_000

const defaultClaims = [
  ...['name', 'given_name', 'family_name', 'nickname', 'preferred_username', 'login'],
  ...['email', 'email_verified', 'picture', 'avatar_url', 'locale', 'zoneinfo'],
]

const isCookieSessions = (value: unknown): value is CookieSessions =>
  (value as CookieSessions | null)?.kind === 'cookies'

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
  sessions: (name, value) =>
    isCookieSessions(value) ? undefined : methods('get', 'set', 'touch', 'delete')(name, value),
  tokens: orFalse(
    members<SessionTokens>({
      store: required(methods('get', 'set', 'replace', 'delete', 'describe')),
      lock: methods('acquire'),
    }),
  ),
  revocations: methods('revoke', 'revokedAt'),
  session: members<SessionLimits>({
    idleSeconds: integer(60, year),
    absoluteSeconds: integer(60, year),
    rolling: flag,
  }),
  claims: texts,
  onLogin: func,
  onError: func,
  responseMode: choice('query', 'form_post'),
  postLogoutRedirect: text,
  logoutAtProvider: flag,
  pages: func,
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
  const { absoluteSeconds = 604_800 } = session
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
    revocations: revocationsOf(options, absoluteSeconds, clock),
    idleSeconds: session.idleSeconds ?? 86_400,
    absoluteSeconds,
    rolling: session.rolling ?? true,
    claims: options.claims ?? defaultClaims,
    onLogin: options.onLogin,
    onError: options.onError,
    responseMode: options.responseMode ?? 'query',
    postLogoutRedirect: readPostLogout(options, base),
    logoutAtProvider: options.logoutAtProvider ?? true,
    limit: options.limit ?? {},
    pages: options.pages,
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

/** Without a store of the fleet's there is none for sessions of the fleet: a logout would reach one process alone. */
function revocationsOf(
  { sessions, revocations, onEvent }: LoginOptions,
  ttlSeconds: number,
  clock: Clock,
): RevocationList | undefined {
  if (revocations === undefined && sessions !== undefined) return undefined
  return createRevocationList({
    store: revocations ?? createMemoryRevocationStore({ clock }),
    isShared: revocations !== undefined,
    ttlSeconds,
    leewayMsOf: () => 0,
    clock,
    onEvent,
  })
}

function readBase({ baseUrl, allowInsecureLoopback = false }: LoginOptions): URL {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined
  const isPlain = url !== undefined && !/[?#@]/.test(baseUrl) && ['https:', 'http:'].includes(url.protocol)
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
  if (URL.canParse(postLogoutRedirect) && new URL(postLogoutRedirect).protocol === 'https:') return postLogoutRedirect
  throw new ConfigurationError('`postLogoutRedirect` takes a path of the application, or an https URL.')
}
