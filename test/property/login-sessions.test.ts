import { setImmediate as nextTurn } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { createMemoryLockStore, createMemoryRevocationStore } from 'portcullis'
import {
  cookieSessions,
  createLogin,
  createMemorySessionStore,
  createMemoryTokenStore,
  type Login,
  type SessionStore,
} from 'portcullis/login'
import {
  createRedisLockStore,
  createRedisRevocationStore,
  createRedisSessionStore,
  createRedisTokenStore,
} from 'portcullis/redis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { HttpAnswer } from '../../src/http/http-answer.js'
import { tokens } from '../support/fake-token-endpoint.js'
import { idTokenClaims, signIdToken } from '../support/login-set-up.js'
import { setUpProvider } from '../support/provider-set-up.js'
import { hasRedis, type RedisServer, startRedis } from '../support/redis.js'
import { requestFacts } from '../support/request-facts.js'
import { seeded } from '../support/turns.js'
import { appUrl, asPage, sealKeys, setCookiesOf } from '../support/web-login-set-up.js'

/** In each mode; `npm run soak` asks for 10,000. */
const interleavings = Number(process.env['INTERLEAVINGS'] ?? 8)

/** The same name and the same e-mail address: only `sub` tells them apart. */
const users = ['twin-1', 'twin-2'] as const
const twin = { name: 'Alex Twin', email: 'alex@example.com', email_verified: true }

/** Of one answer: a busy machine takes its time. */
const timeoutMs = 20_000

const isRedisThere = hasRedis('sessions in Redis, interleaved')
let redis: RedisServer | undefined
let client: Redis

beforeAll(async () => {
  if (!isRedisThere) return
  redis = await startRedis()
  client = new Redis({ host: '127.0.0.1', port: redis.port })
})
afterAll(async () => {
  client?.disconnect()
  await redis?.stop()
})

const modes = {
  'one process, in memory': () => ({}),
  'a store that processes share': () => ({
    sessions: createMemorySessionStore(),
    tokens: { store: createMemoryTokenStore(), lock: createMemoryLockStore() },
    revocations: createMemoryRevocationStore(),
  }),
  Redis: () => ({
    sessions: createRedisSessionStore({ client, keys: sealKeys, timeoutMs }),
    tokens: {
      store: createRedisTokenStore({ client, keys: sealKeys, nameSecret: new Uint8Array(32).fill(3), timeoutMs }),
      lock: createRedisLockStore({ client, timeoutMs }),
    },
    revocations: createRedisRevocationStore({ client, timeoutMs }),
  }),
  cookies: () => ({ sessions: cookieSessions(), tokens: { store: createMemoryTokenStore() } }),
} as const

/** How often time goes on in one interleaving, far enough for sessions to be written and cookies to be sent again. */
const maxRenewals = 8
const renewalMs = 61_000

/** A server at which the code names its user, and both tokens do. */
function createWorld(mode: keyof typeof modes, seed: number) {
  const random = seeded(seed)
  const { server, provider, time } = setUpProvider()
  let issued = 0
  server.script('/token', async ({ form }) => {
    await turns()
    issued += 1
    const [sub = '', nonce] = String(form.get('code') ?? form.get('refresh_token')).split('.')
    const members = { access_token: `at-${sub}-${issued}`, refresh_token: `${sub}.`, expires_in: 3600 }
    const now = time.nowMs / 1000
    const idToken = signIdToken(idTokenClaims({ sub, ...twin, iat: now, exp: now + 300, ...(nonce && { nonce }) }))
    return tokens({ ...members, ...(nonce && { id_token: idToken }) })({} as never, new AbortController().signal)
  })
  const turns = async () => {
    for (let count = Math.floor(random() * 4); count > 0; count -= 1) await nextTurn()
  }
  const slow = <Given extends unknown[], Result>(work: (...given: Given) => Result | Promise<Result>) => {
    return async (...given: Given): Promise<Result> => {
      await turns()
      return work(...given)
    }
  }
  const slowly = ({ get, set, touch, delete: remove }: SessionStore): SessionStore => ({
    ...{ get: slow(get), set: slow(set), touch: slow(touch), delete: slow(remove) },
  })
  const { sessions, ...others } = modes[mode]() as ReturnType<(typeof modes)['a store that processes share']>
  const stores = sessions === undefined ? {} : { sessions: 'kind' in sessions ? sessions : slowly(sessions) }
  const common = {
    baseUrl: appUrl,
    providers: [provider],
    keys: sealKeys,
    limit: false,
    session: { idleSeconds: 600 },
    clock: () => time.nowMs,
  } as const
  const logins = Array.from({ length: sessions === undefined ? 1 : 2 }, () =>
    createLogin({ ...common, ...stores, ...others }),
  )
  const anyLogin = (): Login => logins[Math.floor(random() * logins.length)] as Login
  let renewals = 0
  const goOn = () => {
    renewals += 1
    if (renewals <= maxRenewals) time.nowMs += renewalMs
  }
  return { random, turns, anyLogin, goOn }
}

