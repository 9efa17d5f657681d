import { createMemoryTokenStore } from 'portcullis/login'
import { describe, expect, it } from 'vitest'
import { answer, tokens } from '../../../support/fake-token-endpoint.js'
import { requestFacts } from '../../../support/request-facts.js'
import { appUrl, asPage, asScript, setCookiesOf, setUpWebLogin } from '../../../support/web-login-set-up.js'

const sessionName = '__Host-pc_session'
const ownPost = { method: 'POST', headers: { ...asPage, origin: appUrl } }

describe('/login', () => {
  it('passes on what the address asks for, and refuses what cannot be right', async () => {
    const { send } = setUpWebLogin()
    const query = 'prompt=login%20consent&login_hint=a%40example.com&max_age=60&acr_values=mfa%20pwd'
    const out = await send(`/auth/login/corporate?${query}`)
    expect(Object.fromEntries(new URL(String(out.headers['Location'])).searchParams)).toMatchObject({
      prompt: 'login consent',
      login_hint: 'a@example.com',
      max_age: '60',
      acr_values: 'mfa pwd',
      redirect_uri: `${appUrl}/auth/callback/corporate`,
      code_challenge_method: 'S256',
    })
    const wrong = ['prompt=now', 'login_hint=', `login_hint=${'x'.repeat(257)}`, 'max_age=-1', 'max_age=1e9']
    for (const one of [...wrong, 'acr_values=a%20%20b', `acr_values=${'x'.repeat(513)}`]) {
      const refused = await send(`/auth/login?${one}`)
      expect([one, refused.status, setCookiesOf(refused)]).toEqual([one, 400, []])
    }
  })

  it('takes every prompt there is, hints of 256 characters and ways of 512, and answers in words', async () => {
    const { send } = setUpWebLogin()
    const json = { headers: { accept: 'application/json', 'sec-fetch-mode': 'navigate' } }
    const right = ['none', 'login', 'consent', 'select_account', 'create'].map((prompt) => `prompt=${prompt}`)
    for (const one of [
      ...right,
      `login_hint=${'x'.repeat(256)}`,
      `acr_values=${'x'.repeat(512)}`,
      'max_age=12345678',
    ]) {
      expect([one, (await send(`/auth/login?${one}`, json)).status]).toEqual([one, 303])
    }
    const wrong = [
      'prompt=login%20now',
      'prompt=',
      'login_hint=',
      'acr_values=%20a',
      'acr_values=a%20',
      'acr_values=',
      'acr_values=%C3%A4',
    ]
    for (const one of [...wrong, 'max_age=123456789', 'max_age=a1', 'max_age=1a', 'max_age=']) {
      const { status, body } = await send(`/auth/login?${one}`, json)
      expect([one, status, JSON.parse(body)]).toEqual([
        ...[one, 400],
        { error: 'invalid_request', error_description: 'A parameter of the address cannot be right.' },
      ])
    }
    const page = await send('/auth/login?prompt=now')
    expect(page.body).toContain('<h1>The login did not start</h1>')
    expect(page.body).toContain(`href="${appUrl}/auth/login/corporate"`)
  })

  it('starts no login for a hint of a prefetch, also without any other field', async () => {
    const { send } = setUpWebLogin()
    for (const name of ['sec-fetch-mode', 'sec-purpose', 'purpose', 'next-router-prefetch']) {
      expect([name, (await send('/auth/login', { headers: { [name]: 'prefetch' } })).status]).toEqual([name, 401])
    }
  })

  it('asks the provider for the answer that is wanted, by a cookie that comes back with it', async () => {
    const http = { baseUrl: 'http://localhost:3000', allowInsecureLoopback: true } as const
    for (const [options, mode, sameSite] of [
      [{}, null, 'Lax'],
      [{ responseMode: 'form_post' }, 'form_post', 'None'],
      [http, null, 'Lax'],
      [{ ...http, responseMode: 'form_post' }, 'form_post', 'Lax'],
    ] as const) {
      const out = await setUpWebLogin(options).send('/auth/login')
      expect(new URL(String(out.headers['Location'])).searchParams.get('response_mode')).toBe(mode)
      expect(setCookiesOf(out).map((line) => line.replace(/.*SameSite=/, ''))).toEqual([sameSite])
    }
  })

  it('leads to `/` where nothing else was asked for', async () => {
    const told: unknown[] = []
    const { begin, send } = setUpWebLogin({ onError: (_error, { returnTo }) => void told.push(returnTo) })
    for (const query of ['', '?returnTo=https://evil.example', '?returnTo=/me']) {
      await send((await begin(`/auth/login${query}`)).replace(/code=[^&]+/, 'error=login_required'))
    }
    expect(told).toEqual(['/', '/', '/me'])
  })

  it('starts no login for what is fetched ahead of time or by a script', async () => {
    const { send } = setUpWebLogin()
    const hints = [
      { 'sec-purpose': 'prefetch;prerender' },
      { purpose: 'prefetch' },
      { 'next-router-prefetch': '1' },
      { 'sec-fetch-mode': 'cors' },
      { 'sec-fetch-mode': 'no-cors' },
    ]
    for (const hint of hints) {
      const refused = await send('/auth/login', { headers: { ...asPage, ...hint } as Record<string, string> })
      expect([refused.status, refused.body, setCookiesOf(refused)]).toEqual([401, '{"error":"login_required"}', []])
    }
    expect((await send('/auth/login', { headers: {} })).status).toBe(303)
  })

  it('lists the providers for programs too, and escapes what it shows', async () => {
    const { provider } = setUpWebLogin()
    const odd = { ...provider, name: 'other' }
    const { send } = setUpWebLogin({ providers: [provider, odd] })
    const listed = await send('/auth/login?returnTo=%2Fa%22%3E%3Cb%3E', { headers: { accept: 'application/json' } })
    const { providers } = JSON.parse(listed.body)
    expect(providers.map(({ name }: { name: string }) => name)).toEqual(['corporate', 'other'])
    const way = 'returnTo=%2Fa%22%3E%3Cb%3E'.replace('%22%3E%3Cb%3E', '%2522%253E%253Cb%253E')
    expect(providers.map(({ url }: { url: string }) => url)).toEqual(
      ['corporate', 'other'].map((one) => `${appUrl}/auth/login/${one}?${way}`),
    )
    const whole = (await send('/auth/login')).body
    expect(whole).toContain('<h1>Sign in with</h1>')
    expect(whole).toContain(
      `<ul>\n<li><a class="b" href="${appUrl}/auth/login/corporate">corporate</a></li>\n<li><a class="b" href="${appUrl}/auth/login/other">other</a></li>\n</ul>`,
    )
    expect((await send('/auth/login?returnTo=%2F')).body).toContain(`href="${appUrl}/auth/login/corporate"`)
    const laidOut = setUpWebLogin({ providers: [provider, odd], pages: ({ kind, main }) => `${kind}: ${main}` })
    expect((await laidOut.send('/auth/login')).body).toMatch(/^providers: <ul>/)
    const page = await send('/auth/login?returnTo=%2Fa%3Fb%3D%22%3E%3Cscript%3E')
    expect(page.body).not.toContain('<script>')
    expect(page.headers['Content-Security-Policy']).toMatch(
      /^default-src 'none'; style-src 'nonce-[\w-]{22}'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'$/,
    )
  })

  it('limits how many logins a client starts', async () => {
    const { send, events } = setUpWebLogin({ limit: { max: 2 } })
    const start = async () => (await send('/auth/login', { remoteAddress: '192.0.2.1' })).status
    expect([await start(), await start(), await start()]).toEqual([303, 303, 429])
    const limited = await send('/auth/login', { remoteAddress: '192.0.2.1' })
    expect([limited.headers['Retry-After'], setCookiesOf(limited)]).toEqual(['30', []])
    expect(limited.body).toContain('<h1>Too many logins</h1>\n<p>Please wait a minute before you try again.</p>')
    const program = await send('/auth/login', { remoteAddress: '192.0.2.1', headers: {} })
    expect(JSON.parse(program.body).error).toBe('rate_limited')
    expect(events).toContainEqual({ type: 'login.limited', provider: 'corporate' })
    const open = setUpWebLogin({ limit: false })
    for (let count = 0; count < 12; count += 1) {
      expect((await open.send('/auth/login', { remoteAddress: '192.0.2.1' })).status).toBe(303)
    }
  })

  it('[A12] answers 503 where the provider cannot be reached', async () => {
    const { send, server } = setUpWebLogin()
    server.script('/.well-known/openid-configuration', () => Promise.reject(new Error('down')))
    const answered = await send('/auth/login', { headers: { accept: 'application/json' } })
    expect([answered.status, JSON.parse(answered.body).error]).toEqual([503, 'temporarily_unavailable'])
  })
})

