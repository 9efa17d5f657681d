/*
 * Whether a session is what is demanded, and where it is not, the answer that sends the user to the login: once. Starts no
 * login itself.
 */
import type { HttpAnswer } from '../../http/http-answer.js'
import type { RequestFacts } from '../../http/request-facts.js'
import type { ReauthenticationRequiredError } from '../reauthentication-required-error.js'
import { isNavigation, jsonAnswer, redirectAnswer } from './login-answers.js'
import { failureAnswer } from './login-failures.js'
import type { SessionRecord } from './login-session.js'
import type { LoginSettings } from './login-settings.js'
import { checkReturnTo } from './return-to.js'
import type { FoundSession } from './sessions.js'
import { loginUrl } from './start-login.js'

/** What a guard demands of a session. @group Web login */
export interface LoginRequirement {
  /** Only sessions of this provider. Default: of any. */
  readonly provider?: string | undefined
  /** One of these; a user who signed in another way is sent round again, once (OpenID Connect Core §3.1.2.1). */
  readonly acrValues?: readonly string[] | undefined
  /**
   * How long ago the user may have signed in at the provider. From 1 on. After a login that asked for it, the time counts
   * from the moment the user came back.
   */
  readonly maxAgeSeconds?: number | undefined
  /** Where the user comes back to: `here`, or a path. Default `here`. */
  readonly returnTo?: string | undefined
  /** What becomes of a request without a session that is not for a page: `401` (default), or a redirect all the same. */
  readonly onApi?: '401' | 'redirect' | undefined
}

/** Whether a session is as demanded. */
export function meets(
  { clock }: LoginSettings,
  { provider, acrValues, maxAgeSeconds }: LoginRequirement,
  found: FoundSession | undefined,
): boolean {
  if (found === undefined) return false
  const { record } = found
  if (provider !== undefined && record.provider !== provider) return false
  if (acrValues !== undefined && !acrValues.some((value) => value === record.acr)) return false
  return maxAgeSeconds === undefined || signedInAt(record, maxAgeSeconds) + maxAgeSeconds >= Math.floor(clock() / 1000)
}

/**
 * When the user signed in; 0 where no ID token says so. One of a login that asked for this age was held to it; from then
 * on our clock counts, or a slow user, and a server whose clock is behind, would be sent round for ever.
 */
function signedInAt(record: SessionRecord, maxAgeSeconds: number): number {
  const { authTime, createdAt, askedMaxAgeSeconds = Number.POSITIVE_INFINITY } = record
  if (authTime === undefined) return 0
  return askedMaxAgeSeconds <= maxAgeSeconds ? createdAt : authTime
}

/** Sends a page to the login; tells anything else where it is. Where the login just before asked for the same, refuses. */
export function askToSignIn(
  settings: LoginSettings,
  requirement: LoginRequirement,
  facts: RequestFacts,
  found: FoundSession | undefined,
): HttpAnswer {
  const { base, routesUrl } = settings
  const { provider = found?.record.provider, acrValues, maxAgeSeconds, returnTo = 'here', onApi } = requirement
  const wanted = returnTo === 'here' ? publicPath(base, facts.url) : returnTo
  const url = loginUrl(routesUrl, provider, { returnTo: checkReturnTo(wanted, base), acrValues, maxAgeSeconds })
  if (found !== undefined && found.record.provider === provider && wasAsked(settings, requirement, found.record)) {
    return failureAnswer(facts, { ...inVain, againUrl: url })
  }
  if (isNavigation(facts) || onApi === 'redirect') return redirectAnswer(url)
  const error = found === undefined ? 'login_required' : 'insufficient_user_authentication'
  return jsonAnswer(401, { error, login_url: url })
}

const inVain = {
  status: 403,
  error: 'insufficient_user_authentication',
  title: 'Signing in again did not help',
  sentence: 'You signed in just now, but not in the way that is needed here.',
} as const

/** How long the answer to a login counts as its answer: until then the same question would only be asked in circles. */
const leastSeconds = 10
const mostSeconds = 60

function wasAsked({ clock }: LoginSettings, { acrValues, maxAgeSeconds }: LoginRequirement, record: SessionRecord) {
  const { createdAt, askedAcrValues, askedMaxAgeSeconds = Number.POSITIVE_INFINITY } = record
  const seconds = Math.max(leastSeconds, Math.min(mostSeconds, maxAgeSeconds ?? mostSeconds))
  return (
    createdAt + seconds >= Math.floor(clock() / 1000) &&
    (acrValues === undefined || acrValues.every((value) => askedAcrValues?.includes(value))) &&
    (maxAgeSeconds === undefined || askedMaxAgeSeconds <= maxAgeSeconds)
  )
}

/** What an error of the tokens of a session demands of the next login. */
export function demandOf({ stepUp }: ReauthenticationRequiredError): LoginRequirement {
  if (stepUp === undefined) return {}
  const { acrValues, maxAgeSeconds } = stepUp
  if (acrValues.length > 0) return { acrValues, maxAgeSeconds }
  // A service that does not say what would do wants the user to sign in now.
  return { maxAgeSeconds: maxAgeSeconds ?? 0 }
}

/** The path as the browser has it: a proxy may have cut off the part in front. */
function publicPath(base: URL, target: string): string | undefined {
  if (!URL.canParse(target, base.origin)) return undefined
  const { pathname, search } = new URL(target, base.origin)
  const path = target.startsWith('/') ? target : pathname + search
  const [route] = path.split('?', 1)
  return base.pathname === '/' || `${route}/`.startsWith(`${base.pathname}/`) ? path : base.pathname + path
}
