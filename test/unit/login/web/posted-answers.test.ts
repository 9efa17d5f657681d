import { createMemoryRevocationStore } from 'portcullis'
import {
  AccessDeniedError,
  cookieSessions,
  createMemorySessionStore,
  createMemoryTokenStore,
  type LoginOptions,
} from 'portcullis/login'
import { describe, expect, it, vi } from 'vitest'
import type { HttpAnswer } from '../../../../src/http/http-answer.js'
import { answer } from '../../../support/fake-token-endpoint.js'
import { signIdToken } from '../../../support/login-set-up.js'
import { appUrl, asPage, setCookiesOf, setUpWebLogin } from '../../../support/web-login-set-up.js'

const mode = 'urn:example:mfa'
const stepUp = `/auth/login/corporate?acr_values=${mode}&returnTo=/transfers/7`
const asForm = { 'content-type': 'application/x-www-form-urlencoded' }
const isOfSession = ([name]: [string, string]) => name.startsWith('__Host-pc_session')

/** A browser with a session of alice, whose provider posts its answers from another site: cookies that are Lax stay away. */
async function alice(options: Partial<LoginOptions> = {}) {
  const seen: unknown[] = []
  const setUp = setUpWebLogin({
    responseMode: 'form_post',
    onLogin({ account }, { previous }) {
      seen.push(previous?.data)
      return { data: { basket: account.subject } }
    },
    ...options,
  })
  const { begin, cookies, events, facts, login, receive, server } = setUp
  server.metadata = { ...server.metadata, revocation_endpoint: 'https://as.example/revoke' }
  server.script('/revoke', answer({}))
  const post = async (url: string, sent = [...cookies].filter((one) => !isOfSession(one))): Promise<HttpAnswer> => {
    const [path = '', query = ''] = url.split('?')
    const headers = { ...asPage, cookie: sent.map((one) => one.join('=')).join('; '), origin: 'https://as.example' }
    const posted = await login.handle(facts(path, { method: 'POST', headers }), async () => new URLSearchParams(query))
    receive(posted as HttpAnswer)
    return posted as HttpAnswer
  }
  await post(await begin('/auth/login', { sid: 'one' }, { refresh_token: 'CANARY-of-alice' }))
  const before = [...cookies].filter(isOfSession)
  return {
    ...setUp,
    ...{ seen, post },
    signIn: async (...about: Parameters<typeof begin>) => post(await begin(...about)),
    session: () => login.session(facts('/')),
    /** The session from before, as somebody else has it who knows its cookies. */
    sessionBefore: () =>
      login.session(facts('/', { headers: { cookie: before.map((one) => one.join('=')).join('; ') } })),
    revoked: () => server.at('/revoke').map(({ form }) => form.get('token')),
    ended: () => events.filter(({ type }) => type === 'session.ended'),
  }
}

const modes: readonly (readonly [string, () => Partial<LoginOptions>, object | undefined])[] = [
  ['in a store', () => ({}), { basket: 'alice' }],
  [
    'in cookies',
    () => ({
      sessions: cookieSessions(),
      tokens: { store: createMemoryTokenStore() },
      revocations: createMemoryRevocationStore(),
    }),
    undefined,
  ],
]

it('an answer that is posted to a browser without a session has the store asked for none', async () => {
  const store = createMemorySessionStore()
  const get = vi.fn(store.get)
  const { session } = await alice({ sessions: { ...store, get }, tokens: false })
  expect(get).not.toHaveBeenCalled()
  await session()
  expect(get).toHaveBeenCalledOnce()
})