describe('the cookies of logins under way', () => {
  const transactions = (cookies: Map<string, string>) => [...cookies.keys()].filter((name) => name.includes('txn'))

  it('[A5] are one per tab, three at most, and gone after a login', async () => {
    const { begin, send, cookies, time, server } = setUpWebLogin()
    const tabs: string[] = []
    for (let tab = 0; tab < 10; tab += 1) {
      time.nowMs += 300
      tabs.push(await begin(`/auth/login?returnTo=%2Ftab%2F${tab}`))
      expect(transactions(cookies).length).toBeLessThanOrEqual(3)
    }
    const whole = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    expect(whole.length).toBeLessThan(4096)
    for (const old of tabs.slice(0, 7)) expect((await send(old)).status).toBe(400)
    expect(transactions(cookies)).toHaveLength(3)
    const back = await send(tabs[9] as string)
    expect([back.status, back.headers['Location']]).toEqual([303, `${appUrl}/tab/9`])
    expect([...cookies.keys()]).toEqual([sessionName])
    expect(server.at('/token')).toHaveLength(1)
  })

  it('[A5] make room for each other by length, and drop a long way back rather than be dropped', async () => {
    const { send, cookies, time } = setUpWebLogin()
    const long = `/auth/login?returnTo=%2F${'a'.repeat(2000)}`
    for (let tab = 0; tab < 3; tab += 1) {
      time.nowMs += 1000
      const lines = setCookiesOf(await send(long))
      for (const line of lines) expect(line.length).toBeLessThanOrEqual(4096)
    }
    expect(transactions(cookies)).toHaveLength(1)
    const hints = `&acr_values=${'y'.repeat(500)}`
    const lines = setCookiesOf(await send(long + hints))
    expect((lines.at(-1) as string).length).toBeLessThanOrEqual(4096)
  })

  it('take the place of others that do not open or are over', async () => {
    const { send, cookies, time } = setUpWebLogin()
    for (const name of ['a', 'b', 'c', 'd']) cookies.set(`__Host-pc_txn_${name}`, 'v1.k1.x.y')
    await send('/auth/login')
    expect(transactions(cookies)).toHaveLength(1)
    time.nowMs += 601_000
    await send('/auth/login')
    expect(transactions(cookies)).toHaveLength(1)
  })

  it('are for the POST of a provider where providers post', async () => {
    const { send } = setUpWebLogin({ responseMode: 'form_post' })
    const out = await send('/auth/login')
    expect(new URL(String(out.headers['Location'])).searchParams.get('response_mode')).toBe('form_post')
    expect(setCookiesOf(out)[0]).toMatch(/; HttpOnly; Secure; SameSite=None$/)
  })
})

