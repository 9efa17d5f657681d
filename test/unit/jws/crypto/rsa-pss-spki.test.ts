import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { rsaPssSpki } from '../../../../src/jws/crypto/rsa-pss-spki.js'

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
