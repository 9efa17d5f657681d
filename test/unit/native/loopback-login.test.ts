import { type ClientRequest, request as httpRequest } from 'node:http'
import { connect, createServer, Server } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { LoginDeniedError, LoginError, LoginTimeoutError } from '../../../src/client/login-errors.js'
import { ConfigurationError } from '../../../src/errors/index.js'
import type { LoginResult } from '../../../src/login/login-result.js'
import { type LoopbackLoginOptions, loopbackLogin } from '../../../src/native/loopback-login.js'
import { LoginCancelledError, LoopbackError } from '../../../src/native/native-errors.js'
import type { LoginState } from '../../../src/native/native-login.js'
import { createMemoryTokenStore } from '../../../src/stores/memory/memory-token-store.js'
import { freePort } from '../../support/loopback-server.js'
import { canary, loginResult, type ScriptedProvider, scriptedProvider } from '../../support/scripted-provider.js'

/** A login under way: what was opened, and how it ends. */
interface Attempt {
  readonly provider: ScriptedProvider
  readonly states: LoginState[]
  readonly startUrl: string
  readonly redirectUri: string
  readonly callback: string
  readonly result: ReturnType<typeof loopbackLogin>
}

/** Starts a login and waits until the browser would be opened. */
async function begin(options: LoopbackLoginOptions = {}, provider = scriptedProvider()): Promise<Attempt> {
  const states: LoginState[] = []
  let result: ReturnType<typeof loopbackLogin> | undefined
  const startUrl = await new Promise<string>((resolve, reject) => {
    result = loopbackLogin(provider, {
      openBrowser: (url) => resolve(url),
      onStateChange: (state) => void states.push(state),
      ...options,
    })
    result.catch(reject)
  })
  const redirectUri = provider.asked[0]?.redirectUri as string
  const callback = `${redirectUri}?code=${canary.code}&state=${canary.state}`
  return { provider, states, startUrl, redirectUri, callback, result: result as ReturnType<typeof loopbackLogin> }
}

/** One request with exactly these fields; `undefined` where the connection was closed without an answer. */
function raw(url: string, options: { method?: string; host?: string } = {}): Promise<number | undefined> {
  return new Promise((resolve) => {
    const headers = options.host === undefined ? {} : { host: options.host }
    const asked: ClientRequest = httpRequest(url, { method: options.method ?? 'GET', headers }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    asked.on('error', () => resolve(undefined)).end()
  })
}

/** As {@link raw}, with a target of one's own: by default the URL itself, which a browser sends to a proxy. */
function rawTarget(url: string, path = url): Promise<number | undefined> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve) => {
    httpRequest({ hostname, port, path }, (response) => {
      response.resume()
      resolve(response.statusCode)
    }).end()
  })
}

/** A request of HTTP/1.0, which needs no Host. */
function withoutHost(url: string): Promise<number> {
  const { port, pathname, search } = new URL(url)
  return new Promise((resolve) => {
    const socket = connect(Number(port), '127.0.0.1')
    socket.on('data', (answer) => resolve(Number(String(answer).split(' ')[1])))
    socket.write(`GET ${pathname}${search} HTTP/1.0\r\n\r\n`)
  })
}

function hold(port: number, host = '127.0.0.1'): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen({ port, host, exclusive: true }, () => resolve(server))
  })
}

/** A machine that cannot listen on an address. */
function withoutAddresses(...absent: readonly string[]): void {
  const { listen } = Server.prototype
  vi.spyOn(Server.prototype, 'listen').mockImplementation(function (this: Server, ...args: unknown[]) {
    const [{ host }] = args as [{ readonly host: string }]
    if (!absent.includes(host)) return Reflect.apply(listen, this, args)
    setImmediate(() => this.emit('error', Object.assign(new Error('no'), { code: 'EADDRNOTAVAIL' })))
    return this
  })
}

const release = (server: Server) => new Promise((resolve) => server.close(resolve))

/** How many sockets listen in this process. */
const listening = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPServerWrap').length
/** Those of other files that are run in this process. */
let listeningBefore: number