describe('/callback', () => {
  it.each([
    ['a state of another login', (url: string) => url.replace(/state=[^&]+/, 'state=other'), 'ERR_LOGIN_TRANSACTION'],
    ['no state', (url: string) => url.replace(/&state=[^&]+/, ''), 'ERR_LOGIN_TRANSACTION'],
    ['an error without a state', () => '/auth/callback/corporate?error=access_denied', 'ERR_LOGIN_TRANSACTION'],
    ['a parameter twice', (url: string) => `${url}&code=other`, 'ERR_LOGIN_RESPONSE'],
    ['the issuer of another server', (url: string) => `${url}&iss=https://evil.example`, 'ERR_LOGIN_ISSUER'],
    ['no code', (url: string) => url.replace(/code=[^&]+&/, ''), 'ERR_LOGIN_RESPONSE'],
  ])('[A6] refuses %s', async (_what, change, code) => {
    const { begin, send, cookies, server } = setUpWebLogin()
    const refused = await send(change(await begin()))
    expect([refused.status, refused.body.includes(code)]).toEqual([400, true])
    expect(refused.body).not.toContain('CANARY')
    expect(cookies.has(sessionName)).toBe(false)
    expect(server.at('/token')).toHaveLength(0)
  })

  it('[A6] refuses an answer that was used before, and one that comes too late', async () => {
    const { begin, send, cookies, time } = setUpWebLogin()
    const url = await begin()
    const kept = new Map(cookies)
    expect((await send(url)).status).toBe(303)
    cookies.clear()
    for (const [name, value] of kept) cookies.set(name, value)
    const replayed = await send(url)
    expect([replayed.status, replayed.body.includes('ERR_LOGIN_TRANSACTION')]).toEqual([400, true])
    const late = await begin()
    time.nowMs += 601_000
    expect((await send(late)).status).toBe(400)
  })

  it('[A6] refuses the answer of one provider at the address of another', async () => {
    const { provider } = setUpWebLogin()
    const other = { ...provider, name: 'other' }
    const { begin, send } = setUpWebLogin({ providers: [provider, other] })
    const url = await begin('/auth/login/corporate')
    const refused = await send(url.replace('/corporate', '/other'), { headers: { accept: 'application/json' } })
    expect([refused.status, JSON.parse(refused.body).error]).toEqual([400, 'login_failed'])
  })

  it('says that the user said no, and nothing the server wrote', async () => {
    const { begin, send } = setUpWebLogin()
    const url = (await begin('/auth/login?returnTo=%2Fme')).replace(/code=[^&]+/, 'error=access_denied')
    const denied = await send(`${url}&error_description=%3Cb%3ECANARY`)
    expect([denied.status, denied.body.includes('CANARY')]).toEqual([403, false])
    expect(denied.body).toContain(`href="${appUrl}/auth/login/corporate?returnTo=%2Fme"`)
    const failing = await begin()
    const json = await send(failing.replace(/code=[^&]+/, 'error=server_error'), { headers: asScript })
    expect([json.status, JSON.parse(json.body).code]).toEqual([400, 'ERR_LOGIN_REFUSED'])
  })

  it('hands what is no answer of a provider to the framework, and tells who failed where no issuer does', async () => {
    const faulty = setUpWebLogin({}, (one) => ({ ...one, redeem: () => Promise.reject(new TypeError('a bug')) }))
    await expect(faulty.begin().then(faulty.send)).rejects.toThrow('a bug')
    const nameless = setUpWebLogin({}, (one) => ({ ...one, issuer: undefined }))
    await nameless.send('/auth/callback/corporate?state=other')
    expect(nameless.events).toContainEqual({
      type: 'login.failed',
      provider: 'corporate',
      issuer: 'corporate',
      code: 'ERR_LOGIN_TRANSACTION',
    })
  })

  it('[SEC-05] takes a form that the application parsed, and tells the framework where nothing did', async () => {
    const { begin, login, cookies } = setUpWebLogin()
    const url = new URL(await begin(), appUrl)
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    const posted = (formBody: () => Record<string, unknown> | undefined) =>
      login.handle({
        ...requestFacts({ method: 'POST', url: url.pathname, headers: { cookie, ...form, accept: 'text/html' } }),
        formBody,
      })
    await expect(posted(() => undefined)).rejects.toThrow(/Nothing parsed the form of a login/)
    const twice = await posted(() => ({ ...Object.fromEntries(url.searchParams), code: ['a', 'b'] }))
    expect(twice?.body).toContain('ERR_LOGIN_RESPONSE')
    expect((await posted(() => Object.fromEntries(url.searchParams)))?.status).toBe(303)
  })
})

