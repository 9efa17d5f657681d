/*
 * Which route a request is for, and the small ones: status, userinfo, refresh, logout. Reads the path of the request alone,
 * never its host.
 */
import type { OAuthClientError } from '../../client/errors.js'
import { ConfigurationError, type TokenStoreError } from '../../errors/index.js'
import { isForm } from '../../http/form-body.js'
import type { HttpAnswer } from '../../http/http-answer.js'
import type { RequestFacts } from '../../http/request-facts.js'
import type { RevocationList } from '../../revocation/revocation.js'
import type { Provider } from '../provider.js'
import { ReauthenticationRequiredError } from '../reauthentication-required-error.js'
import { createFinish } from './finish-login.js'
import { escapeHtml, isSameOrigin, jsonAnswer, pageAnswer, redirectAnswer } from './login-answers.js'
import { failureAnswer, failureOf } from './login-failures.js'
import { createLimiter } from './login-limit.js'
import type { LoginSettings } from './login-settings.js'
import { createProviderLogout } from './provider-logout.js'
import type { FoundSession, Sessions } from './sessions.js'
import { createStart } from './start-login.js'
import { createTransactionCookies } from './transaction-cookies.js'

/** Reads the form of a request whose body nothing has read. @group Web login */
export type ReadForm = () => Promise<URLSearchParams | undefined>

/** A request as its route gets it. */
interface Call {
  readonly facts: RequestFacts
  readonly query: URLSearchParams
  readonly provider: Provider | undefined
  readonly readForm: ReadForm | undefined
}

interface Route {
  /** Whether its path may name a provider, or has to. */
  readonly provider?: 'optional' | 'required' | undefined
  readonly GET?: (call: Call) => Promise<HttpAnswer>
  readonly POST?: (call: Call) => Promise<HttpAnswer>
}

const notAuthenticated = { error: 'not_authenticated' }

/** Makes what answers the requests below `basePath`; `undefined` for any other. */
export function createRoutes(settings: LoginSettings, sessions: Sessions) {
  const { base, routesUrl, paths, providers, revocations, clock } = settings
  const basePath = paths.at(-1) as string
  const transactions = createTransactionCookies(settings.keys, settings.secure, clock)
  const limiter = settings.limit === false ? undefined : createLimiter(settings.limit, settings.trustedProxies)
  const start = createStart({ settings, transactions, sessions, limiter })
  const finish = createFinish({ settings, transactions, sessions })

  async function confirmLogout({ facts }: Call): Promise<HttpAnswer> {
    const found = await sessions.find(facts)
    if (found === undefined) return redirectAnswer(settings.postLogoutRedirect)
    const form = `<form method="post" action="${escapeHtml(routesUrl)}/logout"><button>Sign out</button></form>`
    return pageAnswer(200, { kind: 'logout', title: 'Do you want to sign out?', main: form, formLeadsOut: true })
  }

  async function logout({ facts }: Call): Promise<HttpAnswer> {
    const found = await sessions.find(facts)
    const cookies = [...transactions.clear(facts), ...sessions.endCookies]
    if (found === undefined) return redirectAnswer(settings.postLogoutRedirect, cookies)
    await sessions.end(found, 'logout', true)
    return redirectAnswer((await endSessionUrl(found)) ?? settings.postLogoutRedirect, cookies)
  }

  /** The session here is over whatever becomes of the provider's. */
  async function endSessionUrl({ record }: FoundSession): Promise<string | undefined> {
    const provider = providers.get(record.provider) as Provider
    if (!settings.logoutAtProvider) return undefined
    const { idToken: idTokenHint, account } = record
    const logoutHint = idTokenHint === undefined || idTokenHint.length > 1500 ? account.subject : undefined
    const asked = { idTokenHint, logoutHint, postLogoutRedirectUri: settings.postLogoutRedirect }
    return provider.endSessionUrl(asked).catch(() => undefined)
  }

  async function status({ facts }: Call): Promise<HttpAnswer> {
    const found = await sessions.find(facts)
    if (found === undefined) return jsonAnswer(200, { authenticated: false })
    const { account, provider, expiresAt } = found.session
    const body = { authenticated: true, subject: account.subject, provider, expires_at: expiresAt }
    return jsonAnswer(200, body, found.cookies)
  }

  async function userInfo({ facts }: Call): Promise<HttpAnswer> {
    const found = await sessions.find(facts)
    if (found === undefined) return jsonAnswer(401, notAuthenticated)
    const { account, claims, userInfo: told } = found.session
    return jsonAnswer(200, { account, claims, userInfo: told }, found.cookies)
  }

  async function refresh({ facts }: Call): Promise<HttpAnswer> {
    const found = await sessions.find(facts)
    if (found === undefined) return jsonAnswer(401, notAuthenticated)
    const { tokens } = found.session
    if (tokens === undefined) return jsonAnswer(400, { error: 'no_refresh_token' })
    try {
      const { expiresAt, tokenType } = await tokens.refresh()
      const expiresIn = expiresAt === undefined ? undefined : Math.max(0, expiresAt - Math.floor(clock() / 1000))
      return jsonAnswer(200, { success: true, expires_in: expiresIn, token_type: tokenType }, found.cookies)
    } catch (error) {
      return refreshFailure(error)
    }
  }

  const routes: Readonly<Record<string, Route>> = {
    login: { provider: 'optional', GET: ({ facts, provider, query }) => start(facts, provider, query) },
    callback: {
      provider: 'required',
      GET: ({ facts, provider, query }) => finish(facts, provider as Provider, query),
      POST: async (call) => finish(call.facts, call.provider as Provider, await formOf(call)),
    },
    ...(revocations !== undefined && { 'backchannel-logout': logoutRoute(revocations) }),
    logout: { GET: confirmLogout, POST: ownPagesOnly(logout) },
    refresh: { POST: ownPagesOnly(refresh) },
    userinfo: { GET: userInfo },
    status: { GET: status },
  }

  function logoutRoute(list: RevocationList): Route {
    const logout = createProviderLogout(settings, list)
    async function POST(call: Call): Promise<HttpAnswer> {
      const provider = call.provider as Provider
      // Without ID tokens there is nothing that could be signed out.
      return provider.type === 'oidc' ? logout(provider, await formOf(call)) : failureAnswer(call.facts, notFound)
    }
    return { provider: 'required', POST }
  }

  /** A POST that acts for the user: of the application's own pages alone. */
  function ownPagesOnly(answer: (call: Call) => Promise<HttpAnswer>): (call: Call) => Promise<HttpAnswer> {
    return async (call) => (isSameOrigin(call.facts, base.origin, true) ? answer(call) : crossSiteAnswer(call.facts))
  }

  function pick(path: string): { readonly route: Route; readonly provider: Provider | undefined } | undefined {
    const [name = '', providerName, ...rest] = path.split('/').slice(1)
    const route = Object.hasOwn(routes, name) ? (routes[name] as Route) : undefined
    if (route === undefined || rest.length > 0) return undefined
    const isNamed = providerName !== undefined
    const isRight = isNamed
      ? route.provider !== undefined && providers.has(providerName)
      : route.provider !== 'required'
    return isRight ? { route, provider: providers.get(providerName ?? '') } : undefined
  }

  async function answer(facts: RequestFacts, path: string, query: URLSearchParams, readForm: ReadForm | undefined) {
    const picked = pick(path)
    if (picked === undefined) return failureAnswer(facts, notFound)
    const { route, provider } = picked
    const { method } = facts
    const work = method === 'GET' || method === 'POST' ? route[method] : undefined
    try {
      return await (work?.({ facts, provider, readForm, query }) ?? failureAnswer(facts, wrongMethod(route)))
    } catch (error) {
      const failure = failureOf(error)
      if (failure === undefined) throw error
      return failureAnswer(facts, failure)
    }
  }

  return (facts: RequestFacts, readForm?: ReadForm): Promise<HttpAnswer> | undefined => {
    // Every request of the application comes by: most go on without being parsed.
    if (!facts.url.includes(basePath) || !URL.canParse(facts.url, base.origin)) return undefined
    const { pathname, searchParams } = new URL(facts.url, base.origin)
    const prefix = paths.find((path) => pathname.startsWith(`${path}/`))
    return prefix === undefined ? undefined : answer(facts, pathname.slice(prefix.length), searchParams, readForm)
  }
}