describe.each(modes)('an answer that is posted, with sessions %s', (_where, optionsOf, data) => {
  it('[S2-56] ends the session before with its tokens, and goes not on where its user was', async () => {
    const { signIn, session, sessionBefore, seen, revoked, ended } = await alice(optionsOf())
    const tokens = (await session())?.tokens
    const back = await signIn(stepUp, { sub: 'bob', acr: mode }, { refresh_token: 'CANARY-of-bob' })
    expect([back.status, back.headers['Location']]).toEqual([303, `${appUrl}/`])
    expect(await session()).toMatchObject({ account: { subject: 'bob' }, data: { basket: 'bob' } })
    expect(await sessionBefore()).toBeUndefined()
    expect(seen).toEqual([undefined, data])
    expect(ended()).toEqual([expect.objectContaining({ provider: 'corporate', reason: 'replaced' })])
    expect(revoked()).toContain('CANARY-of-alice')
    expect(revoked()).not.toContain('CANARY-of-bob')
    await expect(tokens?.getToken()).rejects.toMatchObject({ code: 'ERR_REAUTHENTICATION_REQUIRED' })
  })

  it('[S2-56] ends that of the same user without revoking its tokens', async () => {
    const { signIn, sessionBefore, session, revoked } = await alice(optionsOf())
    const tokens = (await session())?.tokens
    const back = await signIn(stepUp, { acr: mode })
    expect([back.headers['Location'], revoked()]).toEqual([`${appUrl}/transfers/7`, []])
    expect(await sessionBefore()).toBeUndefined()
    await expect(tokens?.getToken()).rejects.toMatchObject({ code: 'ERR_REAUTHENTICATION_REQUIRED' })
  })

  it('leaves the session before where the login fails', async () => {
    const { begin, post, session, ended } = await alice(optionsOf())
    const refused = await post((await begin()).replace(/code=[^&]+/, 'error=login_required'))
    expect([refused.status, ended()]).toEqual([400, []])
    expect((await session())?.account.subject).toBe('alice')
  })

  it('leaves the session before where the application refuses the user', async () => {
    const { signIn, session, ended } = await alice({
      ...optionsOf(),
      onLogin({ account }) {
        if (account.subject === 'bob') throw new AccessDeniedError()
        return undefined
      },
    })
    expect((await signIn('/auth/login', { sub: 'bob' })).status).toBe(403)
    expect([(await session())?.account.subject, ended()]).toEqual(['alice', []])
  })

  it('[LOGO-02] takes a session that the provider ended meanwhile for none', async () => {
    const { begin, post, login, facts, seen, ended, time } = await alice(optionsOf())
    const url = await begin('/auth/login', { sub: 'bob', sid: 'two' })
    const iat = time.nowMs / 1000
    const about = { iss: 'https://as.example', aud: 'app', iat, exp: iat + 120, jti: 'logout-1', sid: 'one' }
    const events = { 'http://schemas.openid.net/event/backchannel-logout': {} }
    const logoutToken = signIdToken({ ...about, events }, { typ: 'logout+jwt' })
    const request = facts('/auth/backchannel-logout/corporate', { method: 'POST', headers: asForm })
    const told = await login.handle(request, async () => new URLSearchParams({ logout_token: logoutToken }))
    expect([told?.status, (await post(url)).status]).toEqual([200, 303])
    expect(seen).toEqual([undefined, undefined])
    expect(ended()).toMatchObject([{ reason: 'revoked' }])
  })

  it('takes a session that is over by its time meanwhile for none', async () => {
    const { begin, post, seen, ended, time } = await alice({ ...optionsOf(), session: { absoluteSeconds: 120 } })
    const url = await begin('/auth/login', { sub: 'bob' })
    time.nowMs += 120_000
    expect((await post(url)).status).toBe(303)
    expect([seen, ended()]).toEqual([[undefined, undefined], []])
  })

  it('believes a session that comes with the answer before the one that the login began with', async () => {
    const { begin, signIn, post, sessionBefore, cookies, seen, ended } = await alice(optionsOf())
    const ofAlice = new Map(cookies)
    cookies.clear()
    await signIn('/auth/login', { sub: 'bob' })
    const ofBob = [...cookies]
    for (const [name, value] of ofAlice) cookies.set(name, value)
    const url = await begin('/auth/login', { sub: 'carol' })
    for (const [name, value] of ofBob) cookies.set(name, value)
    expect((await post(url, [...cookies])).status).toBe(303)
    expect([seen, ended().length]).toEqual([[undefined, undefined, { basket: 'bob' }], 1])
    expect((await sessionBefore())?.account.subject).toBe('alice')
  })
})

describe('a login whose answer will be posted', () => {
  it('[A6] ends a session that somebody planted, which its cookie alone did not', async () => {
    const { signIn, sessionBefore } = await alice()
    expect((await sessionBefore())?.account.subject).toBe('alice')
    await signIn('/auth/login', { sub: 'bob' })
    expect(await sessionBefore()).toBeUndefined()
  })

  it('takes a session that is gone from the store meanwhile for none', async () => {
    const sessions = createMemorySessionStore()
    let last = ''
    const { begin, post, seen, ended } = await alice({
      sessions: {
        ...sessions,
        set(key, ...about) {
          last = key
          return sessions.set(key, ...about)
        },
      },
      tokens: false,
    })
    const url = await begin('/auth/login', { sub: 'bob' })
    await sessions.delete(last)
    expect((await post(url)).status).toBe(303)
    expect([seen, ended()]).toEqual([[undefined, undefined], []])
  })

  it('does not begin where the store does not say which session there is', async () => {
    const sessions = createMemorySessionStore()
    let isDown = false
    const { send } = await alice({
      sessions: {
        ...sessions,
        get(key) {
          if (isDown) throw new Error('down')
          return sessions.get(key)
        },
      },
      tokens: false,
    })
    isDown = true
    const out = await send('/auth/login')
    expect([out.status, setCookiesOf(out)]).toEqual([503, []])
  })
})
