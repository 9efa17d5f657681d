import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { createMemoryRevocationStore } from 'portcullis'
import { publicClient } from 'portcullis/client'
import {
  cookieSessions,
  createLogin,
  createMemorySessionStore,
  createMemoryTokenStore,
  createProvider,
  type Login,
  type LoginOptions,
  type Provider,
} from 'portcullis/login'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type AuthorizationServer, startAuthorizationServer } from '../support/authorization-server.js'
import { appUrl } from '../support/login-provider.js'
import { requestFacts } from '../support/request-facts.js'
import { createBrowser, type ScriptedBrowser } from '../support/scripted-browser.js'
import { frameworks, type Served } from './login-frameworks.js'

/*
 * What ends a session in every framework, and what no route takes: over real HTTP, with the logout tokens of a real
 * oidc-provider, which is told where the application is.
 */

/** Where the application of the test under way is. */
let here: string
let server: AuthorizationServer
const providers: Provider[] = []
const told: number[] = []

/** A client that gets `sid` beside `sub`, or `sub` alone. */
async function register(name: string, sessionRequired: boolean): Promise<void> {
  const response = await fetch(`${server.issuer}/reg`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      redirect_uris: [`${appUrl}/auth/callback/${name}`],
      post_logout_redirect_uris: [`${appUrl}/bye`],
      backchannel_logout_uri: `${appUrl}/auth/backchannel-logout/${name}`,
      backchannel_logout_session_required: sessionRequired,
      token_endpoint_auth_method: 'none',
      response_types: ['code'],
    }),
  })
  const { client_id: clientId } = (await response.json()) as { client_id: string }
  const credential = publicClient({ clientId })
  providers.push(createProvider({ name, issuer: server.issuer, credential, allowInsecureLoopback: true }))
}

beforeAll(async () => {
  server = await startAuthorizationServer({
    resources: {},
    fetch: async (url, { method, headers, body } = {}) => {
      // Without its dispatcher, which keeps it away from loopback addresses.
      const answer = await fetch(String(url).replace(appUrl, here), { method, headers, body } as RequestInit)
      told.push(answer.status)
      return answer
    },
  })
  await register('by-session', true)
  await register('by-user', false)
})
afterAll(async () => {
  await Promise.all(providers.map((provider) => provider.close()))
  await server.close()
})

const keys = [{ id: 'k1', secret: new Uint8Array(32).fill(7) }]
const noAgenda = async () => ''

/** The user signs out at the provider, in this browser. */
async function signOutThere(browser: ScriptedBrowser): Promise<void> {
  const page = await browser.go(`${server.issuer}/session/end`)
  const [, xsrf = ''] = /name="xsrf" value="([^"]+)"/.exec(page.body) ?? []
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const body = new URLSearchParams({ xsrf, logout: 'yes' }).toString()
  told.length = 0
  await browser.go(`${server.issuer}/session/end/confirm`, { method: 'POST', headers, body })
}

/** Says all of it on one connection, and gives what came back until the server closed it. */
async function speak(origin: string, requests: readonly string[]): Promise<string> {
  const { hostname, port } = new URL(origin)
  const socket = connect(Number(port), hostname)
  socket.write(requests.join(''))
  return text(socket)
}

let users = 0

