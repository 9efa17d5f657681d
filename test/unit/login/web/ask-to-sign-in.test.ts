import { OAuthClientError } from 'portcullis/client'
import { type LoginRequirement, type LoginSession, ReauthenticationRequiredError } from 'portcullis/login'
import { describe, expect, it } from 'vitest'
import { askToSignIn, meets } from '../../../../src/login/web/ask-to-sign-in.js'
import type { SessionRecord } from '../../../../src/login/web/login-session.js'
import type { LoginSettings } from '../../../../src/login/web/login-settings.js'
import { requestFacts } from '../../../support/request-facts.js'
import { appUrl, asPage, asScript, setUpWebLogin, type WebLoginSetUp } from '../../../support/web-login-set-up.js'

const seconds = 1_800_000_000
const stepUp = (parameters: string) => ({
  'WWW-Authenticate': `Bearer error="insufficient_user_authentication"${parameters}`,
})

/** The session of the browser, and an API that answers with these fields. */
async function callFrom(setUp: WebLoginSetUp, headers: Record<string, string>, status = 401): Promise<unknown> {
  const session = (await setUp.login.session(setUp.facts('/'))) as LoginSession
  const sent: Request[] = []
  const fetch = async (input: string | URL | Request, init?: RequestInit) => {
    sent.push(new Request(input, init))
    return new Response('an answer', { status, headers })
  }
  const api = session.fetch({ allowedOrigins: 'https://api.example.com', fetch })
  const outcome = await api.get('https://api.example.com/notes').then(
    (response) => response.status,
    (error) => error,
  )
  expect(sent.map((request) => request.headers.get('authorization')?.slice(0, 7))).toEqual(['Bearer '])
  return outcome
}

/** What becomes of the refusal of a page. */
async function answerTo(setUp: WebLoginSetUp, error: unknown, headers: Record<string, string> = asPage) {
  const answer = await setUp.login.refusal(setUp.facts('/notes', { headers }), error)
  return answer && { status: answer.status, location: answer.headers['Location'], body: answer.body }
}

describe('session.fetch', () => {
  it('[STEP-07] rejects with what a service wants of the next login, and shows no token', async () => {
    const setUp = setUpWebLogin()
    await setUp.signIn()
    const error = await callFrom(setUp, stepUp(', acr_values="gold silver", max_age="300", scope="pay"'))
    expect(error).toBeInstanceOf(ReauthenticationRequiredError)
    expect(error).toMatchObject({
      code: 'ERR_REAUTHENTICATION_REQUIRED',
      reason: 'insufficient_user_authentication',
      issuer: 'https://as.example',
      stepUp: { acrValues: ['gold', 'silver'], maxAgeSeconds: 300, scope: ['pay'] },
    })
    expect(await callFrom(setUp, stepUp(''), 403)).toBe(403)
    expect(await callFrom(setUp, { 'WWW-Authenticate': 'Bearer error="insufficient_scope"' })).toBe(401)
  })

  it('says what is missing where no tokens are kept', async () => {
    const setUp = setUpWebLogin({ tokens: false })
    await setUp.signIn()
    const session = await setUp.login.session(setUp.facts('/'))
    expect(() => session?.fetch({ allowedOrigins: 'https://api.example.com' })).toThrow(
      '`fetch` of a session needs `tokens` of createLogin.',
    )
  })

  it('renews a token that is over, and sends the user to the login where it cannot', async () => {
    const setUp = setUpWebLogin()
    await setUp.signIn('/auth/login', {}, { expires_in: 100, refresh_token: undefined })
    setUp.time.nowMs += 101_000
    const session = (await setUp.login.session(setUp.facts('/'))) as LoginSession
    const api = session.fetch({ allowedOrigins: 'https://api.example.com' })
    const error = await api('https://api.example.com/').catch((one: unknown) => one)
    expect(error).toMatchObject({ reason: 'no_refresh_token', stepUp: undefined })
    expect(await answerTo(setUp, error)).toMatchObject({
      status: 303,
      location: `${appUrl}/auth/login/corporate?returnTo=%2Fnotes`,
    })
  })
})

