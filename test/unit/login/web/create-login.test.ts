import { inspect } from 'node:util'
import {
  AccessDeniedError,
  createLogin,
  createMemorySessionStore,
  type LoginOptions,
  type SessionStore,
} from 'portcullis/login'
import { describe, expect, it } from 'vitest'
import { answer } from '../../../support/fake-token-endpoint.js'
import { appUrl, asPage, asScript, sealKeys, setCookiesOf, setUpWebLogin } from '../../../support/web-login-set-up.js'

const sessionName = '__Host-pc_session'
const day = 86_400

describe('createLogin', () => {
  it('refuses options that cannot be right, and says what to write', () => {
    const { provider } = setUpWebLogin()
    const good = { baseUrl: appUrl, providers: [provider], keys: sealKeys }
    const wrong = (further: object, text: RegExp) =>
      expect(() => createLogin({ ...good, ...further } as LoginOptions)).toThrow(text)
    wrong({ baseUrl: 'http://app.example.com' }, /take https, or on `localhost` say `allowInsecureLoopback: true`/)
    wrong({ baseUrl: 'http://localhost:3000' }, /allowInsecureLoopback/)
    wrong({ baseUrl: 'http://app.example.com', allowInsecureLoopback: true }, /allowInsecureLoopback/)
    wrong({ baseUrl: 'https://app.example.com/?a' }, /`baseUrl` takes an https URL without query/)
    wrong({ baseUrl: 'app.example.com' }, /`baseUrl` takes an https URL/)
    wrong({ basePath: 'auth' }, /`basePath` takes a path such as/)
    wrong({ basePath: '/auth/' }, /`basePath` takes a path such as/)
    wrong({ providers: [] }, /`providers` takes a list/)
    wrong({ providers: [provider, provider] }, /lists corporate twice/)
    wrong({ keys: [] }, /`keys` takes at least one key/)
    wrong({ returnTo: '/' }, /has no option `returnTo`/)
    wrong({ session: { idle: 5 } }, /Did you mean `idleSeconds`/)
    wrong({ limit: { max: 0 } }, /`limit.max` takes/)
    wrong({ trustedProxies: ['0.0.0.0/0'] }, /would trust every peer/)
    wrong({ postLogoutRedirect: 'http://elsewhere.example' }, /`postLogoutRedirect` takes a path/)
    wrong({ sessions: createMemorySessionStore() }, /`tokens` says where the tokens of these sessions are/)
    const shared = { get() {}, set() {}, replace() {}, delete() {}, describe: () => ({ persistent: true }) }
    wrong({ tokens: { store: shared } }, /`lock` is needed/)
    const { login } = setUpWebLogin()
    const two = setUpWebLogin({}, (one) => [one, { ...one, name: 'other' }]).login
    expect(() => two.guard({ provider: 'google' })).toThrow('`provider` takes one of corporate, other.')
    for (const right of [{ onApi: '401' }, { onApi: 'redirect' }, { returnTo: 'here' }, { returnTo: '/a' }] as const) {
      expect(() => login.guard(right)).not.toThrow()
    }
    expect(() => login.guard({ onApi: '403' } as never)).toThrow("`onApi` takes one of '401', 'redirect'.")
    expect(() => login.guard({ returnTo: 5 } as never)).toThrow('`returnTo` takes `here`, or a path of the application')
    expect(() => login.guard({ maxAgeSeconds: 0 })).toThrow(/maxAgeSeconds/)
    expect(() => login.guard({ acr: 'x' } as never)).toThrow(
      'requireLogin has no option `acr`. Did you mean `acrValues`?',
    )
    for (const away of ['https://evil.example', '//evil.example', '/a/%5C', 'there', '']) {
      expect(() => login.guard({ returnTo: away }), away).toThrow(
        /`returnTo` takes `here`, or a path of the application/,
      )
    }
    wrong({ onError: '/failed' }, /`onError` takes a function/)
  })

  it('[S2-55] gives handlers who signed in, and shows no token', async () => {
    const { login, facts, signIn } = setUpWebLogin({
      onLogin: ({ account }, { provider, previous, request }) => ({
        data: { roles: [account.subject, provider, previous?.provider ?? 'none', request.method] },
      }),
    })
    await signIn('/auth/login', { email: 'a@example.com', acr: 'mfa', amr: ['pwd', 'otp'], auth_time: 1_799_999_990 })
    const session = await login.session(facts('/'))
    expect(session).toMatchObject({
      account: { issuer: 'https://as.example', subject: 'alice' },
      provider: 'corporate',
      claims: { email: 'a@example.com' },
      userInfo: {},
      data: { roles: ['alice', 'corporate', 'none', 'GET'] },
      acr: 'mfa',
      amr: ['pwd', 'otp'],
      authTime: 1_799_999_990,
      createdAt: 1_800_000_000,
      expiresAt: 1_800_604_800,
    })
    const { accessToken } = (await session?.tokens?.getToken()) ?? {}
    expect(accessToken).toBeTypeOf('string')
    for (const shown of [inspect(session, { showHidden: true, depth: 9 }), JSON.stringify(session)]) {
      expect(shown).not.toContain(accessToken)
    }
  })

  it('takes a cookie that is no session of ours as if it were not there', async () => {
    const { login, facts, cookies, signIn } = setUpWebLogin()
    await signIn()
    const id = cookies.get(sessionName) as string
    for (const other of ['', 'x', 'A'.repeat(43), `${id}A`, id.slice(1), '%00']) {
      cookies.set(sessionName, other)
      expect(await login.session(facts('/'))).toBeUndefined()
    }
    cookies.set(sessionName, id)
    expect(await login.session(facts('/'))).toBeDefined()
  })

  it('ends sessions that are not used, and all of them in the end', async () => {
    const { login, facts, time, signIn } = setUpWebLogin({ session: { absoluteSeconds: 2.5 * day } })
    await signIn()
    const lives = async () => (await login.session(facts('/'))) !== undefined
    time.nowMs += (day - 1) * 1000
    expect(await lives()).toBe(true)
    time.nowMs += (day - 1) * 1000
    expect(await lives()).toBe(true)
    time.nowMs += day * 500
    expect(await lives()).toBe(true)
    time.nowMs += 2000
    expect(await lives()).toBe(false)
    const idle = setUpWebLogin()
    await idle.signIn()
    idle.time.nowMs += day * 1000
    expect(await idle.login.session(idle.facts('/'))).toBeUndefined()
  })

  it('does not make sessions longer by use where they are told not to roll', async () => {
    const { login, facts, time, signIn } = setUpWebLogin({ session: { rolling: false } })
    await signIn()
    time.nowMs += (day - 10) * 1000
    expect(await login.session(facts('/'))).toBeDefined()
    time.nowMs += 10_000
    expect(await login.session(facts('/'))).toBeUndefined()
  })

  it('writes a session once a minute at most, and its cookie with the login alone', async () => {
    const store = createMemorySessionStore({ clock: () => setUp.time.nowMs })
    let touches = 0
    const counting = {
      ...store,
      touch: (...about: Parameters<typeof store.touch>) => {
        touches += 1
        return store.touch(...about)
      },
    }
    const setUp = setUpWebLogin({ sessions: counting, tokens: false })
    await setUp.signIn()
    const guard = setUp.login.guard()
    const headersAfter = async (seconds: number) => {
      setUp.time.nowMs += seconds * 1000
      const result = await guard(setUp.facts('/me'))
      return result.ok ? setCookiesOf(result) : undefined
    }
    expect([await headersAfter(59), touches]).toEqual([[], 0])
    expect([await headersAfter(1), touches]).toEqual([[], 1])
    expect([await headersAfter(30), touches]).toEqual([[], 1])
    expect([await headersAfter(day / 2), touches]).toEqual([[], 2])
    expect([await headersAfter(day - 1), touches]).toEqual([[], 3])
    expect((await setUp.login.session(setUp.facts('/')))?.tokens).toBeUndefined()
  })

  it('[A4] [S2-56] brings no user back by late answers that cross, over two changes of hands', async () => {
    const setUp = setUpWebLogin({ sessions: createMemorySessionStore(), tokens: false })
    const claimsOf = (sub: string) => ({ sub, iat: setUp.time.nowMs / 1000, exp: setUp.time.nowMs / 1000 + 300 })
    const late = async () => {
      setUp.time.nowMs += (day / 5) * 1000
      const result = await setUp.login.guard()(setUp.facts('/report'))
      return () => setUp.receive(result.ok ? result : { headers: {} })
    }
    await setUp.signIn('/auth/login', claimsOf('alice'))
    const arriveOfAlice = await late()
    await setUp.signIn('/auth/login', claimsOf('bob'))
    const arriveOfBob = await late()
    arriveOfAlice()
    await setUp.signIn('/auth/login', claimsOf('carol'))
    arriveOfBob()
    expect((await setUp.login.session(setUp.facts('/')))?.account.subject).toBe('carol')
    await setUp.send('/auth/logout', { method: 'POST', headers: { ...asPage, origin: appUrl } })
    arriveOfBob()
    expect(await setUp.login.session(setUp.facts('/'))).toBeUndefined()
  })

  it('does not bring a session back that ended during a request', async () => {
    const store = createMemorySessionStore()
    const setUp = setUpWebLogin({ sessions: { ...store, touch: async () => false }, tokens: false })
    await setUp.signIn()
    setUp.time.nowMs += 61_000
    expect(await setUp.login.session(setUp.facts('/'))).toBeUndefined()
  })

  it('[A12] answers 503 where the store fails, and lets nobody in', async () => {
    const store = createMemorySessionStore()
    let fails = false
    const failing = <T>(work: () => T | Promise<T>) =>
      fails ? Promise.reject(Object.assign(new Error('CANARY'), { code: 'ECONNREFUSED' })) : work()
    const setUp = setUpWebLogin({
      tokens: false,
      sessions: {
        get: (key) => failing(() => store.get(key)),
        set: (...about) => failing(() => store.set(...about)),
        touch: (...about) => failing(() => store.touch(...about)),
        delete: (key) => failing(() => store.delete(key)),
      },
    })
    await setUp.signIn()
    const back = await setUp.begin()
    fails = true
    const guarded = await setUp.login.guard()(setUp.facts('/me'))
    expect(guarded).toMatchObject({ ok: false, answer: { status: 503, headers: { 'Retry-After': '5' } } })
    await expect(setUp.login.session(setUp.facts('/'))).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    const refused = await setUp.send(back)
    expect([refused.status, setCookiesOf(refused).some((line) => line.startsWith(sessionName))]).toEqual([503, false])
    const out = await setUp.send('/auth/logout', { method: 'POST', headers: { ...asPage, origin: appUrl } })
    expect([out.status, setCookiesOf(out)]).toEqual([503, []])
    const status = await setUp.send('/auth/status', { headers: asScript })
    expect([status.status, status.body.includes('CANARY')]).toEqual([503, false])
    expect(setUp.events).toContainEqual({
      type: 'store.failed',
      store: 'sessions',
      reason: 'ECONNREFUSED',
      failedOpen: false,
    })
  })

  it('asks the store for what can be an id alone, and takes nothing but a session for one', async () => {
    const store = createMemorySessionStore()
    const asked: string[] = []
    let text: string | undefined
    const sessions: SessionStore = {
      ...store,
      get(key) {
        asked.push(key)
        return text ?? store.get(key)
      },
    }
    const setUp = setUpWebLogin({ sessions, tokens: false })
    for (const id of ['A'.repeat(42), 'A'.repeat(44), `${'A'.repeat(42)}.`, '']) {
      setUp.cookies.set(sessionName, id)
      expect(await setUp.login.session(setUp.facts('/'))).toBeUndefined()
    }
    expect(asked).toEqual([])
    await setUp.signIn()
    expect((await setUp.login.session(setUp.facts('/')))?.account.subject).toBe('alice')
    for (const wrong of ['garbage', '{}', '']) {
      text = wrong
      expect(await setUp.login.session(setUp.facts('/'))).toBeUndefined()
    }
    text = undefined
    const out = await setUp.send('/auth/logout', { method: 'POST', headers: { ...asPage, origin: appUrl } })
    expect(setCookiesOf(out)).toEqual([`${sessionName}=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax`])
  })

  it('keeps 64 KiB of a session, and says of a store that fails which it is', async () => {
    const kept = async (filler: number) => {
      let length = 0
      const store = createMemorySessionStore()
      const sessions: SessionStore = {
        ...store,
        set(key, text, ttlMs) {
          length = text.length
          return store.set(key, text, ttlMs)
        },
      }
      const setUp = setUpWebLogin({ sessions, tokens: false, onLogin: () => ({ data: { text: 'x'.repeat(filler) } }) })
      return { ...setUp, status: (await setUp.signIn()).status, length: () => length }
    }
    const least = (await kept(0)).length()
    const full = await kept(65_536 - least)
    expect([full.status, full.length()]).toEqual([303, 65_536])
    expect((await kept(65_537 - least)).status).toBe(400)
    const cause = new Error('down')
    const set = () => Promise.reject(cause)
    const failing = setUpWebLogin({ sessions: { ...createMemorySessionStore(), set }, tokens: false })
    expect((await failing.signIn()).status).toBe(503)
    expect(failing.events.filter(({ type }) => type === 'login.failed' || type === 'session.created')).toEqual([])
    const get = () => Promise.reject(cause)
    const unread = setUpWebLogin({ sessions: { ...createMemorySessionStore(), get }, tokens: false })
    unread.cookies.set(sessionName, 'A'.repeat(43))
    await expect(unread.login.session(unread.facts('/'))).rejects.toMatchObject({ detail: 'session store', cause })
  })

  it('[A12] answers 503 where a store throws at once, or gives what is no promise of ours', async () => {
    const store = createMemorySessionStore()
    let reading: SessionStore['get'] = store.get
    const setUp = setUpWebLogin({ tokens: false, sessions: { ...store, get: (key) => reading(key) } })
    await setUp.signIn()
    const guard = setUp.login.guard()
    reading = () => {
      throw new Error('CANARY')
    }
    expect(await guard(setUp.facts('/me'))).toMatchObject({ ok: false, answer: { status: 503 } })
    await expect(setUp.login.session(setUp.facts('/'))).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    // biome-ignore lint/suspicious/noThenProperty: promises of query builders are of no class
    reading = (key) => ({ then: (done: (text: unknown) => void) => done(store.get(key)) }) as never
    expect(await guard(setUp.facts('/me'))).toMatchObject({ ok: true, login: { provider: 'corporate' } })
  })

  it('[A13] judges at once where nothing waits: neither for the session of a page, nor for what has none', async () => {
    const { login, facts, cookies, signIn } = setUpWebLogin()
    await signIn()
    const guard = login.guard()
    expect(guard(facts('/me'))).toMatchObject({ ok: true, login: { account: { subject: 'alice' } } })
    expect(login.handle(facts('/me'))).toBeUndefined()
    expect(login.handle(facts('/me?next=/auth/login'))).toBeUndefined()
    cookies.clear()
    expect(guard(facts('/me'))).toMatchObject({ ok: false, answer: { status: 303 } })
    expect(login.optionalGuard()(facts('/me'))).toMatchObject({ ok: true, login: undefined })
  })

  it('[S2-55] refuses a WebSocket that a page of another origin opens, a subdomain included', async () => {
    const { login, facts, signIn } = setUpWebLogin()
    await signIn()
    const opened = (origin: string, site: string) => {
      const headers = { origin, 'sec-fetch-site': site, 'sec-fetch-mode': 'websocket', upgrade: 'websocket' }
      return login.guard()(facts('/live', { headers }))
    }
    expect(await opened(appUrl, 'same-origin')).toMatchObject({ ok: true })
    for (const origin of ['https://evil.example.com', 'https://evil.example', 'http://app.example.com']) {
      expect(await opened(origin, 'same-site'), origin).toMatchObject({ ok: false, answer: { status: 403 } })
    }
    expect(await login.guard()(facts('/live', { headers: { upgrade: 'websocket' } }))).toMatchObject({ ok: true })
  })

  it('[S2-55] lets what only reads come from anywhere, and what changes something from its own pages alone', async () => {
    const { login, facts, signIn } = setUpWebLogin()
    await signIn()
    const passes = async (method: string, headers: Record<string, string>) =>
      (await login.guard()(facts('/me', { method, headers }))).ok
    const elsewhere = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
    const methods = ['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE', 'get', 'QUERY']
    const judged = async (headers: Record<string, string>) => {
      const passing: string[] = []
      for (const method of methods) if (await passes(method, headers)) passing.push(method)
      return passing
    }
    expect(await judged(elsewhere)).toEqual(['GET', 'HEAD', 'OPTIONS'])
    expect(await judged({ 'sec-fetch-site': 'cross-site' })).toEqual(['GET', 'HEAD', 'OPTIONS'])
    expect(await judged({ origin: appUrl })).toEqual(methods)
    const accepted = await login.guard()(facts('/me'))
    expect(accepted).toHaveProperty('headers', { 'Cache-Control': 'private' })
  })

  it('sends a user round again whose login is too old, or was another provider’s', async () => {
    const { login, facts, time, signIn } = setUpWebLogin()
    await signIn('/auth/login', { auth_time: 1_800_000_000 })
    const recent = login.guard({ maxAgeSeconds: 300, returnTo: '/pay' })
    expect(await recent(facts('/pay'))).toMatchObject({ ok: true })
    time.nowMs += 301_000
    expect(await recent(facts('/pay?x'))).toMatchObject({
      answer: { status: 303, headers: { Location: `${appUrl}/auth/login/corporate?returnTo=%2Fpay&max_age=300` } },
    })
    const asked = await recent(facts('/pay', { headers: asScript }))
    expect(asked).toMatchObject({ answer: { status: 401 } })
    expect(asked.ok ? '' : asked.answer.body).toContain('insufficient_user_authentication')
    expect(await login.guard({ provider: 'corporate' })(facts('/'))).toMatchObject({ ok: true })
    expect(await login.guard({ acrValues: ['mfa'] })(facts('/'))).toMatchObject({ ok: false })
  })

  it('asks those to sign in whose provider does not say how or when they did', async () => {
    const { login, facts, signIn } = setUpWebLogin()
    await signIn()
    expect(await login.guard({ maxAgeSeconds: 300 })(facts('/'))).toMatchObject({ ok: false })
    expect(await login.guard({ acrValues: ['mfa'] })(facts('/'))).toMatchObject({ ok: false })
    expect(await login.optionalGuard()(facts('/'))).toMatchObject({ ok: true, login: { provider: 'corporate' } })
  })

  it('hands a fault of its surroundings to the framework', async () => {
    const { login, facts } = setUpWebLogin()
    const bug = {
      ...facts('/'),
      headerValues(name: string): readonly string[] {
        if (name === 'cookie') throw new TypeError('a bug')
        return []
      },
    }
    await expect(login.guard()(bug)).rejects.toThrow('a bug')
  })

  it('redirects also what is no page where it is told to', async () => {
    const { login, facts } = setUpWebLogin()
    const result = await login.guard({ onApi: 'redirect' })(facts('/feed', { headers: asScript }))
    expect(result).toMatchObject({
      answer: { status: 303, headers: { Location: `${appUrl}/auth/login?returnTo=%2Ffeed` } },
    })
  })

  it('[A15] makes URLs of its configuration alone, also behind a proxy that cuts off a part of the path', async () => {
    const { login, facts, send } = setUpWebLogin({ baseUrl: `${appUrl}/tools/` })
    const headers = { ...asPage, host: 'evil.example', 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'http' }
    for (const path of ['/auth/login', '/tools/auth/login']) {
      const out = await send(path, { headers })
      const redirectUri = new URL(String(out.headers['Location'])).searchParams.get('redirect_uri')
      expect(redirectUri).toBe(`${appUrl}/tools/auth/callback/corporate`)
    }
    const asked = async (target: string) => {
      const result = await login.guard()(facts(target, { headers }))
      return result.ok ? undefined : result.answer.headers['Location']
    }
    expect(await asked('/page')).toBe(`${appUrl}/tools/auth/login?returnTo=%2Ftools%2Fpage`)
    expect(await asked('/tools')).toBe(`${appUrl}/tools/auth/login?returnTo=%2Ftools`)
    expect(await asked('/tools?x=1')).toBe(`${appUrl}/tools/auth/login?returnTo=%2Ftools%3Fx%3D1`)
    expect(await asked('/toolsmith')).toBe(`${appUrl}/tools/auth/login?returnTo=%2Ftools%2Ftoolsmith`)
    expect(await asked('/tools/page')).toBe(`${appUrl}/tools/auth/login?returnTo=%2Ftools%2Fpage`)
    expect(await asked('http://evil.example/page')).toBe(`${appUrl}/tools/auth/login?returnTo=%2Ftools%2Fpage`)
    expect(await asked('//evil.example/page')).toBe(`${appUrl}/tools/auth/login`)
    expect(await asked('http://[')).toBe(`${appUrl}/tools/auth/login`)
    expect(await login.handle(facts('http://[/auth/login'))).toBeUndefined()
  })

  it('works on http on this machine, without what browsers refuse there', async () => {
    const { send, signIn } = setUpWebLogin({ baseUrl: 'http://localhost:3000', allowInsecureLoopback: true })
    const out = await send('/auth/login')
    expect(setCookiesOf(out)).toEqual([
      expect.stringMatching(/^pc_txn_[\w-]{16}=v1[^;]+; Path=\/; Max-Age=600; HttpOnly; SameSite=Lax$/),
    ])
    const back = await signIn()
    expect(back.headers['Location']).toBe('http://localhost:3000/')
    expect(setCookiesOf(back).at(-1)).toMatch(/^pc_session=[\w-]{43}; Path=\/; Max-Age=604800; HttpOnly; SameSite=Lax$/)
  })

  it('ends a session of before with the next login, its tokens included', async () => {
    const { login, facts, cookies, signIn, events } = setUpWebLogin()
    await signIn()
    const [before, first] = [cookies.get(sessionName) as string, await login.session(facts('/'))]
    await signIn('/auth/login', { sub: 'bob' })
    expect(cookies.get(sessionName)).not.toBe(before)
    expect((await login.session(facts('/')))?.account.subject).toBe('bob')
    cookies.set(sessionName, before)
    expect(await login.session(facts('/'))).toBeUndefined()
    await expect(first?.tokens?.getToken()).rejects.toMatchObject({ code: 'ERR_REAUTHENTICATION_REQUIRED' })
    const told = events.filter(({ type }) => type.startsWith('session.'))
    expect(told).toEqual([
      { type: 'session.created', provider: 'corporate' },
      { type: 'session.created', provider: 'corporate' },
      { type: 'session.ended', provider: 'corporate', reason: 'replaced' },
    ])
  })

  it('refuses users whom onLogin refuses, and tells the framework of anything else it throws', async () => {
    const { send, begin } = setUpWebLogin({
      onLogin() {
        throw new AccessDeniedError()
      },
    })
    const refused = await send(await begin())
    expect([refused.status, refused.body.includes('No access')]).toEqual([403, true])
    const notJson = setUpWebLogin({ onLogin: () => ({ data: 'admin' as never }) })
    await expect(notJson.begin().then(notJson.send)).rejects.toMatchObject({
      code: 'ERR_INTERNAL',
      callback: 'onLogin',
    })
    const large = setUpWebLogin({ onLogin: async () => ({ data: { text: 'x'.repeat(70_000) } }) })
    const tooLarge = await large.begin().then(large.send)
    expect([tooLarge.status, String(tooLarge.body).includes('ERR_SESSION_TOO_LARGE')]).toEqual([400, true])
    const silent = setUpWebLogin({ onLogin: () => undefined })
    expect((await silent.signIn()).status).toBe(303)
  })

  it('keeps the claims it was told to keep, of userinfo too', async () => {
    const { login, facts, signIn, server } = setUpWebLogin({ claims: ['team', 'constructor'] })
    server.script('/userinfo', answer({ sub: 'alice', team: 'red', email: 'a@example.com' }))
    await signIn('/auth/login', { team: 'blue', email: 'a@example.com' })
    expect(await login.session(facts('/'))).toMatchObject({ claims: { team: 'blue' }, userInfo: {} })
    expect(Object.keys((await login.session(facts('/')))?.claims ?? {})).toEqual(['team'])
  })
})
