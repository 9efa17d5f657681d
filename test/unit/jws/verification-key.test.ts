import { generateKeyPairSync, sign } from 'node:crypto'
import { afterEach, describe, expect, it, vi } from 'vitest'
import * as web from '../../../src/jws/crypto/web.js'
import { type PublishedJwk, readPublicJwk } from '../../../src/jws/jwk.js'
import { createVerificationKey, keyIdentity } from '../../../src/jws/verification-key.js'
import { offCurveJwk, testKey } from '../../support/key-material.js'

const platform = vi.hoisted(() => ({ createSignatureCheck: undefined as unknown }))

vi.mock('#crypto', async (importOriginal) => {
  const node = await importOriginal<typeof import('../../../src/jws/crypto/node.js')>()
  const chosen = (): typeof node.createSignatureCheck =>
    (platform.createSignatureCheck ?? node.createSignatureCheck) as typeof node.createSignatureCheck
  return {
    ...node,
    createSignatureCheck: vi.fn((...args: Parameters<typeof node.createSignatureCheck>) => chosen()(...args)),
  }
})

const { createSignatureCheck } = await import('#crypto')

afterEach(() => {
  platform.createSignatureCheck = undefined
  vi.mocked(createSignatureCheck).mockClear()
})

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const rsaJwk = readPublicJwk(rsa.publicKey.export({ format: 'jwk' })) as PublishedJwk

describe('a verification key', () => {
  it('[JOSE-07] prepares its check once an algorithm, and gives none where they do not fit', () => {
    const key = createVerificationKey(rsaJwk)
    const check = key.signatureCheck('RS256')
    expect(key.signatureCheck('RS256')).toBe(check)
    expect(key.signatureCheck('ES256')).toBeUndefined()
    expect(createSignatureCheck).toHaveBeenCalledOnce()
    const signature = sign('sha256', Buffer.from('input'), rsa.privateKey)
    expect((check as (input: string, signature: Uint8Array) => unknown)('input', signature)).toBe(true)
  })

  it('[JOSE-09] [REAL-03] without alg serves every algorithm of its type, whatever it served before', () => {
    const key = createVerificationKey(rsaJwk)
    for (const algorithm of ['RS256', 'PS256', 'RS512', 'RS256'] as const) {
      expect(key.fits(algorithm)).toBe(true)
      expect(key.signatureCheck(algorithm)).toBeDefined()
    }
    expect(key.fits('ES256')).toBe(false)
  })

  it('[JOSE-09] with alg serves that one alone', () => {
    const named = createVerificationKey({ ...rsaJwk, alg: 'PS256' })
    expect(named.fits('RS256')).toBe(false)
    expect(named.signatureCheck('RS256')).toBeUndefined()
    expect(named.fits('PS256')).toBe(true)
  })

  it('[JOSE-13] with a point off its curve is unusable, throws nothing and is tried once', () => {
    const key = createVerificationKey(readPublicJwk(offCurveJwk('k')) as PublishedJwk)
    expect(key.signatureCheck('ES256')).toBeUndefined()
    expect(key.signatureCheck('ES256')).toBeUndefined()
    expect(createSignatureCheck).toHaveBeenCalledOnce()
  })

  it('[JOSE-13] answers at once after the first time also where the platform imports asynchronously', async () => {
    platform.createSignatureCheck = web.createSignatureCheck
    const good = createVerificationKey(readPublicJwk(testKey('a').jwk) as PublishedJwk)
    const first = good.signatureCheck('ES256')
    expect(first).toBeInstanceOf(Promise)
    expect(good.signatureCheck('ES256')).toBe(first)
    const check = await first
    expect(await check?.('input', Buffer.from(testKey('a').sign('input'), 'base64url'))).toBe(true)
    expect(good.signatureCheck('ES256')).toBe(check)
    const bad = createVerificationKey(readPublicJwk(offCurveJwk('k')) as PublishedJwk)
    expect(await bad.signatureCheck('ES256')).toBeUndefined()
    expect(bad.signatureCheck('ES256')).toBeUndefined()
  })

  it('is withdrawn for good', () => {
    const key = createVerificationKey(rsaJwk)
    expect(key.withdrawn).toBe(false)
    key.withdraw()
    expect(key.withdrawn).toBe(true)
  })
})

describe('keyIdentity', () => {
  it('tells keys apart by name, algorithm and key material alone', () => {
    const variants = [
      rsaJwk,
      { ...rsaJwk, kid: 'a' },
      { ...rsaJwk, kid: 'b' },
      { ...rsaJwk, alg: 'RS256' },
    ] as PublishedJwk[]
    variants.push(readPublicJwk({ ...testKey('a').jwk }) as PublishedJwk)
    expect(new Set(variants.map(keyIdentity)).size).toBe(variants.length)
    expect(keyIdentity({ ...rsaJwk })).toBe(keyIdentity(rsaJwk))
  })
})
