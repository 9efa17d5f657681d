import { constants, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type AlgorithmTraits, algorithmTraits, type SignatureAlgorithm } from '../../../../src/jws/algorithms.js'
import * as node from '../../../../src/jws/crypto/node.js'
import type { PlatformCrypto, PublicJwk, Segments } from '../../../../src/jws/crypto/platform-crypto.js'
import * as web from '../../../../src/jws/crypto/web.js'
import { derBase64 } from '../../../support/certificates.js'

const platforms: readonly (readonly [string, PlatformCrypto])[] = [
  ['node.ts', node],
  ['web.ts', web],
]

const input = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ1c2VyIn0'

interface Pair {
  readonly publicJwk: PublicJwk
  readonly privateKey: KeyObject
}

function pairFor({ kty, crv }: AlgorithmTraits): Pair {
  const { publicKey, privateKey } =
    kty === 'RSA'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : kty === 'EC'
        ? generateKeyPairSync('ec', { namedCurve: crv as string })
        : generateKeyPairSync('ed25519')
  return { publicJwk: publicKey.export({ format: 'jwk' }) as PublicJwk, privateKey }
}

const pairs = new Map<string, Pair>()

function pair(algorithm: SignatureAlgorithm, owner: 'issuer' | 'stranger'): Pair {
  const traits = algorithmTraits.get(algorithm) as AlgorithmTraits
  const id = `${traits.kty} ${traits.crv} ${owner}`
  const known = pairs.get(id) ?? pairFor(traits)
  pairs.set(id, known)
  return known
}

function signed(
  algorithm: SignatureAlgorithm,
  options: { key?: KeyObject; der?: boolean; saltLength?: number } = {},
): Buffer {
  const { kty, hash } = algorithmTraits.get(algorithm) as AlgorithmTraits
  const key = options.key ?? pair(algorithm, 'issuer').privateKey
  const digest = hash === undefined ? null : hash.replace('-', '').toLowerCase()
  const data = Buffer.from(input)
  if (kty === 'EC') return sign(digest, data, { key, dsaEncoding: options.der ? 'der' : 'ieee-p1363' })
  if (!algorithm.startsWith('PS')) return sign(digest, data, key)
  const saltLength = options.saltLength ?? constants.RSA_PSS_SALTLEN_DIGEST
  return sign(digest, data, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength })
}

async function verdict(
  platform: PlatformCrypto,
  algorithm: SignatureAlgorithm,
  signature: Uint8Array,
  signingInput = input,
  jwk = pair(algorithm, 'issuer').publicJwk,
): Promise<boolean> {
  const check = await platform.createSignatureCheck(jwk, algorithm)
  return check(signingInput, signature)
}

function changedAt(bytes: Uint8Array, index: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[index] = (copy[index] as number) ^ 1
  return copy
}

/** The salt makes each RSA-PSS signature another one: one in 256 begins with any given byte. */
function signedUntil(algorithm: 'PS256', isWanted: (signature: Buffer) => boolean): Buffer {
  for (;;) {
    const signature = signed(algorithm)
    if (isWanted(signature)) return signature
  }
}

const algorithms = [...algorithmTraits.keys()] as SignatureAlgorithm[]
const ecAlgorithms = algorithms.filter((name) => name.startsWith('ES'))
const rsaAlgorithms = algorithms.filter((name) => /^[RP]S/.test(name))

