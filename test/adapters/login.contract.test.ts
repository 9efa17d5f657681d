import * as onFetch from 'portcullis/fetch'
import { AccessDeniedError, createLogin, type Provider } from 'portcullis/login'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type AuthorizationServer, startAuthorizationServer } from '../support/authorization-server.js'
import { type GuardedApi, openGuardedApi } from '../support/guarded-api.js'
import { appUrl, webProvider } from '../support/login-provider.js'
import { createBrowser, type RawAnswer, type ScriptedBrowser } from '../support/scripted-browser.js'
import { serveFetch } from '../support/serve-fetch.js'
import { type Agenda, documents, frameworks, type Served } from './login-frameworks.js'

/*
 * What holds of the login in every framework, over real HTTP, against real oidc-provider, behind a proxy that ends TLS.
 */

const keys = [{ id: 'k1', secret: new Uint8Array(32).fill(7) }]
const mainSession = /^__Host-pc_session=[\w-]{43}; Path=\/; Max-Age=604800; HttpOnly; Secure; SameSite=Lax$/
const txnCookie = /^__Host-pc_txn_[\w-]{16}=v1\.k1\.[\w.-]+; Path=\/; Max-Age=600; HttpOnly; Secure; SameSite=Lax$/
const txnEnd = /^__Host-pc_txn_[\w-]{16}=; Path=\/; Max-Age=0; HttpOnly; Secure; SameSite=Lax$/
const sessionEnd = '__Host-pc_session=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax'

/** What a framework adds by itself. */
const own = ['date', 'connection', 'keep-alive', 'content-length', 'transfer-encoding', 'x-powered-by', 'vary', 'etag']
const fieldsOf = ({ headers }: RawAnswer) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !own.includes(name)))

/** What a service answers that the application calls for its user; `call` names one that wants a better login. */
let api: GuardedApi
const agenda: Agenda = async ({ fetch }, call = '/strong') => {
  const response = await fetch({ allowedOrigins: api.origin, baseUrl: api.origin })(call)
  return `${response.status} ${await response.text()}`
}

let server: AuthorizationServer
let provider: Provider
let other: Provider

beforeAll(async () => {
  api = await openGuardedApi()
  server = await startAuthorizationServer({ resources: { [api.origin]: { scopes: ['read'] } } })
  api.guard({ resource: api.origin, issuer: server.issuer }, { '/strong': { acr: 'urn:example:mfa' }, '/any': {} })
  provider = await webProvider(server, 'corporate', undefined, {
    prompt: ['login', 'consent'],
    scopes: ['openid', 'offline_access', 'read'],
    resource: api.origin,
  })
  other = await webProvider(server, 'other')
})
afterAll(async () => {
  await Promise.all([provider.close(), other.close(), api.close()])
  await server.close()
})

const atCallback = (url: string) => url.startsWith(`${appUrl}/auth/callback`)

describe('withLogin', () => {
  it('leaves what the handler says of caches', async () => {
    const login = createLogin({ baseUrl: appUrl, providers: [provider], keys })
    const routes = onFetch.loginRoutes(login)
    const cached = onFetch.withLogin(login, {}, () => new Response('', { headers: { 'cache-control': 'max-age=60' } }))
    const served = await serveFetch(async (request) => (await routes(request)) ?? cached(request))
    const own = createBrowser({ [appUrl]: served.origin })
    const { answer } = await own.follow(`${appUrl}/auth/login?returnTo=%2Fpage`)
    expect(answer.headers['cache-control']).toBe('max-age=60')
    await served.close()
  })
})

