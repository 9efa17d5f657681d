import { AccessDeniedError, createMemoryTokenStore, type LoginOptions } from 'portcullis/login'
import { describe, expect, it } from 'vitest'
import { answer, tokens } from '../../../support/fake-token-endpoint.js'
import { appUrl, asScript, setCookiesOf, setUpWebLogin } from '../../../support/web-login-set-up.js'

const sessionName = '__Host-pc_session'
const mode = 'urn:example:mfa'

describe('a better login that comes back with another user', () => {
  const stepUp = `/auth/login/corporate?acr_values=${mode}&returnTo=/transfers/7`

  async function alice(options: Partial<LoginOptions> = {}) {
    const seen: unknown[] = []
    const setUp = setUpWebLogin({
      onLogin({ account }, { previous }) {
        seen.push(previous?.account.subject)
        return { data: { basket: account.subject } }
      },
      ...options,
    })
    setUp.server.metadata = { ...setUp.server.metadata, revocation_endpoint: 'https://as.example/revoke' }
    setUp.server.script('/revoke', answer({}))
    await setUp.signIn('/auth/login', {}, { refresh_token: 'CANARY-of-alice' })
    const session = await setUp.login.session(setUp.facts('/'))
    const revoked = () => setUp.server.at('/revoke').map(({ form }) => form.get('token'))
    return { ...setUp, seen, session, id: setUp.cookies.get(sessionName) as string, revoked }
  }

  it('[S2-56] begins a session of that user alone, and ends the one before with its tokens', async () => {
    const { signIn, login, facts, cookies, id, session, seen, revoked } = await alice()
    await signIn(stepUp, { sub: 'bob', acr: mode }, { refresh_token: 'CANARY-of-bob' })
    expect(await login.session(facts('/'))).toMatchObject({ account: { subject: 'bob' }, data: { basket: 'bob' } })
    expect(seen).toEqual([undefined, 'alice'])
    expect(revoked()).toContain('CANARY-of-alice')
    expect(revoked()).not.toContain('CANARY-of-bob')
    await expect(session?.tokens?.getToken()).rejects.toMatchObject({ code: 'ERR_REAUTHENTICATION_REQUIRED' })
    cookies.set(sessionName, id)
    expect(await login.session(facts('/'))).toBeUndefined()
  })

  it('[S2-56] does not go on where the user before was', async () => {
    const other = await alice()
    const back = await other.signIn(stepUp, { sub: 'bob', acr: mode })
    expect(back.headers['Location']).toBe(`${appUrl}/`)
    const age = await alice()
    const recent = await age.signIn('/auth/login?max_age=60&returnTo=/transfers/7', {
      sub: 'bob',
      auth_time: 1_800_000_000,
    })
    expect(recent.headers['Location']).toBe(`${appUrl}/`)
    const same = await alice()
    const better = await same.signIn(stepUp, { acr: mode })
    expect([better.headers['Location'], same.revoked()]).toEqual([`${appUrl}/transfers/7`, []])
    // Who changes users by a plain login goes where that login was for.
    const plain = await alice()
    const changed = await plain.signIn('/auth/login?returnTo=/transfers/7', { sub: 'bob' })
    expect(changed.headers['Location']).toBe(`${appUrl}/transfers/7`)
  })
})

