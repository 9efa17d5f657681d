import type { AddressInfo } from 'node:net'
import Router from '@koa/router'
import express, { type Request as ExpressRequest, type Response as ExpressResponse, type NextFunction } from 'express'
// @ts-expect-error Express 4 comes without types; the adapter's are those of Express 5.
import express4 from 'express4'
import { fastify } from 'fastify'
import Koa from 'koa'
// @ts-expect-error Koa 2 comes without types; the adapter's are those of Koa 3.
import Koa2 from 'koa2'
import * as onExpress from 'portcullis/express'
import * as onFastify from 'portcullis/fastify'
import * as onFetch from 'portcullis/fetch'
import * as onKoa from 'portcullis/koa'
import { AccessDeniedError, createLogin, type Login, type LoginSession, type Provider } from 'portcullis/login'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type AuthorizationServer, startAuthorizationServer } from '../support/authorization-server.js'
import { type GuardedApi, openGuardedApi } from '../support/guarded-api.js'
import { appUrl, webProvider } from '../support/login-provider.js'
import { createBrowser, type RawAnswer, type ScriptedBrowser } from '../support/scripted-browser.js'
import { serveFetch } from '../support/serve-fetch.js'

/*
 * What holds of the login in every framework, over real HTTP, against real oidc-provider, behind a proxy that ends TLS.
 */

interface Served {
  readonly origin: string
  close(): Promise<unknown>
}

const account = (login: LoginSession) => JSON.stringify(login.account)
const greeting = (login: LoginSession | undefined) => `hello ${login?.account.subject ?? 'stranger'}`
const strong = { acrValues: ['urn:example:mfa'] }

/** What a service answers that the application calls for its user; `call` names one that wants a better login. */
let api: GuardedApi
async function agenda({ fetch }: LoginSession, call = '/strong'): Promise<string> {
  const response = await fetch({ allowedOrigins: api.origin, baseUrl: api.origin })(call)
  return `${response.status} ${await response.text()}`
}

async function serveExpress(make: typeof express, login: Login): Promise<Served> {
  const app = make()
  app.use(onExpress.loginRoutes(login))
  app.get('/me', onExpress.requireLogin(login), (req, res) => void res.type('json').send(account(req.login)))
  app.get('/hello', onExpress.optionalLogin(login), (req, res) => void res.send(greeting(req.login)))
  app.get('/strong', onExpress.requireLogin(login, strong), (req, res) => void res.send(req.login.acr))
  app.post('/notes', onExpress.requireLogin(login), (_req, res) => void res.send('kept'))
  app.get('/agenda', onExpress.requireLogin(login), (req, res, next) => {
    agenda(req.login, req.query['call'] as string).then((text) => res.send(text), next)
  })
  app.use(onExpress.loginRefusals(login))
  app.use((error: Error, _req: ExpressRequest, res: ExpressResponse, _next: NextFunction) => {
    res.status(500).send(`fault: ${error.cause}`)
  })
  const listening = app.listen(0, '127.0.0.1')
  await new Promise((resolve) => listening.once('listening', resolve))
  const { port } = listening.address() as AddressInfo
  return { origin: `http://127.0.0.1:${port}`, close: () => new Promise((resolve) => listening.close(resolve)) }
}

function respond(ctx: { body: unknown }, body: unknown): void {
  ctx.body = body
}

async function serveKoa(Application: typeof Koa, login: Login): Promise<Served> {
  const app = new Application()
  app.silent = true
  app.use(async (ctx, next) => {
    try {
      await next()
    } catch (error) {
      ctx.status = 500
      ctx.body = `fault: ${(error as Error).cause}`
    }
  })
  const router = new Router()
  app.use(onKoa.loginRefusals(login))
  app.use(onKoa.loginRoutes(login))
  router.get('/me', onKoa.requireLogin(login), (ctx) => {
    ctx.type = 'json'
    ctx.body = account(ctx.state.login)
  })
  router.get('/hello', onKoa.optionalLogin(login), (ctx) => respond(ctx, greeting(ctx.state.login)))
  router.get('/strong', onKoa.requireLogin(login, strong), (ctx) => respond(ctx, ctx.state.login.acr))
  router.post('/notes', onKoa.requireLogin(login), (ctx) => respond(ctx, 'kept'))
  router.get('/agenda', onKoa.requireLogin(login), async (ctx) =>
    respond(ctx, await agenda(ctx.state.login, ctx.query['call'] as string)),
  )
  app.use(router.routes())
  const listening = app.listen(0, '127.0.0.1')
  await new Promise((resolve) => listening.once('listening', resolve))
  const { port } = listening.address() as AddressInfo
  return { origin: `http://127.0.0.1:${port}`, close: () => new Promise((resolve) => listening.close(resolve)) }
}