describe.each(Object.entries(frameworks))('ends of sessions in %s', (name, serve) => {
  const stores = {
    sessions: createMemorySessionStore(),
    tokens: { store: createMemoryTokenStore() },
    revocations: createMemoryRevocationStore(),
  }
  const options = (): LoginOptions => ({ baseUrl: appUrl, providers, keys, limit: false, postLogoutRedirect: '/bye' })
  let served: Served
  let elsewhere: Login
  let browser: ScriptedBrowser
  let user: string
  let fails = false

  beforeAll(async () => {
    const failing = <T>(work: () => T): T => {
      if (fails) throw new Error('CANARY')
      return work()
    }
    const { sessions, revocations } = stores
    const login = createLogin({
      ...options(),
      ...stores,
      sessions: { ...sessions, get: async (key) => failing(() => sessions.get(key)) },
      revocations: { ...revocations, revoke: (...about) => failing(() => revocations.revoke(...about)) },
    })
    served = await serve(login, noAgenda)
    elsewhere = createLogin({ ...options(), ...stores })
  })
  afterAll(() => served.close())
  beforeEach(() => {
    here = served.origin
    fails = false
    users += 1
    user = `leaver-${users}`
    browser = createBrowser({ [appUrl]: served.origin })
  })

  const open = () => createBrowser({ [appUrl]: served.origin })
  const signIn = (provider: string, own = browser) =>
    own.follow(`${appUrl}/auth/login/${provider}?login_hint=${user}`, (url) => url === `${appUrl}/`)
  const status = async (own = browser) => (await own.fetch(`${appUrl}/me`)).status
  const post = (body: string, headers: Record<string, string> = {}) =>
    browser.fetch(`${appUrl}/auth/backchannel-logout/by-user`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      body,
    })

  it('[LOGO-02] [LOGO-03] ends the session that the provider names by `sid`, in every process, and no other', async () => {
    const second = open()
    await signIn('by-session')
    await signIn('by-session', second)
    const cookie = [...browser.cookiesOf(appUrl)].map(([name, value]) => `${name}=${value}`).join('; ')
    const facts = requestFacts({ headers: { cookie } })
    expect([await status(), (await elsewhere.session(facts))?.account.subject]).toEqual([200, user])
    await signOutThere(browser)
    expect(told).toEqual([200])
    expect([await status(), await elsewhere.session(facts), await status(second)]).toEqual([401, undefined, 200])
  })

  it('[LOGO-02] [LOGO-03] ends every session of the user where the provider names `sub` alone', async () => {
    const second = open()
    await signIn('by-user')
    await signIn('by-user', second)
    await signOutThere(browser)
    expect(told).toEqual([200])
    expect([await status(), await status(second)]).toEqual([401, 401])
  })

  it('[LOGO-03] [A12] asks the provider to tell again where the mark could not be kept', async () => {
    await signIn('by-user')
    fails = true
    await signOutThere(browser)
    expect(told).toEqual([503])
    // Nobody is let in, nor signed out, by a store that does not answer.
    const guarded = await browser.fetch(`${appUrl}/me`)
    expect([guarded.status, JSON.parse(guarded.body)]).toMatchObject([503, { code: 'ERR_STORE_UNAVAILABLE' }])
    expect([guarded.headers['retry-after'], guarded.body.includes('CANARY')]).toEqual(['5', false])
    expect((await browser.go(`${appUrl}/me`)).status).toBe(503)
    expect((await browser.fetch(`${appUrl}/auth/userinfo`)).status).toBe(503)
    fails = false
    expect(await status()).toBe(200)
  })

  it('[LOGO-02] refuses what is no logout token, as JSON that says no more', async () => {
    await signIn('by-user')
    const forms = ['', 'logout_token=', 'logout_token=x', 'logout_token=a.b.c', 'logout_token=x&logout_token=x', 'a=1']
    for (const form of forms) {
      const answer = await post(form)
      expect([answer.status, JSON.parse(answer.body)], form).toEqual([
        400,
        { error: 'invalid_request', error_description: 'The logout token is not valid' },
      ])
      expect(answer.headers['cache-control']).toBe('no-store')
    }
    const { status: wrongType } = await post('{}', { 'content-type': 'text/plain' })
    expect([wrongType, await status()]).toEqual([400, 200])
  })

  it.each(['content-length', 'transfer-encoding'])(
    'refuses a form that is too long, by %s, and serves the next request of the connection',
    async (framing) => {
      const form = 'x'.repeat(200_000)
      const isChunked = framing === 'transfer-encoding'
      const size = isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${form.length}`
      const body = isChunked ? `${form.length.toString(16)}\r\n${form}\r\n0\r\n\r\n` : form
      const type = 'Content-Type: application/x-www-form-urlencoded'
      const answers = await speak(served.origin, [
        `POST /auth/backchannel-logout/by-user HTTP/1.1\r\nHost: app\r\n${type}\r\n${size}\r\n\r\n${body}`,
        'GET /hello HTTP/1.1\r\nHost: app\r\nConnection: close\r\n\r\n',
      ])
      // There the parser of the framework is first.
      const refused = name === 'NestJS on Express' ? 413 : 400
      expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual([`HTTP/1.1 ${refused}`, 'HTTP/1.1 200'])
    },
  )

  it('[S2-53] refuses every request that no route takes, with a page or JSON and its code', async () => {
    const as = async (method: string, path: string, headers = {}, body = '') => {
      const url = appUrl + path
      const json = await browser.fetch(url, { method, headers, body })
      const page = await browser.go(url, { method, headers: { ...headers, origin: appUrl }, body })
      expect([page.status, page.headers['content-type']], path).toEqual([json.status, 'text/html; charset=utf-8'])
      expect(page.body).not.toContain('<script')
      const { error, code } = JSON.parse(json.body)
      if (code !== undefined) expect(page.body).toContain(code)
      return `${json.status} ${error}${code === undefined ? '' : ` ${code}`}`
    }
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    expect(await as('GET', '/auth/nothing')).toBe('404 not_found')
    expect(await as('GET', '/auth/callback')).toBe('404 not_found')
    expect(await as('GET', '/auth/callback/unknown?state=x')).toBe('404 not_found')
    expect(await as('GET', '/auth/backchannel-logout/by-user')).toBe('405 method_not_allowed')
    expect(await as('POST', '/auth/status')).toBe('405 method_not_allowed')
    expect(await as('GET', '/auth/refresh')).toBe('405 method_not_allowed')
    const noTransaction = '400 login_failed ERR_LOGIN_TRANSACTION'
    for (const query of ['', '?state=', '?state=x&code=y', '?error=access_denied', '?state=%00', '?state=x&state=y']) {
      expect(await as('GET', `/auth/callback/by-user${query}`), query).toBe(noTransaction)
    }
    expect(await as('POST', '/auth/callback/by-user', form, 'state=x&code=y')).toBe(noTransaction)
    expect(await as('POST', '/auth/callback/by-user', { 'content-type': 'text/plain' }, 'state=x')).toBe(noTransaction)
    const strange = { origin: 'https://evil.example' }
    const foreign = await browser.fetch(`${appUrl}/auth/logout`, { method: 'POST', headers: strange })
    expect([foreign.status, JSON.parse(foreign.body).error]).toEqual([403, 'cross_site'])
    for (const query of ['prompt=all', 'max_age=-1', 'acr_values=%00', 'login_hint=']) {
      const answer = await browser.go(`${appUrl}/auth/login/by-user?${query}`)
      expect([answer.status, answer.setCookies], query).toEqual([400, []])
    }
    for (const cookie of ['__Host-pc_session=x', '__Host-pc_session=', '__Host-pc_session.0=3.v1.k1.a.b', '=;;,,"']) {
      expect((await browser.fetch(`${appUrl}/me`, { headers: { cookie } })).status, cookie).toBe(401)
    }
  })
})

describe.each(Object.entries(frameworks))('sessions in cookies in %s', (_name, serve) => {
  it('[S2-34] [A10] sets, reads, renews and takes away each of the cookies', async () => {
    const login = createLogin({
      ...{ baseUrl: appUrl, providers, keys, postLogoutRedirect: '/bye', tokens: false },
      sessions: cookieSessions({ maxChunks: 2 }),
      onLogin: ({ account: { subject } }) => ({ data: { filler: 'x'.repeat(subject === 'large' ? 9000 : 4000) } }),
    })
    const served = await serve(login, noAgenda)
    here = served.origin
    const browser = createBrowser({ [appUrl]: served.origin })
    const signIn = (hint: string) =>
      browser.follow(`${appUrl}/auth/login/by-session?login_hint=${hint}`, (url) => url === `${appUrl}/`)
    await signIn('small')
    const names = ['__Host-pc_session.0', '__Host-pc_session.1', '__Host-pc_session.id']
    expect([...browser.cookiesOf(appUrl).keys()]).toEqual(names)
    expect(JSON.parse((await browser.fetch(`${appUrl}/me`)).body)).toMatchObject({ subject: 'small' })
    const out = await browser.go(`${appUrl}/auth/logout`, { method: 'POST', headers: { origin: appUrl } })
    expect(out.setCookies).toHaveLength(3)
    expect([...browser.cookiesOf(appUrl).keys()]).toEqual([])
    await signOutThere(browser)
    const { answer } = await signIn('large')
    expect([answer.status, answer.body.includes('ERR_SESSION_TOO_LARGE')]).toEqual([400, true])
    expect([...browser.cookiesOf(appUrl).keys()]).toEqual([])
    await served.close()
  })
})
