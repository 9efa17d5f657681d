import { generateKeyPairSync } from 'node:crypto'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { ConfigurationError } from '../../../src/errors/index.js'
import { createStaticKeys } from '../../../src/issuer/static-keys.js'
import * as web from '../../../src/jws/crypto/web.js'
import { offCurveJwk, testKey } from '../../support/key-material.js'

const platform = vi.hoisted(() => ({ createSignatureCheck: undefined as unknown }))

vi.mock('#crypto', async (importOriginal) => {
  const node = await importOriginal<typeof import('../../../src/jws/crypto/node.js')>()
  return {
    ...node,
    createSignatureCheck: (...args: Parameters<typeof node.createSignatureCheck>) =>
      ((platform.createSignatureCheck ?? node.createSignatureCheck) as typeof node.createSignatureCheck)(...args),
  }
})

afterEach(() => {
  platform.createSignatureCheck = undefined
})

function refusal(...jwks: unknown[]): string {
  try {
    createStaticKeys(jwks)
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigurationError)
    return (error as ConfigurationError).message
  }
  throw new Error('not refused')
}

describe('static keys', () => {
  it('answer at once, for ever, without a network', async () => {
    const keys = createStaticKeys([testKey('a').jwk, testKey('b').jwk])
    expect(keys.find('a', 'ES256')).toMatchObject([{ kid: 'a', withdrawn: false }])
    expect(keys.find('c', 'ES256')).toEqual([])
    expect(keys.find(undefined, 'ES256')).toHaveLength(2)
    expect(keys.isServing(Number.MAX_SAFE_INTEGER)).toBe(true)
    keys.invalidate()
    await keys.warmUp()
    expect(keys.health()).toEqual({
      state: 'fresh',
      keys: 2,
      fetchedAtMs: undefined,
      expiresAtMs: undefined,
      lastFailure: undefined,
    })
  })

  it('[JOSE-20] that are private or symmetric are refused, saying what to give instead and nothing of the key', () => {
    const secret = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })
    for (const jwk of [secret, { kty: 'oct', k: secret.d }]) {
      const message = refusal(testKey('a').jwk, jwk)
      expect(message).toContain('`keys[1]` cannot be used: holds private or symmetric key material.')
      expect(message).toContain('without the members d, p, q, dp, dq, qi, oth and k')
      expect(message).not.toContain(String(secret.d))
    }
  })

  it('[JOSE-07] [JOSE-13] that no signature can be checked with are refused', () => {
    expect(refusal({ kty: 'quantum' })).toContain('`keys[0]` cannot be used: kty is not RSA, EC or OKP.')
    expect(refusal({ ...testKey('a').jwk, use: 'enc' })).toContain('use is not sig')
    expect(refusal(testKey('a').jwk, offCurveJwk('k'))).toContain('`keys[1]` is refused by the platform.')
  })

  it('say in full what to give instead', () => {
    const [a, b] = [testKey('a').jwk, testKey('b').jwk]
    expect(refusal()).toBe('`keys` is empty. Give at least one public JWK, or leave it out.')
    expect(refusal(a, b, a)).toBe('`keys[2]` is a repetition. Give each key once.')
    expect(refusal(a, offCurveJwk('k'))).toBe(
      '`keys[1]` is refused by the platform. Give a key whose numbers form a key.',
    )
    expect(refusal(a, 7)).toMatch(
      / Give a public RSA, EC or Ed25519 signature key in PEM, or as a JWK without the members d, p, q, dp, dq, qi, oth and k\.$/,
    )
  })

  it('hold what they were given, and nothing that is looked for elsewhere', async () => {
    const keys = createStaticKeys([testKey('a').jwk])
    expect(keys.held()).toMatchObject([{ kid: 'a' }])
    expect(await keys.findOthers('a', 'ES256', [])).toEqual([])
  })

  it('that are none at all, or one of them twice, are refused', () => {
    expect(refusal()).toContain('`keys` is empty.')
    expect(refusal(testKey('a').jwk, testKey('b').jwk, testKey('a').jwk)).toContain('`keys[2]` is a repetition.')
  })

  it('[JOSE-13] are refused by warmUp where the platform imports them asynchronously', async () => {
    platform.createSignatureCheck = web.createSignatureCheck
    await createStaticKeys([testKey('a').jwk]).warmUp()
    await expect(createStaticKeys([offCurveJwk('k')]).warmUp()).rejects.toBeInstanceOf(ConfigurationError)
  })
})
