import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { algorithmTraits, type SignatureAlgorithm } from '../../../src/jws/algorithms.js'
import { fitsAlgorithm, hasRocaFingerprint, type PublishedJwk, readPublicJwk } from '../../../src/jws/jwk.js'

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' })
const ed25519 = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' })
const x25519 = generateKeyPairSync('x25519').publicKey.export({ format: 'jwk' })
const [p256, p384, p521] = ['P-256', 'P-384', 'P-521'].map((namedCurve) =>
  generateKeyPairSync('ec', { namedCurve }).publicKey.export({ format: 'jwk' }),
) as [Jwk, Jwk, Jwk]
const secp256k1 = generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey.export({ format: 'jwk' })

type Jwk = typeof rsa

/** The base64url of an integer of exactly `bits` bits. */
function modulus(bits: number): string {
  const bytes = Buffer.alloc(Math.ceil(bits / 8), 0xff)
  bytes[0] = 0xff >> (bytes.length * 8 - bits)
  return bytes.toString('base64url')
}

function exponent(value: number): string {
  const bytes = Buffer.alloc(6)
  bytes.writeUIntBE(value, 0, 6)
  return bytes.toString('base64url')
}

function reasonOf(value: unknown): string | undefined {
  const read = readPublicJwk(value)
  return 'reason' in read ? read.reason : undefined
}

describe('readPublicJwk', () => {
  it('[JOSE-07] [JOSE-16] takes every type it knows, and leaves out what nobody needs', () => {
    for (const jwk of [rsa, p256, p384, p521, ed25519]) {
      const { x5c, ...members } = { ...jwk, x5c: ['junk'], kid: 'k' } as Record<string, unknown>
      expect(readPublicJwk({ ...members, x5c, use: 'sig', key_ops: ['verify'], ext: true })).toEqual(members)
    }
  })

  it.each([
    [null],
    [undefined],
    ['text'],
    [7],
    [[]],
    [[rsa]],
    [{}],
    [{ kty: 'rsa', n: rsa.n, e: rsa.e }],
    [{ kty: ['RSA'] }],
  ])('[JOSE-16] refuses %j', (value) => {
    expect(reasonOf(value)).toBeTypeOf('string')
  })

  it.each(['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'])(
    '[JOSE-20] refuses a key with the secret member %s',
    (name) => {
      for (const value of ['c2VjcmV0', '', null]) {
        expect(reasonOf({ ...rsa, [name]: value })).toBe('holds private or symmetric key material')
      }
    },
  )

  it('[JOSE-20] [JOSE-11] refuses symmetric keys', () => {
    expect(reasonOf({ kty: 'oct', k: 'c2VjcmV0' })).toBe('holds private or symmetric key material')
    expect(reasonOf({ kty: 'oct' })).toBe('kty is not RSA, EC or OKP')
  })

  it('[JOSE-08] refuses another use than sig, and operations without verify', () => {
    for (const use of ['enc', '', null, ['sig']]) expect(reasonOf({ ...rsa, use })).toBe('use is not sig')
    for (const key_ops of [[], ['sign'], 'verify', [7, 'verify'], null]) {
      expect(reasonOf({ ...rsa, key_ops })).toBe('key_ops has no verify')
    }
    expect(reasonOf({ ...rsa, key_ops: ['sign', 'verify'] })).toBeUndefined()
  })

  it('[JOSE-08] refuses an alg the key cannot sign with', () => {
    for (const alg of ['RSA-OAEP', 'ES256', 'HS256', 'none', '__proto__', '', 7, null]) {
      expect(reasonOf({ ...rsa, alg }), String(alg)).toBe('alg is not one this key can sign with')
    }
    expect(readPublicJwk({ ...rsa, alg: 'PS256' })).toMatchObject({ alg: 'PS256' })
  })

  it('[JOSE-15] refuses a kid that is no string', () => {
    for (const kid of [7, null, ['a'], {}]) expect(reasonOf({ ...rsa, kid })).toBe('kid is not a string')
    expect(readPublicJwk({ ...rsa, kid: '' })).toMatchObject({ kid: '' })
  })

  it('[JOSE-10] takes RSA moduli of 2048 to 8192 bits', () => {
    for (const bits of [2048, 2049, 3072, 8192])
      expect(reasonOf({ ...rsa, n: modulus(bits) }), `${bits}`).toBeUndefined()
    for (const bits of [1, 512, 1024, 2047, 8193]) {
      expect(reasonOf({ ...rsa, n: modulus(bits) }), `${bits}`).toBe('n is not of 2048 to 8192 bits')
    }
    for (const n of [modulus(20_000), '', 'AA', '+/', `${rsa.n}=`, undefined, 7]) {
      expect(reasonOf({ ...rsa, n })).toBe('n is not a base64url integer of an accepted size')
    }
  })

  it('[JOSE-10] takes odd RSA exponents from 3 up to 2^32', () => {
    for (const value of [3, 17, 65_537, 2 ** 32 - 1]) expect(reasonOf({ ...rsa, e: exponent(value) })).toBeUndefined()
    for (const e of [
      exponent(0),
      exponent(1),
      exponent(2),
      exponent(65_536),
      exponent(2 ** 32 + 1),
      '',
      undefined,
      3,
    ]) {
      expect(reasonOf({ ...rsa, e })).toBe('e is not an odd number of 3 to 2^32')
    }
  })

  it('reads RSA integers with leading zero bytes as what they mean', () => {
    const n = Buffer.concat([Buffer.alloc(1), Buffer.from(rsa.n as string, 'base64url')]).toString('base64url')
    expect(readPublicJwk({ ...rsa, n, e: 'AAEAAQ' })).toEqual(rsa)
  })

  it('[JOSE-13] takes full-width coordinates on known curves only', () => {
    expect(reasonOf(secp256k1)).toBe('crv is not P-256, P-384 or P-521')
    expect(reasonOf({ ...p256, crv: '__proto__' })).toBe('crv is not P-256, P-384 or P-521')
    for (const jwk of [p256, p384, p521]) {
      for (const name of ['x', 'y']) {
        const full = String((jwk as Record<string, unknown>)[name])
        for (const value of [full.slice(4), `AAAA${full}`, `${full}=`, `${full.slice(1)}+`, '', undefined, 7]) {
          expect(reasonOf({ ...jwk, [name]: value })).toBe('x or y is not a full-width coordinate')
        }
      }
    }
    expect(reasonOf({ ...p256, crv: 'P-384' })).toBe('x or y is not a full-width coordinate')
  })

  it('[JOSE-13] takes Ed25519 keys of 32 bytes, and no other Edwards or Montgomery curve', () => {
    expect(reasonOf(x25519)).toBe('crv is not Ed25519')
    expect(reasonOf({ ...ed25519, crv: 'Ed448' })).toBe('crv is not Ed25519')
    for (const x of ['', 'AA', `${ed25519.x}AA`, undefined]) {
      expect(reasonOf({ ...ed25519, x })).toBe('x is not of 32 bytes')
    }
  })

  it('reads own members only', () => {
    expect(reasonOf(Object.create(rsa))).toBe('kty is not RSA, EC or OKP')
  })
})

