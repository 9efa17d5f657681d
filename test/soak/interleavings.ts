import { setImmediate as nextTurn, setTimeout as wait } from 'node:timers/promises'
import type { TokenSet } from 'portcullis/client'
import { createUserTokens, type LockStore, type TokenStore, type UserTokens } from 'portcullis/login'
import { accountKey } from 'portcullis/native'
import { rotatingServer } from '../support/rotating-server.js'
import { createTurns, seeded } from '../support/turns.js'
import { patiently } from './open-tokens.js'

/** How often two users of one name meet in a store. */
export interface InterleavingPlan {
  /** What each of the processes has: a store of its own over the same entries. */
  readonly stores: readonly TokenStore[]
  readonly lock: LockStore
  readonly interleavings: number
  /** How many at a time: they share the store too. */
  readonly parallel: number
  /** Told how it goes, now and then. */
  readonly tell?: (figures: object) => void
}

/** What came of it. */
export interface InterleavingResult {
  /** How often a caller got a token of his own. */
  readonly own: number
  /** How often a caller got a token of somebody else. */
  readonly foreign: number
  /** How often a spent refresh token was sent. */
  readonly reuses: number
  readonly errors: readonly string[]
}

const callers = 8
const issuer = 'https://login.example.com'
const profile = { name: 'Alex Smith', email: 'alex@example.com' }

/** Two users of equal name and e-mail in two processes; what they do to the store comes in an order made of a seed. */
export async function runInterleavings(plan: InterleavingPlan): Promise<InterleavingResult> {
  const { stores } = plan
  const result = { own: 0, foreign: 0, reuses: 0, errors: [] as string[] }
  let seed = 0
  let done = 0

  async function interleave(seed: number): Promise<void> {
    const random = seeded(seed)
    const turns = createTurns(random, (isWaiting) => (isWaiting ? nextTurn() : wait(1)))
    let aheadMs = 0
    const clock = () => Date.now() + aheadMs
    const server = rotatingServer({ clock })
    const provider = { ...server.provider, refresh: turns.taking(server.provider.refresh) }
    const lock: LockStore = { acquire: turns.taking(plan.lock.acquire) }
    const taking = (inner: TokenStore): TokenStore => ({
      ...inner,
      get: turns.taking(inner.get),
      set: turns.taking(inner.set),
      replace: turns.taking(inner.replace),
    })
    const processes = stores.map(taking)
    const users = await Promise.all(
      [`${seed}-1`, `${seed}-2`].map(async (subject) => {
        const key = await accountKey('soak', { issuer, subject })
        return { key, subject, all: processes.map((store) => createUserTokens({ provider, store, lock, key, clock })) }
      }),
    )
    const signIns = users.map(({ subject, all }) => {
      const tokens = server.signIn(subject, { profile })
      return patiently(async () => all[0]?.set(tokens))
    })
    await turns.untilSettled(Promise.all(signIns))
    aheadMs = 101_000
    const calls = Array.from({ length: callers }, async () => {
      const { subject, all } = users[Math.floor(random() * users.length)] as (typeof users)[0]
      const tokens = all[Math.floor(random() * all.length)] as UserTokens
      const asking = patiently(() => tokens.getToken())
      await asking.then(judge(subject), (error) => result.errors.push(`seed ${seed}: ${error.code}`))
    })
    await turns.untilSettled(Promise.all(calls))
    await Promise.all(users.map(({ key }) => patiently(async () => stores[0]?.delete(key))))
    result.reuses += server.reuses
    done += 1
    if (done % 500 === 0) plan.tell?.({ done, ...result })
  }

  function judge(subject: string) {
    return ({ accessToken }: TokenSet) => {
      if (accessToken.startsWith(`${subject}:`)) result.own += 1
      else result.foreign += 1
    }
  }

  async function lane(): Promise<void> {
    while (seed < plan.interleavings) {
      seed += 1
      await interleave(seed)
    }
  }

  await Promise.all(Array.from({ length: plan.parallel }, lane))
  return result
}