/** The form of a request: empty where its body is none. */
async function formOf({ facts, readForm }: Call): Promise<URLSearchParams> {
  const form = (await readForm?.()) ?? parsedForm(facts)
  if (form !== undefined) return form
  if (!isForm(facts)) return new URLSearchParams()
  throw new ConfigurationError(
    'Nothing parsed the form of a login: give `handle` what reads it, or mount a body parser before the routes.',
  )
}

/** What a body parser of the application left. */
function parsedForm(facts: RequestFacts): URLSearchParams | undefined {
  const form = facts.formBody?.()
  return (
    form &&
    new URLSearchParams(
      Object.entries(form).flatMap(([name, value]) => [value].flat().map((one) => [name, String(one)])),
    )
  )
}

function refreshFailure(error: unknown): HttpAnswer {
  if (error instanceof ReauthenticationRequiredError) {
    const isWithout = error.reason === 'no_refresh_token'
    return isWithout
      ? jsonAnswer(400, { error: 'no_refresh_token' })
      : jsonAnswer(401, { error: 'reauthentication_required', reason: error.reason })
  }
  const { code } = error as OAuthClientError | TokenStoreError
  return jsonAnswer(503, { error: 'temporarily_unavailable', code }, [], { 'Retry-After': '5' })
}

/** The refusal of a request that another site sent with the cookies of the user. */
export function crossSiteAnswer(facts: RequestFacts): HttpAnswer {
  return failureAnswer(facts, {
    status: 403,
    error: 'cross_site',
    title: 'Not from here',
    sentence: 'This can only be done from a page of this application.',
  })
}

const notFound = {
  status: 404,
  error: 'not_found',
  title: 'There is nothing here',
  sentence: 'This address does not belong to any part of the login.',
}

function wrongMethod({ GET, POST }: Route) {
  const allowed = [...(GET === undefined ? [] : ['GET']), ...(POST === undefined ? [] : ['POST'])].join(', ')
  const sentence = `This address takes ${allowed}.`
  return { status: 405, error: 'method_not_allowed', title: 'Not that way', sentence, headers: { Allow: allowed } }
}