describe('the way back', () => {
  it('[S2-56] takes one name at two servers for two users', async () => {
    let issuer = 'https://as.example'
    const revoked: unknown[] = []
    const setUp = setUpWebLogin({}, (one) => ({
      ...one,
      async redeem(...about) {
        const result = await one.redeem(...about)
        return { ...result, account: { issuer, subject: 'alice' } }
      },
      async revoke({ refreshToken }) {
        revoked.push(refreshToken)
        return 'revoked'
      },
    }))
    const stepUp = `/auth/login/corporate?acr_values=${mode}&returnTo=/transfers/7`
    await setUp.signIn('/auth/login', {}, { refresh_token: 'CANARY-first' })
    const same = await setUp.signIn(stepUp, { acr: mode }, { refresh_token: 'CANARY-second' })
    expect([same.headers['Location'], revoked]).toEqual([`${appUrl}/transfers/7`, []])
    issuer = 'https://other.example'
    const other = await setUp.signIn(stepUp, { acr: mode })
    expect([other.headers['Location'], revoked]).toEqual([`${appUrl}/`, ['CANARY-second']])
  })

  it('keeps tokens with the account that they are of', async () => {
    const store = createMemoryTokenStore()
    const { signIn } = setUpWebLogin({ tokens: { store } })
    await signIn()
    const { value: key } = await store.keys()[Symbol.asyncIterator]().next()
    expect((await store.get(key))?.account).toEqual({ issuer: 'https://as.example', subject: 'alice' })
  })

  it('renews the tokens of a user who signed in again where the server gave the refresh token of before', async () => {
    const { signIn, login, facts, server } = setUpWebLogin()
    await signIn('/auth/login', {}, { refresh_token: 'CANARY-same' })
    await signIn('/auth/login', {}, { refresh_token: 'CANARY-same' })
    server.script('/token', tokens({ access_token: 'CANARY-renewed', refresh_token: undefined }))
    const session = await login.session(facts('/'))
    expect((await session?.tokens?.refresh())?.accessToken).toBe('CANARY-renewed')
  })

  it('leads users home who have a session, from a login that is over, to the second', async () => {
    const { signIn, begin, send, time, server } = setUpWebLogin()
    await signIn()
    const asked = server.at('/token').length
    const late = await begin()
    time.nowMs += 600_000
    const back = await send(late)
    expect([back.status, back.headers['Location']]).toEqual([303, `${appUrl}/`])
    expect(server.at('/token')).toHaveLength(asked)
  })

  it('takes a cookie that does not open for no login of this browser, and takes it away', async () => {
    const { begin, send, cookies } = setUpWebLogin()
    const url = await begin()
    const [transaction = ''] = [...cookies.keys()]
    cookies.set(transaction, 'v1.k1.AAAA.AAAA')
    const refused = await send(url, { headers: asScript })
    expect([refused.status, JSON.parse(refused.body).code, cookies.size]).toEqual([400, 'ERR_LOGIN_TRANSACTION', 0])
  })

  it('says to the application what its functions may give', async () => {
    const data = setUpWebLogin({ onLogin: () => ({ data: [] as never }) })
    await expect(data.signIn()).rejects.toMatchObject({ cause: { message: '`data` of `onLogin` takes an object' } })
    const away = setUpWebLogin({ onError: () => ({ redirectTo: 'https://evil.example' }) })
    await expect(away.send('/auth/callback/corporate?state=x')).rejects.toMatchObject({
      cause: { message: '`redirectTo` of `onError` takes a path of the application' },
    })
  })
})

describe('onError', () => {
  function setUp(redirectTo?: string, further: Partial<LoginOptions> = {}) {
    const told: object[] = []
    const made = setUpWebLogin({
      onError(error, { provider, returnTo, request }) {
        told.push({ code: error.code, provider, returnTo, method: request.method })
        return redirectTo === undefined ? undefined : { redirectTo }
      },
      ...further,
    })
    return { ...made, told }
  }
  const refusedBy = (url: string) => url.replace(/code=[^&]+/, 'error=login_required')

  it('is told of a login that failed, and leaves the page as it is', async () => {
    const { begin, send, told } = setUp()
    const refused = await send(refusedBy(await begin('/auth/login?prompt=none&returnTo=/me')))
    expect([refused.status, refused.body.includes('ERR_LOGIN_REFUSED')]).toEqual([400, true])
    expect((await send('/auth/callback/corporate?state=x')).status).toBe(400)
    expect(told).toEqual([
      { code: 'ERR_LOGIN_REFUSED', provider: 'corporate', returnTo: '/me', method: 'GET' },
      { code: 'ERR_LOGIN_TRANSACTION', provider: 'corporate', returnTo: undefined, method: 'GET' },
    ])
  })

  it('sends the user to a path of the application, the cookie of the login taken away', async () => {
    const { begin, send, cookies } = setUp('/welcome?silent=no')
    const out = await send(refusedBy(await begin()))
    expect([out.status, out.headers['Location']]).toEqual([303, `${appUrl}/welcome?silent=no`])
    expect([setCookiesOf(out).length, cookies.size]).toEqual([1, 0])
  })

  it('is told of users whom onLogin refuses, and not of a fault', async () => {
    let thrown: Error = new AccessDeniedError()
    const { begin, send, told } = setUp(undefined, {
      onLogin() {
        throw thrown
      },
    })
    expect((await send(await begin())).status).toBe(403)
    expect(told).toMatchObject([{ code: 'ERR_CLAIM_REQUIREMENT' }])
    thrown = new TypeError('a bug')
    await expect(begin().then(send)).rejects.toMatchObject({ code: 'ERR_INTERNAL', callback: 'onLogin' })
    expect(told).toHaveLength(1)
  })

  it('[AZ-10] may name no other site, and is a fault where it throws', async () => {
    for (const away of ['https://evil.example/', '//evil.example', '/a//b', '/\\evil.example', 'welcome']) {
      const { begin, send } = setUp(away)
      const failed = begin().then((url) => send(refusedBy(url)))
      await expect(failed, away).rejects.toMatchObject({ code: 'ERR_INTERNAL', callback: 'onError' })
    }
    const { begin, send } = setUp(undefined, {
      async onError() {
        throw new Error('no database')
      },
    })
    await expect(begin().then((url) => send(refusedBy(url)))).rejects.toMatchObject({ callback: 'onError' })
  })

  it('hears nothing of users who go back to a login that is done', async () => {
    const { begin, send, told } = setUp('/failed')
    const url = await begin()
    expect((await send(url)).status).toBe(303)
    const again = await send(url, { headers: { ...asScript } })
    expect([again.status, again.headers['Location'], told]).toEqual([303, `${appUrl}/`, []])
  })
})