describe.each(platforms)('%s', (_name, platform) => {
  describe.each(algorithms)('%s', (algorithm) => {
    it('accepts a good signature', async () => {
      expect(await verdict(platform, algorithm, signed(algorithm))).toBe(true)
    })

    it('refuses a signature over another input', async () => {
      expect(await verdict(platform, algorithm, signed(algorithm), `${input}x`)).toBe(false)
    })

    it('refuses a signature changed in its first, middle or last byte', async () => {
      const good = signed(algorithm)
      for (const index of [0, good.length >> 1, good.length - 1]) {
        expect(await verdict(platform, algorithm, changedAt(good, index))).toBe(false)
      }
    })

    it('refuses a truncated, an extended and an empty signature', async () => {
      const good = signed(algorithm)
      const wrong = [good.subarray(0, -1), good.subarray(1), Buffer.concat([good, Buffer.of(0)]), Buffer.of()]
      for (const signature of wrong) expect(await verdict(platform, algorithm, signature)).toBe(false)
    })

    it('refuses a signature by a foreign key', async () => {
      const foreign = signed(algorithm, { key: pair(algorithm, 'stranger').privateKey })
      expect(await verdict(platform, algorithm, foreign)).toBe(false)
    })

    it('refuses signatures of nothing but zeros or ones', async () => {
      const { length } = signed(algorithm)
      expect(await verdict(platform, algorithm, Buffer.alloc(length))).toBe(false)
      expect(await verdict(platform, algorithm, Buffer.alloc(length, 0xff))).toBe(false)
    })

    it('refuses a key that lacks a member', async () => {
      const { publicJwk } = pair(algorithm, 'issuer')
      for (const member of publicJwk.kty === 'RSA' ? ['n', 'e'] : ['crv', 'x']) {
        const broken = Object.fromEntries(Object.entries(publicJwk).filter(([name]) => name !== member))
        await expect(
          (async () => platform.createSignatureCheck(broken as unknown as PublicJwk, algorithm))(),
        ).rejects.toThrow()
      }
    })
  })

  it('refuses an RSA-PSS signature that lacks its leading zero byte (RFC 8017 §8.1.2)', async () => {
    const good = signedUntil('PS256', (signature) => signature[0] === 0)
    expect(await verdict(platform, 'PS256', good)).toBe(true)
    expect(await verdict(platform, 'PS256', good.subarray(1))).toBe(false)
  })

  it.each(ecAlgorithms)('[JOSE-12] refuses a DER signature under %s', async (algorithm) => {
    expect(await verdict(platform, algorithm, signed(algorithm, { der: true }))).toBe(false)
  })

  it.each(ecAlgorithms)('[JOSE-12] refuses r = 0 and s = 0 under %s', async (algorithm) => {
    const good = signed(algorithm)
    const half = good.length >> 1
    const zero = Buffer.alloc(half)
    expect(await verdict(platform, algorithm, Buffer.concat([zero, good.subarray(half)]))).toBe(false)
    expect(await verdict(platform, algorithm, Buffer.concat([good.subarray(0, half), zero]))).toBe(false)
  })

  it.each(ecAlgorithms)('[JOSE-12] refuses a raw signature padded to another length under %s', async (algorithm) => {
    const good = signed(algorithm)
    const half = good.length >> 1
    const padded = Buffer.concat([Buffer.of(0), good.subarray(0, half), Buffer.of(0), good.subarray(half)])
    expect(await verdict(platform, algorithm, padded)).toBe(false)
  })

  it.each(ecAlgorithms)('refuses a point that is not on the curve of %s', async (algorithm) => {
    const { publicJwk } = pair(algorithm, 'issuer')
    const y = changedAt(Buffer.from(publicJwk.y as string, 'base64url'), 5).toString('base64url')
    await expect((async () => platform.createSignatureCheck({ ...publicJwk, y }, algorithm))()).rejects.toThrow()
  })

  it.each(ecAlgorithms)(
    'accepts every one of many signatures under %s, whatever their leading bytes',
    async (algorithm) => {
      const check = await platform.createSignatureCheck(pair(algorithm, 'issuer').publicJwk, algorithm)
      for (let round = 0; round < 40; round++) {
        expect(await check(input, signed(algorithm))).toBe(true)
      }
    },
  )

  it.each(rsaAlgorithms)('refuses the other RSA padding under %s', async (algorithm) => {
    const other = `${algorithm.startsWith('PS') ? 'RS' : 'PS'}${algorithm.slice(2)}` as SignatureAlgorithm
    expect(await verdict(platform, algorithm, signed(other))).toBe(false)
  })

  it.each(rsaAlgorithms)('refuses another hash under %s', async (algorithm) => {
    const other = `${algorithm.slice(0, 2)}${algorithm.endsWith('256') ? '384' : '256'}` as SignatureAlgorithm
    expect(await verdict(platform, algorithm, signed(other))).toBe(false)
  })

  it.each(['PS256', 'PS384', 'PS512'] as const)('refuses a salt of another length under %s', async (algorithm) => {
    for (const saltLength of [0, 20, constants.RSA_PSS_SALTLEN_MAX_SIGN]) {
      expect(await verdict(platform, algorithm, signed(algorithm, { saltLength }))).toBe(false)
    }
  })

  it.each(rsaAlgorithms)('reads a modulus with a leading zero byte under %s', async (algorithm) => {
    const { publicJwk } = pair(algorithm, 'issuer')
    const n = Buffer.concat([Buffer.of(0), Buffer.from(publicJwk.n as string, 'base64url')]).toString('base64url')
    expect(await verdict(platform, algorithm, signed(algorithm), input, { ...publicJwk, n })).toBe(true)
  })

  it('[V-02] verifies the Ed25519 signature of RFC 8037 A.4 under both names of the algorithm', async () => {
    const jwk: PublicJwk = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' }
    const signingInput = 'eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc'
    const signature = platform.decodeBase64url(
      'hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg',
    )
    for (const algorithm of ['EdDSA', 'Ed25519'] as const) {
      const check = await platform.createSignatureCheck(jwk, algorithm)
      expect(await check(signingInput, signature)).toBe(true)
      expect(await check(`${signingInput}A`, signature)).toBe(false)
    }
  })

  it('[V-07] verifies the ES256 signature of RFC 7515 A.3', async () => {
    const jwk: PublicJwk = {
      kty: 'EC',
      crv: 'P-256',
      x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
      y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
    }
    const payload = 'eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ'
    const signature = platform.decodeBase64url(
      'DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q',
    )
    const check = await platform.createSignatureCheck(jwk, 'ES256')
    expect(await check(`eyJhbGciOiJFUzI1NiJ9.${payload}`, signature)).toBe(true)
    expect(await check(`eyJhbGciOiJFUzI1NiJ9.${payload.slice(0, -1)}R`, signature)).toBe(false)
  })

  it('[V-07] computes the HMAC of RFC 7515 A.1', async () => {
    const key = platform.decodeBase64url(
      'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow',
    )
    const signingInput =
      'eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ'
    expect(await platform.hmacSha256Base64url(key, signingInput)).toBe('dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk')
  })

  it('[V-04] hashes the verifier of RFC 7636 B into its challenge', async () => {
    const verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
    const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
    expect(await platform.sha256Base64url(verifier)).toBe(challenge)
    expect(await platform.sha256BytesBase64url(Buffer.from(verifier))).toBe(challenge)
  })
})

