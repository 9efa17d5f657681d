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

/** What comes of 40 checks that come at once on a machine with so many cores. */
async function resultsOn(cores: number, algorithm: keyof typeof kinds) {
  machine.cores = cores
  vi.resetModules()
  const { createSignatureCheck } = await import('../../../../src/jws/crypto/node.js')
  const [jwk, signature] = kinds[algorithm]
  const check = createSignatureCheck(jwk, algorithm)
  return Array.from({ length: 40 }, () => check(input, signature))
}

describe('checks that come at once', () => {
  it.each(['EdDSA', 'RS256'] as const)('are all made at once on one core: %s', async (algorithm) => {
    expect(new Set(await resultsOn(1, algorithm))).toEqual(new Set([true]))
  })

  it.each([
    ['EdDSA', 16],
    ['RS256', 32],
  ] as const)('are spread on two: %s after the first %i', async (algorithm, first) => {
    const results = await resultsOn(2, algorithm)
    expect(results.map((result) => result instanceof Promise)).toEqual(results.map((_, index) => index >= first))
    expect(new Set(await Promise.all(results))).toEqual(new Set([true]))
  })
})