describe('a user who has to sign in again', () => {
  const wants = (acrValues: string[], maxAgeSeconds?: number) =>
    new ReauthenticationRequiredError('ERR_REAUTHENTICATION_REQUIRED', {
      reason: 'insufficient_user_authentication',
      stepUp: { acrValues, maxAgeSeconds, scope: [] },
    })

  it('[STEP-07] is sent to the login with what the service wants', async () => {
    const setUp = setUpWebLogin()
    await setUp.signIn()
    const asked = async (error: unknown) => (await answerTo(setUp, error))?.location
    const login = `${appUrl}/auth/login/corporate?returnTo=%2Fnotes`
    expect(await asked(wants(['gold', 'silver']))).toBe(`${login}&acr_values=gold+silver`)
    expect(await asked(wants(['gold'], 60))).toBe(`${login}&acr_values=gold&max_age=60`)
    expect(await asked(wants([], 60))).toBe(`${login}&max_age=60`)
    expect(await asked(wants([]))).toBe(`${login}&max_age=0`)
    const script = await answerTo(setUp, wants(['gold']), asScript)
    expect(script).toMatchObject({ status: 401, location: undefined })
    expect(script?.body).toContain('insufficient_user_authentication')
    setUp.cookies.clear()
    expect(await asked(wants(['gold']))).toBe(`${appUrl}/auth/login?returnTo=%2Fnotes&acr_values=gold`)
  })

  it('goes round once: a service that still refuses ends in a refusal, for a minute', async () => {
    const setUp = setUpWebLogin()
    await setUp.signIn('/auth/login/corporate?acr_values=gold', { acr: 'gold' })
    const refused = await answerTo(setUp, wants(['gold']))
    expect([refused?.status, refused?.location]).toEqual([403, undefined])
    expect(refused?.body).toContain('Signing in again did not help')
    expect(refused?.body).toContain(`href="${appUrl}/auth/login/corporate?returnTo=%2Fnotes&amp;acr_values=gold"`)
    const script = await answerTo(setUp, wants(['gold']), asScript)
    expect([script?.status, JSON.parse(script?.body ?? '').error]).toEqual([403, 'insufficient_user_authentication'])
    expect((await answerTo(setUp, wants(['gold', 'silver'])))?.status).toBe(303)
    expect((await answerTo(setUp, wants(['gold'], 300)))?.status).toBe(303)
    setUp.time.nowMs += 61_000
    expect((await answerTo(setUp, wants(['gold'])))?.status).toBe(303)
  })

  it('goes round once for an age, and again when the time of that login is over', async () => {
    const setUp = setUpWebLogin()
    await setUp.signIn('/auth/login/corporate?max_age=20', { auth_time: seconds })
    expect((await answerTo(setUp, wants([], 20)))?.status).toBe(403)
    expect((await answerTo(setUp, wants([], 10)))?.status).toBe(303)
    setUp.time.nowMs += 21_000
    expect((await answerTo(setUp, wants([], 20)))?.status).toBe(303)
    await setUp.signIn('/auth/login/corporate?max_age=0', { auth_time: seconds + 21 })
    expect((await answerTo(setUp, wants([])))?.status).toBe(403)
  })

  it('is not sent round by a guard for ever where the provider ignores what it is asked', async () => {
    const deaf = setUpWebLogin({}, (provider) => ({
      ...provider,
      redeem: (back, transaction) => provider.redeem(back, { ...transaction, ...secretsOf(transaction) }),
    }))
    const guard = deaf.login.guard({ acrValues: ['gold'] })
    await deaf.signIn('/auth/login/corporate?acr_values=gold')
    expect(await guard(deaf.facts('/vault'))).toMatchObject({ ok: false, answer: { status: 403 } })
    deaf.time.nowMs += 61_000
    expect(await guard(deaf.facts('/vault'))).toMatchObject({ ok: false, answer: { status: 303 } })
  })

  it('counts an age from the moment the user came back, where the login asked for it', async () => {
    const setUp = setUpWebLogin()
    const guard = setUp.login.guard({ maxAgeSeconds: 5 })
    const status = async () => {
      const result = await guard(setUp.facts('/pay'))
      return result.ok ? 200 : result.answer.status
    }
    await setUp.signIn('/auth/login/corporate?max_age=5', { auth_time: seconds - 30 })
    expect(await status()).toBe(200)
    setUp.time.nowMs += 6000
    expect(await status()).toBe(403)
    setUp.time.nowMs += 5000
    expect(await status()).toBe(303)
    await setUp.signIn('/auth/login/corporate?max_age=900', { auth_time: seconds - 30 })
    expect(await status()).toBe(303)
  })

  it('is none of our business for any other error', async () => {
    const setUp = setUpWebLogin()
    for (const error of [undefined, 'text', new Error('a bug'), { code: 'ERR_REAUTHENTICATION_REQUIRED' }]) {
      expect(await answerTo(setUp, error)).toBeUndefined()
    }
  })

  it('gets 503 where the sessions cannot be read', async () => {
    const broken = async () => {
      throw new Error('down')
    }
    const sessions = { get: broken, set: broken, touch: broken, delete: broken }
    const setUp = setUpWebLogin({ sessions, tokens: false })
    setUp.cookies.set('__Host-pc_session', 'A'.repeat(43))
    expect((await answerTo(setUp, wants(['gold'])))?.status).toBe(503)
  })
})

