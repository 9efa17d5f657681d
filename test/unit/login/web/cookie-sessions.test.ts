import { createMemoryRevocationStore } from 'portcullis'
import { type CookieSessions, cookieSessions, createMemoryTokenStore, type LoginOptions } from 'portcullis/login'
import { describe, expect, it } from 'vitest'
import { createCookieKeeper } from '../../../../src/login/web/cookie-keeper.js'
import type { SessionRecord } from '../../../../src/login/web/login-session.js'
import { toLoginSettings } from '../../../../src/login/web/login-settings.js'
import { createSealer } from '../../../../src/stores/sealer.js'
import { requestFacts } from '../../../support/request-facts.js'
import { appUrl, asPage, sealKeys, setCookiesOf, setUpWebLogin } from '../../../support/web-login-set-up.js'

const name = '__Host-pc_session'
const day = 86_400
const other = { id: 'k2', secret: new Uint8Array(32).fill(9) }

function world(options: Partial<LoginOptions> & { readonly maxChunks?: number } = {}) {
  const { maxChunks, ...rest } = options
  const setUp = setUpWebLogin({ sessions: cookieSessions({ maxChunks }), tokens: false, ...rest })
  const opened = async (keys = sealKeys) => {
    const [, count, first] = /^(\d)\.(.*)$/.exec(setUp.cookies.get(`${name}.0`) ?? '') ?? []
    const others = [1, 2].slice(0, Number(count) - 1).map((at) => setUp.cookies.get(`${name}.${at}`))
    const place = `login-session:${name}.${setUp.cookies.get(`${name}.id`)}`
    const text = await createSealer(keys).open([first, ...others].join(''), place)
    return JSON.parse(text ?? 'null') as { seenAt: number; idToken?: string } | null
  }
  return { ...setUp, opened, session: () => setUp.login.session(setUp.facts('/')) }
}

/** A keeper, and a browser that does as a browser does with what it writes. */
function keeperWorld(sessions: CookieSessions = cookieSessions()) {
  const { provider } = setUpWebLogin()
  const settings = toLoginSettings({ baseUrl: appUrl, providers: [provider], keys: sealKeys, sessions, tokens: false })
  const keeper = createCookieKeeper(settings, sessions)
  const jar = new Map<string, string>()
  const begin = async (filler: number) => {
    const record = {
      ...{ v: 1, account: { issuer: 'https://as.example', subject: 'alice' }, provider: 'corporate', amr: [] },
      ...{ claims: {}, userInfo: {}, data: { filler: 'x'.repeat(filler) }, tokensKey: 'session:1' },
      ...{ createdAt: 1, issuedAt: 1, seenAt: 1, sentAt: 1, absoluteUntil: 2 },
    } as unknown as SessionRecord
    const lines = await keeper.begin(record, day)
    for (const line of lines) {
      const [pair = ''] = line.split(';')
      const at = pair.indexOf('=')
      if (line.includes('Max-Age=0')) jar.delete(pair.slice(0, at))
      else jar.set(pair.slice(0, at), pair.slice(at + 1))
    }
    return lines
  }
  const read = () => {
    const cookie = [...jar].map(([one, value]) => `${one}=${value}`).join('; ')
    return keeper.read(requestFacts({ headers: { cookie } }))
  }
  return { begin, read, jar }
}

