import { constants, generateKeyPairSync, sign } from 'node:crypto'
import { expect, it, vi } from 'vitest'
import { createSignatureCheck } from '../../../../src/jws/crypto/node.js'

/** As BoringSSL does, which Bun has: it reads no key of the algorithm id-RSASSA-PSS. */
vi.mock('node:crypto', async (original) => {
  const crypto = await original<typeof import('node:crypto')>()
  const createPublicKey = (input: Parameters<typeof crypto.createPublicKey>[0]) => {
    if (typeof input === 'object' && 'type' in input && input.type === 'spki') {
      throw new Error('Failed to read asymmetric key')
    }
    return crypto.createPublicKey(input)
  }
  return { ...crypto, createPublicKey }
})

const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })

it.each([
  ['PS256', 'sha256', 32],
  ['PS384', 'sha384', 48],
  ['PS512', 'sha512', 64],
] as const)(
  '[C-32] checks %s where no key is bound to RSASSA-PSS, with its salt and padding alone',
  async (algorithm, digest, saltLength) => {
    const check = createSignatureCheck(publicKey.export({ format: 'jwk' }) as never, algorithm)
    const signed = (options: object) =>
      check('input', sign(digest, Buffer.from('input'), { key: privateKey, ...options }))
    const padding = constants.RSA_PKCS1_PSS_PADDING
    expect(await signed({ padding, saltLength })).toBe(true)
    expect(await signed({ padding, saltLength: saltLength - 1 })).toBe(false)
    expect(await signed({})).toBe(false)
  },
)