describe('what is demanded of a session', () => {
  const at = (nowSeconds: number) => ({ clock: () => nowSeconds * 1000 + 999 }) as LoginSettings
  const found = (record: Partial<SessionRecord>) =>
    ({ record: { provider: 'one', createdAt: 100, ...record } }) as never

  it('[STEP-07] is met by the provider, one of the ways, and the age, to the second', () => {
    expect(meets(at(0), {}, undefined)).toBe(false)
    expect(meets(at(0), {}, found({}))).toBe(true)
    expect(meets(at(0), { provider: 'one' }, found({}))).toBe(true)
    expect(meets(at(0), { provider: 'two' }, found({}))).toBe(false)
    expect(meets(at(0), { acrValues: ['a', 'b'] }, found({ acr: 'b' }))).toBe(true)
    expect(meets(at(0), { acrValues: ['a', 'b'] }, found({ acr: 'c' }))).toBe(false)
    expect(meets(at(0), { acrValues: ['a', 'b'] }, found({}))).toBe(false)
    const ages = (record: Partial<SessionRecord>) =>
      [130, 131].map((seconds) => meets(at(seconds), { maxAgeSeconds: 30 }, found(record)))
    expect(ages({ authTime: 100 })).toEqual([true, false])
    expect(ages({ authTime: 0 })).toEqual([false, false])
    expect(ages({})).toEqual([false, false])
    expect(ages({ authTime: 0, askedMaxAgeSeconds: 30 })).toEqual([true, false])
    expect(ages({ authTime: 0, askedMaxAgeSeconds: 31 })).toEqual([false, false])
    // Without an ID token nothing shows when the user signed in, whatever was asked for.
    expect(ages({ askedMaxAgeSeconds: 30 })).toEqual([false, false])
  })

  it('is asked for once within a minute, to the second', () => {
    const settings = (seconds: number) =>
      ({ ...at(seconds), base: new URL(appUrl), routesUrl: `${appUrl}/auth` }) as LoginSettings
    const facts = requestFacts({ url: '/notes', headers: asPage })
    const asked = { askedAcrValues: ['gold'], askedMaxAgeSeconds: 30 }
    const status = (seconds: number, demand: LoginRequirement, record: Partial<SessionRecord> = asked) =>
      askToSignIn(settings(seconds), demand, facts, found(record)).status
    expect([160, 161].map((seconds) => status(seconds, { acrValues: ['gold'] }))).toEqual([403, 303])
    expect([130, 131].map((seconds) => status(seconds, { maxAgeSeconds: 30 }))).toEqual([403, 303])
    expect([110, 111].map((seconds) => status(seconds, { maxAgeSeconds: 1 }, { askedMaxAgeSeconds: 1 }))).toEqual([
      403, 303,
    ])
    expect(status(100, { maxAgeSeconds: 29 })).toBe(303)
    expect(status(100, { acrValues: ['gold'] }, {})).toBe(303)
    expect(status(100, { acrValues: ['gold', 'silver'] })).toBe(303)
    expect(status(100, { provider: 'one', acrValues: ['gold'] })).toBe(403)
    expect(status(100, { provider: 'two', acrValues: ['gold'] })).toBe(303)
  })

  it('is told to programs', async () => {
    const { login, facts, signIn } = setUpWebLogin()
    const asked = async (url = '/notes?a=1') => {
      const result = await login.guard({ acrValues: ['gold'] })(facts(url, { headers: asScript }))
      return result.ok ? undefined : JSON.parse(result.answer.body)
    }
    const query = 'returnTo=%2Fnotes%3Fa%3D1&acr_values=gold'
    expect(await asked()).toEqual({ error: 'login_required', login_url: `${appUrl}/auth/login?${query}` })
    expect((await asked('http://[')).login_url).toBe(`${appUrl}/auth/login?acr_values=gold`)
    await signIn()
    expect(await asked()).toEqual({
      error: 'insufficient_user_authentication',
      login_url: `${appUrl}/auth/login/corporate?${query}`,
    })
  })

  it('is nothing that another error of the client asks for', async () => {
    const setUp = setUpWebLogin()
    expect(await answerTo(setUp, new OAuthClientError('ERR_NETWORK'))).toBeUndefined()
  })

  it('is read from an answer without a body as well', async () => {
    const setUp = setUpWebLogin()
    await setUp.signIn()
    const session = (await setUp.login.session(setUp.facts('/'))) as LoginSession
    const fetch = async () => new Response(null, { status: 401, headers: stepUp('') })
    const api = session.fetch({ allowedOrigins: 'https://api.example.com', fetch })
    await expect(api('https://api.example.com/')).rejects.toMatchObject({ code: 'ERR_REAUTHENTICATION_REQUIRED' })
  })
})

/** A transaction that asks for nothing: what an OAuth 2.0 provider without ID tokens can be held to. */
function secretsOf({ state, nonce, codeVerifier }: { state: string; nonce: string; codeVerifier: string }) {
  return { state, nonce, codeVerifier, acrValues: undefined, maxAgeSeconds: undefined }
}