describe('cookieSessions', () => {
  it('[A10] round-trips every size around each chunk boundary, or refuses it, and leaves no stale chunk', async () => {
    const { begin, read, jar } = keeperWorld()
    const [one = ''] = await begin(0)
    // What one character more or less of a session makes of its sealed form: four for three.
    const base = one.split(';')[0]?.length as number
    await begin(8000)
    const full = new Map(jar)
    const lineLengths = new Set<number>()
    let refused = 0
    for (const chunks of [1, 2, 3]) {
      const around = Math.floor(((chunks * 4000 - base) * 3) / 4)
      for (let filler = around - 225; filler <= around + 225; filler += 1) {
        for (const [chunk, value] of full) jar.set(chunk, value)
        expect(jar.size).toBe(4)
        const lines = await begin(filler).catch((error: { code: string }) => error.code)
        if (lines === 'ERR_SESSION_TOO_LARGE') {
          refused += 1
          continue
        }
        if (typeof lines === 'string') throw new Error(lines)
        for (const line of lines) lineLengths.add(Buffer.byteLength(line))
        const used = lines.filter((line) => !line.includes('Max-Age=0')).length
        expect([lines.length, jar.size]).toEqual([4, used])
        expect((await read())?.record.data).toEqual({ filler: 'x'.repeat(filler) })
      }
    }
    expect(Math.max(...lineLengths)).toBe(4096)
    expect(refused).toBeGreaterThan(0)
  })

  it('ignores a chunk that a browser did not take away', async () => {
    const { begin, read, jar } = keeperWorld()
    await begin(8000)
    const stale = jar.get(`${name}.1`) as string
    await begin(10)
    jar.set(`${name}.1`, stale)
    expect((await read())?.record.data).toEqual({ filler: 'x'.repeat(10) })
  })

  it('[S2-34] signs a user in with cookies alone, and out again', async () => {
    const { signIn, session, cookies, send, opened } = world()
    const answer = await signIn('/auth/login', { email: 'a@example.com' })
    expect(setCookiesOf(answer).map((line) => line.replace(/=.*?;/, '=…;'))).toEqual([
      expect.stringMatching(/^__Host-pc_txn_/),
      `${name}.0=…; Path=/; Max-Age=86400; HttpOnly; Secure; SameSite=Lax`,
      `${name}.1=…; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax`,
      `${name}.2=…; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax`,
      `${name}.id=…; Path=/; Max-Age=604800; HttpOnly; Secure; SameSite=Lax`,
    ])
    expect(await session()).toMatchObject({ account: { subject: 'alice' }, claims: { email: 'a@example.com' } })
    expect((await session())?.tokens).toBeUndefined()
    expect((await opened())?.idToken).toBeUndefined()
    const out = await send('/auth/logout', { method: 'POST', headers: { ...asPage, origin: appUrl } })
    expect(out.status).toBe(303)
    expect(String(out.headers['Location'])).toContain('logout_hint=alice')
    expect([...cookies.keys()]).toEqual([])
  })

  it('refuses a login whose session does not fit, and keeps nothing of it', async () => {
    const store = createMemoryTokenStore()
    const large = world({ maxChunks: 1, tokens: { store }, onLogin: () => ({ data: { big: 'x'.repeat(4000) } }) })
    const answer = await large.signIn()
    expect([answer.status, String(answer.body).includes('ERR_SESSION_TOO_LARGE')]).toEqual([400, true])
    expect([...large.cookies.keys()]).toEqual([])
    expect(await store.keys()[Symbol.asyncIterator]().next()).toMatchObject({ done: true })
    expect(large.events.at(-1)).toMatchObject({ type: 'login.failed', code: 'ERR_SESSION_TOO_LARGE' })
  })

  it('takes cookies that were altered, mixed or sealed by others as if they were not there', async () => {
    const { signIn, session, cookies } = world({ onLogin: () => ({ data: { big: 'x'.repeat(4000) } }) })
    await signIn()
    const first = new Map(cookies)
    expect(first.size).toBe(3)
    await signIn()
    for (const [at, value] of [
      ['.0', ''],
      ['.0', '9.x'],
      ['.0', '1.v1.k1.AAAA.AAAA'],
      ['.0', first.get(`${name}.0`) as string],
      ['.1', first.get(`${name}.1`) as string],
      ['.1', ''],
      ['.id', ''],
      ['.id', first.get(`${name}.id`) as string],
    ] as const) {
      const whole = cookies.get(name + at) as string
      cookies.set(name + at, value)
      expect(await session(), `${at} ${value.slice(0, 20)}`).toBeUndefined()
      cookies.set(name + at, whole)
    }
    expect(await session()).toBeDefined()
  })

  it('takes the first cookie as it was written alone: how many there are, a dot, and no session without its id', async () => {
    const { signIn, session, cookies, login, facts } = world()
    await signIn()
    const whole = cookies.get(`${name}.0`) as string
    for (const start of ['0.', '9.', '4.', '1', '1x', '12', ' .']) {
      cookies.set(`${name}.0`, start + whole.slice(2))
      expect(await session(), start).toBeUndefined()
    }
    cookies.set(`${name}.0`, whole)
    expect((await session())?.account.subject).toBe('alice')
    const id = cookies.get(`${name}.id`) as string
    const text = await createSealer(sealKeys).open(whole.slice(2), `login-session:${name}.${id}`)
    cookies.set(
      `${name}.0`,
      `1.${await createSealer(sealKeys).seal(text as string, `login-session:${name}.undefined`)}`,
    )
    cookies.delete(`${name}.id`)
    expect(await session()).toBeUndefined()
    cookies.clear()
    expect(login.guard()(facts('/me'))).toMatchObject({ ok: false, answer: { status: 303 } })
  })

  it('fills each cookie to its last byte before it begins the next, and takes each away with a logout', async () => {
    const { begin } = keeperWorld()
    const lines = await begin(7000)
    expect(lines.slice(0, 2).map((line) => line.length)).toEqual([4096, 4096])
    const names = (prefix: string) => ['0', '1', '2', 'id'].map((at) => `${prefix}.${at}`)
    const settings = { sessions: cookieSessions(), tokens: false } as const
    for (const [prefix, options, flags] of [
      [name, settings, '; HttpOnly; Secure'],
      ['pc_session', { ...settings, baseUrl: 'http://localhost', allowInsecureLoopback: true }, '; HttpOnly'],
    ] as const) {
      const { signIn, send, cookies } = setUpWebLogin(options)
      const signedIn = setCookiesOf(await signIn())
      expect([...cookies.keys()]).toEqual([`${prefix}.0`, `${prefix}.id`])
      const gone = (one: string) => `${one}=; Path=/; Max-Age=0${flags}; SameSite=Lax`
      expect(signedIn).toEqual(expect.arrayContaining([gone(`${prefix}.1`), gone(`${prefix}.2`)]))
      const origin = new URL('baseUrl' in options ? options.baseUrl : appUrl).origin
      const out = await send('/auth/logout', { method: 'POST', headers: { ...asPage, origin } })
      expect(setCookiesOf(out)).toEqual(names(prefix).map(gone))
    }
  })

  it('tells once that a session was ended elsewhere, and marks it no second time', async () => {
    const store = createMemoryRevocationStore()
    const marks: string[] = []
    const revocations = {
      revokedAt: store.revokedAt,
      revoke: (...about: Parameters<typeof store.revoke>) => {
        marks.push(about[0])
        return store.revoke(...about)
      },
    }
    const setUp = world({ revocations })
    await setUp.signIn()
    setUp.time.nowMs += 1000
    const list = toLoginSettings({
      ...{ baseUrl: appUrl, providers: [setUp.provider], keys: sealKeys, sessions: cookieSessions(), tokens: false },
      ...{ revocations, clock: () => setUp.time.nowMs },
    }).revocations
    await list?.revoke({ issuer: 'https://as.example', sub: 'alice' })
    const before = marks.length
    for (const _request of [1, 2, 3]) expect(await setUp.session()).toBeUndefined()
    const ended = setUp.events.filter(({ type }) => type === 'session.ended')
    expect([ended, marks.length]).toEqual([
      [{ type: 'session.ended', provider: 'corporate', reason: 'revoked' }],
      before,
    ])
  })

  it('opens what an older key of the ring sealed, and seals with the first', async () => {
    const old = world()
    await old.signIn()
    const rotated = world({ keys: [other, ...sealKeys], clock: () => old.time.nowMs })
    for (const [one, value] of old.cookies) rotated.cookies.set(one, value)
    expect(await rotated.session()).toBeDefined()
    old.time.nowMs += (day / 10) * 1000
    const result = await rotated.login.guard()(rotated.facts('/me'))
    expect(setCookiesOf(result.ok ? result : { headers: {} })[0]).toMatch(/\.0=1\.v1\.k2\./)
  })

  it('writes the cookies again after a tenth of their life', async () => {
    const setUp = world()
    await setUp.signIn()
    const { seenAt = 0 } = (await setUp.opened()) ?? {}
    const guard = setUp.login.guard()
    setUp.time.nowMs += (day / 10 - 1) * 1000
    expect((await guard(setUp.facts('/me'))) as object).toHaveProperty('headers', { 'Cache-Control': 'private' })
    setUp.time.nowMs += 1000
    const renewed = await guard(setUp.facts('/me'))
    expect(setCookiesOf(renewed.ok ? renewed : { headers: {} })).toHaveLength(3)
    await setUp.send('/auth/status')
    expect((await setUp.opened())?.seenAt).toBe(seenAt + day / 10)
    const still = world({ session: { rolling: false } })
    await still.signIn()
    still.time.nowMs += (day - 1) * 1000
    expect(await still.login.guard()(still.facts('/me'))).toMatchObject({ headers: { 'Cache-Control': 'private' } })
    still.time.nowMs += 1000
    expect(await still.session()).toBeUndefined()
  })

  it('[S2-34] brings no older session back by the late answer to a request of it', async () => {
    const setUp = world({ onLogin: ({ account }) => ({ data: { filler: account.subject.repeat(400) } }) })
    const subject = async () => (await setUp.session())?.account.subject
    const claimsOf = (sub: string) => ({ sub, iat: setUp.time.nowMs / 1000, exp: setUp.time.nowMs / 1000 + 300 })
    await setUp.signIn('/auth/login', claimsOf('alice'))
    setUp.time.nowMs += (day / 10) * 1000
    // The handler is slow: its answer, which carries the cookies of Alice anew, comes after the next login.
    const late = await setUp.login.guard()(setUp.facts('/report'))
    const arrive = () => setUp.receive(late.ok ? late : { headers: {} })
    expect(setCookiesOf(late.ok ? late : { headers: {} })).toHaveLength(3)
    await setUp.signIn('/auth/login', claimsOf('bob'))
    expect(await subject()).toBe('bob')
    arrive()
    expect(await subject()).toBeUndefined()
    await setUp.signIn('/auth/login', claimsOf('bob'))
    expect(await subject()).toBe('bob')
    await setUp.send('/auth/logout', { method: 'POST', headers: { ...asPage, origin: appUrl } })
    arrive()
    expect(setUp.cookies.size).toBeGreaterThan(0)
    expect(await subject()).toBeUndefined()
    // A session of one's own is renewed however late the answer comes.
    await setUp.signIn('/auth/login', claimsOf('alice'))
    setUp.time.nowMs += (day / 10) * 1000
    const own = await setUp.login.guard()(setUp.facts('/report'))
    await setUp.send('/auth/status')
    setUp.receive(own.ok ? own : { headers: {} })
    expect(await subject()).toBe('alice')
  })

  it('ends copies of a cookie with its logout, and with the next login, where there is a list of them', async () => {
    const setUp = world({ revocations: createMemoryRevocationStore() })
    await setUp.signIn()
    const copy = new Map(setUp.cookies)
    const restore = () => copy.forEach((value, one) => void setUp.cookies.set(one, value))
    await setUp.signIn()
    restore()
    expect(await setUp.session()).toBeUndefined()
    expect(await setUp.session()).toBeUndefined()
    const ended = setUp.events.filter(({ type }) => type === 'session.ended')
    expect(ended).toEqual([{ type: 'session.ended', provider: 'corporate', reason: 'replaced' }])
    setUp.cookies.clear()
    setUp.time.nowMs += 1000
    await setUp.signIn()
    copy.clear()
    setUp.cookies.forEach((value, one) => void copy.set(one, value))
    await setUp.send('/auth/logout', { method: 'POST', headers: { ...asPage, origin: appUrl } })
    restore()
    expect(await setUp.session()).toBeUndefined()
  })

  it('wants to be told where the tokens are, and how many cookies there may be', () => {
    const { provider } = setUpWebLogin()
    const options = { baseUrl: appUrl, providers: [provider], keys: sealKeys, sessions: cookieSessions() }
    expect(() => toLoginSettings(options)).toThrow(/`tokens` says where the tokens of these sessions are/)
    expect(() => cookieSessions({ maxChunks: 4 })).toThrow(/maxChunks/)
    expect(() => cookieSessions({ chunks: 2 } as never)).toThrow(/^cookieSessions has no option `chunks`/)
  })
})