describe('the code of a refusal', () => {
  it.each<[string, unknown]>([
    ['not_an_object', null],
    ['private_or_symmetric', { ...rsa, d: 'AQAB' }],
    ['use', { ...rsa, use: 'enc' }],
    ['key_ops', { ...rsa, key_ops: [] }],
    ['kty', { kty: 'oct' }],
    ['alg', { ...rsa, alg: 'ES256' }],
    ['kid', { ...rsa, kid: 7 }],
    ['modulus', { ...rsa, n: '' }],
    ['modulus_size', { ...rsa, n: modulus(1024) }],
    ['exponent', { ...rsa, e: 'AA' }],
    ['curve', secp256k1],
    ['curve', x25519],
    ['coordinates', { ...p256, x: 'AAAA' }],
    ['coordinates', { ...ed25519, x: 'AAAA' }],
  ])('is %s, with words and nothing of the key: %#', (code, value) => {
    expect(readPublicJwk(value)).toEqual({ code, reason: expect.stringMatching(/^[\w ,^-]+$/) })
    const named = typeof value === 'object' && value !== null && !('kid' in value) ? { ...value, kid: 'k' } : value
    expect(Object.keys(readPublicJwk(named))).toEqual(['code', 'reason'])
  })

  it('says what was wrong with the input and which uses are accepted', () => {
    expect(readPublicJwk('text')).toEqual({ code: 'not_an_object', reason: 'not a JSON object' })
    expect(readPublicJwk({ ...rsa, use: 'tls' }, ['sig', 'enc'])).toEqual({
      ...{ code: 'use', reason: 'use is not sig or enc' },
    })
    expect(readPublicJwk({ ...rsa, use: 'enc' }, ['sig', 'enc'])).toMatchObject({ kty: 'RSA' })
  })

  it('is none for a good key, which has no member that was not published', () => {
    expect(Object.keys(readPublicJwk(rsa)).sort()).toEqual(['e', 'kty', 'n'])
    expect(Object.keys(readPublicJwk({ ...rsa, alg: 'RS256', kid: 'k' })).sort()).toEqual([
      'alg',
      'e',
      'kid',
      'kty',
      'n',
    ])
  })
})

