import { describe, expect, it } from 'vitest'
import { ConfigurationError } from '../../../src/errors/index.js'
import {
  algorithmTraits,
  checkAlgorithms,
  defaultProofAlgorithms,
  defaultTokenAlgorithms,
  isSignatureAlgorithm,
} from '../../../src/jws/algorithms.js'

describe('isSignatureAlgorithm', () => {
  it('[JOSE-06] knows names exactly, and refuses none in every spelling', () => {
    expect(isSignatureAlgorithm('RS256')).toBe(true)
    for (const name of ['none', 'None', 'noNE', 'rs256', 'RS256 ', '', undefined, null, 256, ['RS256']]) {
      expect(isSignatureAlgorithm(name), String(name)).toBe(false)
    }
  })

  it('[JOSE-15] is not fooled by the names of prototype members', () => {
    for (const name of ['__proto__', 'constructor', 'toString', 'size']) expect(isSignatureAlgorithm(name)).toBe(false)
  })
})

describe('algorithmTraits', () => {
  it('[JOSE-07] holds asymmetric algorithms only, each with its key type and curve', () => {
    const table = Object.fromEntries([...algorithmTraits].map(([name, { kty, crv }]) => [name, `${kty} ${crv ?? '-'}`]))
    expect(table).toEqual({
      RS256: 'RSA -',
      RS384: 'RSA -',
      RS512: 'RSA -',
      PS256: 'RSA -',
      PS384: 'RSA -',
      PS512: 'RSA -',
      ES256: 'EC P-256',
      ES384: 'EC P-384',
      ES512: 'EC P-521',
      EdDSA: 'OKP Ed25519',
      Ed25519: 'OKP Ed25519',
    })
  })

  it('[JOSE-12] [JOSE-13] fixes the signature length of ECDSA and Ed25519', () => {
    const lengths = ['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'].map(
      (name) => algorithmTraits.get(name)?.signatureBytes,
    )
    expect(lengths).toEqual([64, 96, 132, 64, 64])
  })

  it('names the hash of every algorithm by its size, but for Ed25519', () => {
    for (const [name, { kty, hash }] of algorithmTraits) {
      expect(hash, name).toBe(kty === 'OKP' ? undefined : `SHA-${name.slice(2)}`)
    }
  })
})

describe('the default lists', () => {
  it('[JOSE-06] hold known algorithms, each once', () => {
    for (const list of [defaultTokenAlgorithms, defaultProofAlgorithms]) {
      expect(list.every(isSignatureAlgorithm)).toBe(true)
      expect(new Set(list).size).toBe(list.length)
    }
  })

  it("[C-28] [C-31] [C-32] accept RFC 9068's RS256, current algorithms and both names of Ed25519", () => {
    expect(defaultTokenAlgorithms).toEqual(['RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'])
    expect(defaultProofAlgorithms).toEqual(['ES256', 'PS256', 'EdDSA', 'Ed25519'])
  })
})

describe('checkAlgorithms', () => {
  const check = (given: unknown) => checkAlgorithms('algorithms', given, ['ES256', 'PS256'])

  it('[JOSE-06] takes one or several known ones, and the default for none', () => {
    expect([check(undefined), check('RS256'), check(['RS256', 'ES512'])]).toEqual([
      ['ES256', 'PS256'],
      ['RS256'],
      ['RS256', 'ES512'],
    ])
    expect(Object.isFrozen(check(['RS256']))).toBe(true)
  })

  it.each(['EdDSA', 'Ed25519'])('[C-28] takes both names of Ed25519 where one is given: %s', (name) => {
    expect(new Set(check(['ES256', name]))).toEqual(new Set(['ES256', 'EdDSA', 'Ed25519']))
    expect(check(name)).toHaveLength(2)
  })

  it.each(['none', 'HS256', 'rs256', 'ES256K', '__proto__'])('[JOSE-06] refuses %s wherever it stands', (name) => {
    const words = `\`algorithms\` holds ${name}. Only asymmetric algorithms are supported: RS, PS and ES with 256, 384 or 512, EdDSA, Ed25519.`
    for (const given of [name, ['ES256', name], [name, 'ES256']]) {
      expect(() => check(given)).toThrow(ConfigurationError)
      expect(() => check(given)).toThrow(words)
    }
  })

  it.each([[[]], [7], [null], [[7]], [{}], ['']])('[REAL-19] refuses %j, which is no list of names', (given) => {
    expect(() => check(given)).toThrow('`algorithms` takes')
  })
})
