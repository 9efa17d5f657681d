import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { createSpreadVerify, ecdsaDer, rsaPssSpki, type SpreadVerify } from '../../../../src/jws/crypto/node.js'

/** A strict reader of `SEQUENCE { INTEGER, INTEGER }` that refuses whatever DER refuses (X.690 §8.3.2, §10.1). */
function readDer(der: Uint8Array): [bigint, bigint] {
  let at = 0
  const byte = () => der[at++] as number
  const integer = (): bigint => {
    expect(byte()).toBe(0x02)
    const body = der.subarray(at + 1, at + 1 + byte())
    at += body.length
    const [first = 0, second = 0] = body
    expect(first, 'a positive number').toBeLessThan(0x80)
    expect(body.length > 1 && first === 0 && second < 0x80, 'no needless zero byte').toBe(false)
    return number(body)
  }
  expect(byte()).toBe(0x30)
  const short = byte()
  const length = short === 0x81 ? byte() : short
  expect(short === 0x81 ? length > 127 : length <= 127, 'the shortest length form').toBe(true)
  expect(length).toBe(der.length - at)
  const result: [bigint, bigint] = [integer(), integer()]
  expect(at).toBe(der.length)
  return result
}

function number(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
}

/** A number of `size` bytes that is not zero, with any number of leading zero bytes. */
const half = (size: number) =>
  fc
    .tuple(fc.nat(size - 1), fc.uint8Array({ minLength: size, maxLength: size }))
    .map(([zeros, bytes]) => bytes.fill(0, 0, zeros).fill(1, size - 1))

describe('ecdsaDer', () => {
  it.each([32, 48, 66])('[JOSE-12] writes any R and S of %i bytes as the DER that stands for them', (size) => {
    fc.assert(
      fc.property(half(size), half(size), (r, s) => {
        const der = ecdsaDer(Uint8Array.of(...r, ...s)) as Uint8Array
        expect(readDer(der)).toEqual([number(r), number(s)])
      }),
    )
  })

  it('[JOSE-12] refuses R or S of zero', () => {
    const one = new Uint8Array(32).fill(1)
    const zero = new Uint8Array(32)
    for (const [r, s] of [
      [zero, one],
      [one, zero],
      [zero, zero],
    ] as const) {
      expect(ecdsaDer(Uint8Array.of(...r, ...s))).toBeUndefined()
    }
  })
})

describe('rsaPssSpki', () => {
  it.each([
    ['SHA-256', 32],
    ['SHA-384', 48],
    ['SHA-512', 64],
  ] as const)('ties an RSA key to RSASSA-PSS with %s and a salt of %i bytes', (hash, saltLength) => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const spki = rsaPssSpki(publicKey.export({ format: 'der', type: 'pkcs1' }), hash)
    const bound = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
    const hashAlgorithm = hash.replace('-', '').toLowerCase()
    expect(bound.asymmetricKeyType).toBe('rsa-pss')
    expect(bound.asymmetricKeyDetails).toEqual({
      modulusLength: 2048,
      publicExponent: 65537n,
      hashAlgorithm,
      mgf1HashAlgorithm: hashAlgorithm,
      saltLength,
    })
  })
})

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
