import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import type { PublicJwk } from '../../../../src/jws/crypto/platform-crypto.js'

const machine = vi.hoisted(() => ({ cores: 1 }))
vi.mock('node:os', async (original) => ({
  ...(await original<typeof import('node:os')>()),
  availableParallelism: () => machine.cores,
}))

const input = 'signed'
const jwkOf = (key: KeyObject) => key.export({ format: 'jwk' }) as PublicJwk
const curve = generateKeyPairSync('ed25519')
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const kinds = {
  EdDSA: [jwkOf(curve.publicKey), sign(null, Buffer.from(input), curve.privateKey)],
  RS256: [jwkOf(rsa.publicKey), sign('sha256', Buffer.from(input), rsa.privateKey)],
} as const

describe('checks that come at once', () => {
  it.each([
    [1, 'EdDSA', -1],
    [1, 'RS256', -1],
    [2, 'EdDSA', 16],
    [2, 'RS256', 32],
  ] as const)(
    'are spread where there is more than one core: %i, %s, %i made before the first that is not',
    async (cores, algorithm, from) => {
      machine.cores = cores
      vi.resetModules()
      const { createSignatureCheck } = await import('../../../../src/jws/crypto/node.js')
      const [jwk, signature] = kinds[algorithm]
      const check = createSignatureCheck(jwk, algorithm)
      const results = Array.from({ length: 40 }, () => check(input, signature))
      expect(results.findIndex((result) => result instanceof Promise)).toBe(from)
      expect(new Set(await Promise.all(results))).toEqual(new Set([true]))
    },
  )
})