describe('the routes', () => {
  const own = { method: 'POST', headers: { ...asScript, origin: appUrl } }
  const failure = (error: string, sentence: string) => ({ error, error_description: sentence })
  const nothing = failure('not_found', 'This address does not belong to any part of the login.')

  it.each([
    ['GET', '/auth/', 404, nothing, undefined],
    ['GET', '/auth/other', 404, nothing, undefined],
    ['GET', '/auth/constructor', 404, nothing, undefined],
    ['GET', '/auth/status/corporate', 404, nothing, undefined],
    ['GET', '/auth/logout/corporate', 404, nothing, undefined],
    ['GET', '/auth/login/other', 404, nothing, undefined],
    ['GET', '/auth/login/corporate/more', 404, nothing, undefined],
    ['GET', '/auth/callback', 404, nothing, undefined],
    ['GET', '/auth/callback/other', 404, nothing, undefined],
    ['PUT', '/auth/status', 405, failure('method_not_allowed', 'This address takes GET.'), 'GET'],
    ['POST', '/auth/userinfo', 405, failure('method_not_allowed', 'This address takes GET.'), 'GET'],
    ['GET', '/auth/refresh', 405, failure('method_not_allowed', 'This address takes POST.'), 'POST'],
    [
      'GET',
      '/auth/backchannel-logout/corporate',
      405,
      failure('method_not_allowed', 'This address takes POST.'),
      'POST',
    ],
    ['DELETE', '/auth/logout', 405, failure('method_not_allowed', 'This address takes GET, POST.'), 'GET, POST'],
    ['provider', '/auth/login', 405, failure('method_not_allowed', 'This address takes GET.'), 'GET'],
    [
      'POST',
      '/auth/logout',
      403,
      failure('cross_site', 'This can only be done from a page of this application.'),
      undefined,
    ],
    [
      'POST',
      '/auth/refresh',
      403,
      failure('cross_site', 'This can only be done from a page of this application.'),
      undefined,
    ],
    ['GET', '/auth/status', 200, { authenticated: false }, undefined],
    ['GET', '/auth/userinfo', 401, { error: 'not_authenticated' }, undefined],
  ])('answer %s %s by %d', async (method, path, status, body, allow) => {
    const { send } = setUpWebLogin()
    const answered = await send(path, { method, headers: { accept: 'application/json' } })
    expect([answered.status, JSON.parse(answered.body), answered.headers['Allow']]).toEqual([status, body, allow])
  })

  it.each([
    ['GET', '/auth/other', 'There is nothing here'],
    ['PUT', '/auth/status', 'Not that way'],
    ['POST', '/auth/logout', 'Not from here'],
  ])('say it to people: %s %s, %s', async (method, path, title) => {
    const { send } = setUpWebLogin()
    expect((await send(path, { method })).body).toContain(`<h1>${title}</h1>`)
  })

  it('say who is signed in, and no more', async () => {
    const { send, signIn } = setUpWebLogin({ claims: ['email'] })
    await signIn('/auth/login', { email: 'a@example.com', other: 1 }, { refresh_token: 'CANARY-refresh' })
    const asked = async (path: string, further = {}) =>
      JSON.parse((await send(path, { headers: asScript, ...further })).body)
    expect(await asked('/auth/status')).toEqual({
      ...{ authenticated: true, subject: 'alice', provider: 'corporate', expires_at: 1_800_604_800 },
    })
    expect(await asked('/auth/userinfo')).toEqual({
      account: { issuer: 'https://as.example', subject: 'alice' },
      ...{ claims: { email: 'a@example.com' }, userInfo: {} },
    })
    expect(await asked('/auth/refresh', own)).toEqual({ success: true, expires_in: 3600, token_type: 'Bearer' })
  })

  it('say that no new token is to be had for now', async () => {
    const { send, signIn, server } = setUpWebLogin()
    const nobody = await send('/auth/refresh', own)
    expect([nobody.status, nobody.body]).toEqual([401, '{"error":"not_authenticated"}'])
    await signIn('/auth/login', {}, { refresh_token: 'CANARY-refresh' })
    server.script('/token', answer({ error: 'temporarily_unavailable' }, 503))
    const down = await send('/auth/refresh', own)
    expect(JSON.parse(down.body)).toEqual({ error: 'temporarily_unavailable', code: 'ERR_UNAVAILABLE' })
    expect(down.headers).toEqual({ ...nobody.headers, 'Retry-After': '5' })
  })

  it('ask before they sign a user out, in a form that may lead to the provider', async () => {
    const { send, signIn } = setUpWebLogin()
    await signIn()
    const { status, body, headers } = await send('/auth/logout')
    expect([status, headers['Referrer-Policy'], headers['Content-Security-Policy']]).toEqual([
      ...[200, 'same-origin', expect.not.stringContaining('form-action')],
    ])
    expect(body).toContain('<h1>Do you want to sign out?</h1>')
    expect(body).toContain(`<form method="post" action="${appUrl}/auth/logout"><button>Sign out</button></form>`)
  })

  it('name the user to the provider only where the ID token does not', async () => {
    const asked: unknown[] = []
    let idToken: string | undefined
    const setUp = setUpWebLogin({ tokens: false }, (one) => ({
      ...one,
      async redeem(...about) {
        const result = await one.redeem(...about)
        return { ...result, tokens: { ...result.tokens, idToken } }
      },
      async endSessionUrl(about) {
        asked.push(about)
        return 'https://as.example/logout'
      },
    }))
    for (const length of [10, 1500, 1501, undefined]) {
      idToken = length === undefined ? undefined : 'x'.repeat(length)
      await setUp.signIn()
      await setUp.send('/auth/logout', ownPost)
      expect(asked.splice(0)).toEqual([
        {
          idTokenHint: idToken,
          logoutHint: length === 10 || length === 1500 ? undefined : 'alice',
          postLogoutRedirectUri: `${appUrl}/`,
        },
      ])
    }
  })
})

