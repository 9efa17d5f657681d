import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { readPublicJwk } from '../../../src/jws/jwk.js'
import { hasRocaFingerprint } from '../../../src/jws/roca.js'

/** The product of the first 126 primes: what the keys of 2048 bits are built on. */
function primorial(): bigint {
  const primes: number[] = []
  for (let candidate = 2; primes.length < 126; candidate++) {
    if (primes.every((prime) => candidate % prime !== 0)) primes.push(candidate)
  }
  return primes.reduce((product, prime) => product * BigInt(prime), 1n)
}

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  if (exponent === 0n) return 1n
  const half = power(base, exponent / 2n, modulus)
  return (half * half * (exponent % 2n === 0n ? 1n : base)) % modulus
}

/** A number of 1024 bits as the broken generator makes its primes: k·M + (65537^a mod M). Whether it is one matters not. */
function rocaFactor(seed: bigint): bigint {
  const m = primorial()
  const k = (3n << 1022n) / m + seed
  return k * m + power(65_537n, 987_654_321n + seed, m)
}

function bytesOf(number: bigint): Buffer {
  const hex = number.toString(16)
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex')
}

const rocaModulus = bytesOf(rocaFactor(1n) * rocaFactor(77n))

describe('hasRocaFingerprint', () => {
  it('[REAL-42] tells a modulus of the broken generator, and none beside it', () => {
    expect(hasRocaFingerprint(rocaModulus)).toBe(true)
    const value = BigInt(`0x${rocaModulus.toString('hex')}`)
    for (const offset of [2n, 4n, 6n, 8n, -2n]) expect(hasRocaFingerprint(bytesOf(value + offset))).toBe(false)
  })

  it('[REAL-42] looks at every prime up to the last: one that does not fit is enough', () => {
    const m = primorial()
    const value = BigInt(`0x${rocaModulus.toString('hex')}`)
    // Another residue modulo 691, of whose units the powers of 65537 are only one in thirty, and the same for all others.
    expect(hasRocaFingerprint(bytesOf(value + m / 691n))).toBe(false)
  })

  it('[REAL-42] finds nothing in ordinary keys and random numbers', () => {
    const { n } = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' })
    expect(hasRocaFingerprint(Buffer.from(String(n), 'base64url'))).toBe(false)
    for (let index = 0; index < 200; index++) expect(hasRocaFingerprint(randomBytes(256))).toBe(false)
  })
})

describe('readPublicJwk', () => {
  it('[REAL-42] refuses an RSA key that can be factored', () => {
    const jwk = { kty: 'RSA', n: rocaModulus.toString('base64url'), e: 'AQAB' }
    expect(readPublicJwk(jwk)).toEqual({ reason: 'n can be factored (ROCA, CVE-2017-15361)' })
    const neighbour = Buffer.from(rocaModulus)
    neighbour[neighbour.length - 1] = (neighbour.at(-1) as number) ^ 2
    expect(readPublicJwk({ ...jwk, n: neighbour.toString('base64url') })).toMatchObject({ kty: 'RSA' })
  })
})
