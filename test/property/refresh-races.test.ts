import { createMemoryLockStore, type LockStore } from 'portcullis'
import type { TokenSet } from 'portcullis/client'
import { createMemoryTokenStore, createUserTokens, type TokenStore, type UserTokens } from 'portcullis/login'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { rotatingServer } from '../support/rotating-server.js'
import { createTurns, seeded } from '../support/turns.js'

beforeEach(() => {
  vi.useFakeTimers({ now: 1_800_000_000_000 })
})
afterEach(() => {
  vi.useRealTimers()
})

function createWorld(seed: number) {
  const random = seeded(seed)
  const turns = createTurns(random, (isWaiting) => vi.advanceTimersByTimeAsync(isWaiting ? 0 : 50))
  const server = rotatingServer({ clock: Date.now })
  const inner = createMemoryTokenStore({ clock: Date.now })
  const leases = createMemoryLockStore({ clock: Date.now })
  const lock: LockStore = { acquire: turns.taking(leases.acquire) }
  const provider = { ...server.provider, refresh: turns.taking(server.provider.refresh) }
  const store = (): TokenStore => ({
    ...inner,
    get: turns.taking(inner.get),
    set: turns.taking(inner.set),
    replace: turns.taking(inner.replace),
    describe: () => ({ ...inner.describe(), persistent: true }),
  })
  const open = (key: string, kept = store()) => createUserTokens({ provider, store: kept, lock, key })
  return { random, turns, server, inner, store, open }
}

const outcome = (promise: Promise<TokenSet>) =>
  promise.then(
    ({ accessToken }) => accessToken,
    (error: { readonly code: string }) => error.code,
  )

it('[A3] never brings tokens back after a logout: 1,000 interleavings of 3 processes', async () => {
  let loggedOut = 0
  for (let seed = 1; seed <= 1000; seed += 1) {
    const { random, turns, server, inner, open } = createWorld(seed)
    const processes = [open('user'), open('user'), open('user')] as const
    const setting = processes[0].set(server.signIn())
    await turns.untilSettled(setting)
    await vi.advanceTimersByTimeAsync(101_000)
    const any = (): UserTokens => processes[Math.floor(random() * 3)] as UserTokens
    const calls = [any(), any(), any()].map((tokens) => outcome(tokens.getToken()))
    const late = outcome(Promise.resolve(vi.advanceTimersByTimeAsync(0)).then(() => any().getToken()))
    const ended = any()
    await turns.untilSettled(Promise.all([...calls, late, ended.logout()]))
    if ((await Promise.all(calls)).includes('ERR_REAUTHENTICATION_REQUIRED')) loggedOut += 1
    const about = `seed ${seed}`
    expect(await inner.has('user'), about).toBe(false)
    expect([server.reuses, server.livingSessions()], about).toEqual([0, 0])
    const after = [...processes.map((tokens) => tokens.isAuthenticated())]
    await turns.untilSettled(Promise.all(after))
    expect(await Promise.all(after), about).toEqual([false, false, false])
    const mine = outcome(ended.getToken())
    await turns.untilSettled(mine)
    expect(await mine, about).toBe('ERR_REAUTHENTICATION_REQUIRED')
  }
  expect(loggedOut).toBeGreaterThan(100)
})

/** `npm run soak` asks for more. */
const interleavings = Number(process.env['INTERLEAVINGS'] ?? 250)

it(`[A4] [S2-56] never gives one user the tokens of another of the same name: ${interleavings} interleavings`, async () => {
  for (let seed = 1; seed <= interleavings; seed += 1) {
    const { random, turns, server, store, open } = createWorld(seed)
    const profile = { name: 'Alex Smith', email: 'alex@example.com' }
    const shared = store()
    const users = ['sub-1', 'sub-2'].map((subject) => ({ subject, all: [open(subject, shared), open(subject)] }))
    await turns.untilSettled(
      Promise.all(users.map(({ subject, all }) => all[0]?.set(server.signIn(subject, { profile })))),
    )
    await vi.advanceTimersByTimeAsync(101_000)
    const calls = Array.from({ length: 8 }, () => {
      const { subject, all } = users[Math.floor(random() * 2)] as (typeof users)[0]
      const tokens = all[Math.floor(random() * 2)] as UserTokens
      return outcome(tokens.getToken()).then((answer) => answer.split(':')[0] === subject)
    })
    await turns.untilSettled(Promise.all(calls))
    expect(await Promise.all(calls), `seed ${seed}`).not.toContain(false)
    expect(server.reuses).toBe(0)
  }
}, 600_000)