describe('/refresh', () => {
  const post = { method: 'POST', headers: { ...asScript, origin: appUrl } }

  it('says why there is no new token', async () => {
    const nobody = setUpWebLogin()
    expect((await nobody.send('/auth/refresh', post)).status).toBe(401)
    const without = setUpWebLogin({ tokens: false })
    await without.signIn()
    const none = await without.send('/auth/refresh', post)
    expect([none.status, none.body]).toEqual([400, '{"error":"no_refresh_token"}'])
    const { signIn, send, server } = setUpWebLogin()
    await signIn()
    expect((await send('/auth/refresh', post)).body).toBe('{"error":"no_refresh_token"}')
    await signIn('/auth/login', {}, { refresh_token: 'CANARY-refresh' })
    server.script('/token', answer({ error: 'temporarily_unavailable' }, 503))
    const down = await send('/auth/refresh', post)
    expect([down.status, down.headers['Retry-After']]).toEqual([503, '5'])
  })

  it('says that the user has to sign in again', async () => {
    const { signIn, send, server } = setUpWebLogin()
    await signIn('/auth/login', {}, { refresh_token: 'CANARY-refresh' })
    server.script('/token', answer({ error: 'invalid_grant' }, 400))
    const over = await send('/auth/refresh', post)
    expect([over.status, JSON.parse(over.body)]).toEqual([
      401,
      { error: 'reauthentication_required', reason: 'invalid_grant' },
    ])
  })

  it('says nothing of an end that the server did not tell', async () => {
    const { signIn, send, server } = setUpWebLogin()
    await signIn('/auth/login', {}, { refresh_token: 'CANARY-refresh' })
    server.script('/token', tokens({ refresh_token: 'CANARY-next', expires_in: undefined }))
    expect(JSON.parse((await send('/auth/refresh', post)).body)).toEqual({ success: true, token_type: 'Bearer' })
  })
})