beforeEach(() => {
  listeningBefore = listening()
})
afterEach(async () => {
  vi.useRealTimers()
  vi.restoreAllMocks()
  // However a login ended, and whatever it met: nothing of it is open any more.
  await vi.waitFor(() => expect(listening()).toBeLessThanOrEqual(listeningBefore), { interval: 5, timeout: 30_000 })
})

describe('loopbackLogin', () => {
  it('[NAT-01] [S1-83] [S2-01] [S2-07] [S2-08] [AZ-11] signs in by the answer that belongs to the login, and says so once it is true', async () => {
    const { provider, startUrl, redirectUri, callback, result, states } = await begin()
    expect(redirectUri).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/callback$/)
    const started = await fetch(startUrl, { redirect: 'manual' })
    expect(started.status).toBe(303)
    expect(started.headers.get('location')).toContain(`state=${canary.state}`)
    const answer = await fetch(callback)
    expect(answer.status).toBe(200)
    const page = await answer.text()
    expect(page).toContain('<title>You are signed in</title>')
    expect(page).toContain('<p>You can close this window.</p>')
    expect(page).toMatch(/<style>body\{.+\}@media\(prefers-color-scheme:dark\)\{.+\}<\/style>/)
    expect(new URL(answer.url).search).toBe('')
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(answer.headers.get('referrer-policy')).toBe('no-referrer')
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
    expect(answer.headers.get('connection')).toBe('close')
    expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'")
    const login = await result
    expect(login).toMatchObject({ account: { issuer: 'https://id.test', subject: 'user-1' } })
    expect(login.key).toMatch(/^corporate:[\w-]{43}$/)
    expect(Object.fromEntries(provider.redeemed[0] as URLSearchParams)).toEqual({
      code: canary.code,
      state: canary.state,
    })
    expect(states).toEqual(['pending', 'in_progress', 'redeeming', 'completed'])
    expect(await raw(callback)).toBeUndefined()
  })

  it('[S2-02] keeps the tokens once, under the key of the account', async () => {
    const store = createMemoryTokenStore()
    const { callback, result } = await begin({ store, clock: () => 1_800_000_000_999 })
    await fetch(callback)
    const { key } = await result
    const keys: string[] = []
    for await (const name of store.keys()) keys.push(name)
    expect(keys.sort()).toEqual([key, 'corporate:default'].sort())
    expect(await store.get(key)).toMatchObject({ account: { subject: 'user-1' }, savedAt: 1_800_000_000 })
    expect((await store.get(key))?.tokens).toContain(canary.refreshToken)
    const entries = [await store.get(key), await store.get('corporate:default')]
    expect(entries.map((entry) => entry?.v)).toEqual([1, 1])
    expect(new Set(entries.map((entry) => entry?.version)).size).toBe(2)
    for (const entry of entries) expect(entry?.version).toMatch(/^[\da-f-]{36}$/)
    expect((await store.get('corporate:default'))?.tokens).toBe(JSON.stringify({ key }))
  })

  const strangers: readonly [title: string, ask: (attempt: Attempt) => Promise<number | undefined>, status: number][] =
    [
      ['another Host', ({ callback }) => raw(callback, { host: 'evil.test' }), 400],
      [
        'a name that only begins alike',
        ({ callback, redirectUri }) => raw(callback, { host: `localhost.evil.test:${new URL(redirectUri).port}` }),
        400,
      ],
      ['another port in Host', ({ callback }) => raw(callback, { host: '127.0.0.1:1' }), 400],
      ['no Host', ({ callback }) => withoutHost(callback), 400],
      ['a target that is no path', ({ callback }) => rawTarget(callback, '//'), 400],
      ['a whole URL in the place of the path', ({ callback }) => rawTarget(callback), 400],
      ['a favicon', ({ redirectUri }) => raw(new URL('/favicon.ico', redirectUri).href), 404],
      ['a path that only ends alike', ({ callback }) => raw(callback.replace('/callback', '/x/callback')), 404],
      ['HEAD', ({ callback }) => raw(callback, { method: 'HEAD' }), 405],
      ['OPTIONS', ({ callback }) => raw(callback, { method: 'OPTIONS' }), 405],
      ['POST', ({ callback }) => raw(callback, { method: 'POST' }), 405],
      ['no state', ({ redirectUri }) => raw(`${redirectUri}?code=x`), 400],
      ['two states', ({ callback }) => raw(`${callback}&state=${canary.state}`), 400],
      ['an error without state', ({ redirectUri }) => raw(`${redirectUri}?error=access_denied`), 400],
      ['a longer URL than any', ({ callback }) => raw(`${callback}&x=${'a'.repeat(8200)}`), 414],
      ['the page before there is one', ({ redirectUri }) => raw(`${redirectUri}/done`), 404],
      [
        'a second start',
        async ({ startUrl }) => {
          await raw(startUrl)
          return raw(startUrl)
        },
        404,
      ],
    ]
  it.each(strangers)('[A8] [S2-08] answers %s with an error and keeps waiting', async (_, ask, status) => {
    const attempt = await begin()
    expect(await ask(attempt)).toBe(status)
    expect(attempt.provider.redeemed).toHaveLength(0)
    expect((await fetch(attempt.callback)).status).toBe(200)
    await attempt.result
  })

  it.each(['127.0.0.1', 'localhost', 'LOCALHOST', '[::1]'])('[A8] answers to the name %s', async (name) => {
    const attempt = await begin()
    const { port } = new URL(attempt.redirectUri)
    expect(await raw(attempt.callback, { host: `${name}:${port}` })).toBe(303)
    expect(await raw(`${attempt.redirectUri}/done`)).toBe(200)
    await attempt.result
  })

  it('[A8] takes an address of 8192 characters', async () => {
    const attempt = await begin()
    const { pathname, search } = new URL(`${attempt.callback}&x=`)
    const url = `${attempt.callback}&x=${'a'.repeat(8192 - pathname.length - search.length)}`
    expect(await raw(url)).toBe(303)
    expect(await raw(`${attempt.redirectUri}/done`)).toBe(200)
    await attempt.result
  })

  it('says which method it takes, to who comes with another one', async () => {
    const attempt = await begin()
    expect((await fetch(attempt.callback, { method: 'POST' })).headers.get('allow')).toBe('GET')
    expect((await fetch(`${attempt.redirectUri}/x`)).headers.get('allow')).toBeNull()
    await fetch(attempt.callback)
    await attempt.result
  })

  it('[A8] [S2-08] takes the right answer after 19 wrong states, and gives up at the 20th', async () => {
    const first = await begin()
    for (let guess = 0; guess < 19; guess++) expect(await raw(`${first.redirectUri}?code=x&state=${guess}`)).toBe(400)
    expect((await fetch(first.callback)).status).toBe(200)
    await first.result
    const second = await begin()
    for (let guess = 0; guess < 20; guess++) void raw(`${second.redirectUri}?code=x&state=${guess}`)
    await expect(second.result).rejects.toMatchObject({ code: 'ERR_LOGIN_STATE', operation: 'login' })
    await expect(second.result).rejects.toBeInstanceOf(LoginError)
    expect(second.states.at(-1)).toBe('failed')
  })

  it('[A8] [S2-08] redeems one of two equal answers', async () => {
    let finish: () => void = () => {}
    const held = new Promise<void>((resolve) => {
      finish = resolve
    })
    const provider = scriptedProvider()
    const { redeem } = provider
    const attempt = await begin(
      {},
      { ...provider, redeem: (...args: Parameters<typeof redeem>) => held.then(() => redeem(...args)) },
    )
    const first = fetch(attempt.callback)
    while (attempt.states.at(-1) !== 'redeeming') await new Promise(setImmediate)
    expect(await raw(attempt.callback)).toBe(400)
    finish()
    expect((await first).status).toBe(200)
    await attempt.result
    expect(provider.redeemed).toHaveLength(1)
  })

  it('[S2-08] lets the browser go after 30 s, and redeems on', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    let finish: (result: LoginResult) => void = () => {}
    const redeem = () => new Promise<LoginResult>((resolve) => (finish = resolve))
    const attempt = await begin({}, scriptedProvider({ redeem }))
    const answer = raw(attempt.callback)
    while (attempt.states.at(-1) !== 'redeeming') await new Promise(setImmediate)
    await vi.advanceTimersByTimeAsync(30_000)
    expect(await answer).toBe(303)
    const page = await fetch(`${attempt.redirectUri}/done`)
    expect([page.status, await page.text()]).toEqual([202, expect.stringContaining('The login is still under way')])
    finish(loginResult())
    await attempt.result
    expect(attempt.states.at(-1)).toBe('completed')
  })

  it('[S2-08] ends without a browser that fetches the page', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const attempt = await begin()
    const over = vi.fn()
    void attempt.result.then(over)
    expect(await raw(attempt.callback)).toBe(303)
    await vi.advanceTimersByTimeAsync(1999)
    expect(over).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    await attempt.result
    expect(await raw(attempt.callback)).toBeUndefined()
  })

  it('leaves no timer behind', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const attempt = await begin()
    expect(await raw(attempt.callback)).toBe(303)
    expect(await raw(`${attempt.redirectUri}/done`)).toBe(200)
    await attempt.result
    expect(vi.getTimerCount()).toBe(0)
  })

  it('[A8] [S2-08] is not held up by a connection that sends nothing', async () => {
    const attempt = await begin()
    const port = Number(new URL(attempt.redirectUri).port)
    const silent = connect(port, '127.0.0.1')
    const gone = new Promise((resolve) => silent.on('close', resolve).on('error', () => {}))
    silent.write('GET /callback HTTP/1.1\r\nHos')
    expect((await fetch(attempt.callback)).status).toBe(200)
    await attempt.result
    await gone
  })

  it('[S2-08] shows a page with a code and nothing of the answer when the login fails', async () => {
    const denied = new LoginDeniedError('ERR_LOGIN_DENIED', { error: 'access_denied', errorDescription: '<script>' })
    const provider = scriptedProvider({ redeem: () => Promise.reject(denied) })
    const attempt = await begin({}, provider)
    const answer = fetch(
      `${attempt.redirectUri}?error=access_denied&error_description=%3Cscript%3E&state=${canary.state}`,
    )
    await expect(attempt.result).rejects.toBe(denied)
    expect((await answer).status).toBe(400)
    const text = await (await answer).text()
    expect(text).toContain('The login was refused')
    expect(text).toContain('ERR_LOGIN_DENIED')
    expect(text).not.toContain('<script>')
    expect(text).not.toContain('canary')
    expect(attempt.states.at(-1)).toBe('failed')
    const odd = await begin({}, scriptedProvider({ redeem: () => Promise.reject(new TypeError('canary')) }))
    const page = fetch(odd.callback)
    await expect(odd.result).rejects.toThrow(TypeError)
    const said = await (await page).text()
    expect(said).toContain('The login failed')
    expect(said).toContain('ERR_UNEXPECTED')
    expect(said).not.toContain('canary')
  })

  it('[S2-08] shows pages of your own', async () => {
    const pages = { success: '<p>done</p>', failure: '<p>sorry</p>' }
    const good = await begin({ pages })
    expect(await (await fetch(good.callback)).text()).toBe('<p>done</p>')
    await good.result
    const bad = await begin({ pages }, scriptedProvider({ redeem: () => Promise.reject(new TypeError('no')) }))
    const page = fetch(bad.callback)
    await expect(bad.result).rejects.toThrow('no')
    expect(await (await page).text()).toBe('<p>sorry</p>')
  })

  it('[S2-05] [S2-13] ends when the user does not come in time', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const attempt = await begin()
    vi.advanceTimersByTime(119_999)
    expect(attempt.states.at(-1)).toBe('in_progress')
    vi.advanceTimersByTime(1)
    await expect(attempt.result).rejects.toMatchObject({ code: 'ERR_LOGIN_TIMEOUT', operation: 'login' })
    await expect(attempt.result).rejects.toBeInstanceOf(LoginTimeoutError)
    expect(attempt.states).toEqual(['pending', 'in_progress', 'timed_out'])
    expect(await raw(attempt.callback)).toBeUndefined()
  })

  it('[A8] [S2-11] [S2-14] ends when the application gives up, before and during', async () => {
    const controller = new AbortController()
    const attempt = await begin({ signal: controller.signal })
    controller.abort()
    await expect(attempt.result).rejects.toBeInstanceOf(LoginCancelledError)
    expect(attempt.states.at(-1)).toBe('cancelled')
    expect(await raw(attempt.callback)).toBeUndefined()
    const early = loopbackLogin(scriptedProvider(), { signal: AbortSignal.abort() })
    await expect(early).rejects.toMatchObject({ code: 'ERR_LOGIN_CANCELLED' })
  })

  it('[A8] [S1-83] takes the next port of a range, and names the ports where none is free', async () => {
    const port = await freePort()
    const first = await hold(port)
    const second = await hold(port + 1).catch(() => undefined)
    const busy = loopbackLogin(scriptedProvider(), { portRange: [port, port + 1], openBrowser: false })
    await expect(busy).rejects.toBeInstanceOf(LoopbackError)
    await expect(busy).rejects.toThrow(`${port}, ${port + 1}`)
    await expect(loopbackLogin(scriptedProvider(), { port, openBrowser: false })).rejects.toMatchObject({
      ...{ code: 'ERR_LOOPBACK_UNAVAILABLE', operation: 'login' },
    })
    if (second !== undefined) await release(second)
    const attempt = await begin({ portRange: [port, port + 20] })
    expect(Number(new URL(attempt.redirectUri).port)).toBeGreaterThan(port)
    await fetch(attempt.callback)
    await attempt.result
    await release(first)
  })

  it('[S1-83] listens on both families for localhost, or not at all', async () => {
    const attempt = await begin({ host: 'localhost' })
    const { port } = new URL(attempt.redirectUri)
    expect(attempt.redirectUri).toBe(`http://localhost:${port}/callback`)
    expect(await raw(`http://[::1]:${port}/favicon.ico`)).toBe(404)
    expect(await raw(`http://127.0.0.1:${port}/favicon.ico`)).toBe(404)
    await fetch(attempt.callback)
    await attempt.result
    const known = await freePort()
    const other = await hold(known, '::1')
    const taken = loopbackLogin(scriptedProvider(), { host: 'localhost', port: known, openBrowser: false })
    await expect(taken).rejects.toMatchObject({ code: 'ERR_LOOPBACK_UNAVAILABLE' })
    const literal = await begin({ port: known })
    await fetch(literal.callback)
    await literal.result
    await release(other)
  })

  it('[A8] [S1-83] answers on ::1 alone where the port of the other family is taken', async () => {
    const port = await freePort()
    const other = await hold(port)
    const attempt = await begin({ host: '::1', port })
    expect((await fetch(attempt.callback)).status).toBe(200)
    await attempt.result
    await release(other)
  })

  it('[A8] [S1-83] does without the other family where the machine has none, and says that no port is to be had', async () => {
    withoutAddresses('::1')
    const attempt = await begin({ host: 'localhost' })
    expect(await raw(`${attempt.redirectUri.replace('localhost', '127.0.0.1')}?code=x&state=x`)).toBe(400)
    await fetch(attempt.callback.replace('localhost', '127.0.0.1'))
    await attempt.result
    vi.restoreAllMocks()
    withoutAddresses('127.0.0.1')
    await expect(loopbackLogin(scriptedProvider(), { openBrowser: false })).rejects.toThrow('no port of 127.0.0.1 can')
  })

  it('[A8] [S2-08] refuses and counts nothing that comes before the login is under way', async () => {
    let go: () => void = () => {}
    const held = new Promise<void>((resolve) => {
      go = resolve
    })
    const plain = scriptedProvider()
    const asked = vi.fn(plain.authorizationRequest)
    const provider = scriptedProvider({
      authorizationRequest: async (...args) => {
        const request = await asked(...args)
        await held
        return request
      },
    })
    const failure = loopbackLogin(provider, { openBrowser: false, onUrl: () => guess(20) })
    await vi.waitFor(() => expect(asked).toHaveBeenCalled(), { timeout: 30_000 })
    const redirectUri = asked.mock.calls[0]?.[0]?.redirectUri
    const guess = async (times: number) => {
      for (let count = 0; count < times; count += 1) {
        expect(await raw(`${redirectUri}?code=x&state=${count}`)).not.toBe(303)
      }
    }
    expect(await raw(`${redirectUri}?code=x&state=${canary.state}`)).toBe(400)
    await guess(20)
    go()
    await expect(failure).rejects.toMatchObject({ code: 'ERR_LOGIN_STATE' })
  })

  it('[NAT-02] opens one port, on the loopback addresses of both families alone, for the time of the login', async () => {
    const listen = vi.spyOn(Server.prototype, 'listen')
    const attempt = await begin()
    const port = Number(new URL(attempt.redirectUri).port)
    const places = listen.mock.calls.map(
      ([place]) => place as unknown as { readonly host: string; readonly port: number },
    )
    const bounds = { maxConnections: 64, headersTimeout: 5000, requestTimeout: 5000, connectionsCheckingInterval: 1000 }
    expect(listen.mock.contexts).toMatchObject([bounds, bounds])
    expect(places).toMatchObject([
      { host: '127.0.0.1', port: 0, exclusive: true },
      { host: '::1', port, exclusive: true },
    ])
    const statuses = () => Promise.all(['127.0.0.1', '[::1]'].map((host) => raw(`http://${host}:${port}/favicon.ico`)))
    expect(await statuses()).toEqual([404, 404])
    await fetch(attempt.callback)
    await attempt.result
    expect(await statuses()).toEqual([undefined, undefined])
  })

  it('[NAT-02] [S1-83] answers on ::1 where the redirect URI says so, and on no address but its sibling', async () => {
    const listen = vi.spyOn(Server.prototype, 'listen')
    const attempt = await begin({ host: '::1', path: '/' })
    expect(listen.mock.calls).toMatchObject([
      [{ host: '::1' }, expect.anything()],
      [{ host: '127.0.0.1' }, expect.anything()],
    ])
    expect(attempt.redirectUri).toMatch(/^http:\/\/\[::1\]:\d+\/$/)
    expect((await fetch(attempt.callback)).status).toBe(200)
    await attempt.result
  })

  it('[A8] [S2-07] gives the URL to the user whether a browser opens or not', async () => {
    const desktop = { BROWSER: 'firefox' }
    const ways: readonly [LoopbackLoginOptions['openBrowser'], Readonly<Record<string, string>>][] = [
      [false, desktop],
      [() => Promise.reject(new Error('no browser')), desktop],
      ['auto', { CI: '1' }],
    ]
    for (const [openBrowser, env] of ways) {
      const provider = scriptedProvider()
      let shown = ''
      const onUrl = (url: string) => {
        shown = url
        void fetch(`${provider.asked[0]?.redirectUri}?code=x&state=${canary.state}`)
      }
      const start = vi.fn(async () => true)
      await loopbackLogin(provider, { openBrowser, onUrl, browser: { env, start }, scopes: ['openid'] })
      expect(start).not.toHaveBeenCalled()
      expect(shown).toContain('https://id.test/authorize')
      expect(provider.asked[0]?.scopes).toEqual(['openid'])
    }
  })

  it('[NAT-01] [S2-07] opens the browser with an address that holds nothing of the login', async () => {
    const opened: (readonly string[])[] = []
    const provider = scriptedProvider()
    const start = async (program: string, args: readonly string[]) => {
      opened.push([program, ...args])
      const location = (await fetch(args[0] as string, { redirect: 'manual' })).headers.get('location') as string
      const state = new URL(location).searchParams.get('state')
      void fetch(`${provider.asked[0]?.redirectUri}?code=x&state=${state}`)
      return true
    }
    await loopbackLogin(provider, { browser: { start, env: { BROWSER: 'firefox' } } })
    expect(opened).toHaveLength(1)
    expect(opened[0]?.join(' ')).toMatch(/^firefox http:\/\/127\.0\.0\.1:\d+\/[\da-f-]{36}$/)
    expect(opened[0]?.join(' ')).not.toContain('canary')
  })

  it.each([
    [{ host: '0.0.0.0' }, 'host'],
    [{ port: 65_536 }, 'port'],
    [{ port: -1 }, 'port'],
    [{ portRange: [9000, 8000] }, 'portRange'],
    [{ portRange: [8000, 8100] }, 'portRange'],
    [{ portRange: [8000] }, 'portRange'],
    [{ portRange: [8000, 8001, 8002] }, 'portRange'],
    [{ portRange: '89' }, 'portRange'],
    [{ portRange: { length: 2, every: () => true, 0: 1, 1: 2 } }, 'portRange'],
    [{ portRange: [0, 5] }, 'portRange'],
    [{ portRange: [65_530, 65_536] }, 'portRange'],
    [{ portRange: [8000.5, 8001] }, 'portRange'],
    [{ port: 1, portRange: [8000, 8001], signal: undefined }, 'port` and `portRange'],
    [{ path: 'callback' }, 'path'],
    [{ path: '/call back' }, 'path'],
    [{ path: '/callback?x' }, 'path'],
    [{ path: 'x/callback' }, 'path'],
    [{ path: '/done' }, 'path'],
    [{ path: ['/callback'] }, 'path'],
    [{ timeoutMs: 600_001 }, 'timeoutMs'],
    [{ timeoutMs: 0 }, 'timeoutMs'],
    [{ openBrowser: true }, 'openBrowser'],
    [{ openBrowser: 'always' }, 'openBrowser'],
    [{ onUrl: 'https://x.test' }, 'onUrl'],
    [{ signal: {} }, 'signal'],
    [{ store: { get: () => {} } }, 'store'],
    [{ scopes: 'openid' }, 'scopes'],
    [{ prot: 8400 }, 'prot'],
  ])('[S1-83] refuses the options %j', async (options, name) => {
    const failure = loopbackLogin(scriptedProvider(), { signal: AbortSignal.abort(), ...options } as object)
    await expect(failure).rejects.toBeInstanceOf(ConfigurationError)
    await expect(failure).rejects.toThrow(`\`${name}\``)
  })

  it.each([
    [{ portRange: [8000] }, 'the first and the last of at most 100 ports'],
    [{ path: 'callback' }, "a path such as '/callback'"],
    [{ openBrowser: true }, "'auto', false or a function"],
    [{ signal: {} }, 'an AbortSignal'],
  ])('[S1-83] says what stands in the place of %j', async (options, words) => {
    await expect(loopbackLogin(scriptedProvider(), options as object)).rejects.toThrow(words)
  })

  it('says whose option is not known', async () => {
    await expect(loopbackLogin(scriptedProvider(), { prot: 1 } as object)).rejects.toThrow(
      'loopbackLogin has no option',
    )
  })

  it.each([
    { host: '127.0.0.1' },
    { host: '::1' },
    { host: 'localhost' },
    { portRange: [1, 100] },
    { portRange: [65_535, 65_535] },
    { portRange: [8000, 8000] },
    { path: '/' },
    { path: '/a/b-c_d.e~f' },
    { timeoutMs: 600_000 },
    { openBrowser: 'auto' },
    { openBrowser: false },
  ] as LoopbackLoginOptions[])('[S1-83] takes the options %j', async (options) => {
    const failure = loopbackLogin(scriptedProvider(), { ...options, signal: AbortSignal.abort() })
    await expect(failure).rejects.toMatchObject({ code: 'ERR_LOGIN_CANCELLED' })
  })
})