/** A browser that one user leaves to the other, and what its requests found out about who is signed in. */
function createBrowser(first: string, { turns, anyLogin, goOn }: ReturnType<typeof createWorld>) {
  const jar = new Map<string, string>()
  const facts = (url: string, method = 'GET') => {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
    return requestFacts({ method, url, headers: { ...asPage, cookie, origin: appUrl } })
  }
  function receive(answer: Pick<HttpAnswer, 'headers'>): void {
    for (const line of setCookiesOf(answer)) {
      const [pair = ''] = line.split(';')
      const at = pair.indexOf('=')
      if (line.includes('Max-Age=0')) jar.delete(pair.slice(0, at))
      else jar.set(pair.slice(0, at), pair.slice(at + 1))
    }
  }
  async function send(url: string, method?: string): Promise<HttpAnswer> {
    const answer = (await anyLogin().handle(facts(url, method))) as HttpAnswer
    receive(answer)
    return answer
  }
  let user: string | undefined
  const late: Promise<void>[] = []
  const seen: { readonly one: string; readonly expected: string | undefined }[] = []

  async function signIn(sub: string): Promise<void> {
    const { headers } = await send('/auth/login')
    const { searchParams } = new URL(String(headers['Location']))
    await turns()
    const code = `${sub}.${searchParams.get('nonce')}`
    const back = await send(`/auth/callback/corporate?code=${code}&state=${searchParams.get('state')}`)
    expect(back.status).toBe(303)
    user = sub
  }
  /** Its answer comes when it likes, after a login or a logout too. */
  async function report(): Promise<void> {
    const result = await anyLogin().guard()(facts('/report'))
    for (let count = 0; count < 4; count += 1) await turns()
    if (result.ok) receive(result)
  }
  const steps = {
    signIn: () => signIn(user ?? first),
    changeHands: () => signIn(users.find((one) => one !== (user ?? first)) as string),
    async look() {
      const session = await anyLogin().session(facts('/'))
      await turns()
      if (session === undefined) return
      seen.push({ one: session.account.subject, expected: user })
      const token = await session.tokens?.getToken().catch(() => undefined)
      if (token !== undefined) seen.push({ one: token.accessToken.split('-').slice(1, 3).join('-'), expected: user })
    },
    async report() {
      goOn()
      late.push(report())
    },
    async refresh() {
      await send('/auth/refresh', 'POST')
    },
    async signOut() {
      await send('/auth/logout', 'POST')
      user = undefined
    },
  }
  return { steps, seen, settle: () => Promise.all(late) }
}

const { SESSION_MODE: only } = process.env
const chosen = (Object.keys(modes) as (keyof typeof modes)[]).filter(
  (mode) => (isRedisThere || mode !== 'Redis') && (only === undefined || mode === only),
)
if (chosen.length === 0) throw new Error(`There is no mode ${only} of sessions here.`)

describe.each(chosen)('two users of one name and address, with %s', { timeout: 3_600_000 }, (mode) => {
  it('[A4] [S2-56] never sees the session or a token of the other one, nor of who was there before', async () => {
    const names = ['look', 'look', 'report', 'refresh', 'signOut', 'signIn', 'changeHands'] as const
    let sights = 0
    for (let seed = 1; seed <= interleavings; seed += 1) {
      const world = createWorld(mode, seed)
      const run = async (sub: string) => {
        const { steps, seen, settle } = createBrowser(sub, world)
        await steps.signIn()
        for (let count = 0; count < 5; count += 1) {
          await steps[names[Math.floor(world.random() * names.length)] as (typeof names)[number]]()
        }
        await steps.look()
        await settle()
        await steps.look()
        sights += seen.length
        const foreign = seen.filter(({ one, expected }) => one !== expected)
        expect(foreign, `${mode}, seed ${seed}`).toEqual([])
      }
      await Promise.all([...users, ...users].map(run))
    }
    expect(sights).toBeGreaterThan(interleavings)
  })
})

describe('a request behind a session', () => {
  it('[A13] reads the store of sessions once, and the list of ended ones at most once', async () => {
    const { provider, time, server } = setUpProvider()
    const reads = { sessions: 0, revocations: 0, writes: 0 }
    const sessions = createMemorySessionStore()
    const revocations = createMemoryRevocationStore()
    const login = createLogin({
      ...{ baseUrl: appUrl, providers: [provider], keys: sealKeys, tokens: false, clock: () => time.nowMs },
      sessions: {
        ...sessions,
        get: async (key) => {
          reads.sessions += 1
          return sessions.get(key)
        },
        touch: async (...about) => {
          reads.writes += 1
          return sessions.touch(...about)
        },
      },
      revocations: {
        ...revocations,
        revokedAt: (keys) => {
          reads.revocations += 1
          return revocations.revokedAt(keys)
        },
      },
    })
    const out = (await login.handle(requestFacts({ url: '/auth/login', headers: asPage }))) as HttpAnswer
    const { searchParams } = new URL(String(out.headers['Location']))
    server.script('/token', tokens({ id_token: signIdToken(idTokenClaims({ nonce: searchParams.get('nonce') })) }))
    const [transaction = ''] = String(setCookiesOf(out)[0]).split(';')
    const url = `/auth/callback/corporate?code=c&state=${searchParams.get('state')}`
    const back = (await login.handle(requestFacts({ url, headers: { ...asPage, cookie: transaction } }))) as HttpAnswer
    const [cookie = ''] = String(setCookiesOf(back).at(-1)).split(';')
    const guard = login.guard()
    for (let request = 0; request < 3; request += 1) {
      Object.assign(reads, { sessions: 0, revocations: 0, writes: 0 })
      expect(await guard(requestFacts({ url: '/me', headers: { cookie } }))).toMatchObject({ ok: true })
      expect(reads).toEqual({ sessions: 1, revocations: 1, writes: 0 })
    }
    Object.assign(reads, { sessions: 0, revocations: 0 })
    expect(await guard(requestFacts({ url: '/me' }))).toMatchObject({ ok: false })
    expect(reads).toEqual({ sessions: 0, revocations: 0, writes: 0 })
  })
})