describe('an Ed25519 point', () => {
  const ff = 'ff'.repeat(30)
  const orders = [
    ...['01'.padEnd(64, '0'), '0'.repeat(64), `ec${ff}7f`],
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  ]
  const notCanonical = ['ed', 'ee', 'ef', 'f0', 'f9', 'fa', 'ff'].map((byte) => `${byte}${ff}7f`)
  const jwk = (hex: string) => ({ kty: 'OKP', crv: 'Ed25519', x: Buffer.from(hex, 'hex').toString('base64url') })
  const otherSign = (hex: string) => {
    const bytes = Buffer.from(hex, 'hex')
    bytes[31] = (bytes[31] as number) ^ 0x80
    return bytes.toString('hex')
  }

  it.each([...orders, ...notCanonical])('[JOSE-13] of small order, or written in another way, is no key: %s', (hex) => {
    const refused = { code: 'weak_point', reason: 'x is a point that anybody can sign for' }
    for (const encoded of [hex, otherSign(hex)]) expect(readPublicJwk(jwk(encoded))).toEqual(refused)
  })

  it('[JOSE-13] next to those is one', () => {
    const near = [`eb${ff}7f`, `ed${ff}7e`, `edfe${'ff'.repeat(29)}7f`, '02'.padEnd(64, '0'), `00${'0'.repeat(60)}01`]
    for (const hex of near) expect(readPublicJwk(jwk(hex)), hex).toMatchObject({ kty: 'OKP' })
  })
})

describe('fitsAlgorithm', () => {
  it('[JOSE-07] ties every algorithm to its key type and curve', () => {
    const fitting = (jwk: Jwk) =>
      [...algorithmTraits.keys()].filter((name) =>
        fitsAlgorithm(readPublicJwk(jwk) as PublishedJwk, name as SignatureAlgorithm),
      )
    expect(fitting(rsa)).toEqual(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'])
    expect(fitting(p256)).toEqual(['ES256'])
    expect(fitting(p384)).toEqual(['ES384'])
    expect(fitting(p521)).toEqual(['ES512'])
    expect(fitting(ed25519)).toEqual(['EdDSA', 'Ed25519'])
  })

  it('[JOSE-08] [C-28] holds a key to its alg, where EdDSA and Ed25519 are one', () => {
    const named = (jwk: Jwk, alg: string) => readPublicJwk({ ...jwk, alg }) as PublishedJwk
    expect(fitsAlgorithm(named(rsa, 'RS256'), 'RS256')).toBe(true)
    expect(fitsAlgorithm(named(rsa, 'RS256'), 'PS256')).toBe(false)
    expect(fitsAlgorithm(named(rsa, 'RS256'), 'RS512')).toBe(false)
    expect(fitsAlgorithm(named(ed25519, 'EdDSA'), 'Ed25519')).toBe(true)
    expect(fitsAlgorithm(named(ed25519, 'Ed25519'), 'EdDSA')).toBe(true)
  })
})

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

  it('[REAL-42] looks at every prime that tells anything: one that does not fit is enough', () => {
    const m = primorial()
    const value = BigInt(`0x${rocaModulus.toString('hex')}`)
    const primes: bigint[] = []
    let looked = 0
    for (let prime = 3n; prime <= 701n; prime += 2n) {
      if (primes.some((smaller) => prime % smaller === 0n)) continue
      primes.push(prime)
      const powers = new Set(
        Array.from({ length: Number(prime) }, (_, exponent) => power(65_537n, BigInt(exponent), prime)),
      )
      if (powers.size === Number(prime) - 1) continue
      // Another residue modulo this prime, which no power of 65537 leaves, and the same for all others.
      let other = value + m / prime
      while (other % prime === 0n || powers.has(other % prime)) other += m / prime
      expect(hasRocaFingerprint(bytesOf(other)), `${prime}`).toBe(false)
      looked++
    }
    expect(looked).toBeGreaterThan(60)
  })

  it('[REAL-42] takes no number for one that the largest of the primes divides', () => {
    const m = primorial()
    let other = BigInt(`0x${rocaModulus.toString('hex')}`)
    while (other % 701n !== 0n) other += m / 701n
    expect(hasRocaFingerprint(bytesOf(other))).toBe(false)
  })

  it('[REAL-42] finds nothing in ordinary keys and random numbers', () => {
    const { n } = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' })
    expect(hasRocaFingerprint(Buffer.from(String(n), 'base64url'))).toBe(false)
    for (let index = 0; index < 200; index++) expect(hasRocaFingerprint(randomBytes(256))).toBe(false)
  })
})

describe('readPublicJwk and a key of the flawed generator', () => {
  it('[REAL-42] refuses an RSA key that can be factored', () => {
    const jwk = { kty: 'RSA', n: rocaModulus.toString('base64url'), e: 'AQAB' }
    expect(readPublicJwk(jwk)).toEqual({ code: 'roca', reason: 'n can be factored (ROCA, CVE-2017-15361)' })
    const neighbour = Buffer.from(rocaModulus)
    neighbour[neighbour.length - 1] = (neighbour.at(-1) as number) ^ 2
    expect(readPublicJwk({ ...jwk, n: neighbour.toString('base64url') })).toMatchObject({ kty: 'RSA' })
  })
})
