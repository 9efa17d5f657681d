import { generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto'
import { nextTick } from 'node:process'
import * as nodeTimers from 'node:timers'
import { setImmediate } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createSpreadVerify, type SpreadVerify } from '../../../../src/jws/crypto/spread-verify-node.js'

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const data = Buffer.from('signed')
const good = sign('sha256', data, privateKey)
const bad = sign('sha256', Buffer.from('something else'), privateKey)

type Answer = (error: Error | null, isValid: boolean) => void

/** A pool that is never slow, however busy the machine: it makes a check in the next turn. */
const promptPool = ((digest: string, text: Buffer, key: KeyObject, signature: Buffer, answer?: Answer): unknown => {
  if (answer === undefined) return verify(digest, text, key, signature)
  return nodeTimers.setImmediate(() => {
    try {
      answer(null, verify(digest, text, key, signature))
    } catch (error) {
      answer(error as Error, false)
    }
  })
}) as typeof verify

/** Finds every signature good, where only the number of checks counts. */
const trustingPool = ((_digest: string, _text: Buffer, _key: KeyObject, _signature: Buffer, answer?: Answer): unknown =>
  answer === undefined || nodeTimers.setImmediate(answer, null, true)) as typeof verify

let spreadVerify: SpreadVerify
const check = (signature: Uint8Array = good, key: KeyObject = publicKey) => spreadVerify('sha256', data, key, signature)
const isPooled = (result: unknown) => result instanceof Promise