describe.each(platforms)('%s takes the segments of a JWS apart', (_name, platform) => {
  const good = { header: 'AAAAAAAA', payload: 'e30gICAg', signature: '_-7_AAAA' }
  const decode = (segments: Segments) => platform.decodeSegments(Object.values(segments).join('.'), segments)

  it('[C-29] into text and bytes, also where they are long', () => {
    expect(decode(good)?.payload).toBe('{}    ')
    expect([...(decode(good)?.signature ?? [])]).toEqual([0xff, 0xee, 0xff, 0, 0, 0])
    const payload = Buffer.from('\ufffd\ufeff').toString('base64url').repeat(5000)
    expect(decode({ ...good, payload })?.payload).toBe('\ufffd\ufeff'.repeat(5000))
    expect(decode({ ...good, payload: '7aCA' })).toBeUndefined()
  })

  it.each(['header', 'payload', 'signature'] as const)(
    '[JOSE-02] [C-29] and takes those 64 characters alone in the %s, of all that there are',
    (name) => {
      const taken: string[] = []
      for (let code = 0; code <= 0xffff; code++) {
        const character = String.fromCharCode(code)
        // It would part two segments.
        if (character === '.') continue
        // The last of four stands for six bits of one byte, which are ASCII in the payload whatever they are.
        if (decode({ ...good, [name]: `AAA${character}AAAA` }) !== undefined) taken.push(character)
        if (taken.at(-1) === character) continue
        for (const more of [2, 3, 4]) {
          if (decode({ ...good, [name]: `AAAA${character.repeat(more)}` }) !== undefined)
            taken.push(`${more} ${character}`)
        }
      }
      expect(taken.join('')).toBe('-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz')
    },
  )
})

const text = fc.string({ unit: 'binary', maxLength: 200 })
const anyText = fc.oneof(
  text,
  fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
)
const bytes = fc.uint8Array({ maxLength: 300 })

