import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { beforeEach, describe, expect, it } from 'vitest'
import { createSpreadVerify, type SpreadVerify } from '../../../../src/jws/crypto/spread-verify.js'

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const data = Buffer.from('signed')
const good = sign('sha256', data, privateKey)
const bad = sign('sha256', Buffer.from('something else'), privateKey)

let spreadVerify: SpreadVerify
const check = (signature: Uint8Array = good, key: KeyObject = publicKey) => spreadVerify('sha256', data, key, signature)
const isPooled = (result: unknown) => result instanceof Promise

describe('createSpreadVerify', () => {
  beforeEach(() => {
    spreadVerify = createSpreadVerify()
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

  it('leaves room in the pool: beyond 32 it checks at once again, until there is room', async () => {
    const results = Array.from({ length: 50 }, () => check())
    expect(results.filter(isPooled)).toHaveLength(32)
    expect((await Promise.all(results)).every((isValid) => isValid)).toBe(true)
    await setImmediate()
    const next = Array.from({ length: 5 }, () => check())
    expect(next.map(isPooled)).toEqual([false, false, false, false, true])
    await Promise.all(next)
  })

  it('leaves the pool alone for 256 checks where they wait for one another, and tries it again then', async () => {
    const results = Array.from({ length: 4 }, () => check())
    results.push(check())
    expect(results.map(isPooled)).toEqual([false, false, false, false, true])
    expect(await results[4]).toBe(true)
    const turn = Array.from({ length: 256 }, () => check())
    expect(turn.some(isPooled)).toBe(false)
    const again = [check(), check()]
    expect(again.map(isPooled)).toEqual([true, true])
    await Promise.all(again)
  })

  it('[JOSE-12] refuses malformed signatures in the pool as it does at once', async () => {
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

/** An X25519 key agrees on secrets and signs nothing. */
function privateKeyOfNoUse(): KeyObject {
  return generateKeyPairSync('x25519').publicKey
}
