import { createMemoryRevocationStore } from 'portcullis'
import {
  cookieSessions,
  createMemorySessionStore,
  type LoginOptions,
  type LoginSession,
  type SessionStore,
} from 'portcullis/login'
import { describe, expect, it } from 'vitest'
import type { SessionRecord } from '../../../../src/login/web/login-session.js'
import { createRecentRecords } from '../../../../src/login/web/recent-records.js'
import { createRevocationList } from '../../../../src/revocation/revocation.js'
import { setUpWebLogin } from '../../../support/web-login-set-up.js'

const recordWith = (data: unknown) => ({ v: 1, data }) as unknown as SessionRecord

function memory() {
  const time = { nowMs: 0 }
  const recent = createRecentRecords(
    () => time.nowMs,
    (text, last) => text === last,
  )
  return { time, recent }
}

describe('sessions that were read lately', () => {
  it('[A13] are those of the very same text alone, for 5 minutes, until they are forgotten', () => {
    const { time, recent } = memory()
    const record = recordWith({})
    recent.set('a', 'text', record)
    expect([recent.get('a', 'text'), recent.get('a', 'other'), recent.get('b', 'text')]).toEqual([
      record,
      undefined,
      undefined,
    ])
    recent.set('a', 'other', recordWith({ a: 1 }))
    expect(recent.get('a', 'text')).toBeUndefined()
    time.nowMs += 299_999
    expect(recent.get('a', 'other')).toBeDefined()
    time.nowMs += 1
    expect(recent.get('a', 'other')).toBeUndefined()
    recent.set('a', 'text', record)
    recent.forget('a')
    expect(recent.get('a', 'text')).toBeUndefined()
  })

  it('[A13] are 2,000 at most, of 8,192 characters each', () => {
    const { recent } = memory()
    const long = 'x'.repeat(8192)
    recent.set('long', long, recordWith({}))
    recent.set('longer', `${long}x`, recordWith({}))
    expect([recent.get('long', long) !== undefined, recent.get('longer', `${long}x`)]).toEqual([true, undefined])
    for (let count = 0; count < 2500; count += 1) recent.set(String(count), 'text', recordWith({}))
    const kept = Array.from({ length: 2500 }, (_, count) => recent.get(String(count), 'text'))
    expect(kept.filter((record) => record !== undefined).length).toBeLessThanOrEqual(2000)
  })

  it('[A13] are frozen all the way down, or not remembered: requests share them', () => {
    const { recent } = memory()
    let deep: object = {}
    for (let depth = 0; depth < 40; depth += 1) deep = { deep }
    recent.set('deep', 'text', recordWith(deep))
    expect(recent.get('deep', 'text')).toBeUndefined()
    const record = recordWith({ roles: ['reader'] })
    recent.set('a', 'text', record)
    expect(() => (record.data['roles'] as string[]).push('admin')).toThrow(TypeError)
  })
})

/** A store whose answers are counted, and that one can reach into. */
function openStore() {
  const store = createMemorySessionStore()
  const state = { reads: 0, gone: false }
  const sessions: SessionStore = {
    ...store,
    get(key) {
      state.reads += 1
      return state.gone ? undefined : store.get(key)
    },
  }
  return { state, sessions }
}

describe.each<[string, () => Partial<LoginOptions>]>([
  ['in a store', () => ({ sessions: createMemorySessionStore() })],
  ['in cookies', () => ({ sessions: cookieSessions() })],
])('a session %s that was read lately', (_name, kept) => {
  const open = (options: Partial<LoginOptions> = {}) => {
    const setUp = setUpWebLogin({ tokens: false, revocations: createMemoryRevocationStore(), ...kept(), ...options })
    const { login, facts } = setUp
    const isIn = async () => (await login.guard()(facts('/me'))).ok
    return { ...setUp, isIn }
  }

  it('[S2-34] ends with its idle time and its absolute time all the same', async () => {
    for (const session of [{ idleSeconds: 60 }, { absoluteSeconds: 60 }]) {
      const { signIn, isIn, time } = open({ session: { ...session, rolling: false } })
      await signIn()
      expect([await isIn(), await isIn()]).toEqual([true, true])
      time.nowMs += 59_999
      expect(await isIn()).toBe(true)
      time.nowMs += 1
      expect(await isIn()).toBe(false)
    }
  })

  it('[LOGO-03] ends with a mark that another process sets, on the next request', async () => {
    const store = createMemoryRevocationStore()
    const { signIn, isIn, time } = open({ revocations: store })
    await signIn()
    expect([await isIn(), await isIn()]).toEqual([true, true])
    const about = { isShared: true, ttlSeconds: 3600, leewayMsOf: () => 0, onEvent: undefined }
    const elsewhere = createRevocationList({ store, clock: () => time.nowMs, ...about })
    await elsewhere.revoke({ issuer: 'https://as.example', sub: 'alice' })
    expect(await isIn()).toBe(false)
  })

  it('[S2-34] shows handlers what none of them can change for the next', async () => {
    const { login, facts, signIn } = open({ onLogin: () => ({ data: { roles: ['reader'] } }) })
    await signIn()
    for (let request = 0; request < 3; request += 1) {
      const session = (await login.session(facts('/me'))) as LoginSession
      expect(session.data).toEqual({ roles: ['reader'] })
      expect(() => (session.data['roles'] as string[]).push('admin')).toThrow(TypeError)
      expect(() => Object.assign(session.claims, { admin: true })).toThrow(TypeError)
      expect(() => Object.assign(session.account, { subject: 'bob' })).toThrow(TypeError)
    }
  })
})

describe('a session in a store that was read lately', () => {
  it('[A13] is still asked of the store on every request, and is none where that has it no more', async () => {
    const { state, sessions } = openStore()
    const { login, facts, signIn } = setUpWebLogin({ tokens: false, sessions })
    await signIn()
    state.reads = 0
    const guard = login.guard()
    for (let request = 1; request <= 3; request += 1) {
      expect([(await guard(facts('/me'))).ok, state.reads]).toEqual([true, request])
    }
    state.gone = true
    expect((await guard(facts('/me'))).ok).toBe(false)
  })
})

describe('cookies of a session that was read lately', () => {
  it('[S2-34] open unchanged alone: not with another character, and not for another id', async () => {
    const { login, facts, signIn, cookies } = setUpWebLogin({ tokens: false, sessions: cookieSessions() })
    await signIn()
    const name = '__Host-pc_session.0'
    const first = { sealed: cookies.get(name) as string, id: cookies.get('__Host-pc_session.id') as string }
    expect(await login.session(facts('/me'))).toBeDefined()
    for (const at of [2, 20, first.sealed.length - 2]) {
      const other = first.sealed[at] === 'A' ? 'B' : 'A'
      cookies.set(name, first.sealed.slice(0, at) + other + first.sealed.slice(at + 1))
      expect(await login.session(facts('/me')), String(at)).toBeUndefined()
    }
    cookies.set(name, first.sealed)
    expect(await login.session(facts('/me'))).toBeDefined()
    await signIn()
    expect(await login.session(facts('/me'))).toBeDefined()
    cookies.set(name, first.sealed)
    expect(await login.session(facts('/me'))).toBeUndefined()
    cookies.set('__Host-pc_session.id', first.id)
    expect(await login.session(facts('/me'))).toBeDefined()
  })
})
