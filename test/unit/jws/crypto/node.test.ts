import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ecdsaDer, rsaPssSpki } from '../../../../src/jws/crypto/node.js'

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

  it.each([
    [57, [0x30, 0x7f, 0x02]],
    [58, [0x30, 0x81, 0x80]],
  ])('[JOSE-12] writes the length in as few bytes as can be: S of %i', (size, begin) => {
    const r = new Uint8Array(66).fill(1)
    const s = new Uint8Array(66).fill(1, 66 - size)
    expect([...(ecdsaDer(Uint8Array.of(...r, ...s)) as Uint8Array).subarray(0, 3)]).toEqual(begin)
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
    const small = new Uint8Array(32).fill(1, 20)
    expect(ecdsaDer(Uint8Array.of(...zero, ...small))).toBeUndefined()
    expect(ecdsaDer(Uint8Array.of(...small, ...zero))).toBeUndefined()
  })
})

describe('rsaPssSpki', () => {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })

  it.each([
    ['SHA-256', 32],
    ['SHA-384', 48],
    ['SHA-512', 64],
  ] as const)('ties an RSA key to RSASSA-PSS with %s and a salt of %i bytes', (hash, saltLength) => {
    const spki = rsaPssSpki(publicKey.export({ format: 'der', type: 'pkcs1' }), hash)
    const bound = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
    const hashAlgorithm = hash.replace('-', '').toLowerCase()
    expect(bound.export({ format: 'der', type: 'spki' })).toEqual(Buffer.from(spki))
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