async function serveFastify(login: Login): Promise<Served> {
  const app = fastify()
  await app.register(onFastify.loginRoutes(login))
  const session = (request: { login?: LoginSession | undefined }) => request.login as LoginSession
  app.setErrorHandler((error: Error, _request, reply) => reply.code(500).send(`fault: ${error.cause}`))
  await app.register(async (scope) => {
    scope.setErrorHandler(onFastify.loginRefusals(login))
    scope.get('/agenda', { onRequest: onFastify.requireLogin(login) }, (request) =>
      agenda(session(request), (request.query as { call?: string }).call),
    )
  })
  app.get('/me', { onRequest: onFastify.requireLogin(login) }, (request, reply) =>
    reply.type('application/json').send(account(session(request))),
  )
  app.get('/hello', { onRequest: onFastify.optionalLogin(login) }, (request) => greeting(request.login))
  app.get('/strong', { onRequest: onFastify.requireLogin(login, strong) }, (request) => session(request).acr)
  app.post('/notes', { onRequest: onFastify.requireLogin(login) }, () => 'kept')
  return { origin: await app.listen({ host: '127.0.0.1', port: 0 }), close: () => app.close() }
}

function serveFetchApp(login: Login): Promise<Served> {
  const routes = onFetch.loginRoutes(login)
  const me = onFetch.withLogin(
    login,
    {},
    (_request, session) => new Response(account(session), { headers: { 'content-type': 'application/json' } }),
  )
  const notes = onFetch.withLogin(login, {}, () => new Response('kept'))
  const strongly = onFetch.withLogin(login, strong, (_request, session) => new Response(session.acr ?? ''))
  const calling = onFetch.withLogin(login, {}, async (request, session) => {
    const { searchParams } = new URL(request.url)
    return new Response(await agenda(session, searchParams.get('call') ?? undefined))
  })
  const optional = onFetch.optionalLogin(login)
  const pages: Record<string, (request: Request) => Promise<Response>> = {
    'GET /me': me,
    'POST /notes': notes,
    'GET /strong': strongly,
    'GET /agenda': calling,
    async 'GET /hello'(request) {
      const result = await optional(request)
      if (!result.ok) return result.response
      return new Response(greeting(result.login), { headers: result.headers })
    },
  }
  return serveFetch(async (request) => {
    try {
      const page = pages[`${request.method} ${new URL(request.url).pathname}`]
      return (await routes(request)) ?? (await page?.(request)) ?? new Response('', { status: 404 })
    } catch (error) {
      return new Response(`fault: ${(error as Error).cause}`, { status: 500 })
    }
  })
}

const frameworks: Record<string, (login: Login) => Promise<Served>> = {
  'Express 5': (login) => serveExpress(express, login),
  'Express 4': (login) => serveExpress(express4, login),
  'Koa 3': (login) => serveKoa(Koa, login),
  'Koa 2': (login) => serveKoa(Koa2, login),
  Fastify: serveFastify,
  Fetch: serveFetchApp,
}

const keys = [{ id: 'k1', secret: new Uint8Array(32).fill(7) }]
const mainSession = /^__Host-pc_session=[\w-]{43}; Path=\/; Max-Age=86400; HttpOnly; Secure; SameSite=Lax$/
const txnCookie = /^__Host-pc_txn_[\w-]{16}=v1\.k1\.[\w.-]+; Path=\/; Max-Age=600; HttpOnly; Secure; SameSite=Lax$/
const txnEnd = /^__Host-pc_txn_[\w-]{16}=; Path=\/; Max-Age=0; HttpOnly; Secure; SameSite=Lax$/
const sessionEnd = '__Host-pc_session=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax'

/** What a framework adds by itself. */
const own = ['date', 'connection', 'keep-alive', 'content-length', 'transfer-encoding', 'x-powered-by', 'vary', 'etag']
const fieldsOf = ({ headers }: RawAnswer) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !own.includes(name)))

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
    served = await serve(login)
    open = () => createBrowser({ [appUrl]: served.origin })
  })
  beforeEach(() => {
    browser = open()
  })
  afterAll(() => served.close())

  const signIn = (path = '/auth/login/corporate') => browser.follow(appUrl + path, (url) => url === `${appUrl}/`)

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
