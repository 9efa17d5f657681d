import { createMemoryRevocationStore } from 'portcullis'
import { cookieSessions, createMemorySessionStore } from 'portcullis/login'
import { describe, expect, it, vi } from 'vitest'
import { appUrl, asPage, setCookiesOf, setUpWebLogin } from '../../../support/web-login-set-up.js'

vi.mock('#crypto', () => import('../../../../src/jws/crypto/web.js'))

const hour = 3_600_000

describe.each([
  ['in a store', 0, () => ({ sessions: createMemorySessionStore() })],
  ['in cookies', 3, () => ({ sessions: cookieSessions() })],
])('sessions %s where cryptography takes a while', (_name, renewedCookies, kept) => {
  it('[S2-34] begin, are found, are renewed, and end', async () => {
    const setUp = setUpWebLogin({ tokens: false, revocations: createMemoryRevocationStore(), ...kept() })
    const { login, facts, signIn, receive, send, time } = setUp
    const guard = login.guard()
    await signIn()
    const judged = guard(facts('/me'))
    expect(judged).toBeInstanceOf(Promise)
    expect(await judged).toMatchObject({ ok: true, login: { account: { subject: 'alice' } } })
    time.nowMs += 20 * hour
    const renewed = await guard(facts('/me'))
    expect(setCookiesOf(renewed.ok ? renewed : { headers: {} })).toHaveLength(renewedCookies)
    receive(renewed.ok ? renewed : { headers: {} })
    time.nowMs += 20 * hour
    expect(await guard(facts('/me'))).toMatchObject({ ok: true })
    const copy = new Map(setUp.cookies)
    await send('/auth/logout', { method: 'POST', headers: { ...asPage, origin: appUrl } })
    copy.forEach((value, name) => void setUp.cookies.set(name, value))
    expect(await guard(facts('/me'))).toMatchObject({ ok: false, answer: { status: 303 } })
  })

  it('[A12] answer 503 where the list of ended ones fails', async () => {
    const revocations = { ...createMemoryRevocationStore(), revokedAt: () => Promise.reject(new Error('CANARY')) }
    const { login, facts, signIn } = setUpWebLogin({ tokens: false, revocations, ...kept() })
    await signIn()
    expect(await login.guard()(facts('/me'))).toMatchObject({ ok: false, answer: { status: 503 } })
  })
})