describe('/logout', () => {
  it('[LOGO-01] revokes the tokens, and goes on to the provider', async () => {
    const { signIn, send, server, events } = setUpWebLogin({ postLogoutRedirect: '/bye' })
    server.metadata = { ...server.metadata, revocation_endpoint: 'https://as.example/revoke' }
    server.script('/revoke', answer({}))
    await signIn('/auth/login', {}, { refresh_token: 'CANARY-refresh' })
    const out = await send('/auth/logout', ownPost)
    const url = new URL(String(out.headers['Location']))
    expect(url.origin + url.pathname).toBe('https://as.example/logout')
    expect(url.searchParams.get('post_logout_redirect_uri')).toBe(`${appUrl}/bye`)
    expect(url.searchParams.has('id_token_hint')).toBe(true)
    expect(server.at('/revoke').length).toBeGreaterThan(0)
    expect(events).toContainEqual({ type: 'session.ended', provider: 'corporate', reason: 'logout' })
  })

  it('stays here where it is told to, where the provider has no page, and where nobody is signed in', async () => {
    const local = setUpWebLogin({ logoutAtProvider: false, postLogoutRedirect: 'https://www.example.com/' })
    await local.signIn()
    expect((await local.send('/auth/logout', ownPost)).headers['Location']).toBe('https://www.example.com/')
    const broken = setUpWebLogin({}, (one) => ({ ...one, endSessionUrl: () => Promise.reject(new Error('down')) }))
    await broken.signIn()
    expect((await broken.send('/auth/logout', ownPost)).headers['Location']).toBe(`${appUrl}/`)
    const nobody = setUpWebLogin()
    expect((await nobody.send('/auth/logout')).headers['Location']).toBe(`${appUrl}/`)
    expect((await nobody.send('/auth/logout', ownPost)).status).toBe(303)
  })

  it('is a logout also where the tokens cannot be deleted', async () => {
    const store = createMemoryTokenStore()
    let isDown = false
    const failing = <T>(work: () => Promise<T>) => (isDown ? Promise.reject(new Error('down')) : work())
    const { signIn, send, login, facts } = setUpWebLogin({
      tokens: {
        store: {
          ...store,
          get: (key) => failing(() => store.get(key)),
          delete: (key) => failing(() => store.delete(key)),
          replace: (...about) => failing(() => store.replace(...about)),
        },
      },
    })
    await signIn()
    isDown = true
    expect((await send('/auth/logout', ownPost)).status).toBe(303)
    expect(await login.session(facts('/'))).toBeUndefined()
  })

  it('names the user where the ID token is too long for a URL', async () => {
    const { signIn, send } = setUpWebLogin()
    await signIn('/auth/login', { filler: 'x'.repeat(2000) })
    const url = new URL(String((await send('/auth/logout', ownPost)).headers['Location']))
    expect([url.searchParams.get('logout_hint'), url.searchParams.has('id_token_hint')]).toEqual(['alice', false])
  })

  it.each([
    ['another origin', { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }, 403],
    ['a sibling of the origin', { origin: 'https://www.example.com', 'sec-fetch-site': 'same-site' }, 403],
    ['an origin that lies about its site', { origin: 'https://evil.example', 'sec-fetch-site': 'same-origin' }, 403],
    ['nobody in particular', {}, 403],
    ['a sandboxed page', { origin: 'null', 'sec-fetch-site': 'cross-site' }, 403],
    ['an opaque origin alone', { origin: 'null' }, 403],
    ['the same origin, by its site', { 'sec-fetch-site': 'same-origin' }, 303],
    ['the same origin, with no origin to show', { origin: 'null', 'sec-fetch-site': 'same-origin' }, 303],
  ])('[S2-55] asked by %s answers as it should', async (_who, headers, status) => {
    const { signIn, send, login, facts } = setUpWebLogin()
    await signIn()
    const out = await send('/auth/logout', {
      method: 'POST',
      headers: { ...asPage, ...headers } as Record<string, string>,
    })
    expect(out.status).toBe(status)
    expect((await login.session(facts('/'))) === undefined).toBe(status === 303)
  })
})