describe('createSpreadVerify', () => {
  beforeEach(() => {
    spreadVerify = createSpreadVerify(8, promptPool)
  })

  /** So many come together in a turn of the event loop. Which of them went to the pool. */
  async function turnOf(checks: number): Promise<boolean[]> {
    const results = Array.from({ length: checks }, () => check())
    await Promise.all(results)
    await setImmediate()
    return results.map(isPooled)
  }

  it('checks at once where fewer than many come in a turn of the event loop, and counts anew in the next', async () => {
    for (let turn = 0; turn < 3; turn++) {
      const answers = [check(), check(bad), check(), check(bad), check(), check(bad), check()]
      expect(answers).toEqual([true, false, true, false, true, false, true])
      await setImmediate()
    }
  })

  it('hands further ones of the turn over to the thread pool, with the same answers', async () => {
    const results = Array.from({ length: 12 }, (_, index) => check(index % 2 === 0 ? good : bad))
    expect(results.map(isPooled)).toEqual(results.map((_, index) => index >= 8))
    expect(await Promise.all(results)).toEqual(results.map((_, index) => index % 2 === 0))
  })

  it('makes one at once where the turn before had many', async () => {
    expect(await turnOf(8)).toEqual(Array.from({ length: 8 }, () => false))
    expect(await turnOf(4)).toEqual([false, true, true, true])
  })

  it('makes half as many at once where the last turn of more than that had many', async () => {
    await turnOf(8)
    await turnOf(1)
    await turnOf(4)
    expect(await turnOf(6)).toEqual([false, false, false, false, true, true])
  })

  it('waits for many again after a turn with more than half, but not as many', async () => {
    await turnOf(8)
    await turnOf(5)
    expect((await turnOf(9)).indexOf(true)).toBe(8)
  })

  it('leaves room in the pool: beyond 64 every other one is made at once, until there is room', async () => {
    const results = Array.from({ length: 84 }, () => check())
    expect(results.slice(8, 72).every(isPooled)).toBe(true)
    expect(results.slice(72).map(isPooled)).toEqual(Array.from({ length: 12 }, (_, index) => index % 2 === 1))
    expect((await Promise.all(results)).every((isValid) => isValid)).toBe(true)
    await setImmediate()
    expect(await turnOf(3)).toEqual([false, true, true])
  })

  it('hands nothing over where one waits for the other within a task, however many there are', async () => {
    for (let n = 0; n < 100; n++) {
      const one = check()
      expect(isPooled(one)).toBe(false)
      await one
    }
  })

  it('hands nothing over where fewer than many at a time wait for each other within a task', async () => {
    for (let n = 0; n < 20; n++) {
      const results = Array.from({ length: 7 }, () => check())
      expect(results.some(isPooled)).toBe(false)
      await Promise.all(results)
    }
  })

  it('counts anew where what comes within a task waited for half of many', async () => {
    for (let n = 0; n < 4; n++) void check()
    await Promise.resolve()
    const results = Array.from({ length: 10 }, () => check())
    expect(results.map(isPooled).indexOf(true)).toBe(8)
    await Promise.all(results)
  })

  it('counts on where the task in which half of many came is over, though what comes then waits', async () => {
    for (let n = 0; n < 4; n++) void check()
    await new Promise<void>((resolve) => nextTick(resolve))
    void check()
    await Promise.resolve()
    const results = Array.from({ length: 4 }, () => check())
    expect(results.map(isPooled)).toEqual([false, false, false, true])
    await Promise.all(results)
  })

  it('hands over what waited for one thing, and so runs on in one task', async () => {
    const keys = Promise.resolve()
    const pooled: boolean[] = []
    const waiter = async () => {
      await keys
      const one = check()
      pooled.push(isPooled(one))
      await one
    }
    await Promise.all(Array.from({ length: 12 }, waiter))
    expect(pooled).toEqual(pooled.map((_, index) => index >= 8))
  })

  it('hands over what comes in tasks of their own within a turn, as from sockets', async () => {
    const results: unknown[] = []
    await Promise.all(
      Array.from({ length: 12 }, async () => {
        await setImmediate()
        results.push(check())
      }),
    )
    expect(results.map(isPooled)).toEqual(results.map((_, index) => index >= 8))
    await Promise.all(results)
  })

  /** Checks one after another in one task, without as much as a microtask between those made at once. */
  async function chainOf(checks: number): Promise<number> {
    let pooled = 0
    for (let n = 0; n < checks; n++) {
      const one = check()
      if (!isPooled(one)) continue
      pooled += 1
      await one
    }
    return pooled
  }

  it('hands over ever fewer of a chain that waits for nothing but the pool', async () => {
    spreadVerify = createSpreadVerify(8, trustingPool)
    expect(await chainOf(9)).toBe(1)
    expect(await chainOf(8)).toBe(0)
    // Backing off has grown to its most within 2,048 checks.
    expect(await chainOf(2048)).toBeLessThan(9)
    const later = await chainOf(20 * 1024)
    expect(later).toBeGreaterThan(17)
    expect(later).toBeLessThan(22)
  })

  it('hands bursts over again after a chain, and backs off as little as at first from then on', async () => {
    await chainOf(9 + 9 + 17)
    expect((await turnOf(32)).includes(true)).toBe(false)
    const burst = await turnOf(12)
    expect(burst).toEqual(burst.map((_, index) => index > 0))
    await setImmediate()
    expect(await chainOf(20)).toBe(2)
  })

  it('[JOSE-12] refuses malformed signatures in the thread pool of Node as it does at once', async () => {
    spreadVerify = createSpreadVerify(4)
    const malformed = [Buffer.alloc(0), Buffer.from('junk'), good.subarray(1), Buffer.concat([good, Buffer.of(0)])]
    const atOnce = malformed.map((signature) => check(signature))
    const pooled = malformed.map((signature) => check(signature))
    expect(atOnce.some(isPooled)).toBe(false)
    expect(pooled.every(isPooled)).toBe(true)
    expect(await Promise.all(pooled)).toEqual(atOnce)
  })

  it('rejects where the platform cannot check with the key, and frees its place', async () => {
    await turnOf(8)
    const wrong = Array.from({ length: 65 }, async () => check(good, privateKeyOfNoUse()))
    const outcomes = await Promise.allSettled(wrong)
    expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true)
    await setImmediate()
    const next = Array.from({ length: 5 }, () => check())
    expect(next.slice(1).every(isPooled)).toBe(true)
    expect(await Promise.all(next)).toEqual([true, true, true, true, true])
  })
})