describe.each(Object.entries(frameworks))('the login in %s', (_name, serve) => {
  let served: Served
  let browser: ScriptedBrowser
  let open: () => ScriptedBrowser

  beforeAll(async () => {
    const login = createLogin({
      baseUrl: appUrl,
      providers: [provider, other],
      keys,
      limit: false,
      postLogoutRedirect: '/bye',
      onLogin({ account: { subject } }) {
        if (subject === 'mallory') throw new AccessDeniedError()
        if (subject === 'fault') throw new Error('the database is gone')
        return { data: { seen: subject } }
      },
    })
    served = await serve(login, agenda)
    open = () => createBrowser({ [appUrl]: served.origin })
  })
  beforeEach(() => {
    browser = open()
  })
  afterAll(() => served.close())

  const signIn = (path = '/auth/login/corporate') => browser.follow(appUrl + path, (url) => url === `${appUrl}/`)

  const ask = (path: string, init?: RequestInit) => fetch(served.origin + path, init)

  it('[CIMD-02] [CIMD-03] [CIMD-05] serves the metadata document of its client, to anybody', async () => {
    const response = await ask('/client.json')
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/json'])
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
    expect(response.headers.get('cache-control')).toBe('public, max-age=3600')
    await expect(response.json()).resolves.toMatchObject({
      client_id: documents.clientId,
      client_name: 'The application',
      redirect_uris: ['https://app.example.com/auth/callback'],
      token_endpoint_auth_method: 'private_key_jwt',
      jwks_uri: 'https://app.example.com/client-keys.json',
    })
  })

  it('[CIMD-04] serves the keys of its client, and nothing of them that is private', async () => {
    const response = await ask('/client-keys.json')
    expect(response.headers.get('content-type')).toBe('application/jwk-set+json')
    const { keys } = (await response.json()) as { keys: object[] }
    expect(keys.map((key) => Object.keys(key).includes('d'))).toEqual([false])
  })

  it('[CIMD-07] lets caches ask whether the document has changed, and refuses to have it written', async () => {
    const { headers } = await ask('/client.json', { method: 'HEAD' })
    const known = await ask('/client.json', { headers: { 'if-none-match': headers.get('etag') as string } })
    expect([known.status, await known.text()]).toEqual([304, ''])
    const written = await ask('/client.json', { method: 'POST', body: '{}' })
    expect([written.status, written.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS'])
    for (const path of ['/client.json/', '/client.json?x=1']) expect((await ask(path)).status).toBe(404)
  })

  it('[S2-09] [S2-53] signs a user in and brings them back to the page they wanted', async () => {
    const first = await browser.go(`${appUrl}/me?tab=2`)
    expect(first.status).toBe(303)
    expect(first.headers['location']).toBe(`${appUrl}/auth/login?returnTo=%2Fme%3Ftab%3D2`)
    const out = await browser.go(`${appUrl}/auth/login/corporate?returnTo=%2Fme%3Ftab%3D2`)
    expect(out.status).toBe(303)
    expect(out.setCookies).toEqual([expect.stringMatching(txnCookie)])
    expect(fieldsOf(out)).toEqual({
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      location: expect.stringMatching(`^${server.issuer}/auth\\?`),
    })
    const { url } = await browser.follow(out.headers['location'] as string, atCallback)
    const back = await browser.go(url)
    expect([back.status, back.headers['location']]).toEqual([303, `${appUrl}/me?tab=2`])
    expect(back.setCookies).toEqual([expect.stringMatching(txnEnd), expect.stringMatching(mainSession)])
    expect([...browser.cookiesOf(appUrl).keys()]).toEqual(['__Host-pc_session'])
    const me = await browser.go(`${appUrl}/me?tab=2`)
    expect(JSON.parse(me.body)).toEqual({ issuer: server.issuer, subject: 'user-1' })
    expect([me.headers['cache-control'], me.setCookies]).toEqual(['private', []])
  })

  it('[S2-53] tells scripts who signed in, and that nobody did', async () => {
    const nobody = await browser.fetch(`${appUrl}/auth/status`)
    expect([nobody.status, JSON.parse(nobody.body)]).toEqual([200, { authenticated: false }])
    expect(fieldsOf(nobody)).toEqual({
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'content-type': 'application/json',
    })
    expect((await browser.fetch(`${appUrl}/auth/userinfo`)).status).toBe(401)
    expect((await browser.go(`${appUrl}/hello`)).body).toBe('hello stranger')
    await signIn()
    const status = await browser.fetch(`${appUrl}/auth/status`)
    expect(JSON.parse(status.body)).toEqual({
      authenticated: true,
      subject: 'user-1',
      provider: 'corporate',
      expires_at: expect.any(Number),
    })
    const userInfo = await browser.fetch(`${appUrl}/auth/userinfo`)
    expect(JSON.parse(userInfo.body)).toMatchObject({ account: { issuer: server.issuer, subject: 'user-1' } })
    expect((await browser.go(`${appUrl}/hello`)).body).toBe('hello user-1')
  })

  it('[S2-53] renews the tokens of a session on request of its own pages', async () => {
    await signIn()
    const own = await browser.fetch(`${appUrl}/auth/refresh`, { method: 'POST' })
    expect([own.status, JSON.parse(own.body)]).toEqual([
      200,
      { success: true, expires_in: expect.any(Number), token_type: 'Bearer' },
    ])
    const foreign = await browser.fetch(`${appUrl}/auth/refresh`, {
      method: 'POST',
      headers: { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
    })
    expect(foreign.status).toBe(403)
  })

  it('[S2-55] answers a script without a session with 401 and where to sign in', async () => {
    const answer = await browser.fetch(`${appUrl}/me`)
    expect(answer.status).toBe(401)
    expect(JSON.parse(answer.body)).toEqual({
      error: 'login_required',
      login_url: `${appUrl}/auth/login?returnTo=%2Fme`,
    })
    expect(answer.setCookies).toEqual([])
  })

  it('sends a user round again who signed in another way than a route wants, once', async () => {
    await signIn()
    const before = browser.cookiesOf(appUrl).get('__Host-pc_session')
    const { url, answer } = await browser.follow(`${appUrl}/strong`)
    expect([url, answer.status, answer.body]).toEqual([`${appUrl}/strong`, 200, 'urn:example:mfa'])
    const after = browser.cookiesOf(appUrl).get('__Host-pc_session')
    expect(after).not.toBe(before)
    browser.cookiesOf(appUrl).set('__Host-pc_session', before as string)
    expect((await browser.fetch(`${appUrl}/me`)).status).toBe(401)
  })

  it('[STEP-07] sends a user round again for a service that wants a better login, and calls it then', async () => {
    await signIn()
    expect((await browser.go(`${appUrl}/agenda?call=/any`)).body).toMatch(/^200 .*"subject":"user-1"/)
    const loginUrl = `${appUrl}/auth/login/corporate?returnTo=%2Fagenda%3Fx&acr_values=urn%3Aexample%3Amfa`
    const told = await browser.fetch(`${appUrl}/agenda?x`)
    expect([told.status, JSON.parse(told.body)]).toEqual([
      401,
      { error: 'insufficient_user_authentication', login_url: loginUrl },
    ])
    expect(fieldsOf(told)).toEqual({
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'content-type': 'application/json',
    })
    const sent = await browser.go(`${appUrl}/agenda?x`)
    expect([sent.status, sent.headers['location']]).toEqual([303, loginUrl])
    const { url, answer } = await browser.follow(`${appUrl}/agenda?x`)
    expect([url, answer.status]).toEqual([`${appUrl}/agenda?x`, 200])
    expect(answer.body).toMatch(/^200 .*"acr":"urn:example:mfa"/)
  })

  it('leaves other errors of a handler to the framework', async () => {
    await signIn()
    const faulty = await browser.go(`${appUrl}/agenda?call=https://elsewhere.example`)
    expect([faulty.status, faulty.body]).toEqual([500, 'fault: undefined'])
  })

  it('lets no other site act with the cookies of a user', async () => {
    await signIn()
    const from = (headers: Record<string, string>) => browser.fetch(`${appUrl}/notes`, { method: 'POST', headers })
    expect((await from({})).body).toBe('kept')
    const foreign = await from({ origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' })
    expect([foreign.status, JSON.parse(foreign.body).error]).toEqual([403, 'cross_site'])
    expect((await from({ origin: 'null', 'sec-fetch-site': 'cross-site' })).status).toBe(403)
  })

  it('[LOGO-01] signs out here and at the provider, on request of a page of its own alone', async () => {
    await signIn()
    const page = await browser.go(`${appUrl}/auth/logout`)
    expect([page.status, page.setCookies]).toEqual([200, []])
    expect(page.body).toContain(`<form method="post" action="${appUrl}/auth/logout">`)
    expect(page.headers['content-security-policy']).toMatch(
      /^default-src 'none'; style-src 'nonce-[\w-]{22}'; frame-ancestors 'none'; base-uri 'none'$/,
    )
    const foreign = await browser.go(`${appUrl}/auth/logout`, {
      method: 'POST',
      headers: { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
    })
    expect([foreign.status, foreign.setCookies]).toEqual([403, []])
    const session = browser.cookiesOf(appUrl).get('__Host-pc_session') as string
    const out = await browser.go(`${appUrl}/auth/logout`, { method: 'POST', headers: { origin: appUrl } })
    expect([out.status, out.setCookies]).toEqual([303, [sessionEnd]])
    const target = new URL(out.headers['location'] as string)
    expect(target.origin).toBe(server.issuer)
    expect(target.searchParams.get('post_logout_redirect_uri')).toBe(`${appUrl}/bye`)
    expect(target.searchParams.get('id_token_hint')).toMatch(/^ey/)
    browser.cookiesOf(appUrl).set('__Host-pc_session', session)
    expect((await browser.fetch(`${appUrl}/me`)).status).toBe(401)
  })

  it('lists the providers where a request names none', async () => {
    const page = await browser.go(`${appUrl}/auth/login?returnTo=%2Fme`)
    expect(page.status).toBe(200)
    expect(page.body).toContain(`href="${appUrl}/auth/login/corporate?returnTo=%2Fme"`)
    expect(page.body).toContain(`href="${appUrl}/auth/login/other?returnTo=%2Fme"`)
  })

  it('[S2-54] refuses an answer that this browser did not ask for, and says how to start again', async () => {
    const victim = open()
    const out = await browser.go(`${appUrl}/auth/login/corporate`)
    const { url } = await browser.follow(out.headers['location'] as string, atCallback)
    const refused = await victim.go(url)
    expect([refused.status, refused.setCookies]).toEqual([400, []])
    expect(refused.body).toContain('ERR_LOGIN_TRANSACTION')
    expect(refused.body).toContain(`href="${appUrl}/auth/login/corporate"`)
    expect((await browser.go(url)).status).toBe(303)
    // Going back brings the user home, with the session that there is.
    const again = await browser.go(url)
    expect([again.status, again.headers['location']]).toEqual([303, `${appUrl}/`])
  })

  it('takes an answer that is posted, without a body parser', async () => {
    const out = await browser.go(`${appUrl}/auth/login/corporate`)
    const { url } = await browser.follow(out.headers['location'] as string, atCallback)
    const { origin, pathname, search } = new URL(url)
    const headers = { 'content-type': 'application/x-www-form-urlencoded', origin: server.issuer }
    const back = await browser.go(origin + pathname, { method: 'POST', headers, body: search.slice(1) })
    expect([back.status, back.headers['location']]).toEqual([303, `${appUrl}/`])
    expect(back.setCookies.at(-1)).toMatch(mainSession)
  })

  it('shows users whom the application refuses a page, and hands faults to the framework', async () => {
    const refused = await browser.follow(`${appUrl}/auth/login/corporate?login_hint=mallory`)
    expect([refused.answer.status, refused.answer.body.includes('No access')]).toEqual([403, true])
    expect(browser.cookiesOf(appUrl).size).toBe(0)
    const unlucky = open()
    const faulty = await unlucky.follow(`${appUrl}/auth/login/corporate?login_hint=fault`)
    expect([faulty.answer.status, faulty.answer.body]).toEqual([500, 'fault: Error: the database is gone'])
    expect(unlucky.cookiesOf(appUrl).has('__Host-pc_session')).toBe(false)
  })

  it('answers what it does not know below its path, and nothing else', async () => {
    const status = async (method: string, path: string) => (await browser.fetch(appUrl + path, { method })).status
    expect(await status('GET', '/auth/nothing')).toBe(404)
    expect(await status('GET', '/auth/login/unknown')).toBe(404)
    expect(await status('DELETE', '/auth/logout')).toBe(405)
    expect(await status('HEAD', '/auth/login')).toBe(405)
    expect(await status('GET', '/author/login')).toBe(404)
  })
})