describe('node.ts and web.ts agree', () => {
  it('on the hash of any text, lone surrogates included', async () => {
    await fc.assert(
      fc.asyncProperty(anyText, async (value) => {
        expect(await web.sha256Base64url(value)).toBe(node.sha256Base64url(value))
      }),
    )
  })

  it('on the hash of any bytes, views into larger buffers included', async () => {
    await fc.assert(
      fc.asyncProperty(bytes, fc.nat(10), async (value, offset) => {
        const view = value.subarray(Math.min(offset, value.length))
        expect(await web.sha256BytesBase64url(view)).toBe(node.sha256BytesBase64url(view))
        expect(web.encodeBase64url(view)).toBe(node.encodeBase64url(view))
      }),
    )
  })

  it('on the HMAC of any text under any key of at least one byte', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 200 }), anyText, async (key, value) => {
        expect(await web.hmacSha256Base64url(key, value)).toBe(node.hmacSha256Base64url(key, value))
      }),
    )
  })

  it('on base64url, there and back again', () => {
    fc.assert(
      fc.property(bytes, (value) => {
        const encoded = node.encodeBase64url(value)
        expect(web.encodeBase64url(value)).toBe(encoded)
        expect([...web.decodeBase64url(encoded)]).toEqual([...value])
        expect([...node.decodeBase64url(encoded)]).toEqual([...value])
      }),
    )
  })

  it('on which bytes are UTF-8 text, byte order marks kept', () => {
    const almostText = fc.oneof(
      bytes,
      text.map((value) => new TextEncoder().encode(value)),
      text.map((value) => new TextEncoder().encode(`\ufeff${value}`)),
    )
    fc.assert(
      fc.property(almostText, (value) => {
        const encoded = node.encodeBase64url(value)
        expect(web.decodeUtf8Base64url(encoded)).toBe(node.decodeUtf8Base64url(encoded))
      }),
    )
    for (const platform of [node, web]) {
      expect(platform.decodeUtf8Base64url('77u_YQ')).toBe('\ufeffa')
      expect(platform.decodeUtf8Base64url('7aCA')).toBeUndefined()
    }
  })

  it('[JOSE-19] on equality, which is exact', () => {
    fc.assert(
      fc.property(anyText, anyText, (left, right) => {
        expect(web.constantTimeEqual(left, right)).toBe(node.constantTimeEqual(left, right))
      }),
    )
    fc.assert(
      fc.property(text, fc.nat(), (value, at) => {
        const index = at % (value.length + 1)
        const longer = `${value.slice(0, index)}x${value.slice(index)}`
        for (const platform of [node, web]) {
          expect(platform.constantTimeEqual(value, value)).toBe(true)
          expect(platform.constantTimeEqual(value, longer)).toBe(false)
          expect(platform.constantTimeEqual(`${value}a`, `${value}b`)).toBe(false)
        }
      }),
    )
  })

  it('on any bytes offered as a signature', async () => {
    const checks = await Promise.all(
      platforms.flatMap(([, platform]) =>
        (['RS256', 'PS256', 'ES256', 'Ed25519'] as const).map((algorithm) =>
          platform.createSignatureCheck(pair(algorithm, 'issuer').publicJwk, algorithm),
        ),
      ),
    )
    await fc.assert(
      fc.asyncProperty(fc.oneof(bytes, fc.uint8Array({ minLength: 64, maxLength: 64 })), async (value) => {
        for (const check of checks) expect(await check(input, value)).toBe(false)
      }),
      { numRuns: 50 },
    )
  })
})

describe('public keys and certificates', () => {
  const kinds = ['RS256', 'ES256', 'ES384', 'ES512', 'EdDSA'] as const
  it.each(kinds)('give the same SubjectPublicKeyInfo for %s', async (algorithm) => {
    const { publicJwk, privateKey } = pair(algorithm, 'issuer')
    const expected = createPublicKey(privateKey).export({ format: 'der', type: 'spki' })
    for (const [, platform] of platforms) {
      expect(Buffer.from(await platform.publicKeySpki(publicJwk)).equals(expected)).toBe(true)
    }
  })

  it('are read where the platform can', () => {
    expect(node.readCertificate(derBase64)).toMatchObject({ subject: expect.stringContaining('CN=') })
    expect(node.readCertificate('AAAA')).toBeUndefined()
    expect(web.readCertificate()).toBeUndefined()
  })
})

describe.each(platforms)('AES-256-GCM of %s', (_name, platform) => {
  const secret = new Uint8Array(32).fill(1)
  const nonce = new Uint8Array(12).fill(2)
  const aes = platform.createAesGcm(secret)

  it('[D12] seals as every platform does, and opens what another one sealed', async () => {
    for (const text of ['', 'text', '\ufeffä€𝄞', 'x'.repeat(5000)]) {
      const sealed = await node.createAesGcm(secret).seal(nonce, text, 'Ort ä')
      expect(await aes.seal(nonce, text, 'Ort ä')).toBe(sealed)
      expect(await aes.open(nonce, sealed, 'Ort ä')).toBe(text)
    }
  })

  it('[D12] keeps a copy of the key', async () => {
    const own = Uint8Array.from(secret)
    const kept = platform.createAesGcm(own)
    own.fill(0)
    expect(await kept.seal(nonce, 'text', 'place')).toBe(await aes.seal(nonce, 'text', 'place'))
  })

  it('[D12] opens nothing with a changed byte, cut, under another nonce, key or place', async () => {
    const sealed = await aes.seal(nonce, 'text', 'place')
    const bytes = Buffer.from(sealed, 'base64url')
    for (let index = 0; index < bytes.length; index += 1) {
      expect(await aes.open(nonce, changedAt(bytes, index).toString('base64url'), 'place')).toBeUndefined()
      expect(await aes.open(nonce, bytes.subarray(0, index).toString('base64url'), 'place')).toBeUndefined()
      expect(await aes.open(nonce, bytes.subarray(index + 1).toString('base64url'), 'place')).toBeUndefined()
    }
    expect(await aes.open(new Uint8Array(12), sealed, 'place')).toBeUndefined()
    expect(await aes.open(nonce, sealed, 'elsewhere')).toBeUndefined()
    expect(await platform.createAesGcm(new Uint8Array(32)).open(nonce, sealed, 'place')).toBeUndefined()
  })
})
