import { createLocalJWKSet, jwtVerify } from 'jose'
import { createSigningKey, createTestIssuer, type TestIssuer } from 'portcullis/testing'
import { describe, expect, it } from 'vitest'

function isAccepted(token: string, issuer: TestIssuer): Promise<boolean> {
  const keys = issuer.publishedKeys().map((jwk) => ({ ...jwk, kty: String(jwk['kty']) }))
  return jwtVerify(token, createLocalJWKSet({ keys })).then(
    () => true,
    () => false,
  )
}

describe('the keys of a test issuer', () => {
  it('publishes public members alone', () => {
    const issuer = createTestIssuer({ algorithms: ['ES256', 'Ed25519'] })
    expect(issuer.publishedKeys()).toEqual([
      {
        kty: 'EC',
        crv: 'P-256',
        x: expect.any(String),
        y: expect.any(String),
        kid: 'es256-1',
        alg: 'ES256',
        use: 'sig',
      },
      { kty: 'OKP', crv: 'Ed25519', x: expect.any(String), kid: 'ed25519-2', alg: 'Ed25519', use: 'sig' },
    ])
  })

  it('publishes a further algorithm from its first use on', () => {
    const issuer = createTestIssuer()
    issuer.mintToken({}, { algorithm: 'ES384' })
    expect(issuer.publishedKeys().map(({ kid }) => kid)).toEqual(['es256-1', 'es384-2'])
  })

  it('keeps old keys published through a rotation with overlap', async () => {
    const issuer = createTestIssuer()
    const before = issuer.mintToken()
    issuer.rotateKeys()
    const after = issuer.mintToken()
    expect(issuer.signingKey().kid).toBe('es256-2')
    expect(await isAccepted(before, issuer)).toBe(true)
    expect(await isAccepted(after, issuer)).toBe(true)
  })

  it('withdraws old keys at once in a rotation without overlap', async () => {
    const issuer = createTestIssuer()
    const before = issuer.mintToken()
    issuer.rotateKeys({ overlap: false })
    expect(await isAccepted(before, issuer)).toBe(false)
    expect(await isAccepted(issuer.mintToken(), issuer)).toBe(true)
    expect(issuer.publishedKeys()).toHaveLength(1)
  })

  it('goes on signing with a key that was withdrawn', async () => {
    const issuer = createTestIssuer({ algorithms: ['ES256', 'ES384'] })
    const { kid } = issuer.signingKey()
    issuer.withdrawKey(kid)
    expect(await isAccepted(issuer.mintToken(), issuer)).toBe(false)
    expect(await isAccepted(issuer.mintToken({}, { algorithm: 'ES384' }), issuer)).toBe(true)
    issuer.publishKey(issuer.signingKey().publicJwk)
    expect(await isAccepted(issuer.mintToken(), issuer)).toBe(true)
  })

  it('signs with a retired key that the test kept', async () => {
    const issuer = createTestIssuer()
    const retired = issuer.signingKey()
    issuer.rotateKeys()
    expect(await isAccepted(issuer.mintToken({}, { key: retired }), issuer)).toBe(true)
  })

  it('never shares a key between issuers, and uses RSA keys again after close', async () => {
    const first = createTestIssuer({ algorithms: ['RS256'] })
    const second = createTestIssuer({ algorithms: ['RS256'] })
    const modulus = first.publishedKeys()[0]?.['n']
    expect(second.publishedKeys()[0]?.['n']).not.toBe(modulus)
    await first.close()
    await first.close()
    const third = createTestIssuer({ algorithms: ['PS256'] })
    const fourth = createTestIssuer({ algorithms: ['PS256'] })
    expect(third.publishedKeys()[0]?.['n']).toBe(modulus)
    expect(fourth.publishedKeys()[0]?.['n']).not.toBe(modulus)
  })

  it('uses no key of another kind again', async () => {
    const elliptic = createTestIssuer({ algorithms: ['ES256'] })
    elliptic.signingKey()
    await elliptic.close()
    expect(createTestIssuer({ algorithms: ['RS256'] }).publishedKeys()[0]).toMatchObject({ kty: 'RSA' })
  })

  it('names a stray key by its thumbprint', () => {
    expect(createSigningKey().kid).toMatch(/^[\w-]{43}$/)
  })
})
