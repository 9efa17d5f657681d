import { generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto'
import { setImmediate as queue } from 'node:timers'
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
  return queue(() => {
    try {
      answer(null, verify(digest, text, key, signature))
    } catch (error) {
      answer(error as Error, false)
    }
  })
}) as typeof verify

let spreadVerify: SpreadVerify
const check = (signature: Uint8Array = good, key: KeyObject = publicKey) => spreadVerify('sha256', data, key, signature)
const isPooled = (result: unknown) => result instanceof Promise

describe('createSpreadVerify', () => {
  beforeEach(() => {
    spreadVerify = createSpreadVerify(4, promptPool)
  })

  it('checks at once where few come in a turn of the event loop, and starts anew with the next', async () => {
    for (let turn = 0; turn < 3; turn++) {
      expect([check(), check(bad), check(), check(bad)]).toEqual([true, false, true, false])
      await setImmediate()
    }
  })

  it('hands further ones of the turn over to the thread pool, with the same answers', async () => {
    const results = Array.from({ length: 12 }, (_, index) => check(index % 2 === 0 ? good : bad))
    expect(results.map(isPooled)).toEqual(results.map((_, index) => index >= 4))
    expect(await Promise.all(results)).toEqual(results.map((_, index) => index % 2 === 0))
  })

  it('leaves room in the pool: beyond 64 every other one is made at once, until there is room', async () => {
    const results = Array.from({ length: 80 }, () => check())
    expect(results.slice(4, 68).every(isPooled)).toBe(true)
    expect(results.slice(68).map(isPooled)).toEqual(Array.from({ length: 12 }, (_, index) => index % 2 === 1))
    expect((await Promise.all(results)).every((isValid) => isValid)).toBe(true)
    await setImmediate()
    const next = Array.from({ length: 5 }, () => check())
    expect(next.map(isPooled)).toEqual([false, false, false, false, true])
    await Promise.all(next)
  })

  it('hands nothing over where one waits for the other within a task, however many there are', async () => {
    for (let n = 0; n < 100; n++) {
      const one = check()
      expect(isPooled(one)).toBe(false)
      await one
    }
  })

  it('hands over where several chains of them run side by side', async () => {
    const pooled: boolean[] = []
    const chain = async () => {
      for (let n = 0; n < 2; n++) {
        const one = check()
        pooled.push(isPooled(one))
        await one
      }
    }
    await Promise.all(Array.from({ length: 5 }, chain))
    expect(pooled.slice(0, 5)).toEqual([false, false, false, false, true])
  })

  it('hands over what comes in tasks of their own within a turn, as from sockets', async () => {
    const results: unknown[] = []
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        await setImmediate()
        results.push(check())
      }),
    )
    expect(results.map(isPooled)).toEqual([false, false, false, false, true, true, true, true])
    await Promise.all(results)
  })

  /** As many in turns of five as fit, and how many of them were handed over. */
  async function pooledInTurnsOfFive(checks: number): Promise<number> {
    let pooled = 0
    for (let turns = checks / 5; turns > 0; turns--) {
      const results = Array.from({ length: 5 }, () => check())
      pooled += results.filter(isPooled).length
      await setImmediate()
      await Promise.all(results)
    }
    return pooled
  }

  it('leaves the pool alone for 256 checks after one that was alone in it, and for twice as many each further time', async () => {
    expect(await pooledInTurnsOfFive(5)).toBe(1)
    expect(await pooledInTurnsOfFive(255)).toBe(0)
    expect(await pooledInTurnsOfFive(5)).toBe(1)
    expect(await pooledInTurnsOfFive(510)).toBe(0)
    expect(await pooledInTurnsOfFive(5)).toBe(1)
  })

  it('leaves the pool alone for no more than 1,024 checks', async () => {
    for (const pause of [255, 510, 1020, 1020]) {
      expect(await pooledInTurnsOfFive(5)).toBe(1)
      expect(await pooledInTurnsOfFive(pause)).toBe(0)
    }
    expect(await pooledInTurnsOfFive(5)).toBe(1)
  })

  it('leaves the pool alone for exactly 256 checks after one that was alone in it', async () => {
    for (let n = 0; n < 4; n++) expect(isPooled(check())).toBe(false)
    expect(await check()).toBe(true)
    for (let n = 0; n < 251; n++) {
      if (n % 4 === 0) await setImmediate()
      expect(isPooled(check())).toBe(false)
    }
    await setImmediate()
    const last = Array.from({ length: 6 }, () => check())
    expect(last.map(isPooled)).toEqual([false, false, false, false, false, true])
    await Promise.all(last)
  })

  it('takes those for many that come at once behind one that was waited for, and stays with that for the turn', async () => {
    const first = Array.from({ length: 3 }, () => check())
    await Promise.resolve()
    await Promise.resolve()
    const further = Array.from({ length: 3 }, () => check())
    await Promise.resolve()
    await Promise.resolve()
    const results = [...first, ...further, check()]
    expect(results.map(isPooled)).toEqual([false, false, false, false, true, true, true])
    await Promise.all(results)
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
    expect(Array.from({ length: 4 }, () => check())).toEqual([true, true, true, true])
    const wrong = Array.from({ length: 40 }, async () => check(good, privateKeyOfNoUse()))
    const outcomes = await Promise.allSettled(wrong)
    expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true)
    await setImmediate()
    const next = Array.from({ length: 5 }, () => check())
    expect(isPooled(next[4])).toBe(true)
    expect(await Promise.all(next)).toEqual([true, true, true, true, true])
  })
})

describe('a pool that others block', () => {
  const answers: Answer[] = []

  /** Takes checks with a callback and answers when it is told to. */
  const blocked = ((digest: string | null, text: Buffer, key: KeyObject, signature: Buffer, answer?: Answer) =>
    answer === undefined ? verify(digest, text, key, signature) : answers.push(answer)) as typeof verify

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'setImmediate'] })
    answers.length = 0
    spreadVerify = createSpreadVerify(1, blocked, globalThis)
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

  it('takes no check for alone that another one came beside', async () => {
    const first = [check(), check(), check()]
    answers[0]?.(null, true)
    await vi.advanceTimersByTimeAsync(1)
    const next = [check(), check()]
    expect(next.map(isPooled)).toEqual([false, true])
    for (const answer of answers.splice(1)) answer(null, true)
    expect(await Promise.all([...first, ...next])).toEqual([true, true, true, true, true])
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