describe('a pool that others block', () => {
  const answers: Answer[] = []

  /** Takes checks with a callback and answers when it is told to. */
  const blocked = ((digest: string | null, text: Buffer, key: KeyObject, signature: Buffer, answer?: Answer) =>
    answer === undefined ? verify(digest, text, key, signature) : answers.push(answer)) as typeof verify

  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'setImmediate'] })
    answers.length = 0
    const { setImmediate, setTimeout } = globalThis as unknown as typeof nodeTimers
    spreadVerify = createSpreadVerify(2, blocked, { setImmediate, setTimeout })
    // From then on one of a turn is made at once.
    expect([check(), check()]).toEqual([true, true])
    await vi.advanceTimersByTimeAsync(0)
  })

  afterEach(() => {
    vi.useRealTimers()
  })

  it('holds no check up for longer than 20 ms, and is given no further one until it answers', async () => {
    const results = [check(), check(), check(bad), check(good, privateKeyOfNoUse())]
    const settled = Promise.allSettled(results)
    await vi.advanceTimersByTimeAsync(9)
    expect(answers).toHaveLength(3)
    await vi.advanceTimersByTimeAsync(15)
    expect((await settled).map((one) => (one.status === 'fulfilled' ? one.value : 'rejected'))).toEqual([
      true,
      true,
      false,
      'rejected',
    ])
    expect([check(), check(), check()].some(isPooled)).toBe(false)
    for (const answer of answers.splice(0)) answer(null, true)
    await vi.advanceTimersByTimeAsync(1)
    const later = [check(), check(), check()]
    expect(later.map(isPooled)).toEqual([false, true, true])
    for (const answer of answers.splice(0)) answer(null, true)
    expect(await Promise.all(later)).toEqual([true, true, true])
  })

  it('wakes an event loop in which nothing else happens, and keeps none alive before', async () => {
    vi.useRealTimers()
    const timeouts: [() => void, NodeJS.Timeout][] = []
    const immediates: NodeJS.Immediate[] = []
    const timers = {
      setTimeout: (then: () => void, ms: number) => {
        const timeout = nodeTimers.setTimeout(() => {}, ms)
        timeouts.push([then, timeout])
        return timeout
      },
      setImmediate: (then: (...args: unknown[]) => void, ...args: unknown[]) => {
        const immediate = nodeTimers.setImmediate(then, ...args)
        immediates.push(immediate)
        return immediate
      },
    } as typeof nodeTimers
    spreadVerify = createSpreadVerify(2, blocked, timers)
    const results = [check(), check(), check(), check()]
    expect(immediates.map((immediate) => immediate.hasRef())).toEqual([false])
    for (let waits = 0; waits < 2; waits++) {
      const [then, timeout] = timeouts[waits] as (typeof timeouts)[number]
      expect(timeout.hasRef()).toBe(false)
      then()
      expect(immediates.at(-1)?.hasRef()).toBe(true)
      await setImmediate()
    }
    expect(await Promise.all(results)).toEqual([true, true, true, true])
  })

  it('waits for a pool that is slow, and makes nothing twice', async () => {
    // Made on the main thread, the last one would be refused.
    const results = [check(), check(), check(), check(bad)]
    for (const answer of answers.splice(0)) {
      await vi.advanceTimersByTimeAsync(9)
      answer(null, true)
    }
    expect(await Promise.all(results)).toEqual([true, true, true, true])
    const later = [check(), check()]
    expect(later.map(isPooled)).toEqual([false, true])
    for (const answer of answers.splice(0)) answer(null, true)
    await Promise.all(later)
  })

  it('looks after the pool only while it has something to make', async () => {
    expect(check()).toBe(true)
    expect(vi.getTimerCount()).toBe(1)
    const pooled = [check(), check(), check()]
    expect(vi.getTimerCount()).toBe(2)
    for (const answer of answers.splice(0)) answer(null, true)
    expect(await Promise.all(pooled)).toEqual([true, true, true])
    await vi.advanceTimersByTimeAsync(30)
    expect(vi.getTimerCount()).toBe(0)
    const late = [check(), check()]
    await vi.advanceTimersByTimeAsync(30)
    expect(await Promise.all(late)).toEqual([true, true])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('leaves those alone that have not waited that long', async () => {
    const early = [check(), check()]
    await vi.advanceTimersByTimeAsync(6)
    const later = [check(), check()]
    const told = vi.fn()
    void (later[1] as Promise<boolean>).then(told)
    await vi.advanceTimersByTimeAsync(5)
    expect(await Promise.all(early)).toEqual([true, true])
    expect(told).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(12)
    expect(told).toHaveBeenCalledWith(true)
  })
})

/** An X25519 key agrees on secrets and signs nothing. */
function privateKeyOfNoUse(): KeyObject {
  return generateKeyPairSync('x25519').publicKey
}
