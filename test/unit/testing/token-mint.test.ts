import { compactVerify, createLocalJWKSet, decodeJwt, decodeProtectedHeader, errors, importJWK, jwtVerify } from 'jose'
import {
  createFrozenClock,
  createSigningKey,
  createTestIssuer,
  signCompact,
  type TestIssuer,
  tamperWith,
} from 'portcullis/testing'
import { describe, expect, it } from 'vitest'
import { algorithmTraits, type SignatureAlgorithm } from '../../../src/jws/algorithms.js'

const clock = createFrozenClock()

function keySetOf(issuer: TestIssuer) {
  return createLocalJWKSet({ keys: issuer.publishedKeys().map((jwk) => ({ ...jwk, kty: String(jwk['kty']) })) })
}

function judge(token: string, issuer: TestIssuer) {
  return jwtVerify(token, keySetOf(issuer), {
    issuer: issuer.issuer,
    audience: 'https://api.example.com',
    typ: 'at+jwt',
    currentDate: new Date(clock.now()),
    requiredClaims: ['iss', 'exp', 'aud', 'sub', 'client_id', 'iat', 'jti', 'scope'],
  })
}

describe('mintToken', () => {
  it.each([...algorithmTraits.keys()] as SignatureAlgorithm[])(
    'signs with %s so that jose agrees',
    async (algorithm) => {
      await using issuer = createTestIssuer({ clock: clock.now })
      const { protectedHeader } = await judge(issuer.mintToken({}, { algorithm }), issuer)
      expect(protectedHeader).toEqual({ typ: 'at+jwt', alg: algorithm, kid: issuer.signingKey(algorithm).kid })
    },
  )

  it('mints the claims of RFC 9068 §2.2 and a fresh jti each time', async () => {
    const issuer = createTestIssuer({ clock: clock.now })
    const { payload } = await judge(issuer.mintToken(), issuer)
    const iat = clock.now() / 1000
    expect(payload).toEqual({
      iss: 'https://issuer.test',
      aud: 'https://api.example.com',
      sub: 'user-1',
      client_id: 'test-client',
      scope: 'read',
      iat,
      exp: iat + 300,
      jti: expect.any(String),
    })
    expect(decodeJwt(issuer.mintToken()).jti).not.toBe(payload.jti)
  })

  it('takes its defaults from the issuer', () => {
    const issuer = createTestIssuer({
      issuer: 'https://login.test/t1',
      audience: ['a', 'b'],
      lifetimeSeconds: 60,
      clock: clock.now,
    })
    const claims = decodeJwt(issuer.mintToken())
    expect(claims).toMatchObject({ iss: 'https://login.test/t1', aud: ['a', 'b'] })
    expect(Number(claims.exp) - Number(claims.iat)).toBe(60)
  })

  it('lives at the system time without a clock', async () => {
    const issuer = createTestIssuer()
    await expect(jwtVerify(issuer.mintToken(), keySetOf(issuer))).resolves.toBeDefined()
  })

  it('replaces and removes claims and header members', () => {
    const issuer = createTestIssuer()
    const token = issuer.mintToken({ sub: undefined, scope: 'a b' }, { header: { kid: undefined, typ: 'JWT' } })
    expect(decodeJwt(token)).not.toHaveProperty('sub')
    expect(decodeJwt(token)['scope']).toBe('a b')
    expect(decodeProtectedHeader(token)).toEqual({ typ: 'JWT', alg: 'ES256' })
  })

  it('mints a token that has expired', async () => {
    const issuer = createTestIssuer({ clock: clock.now })
    await expect(judge(issuer.mintToken({}, { lifetimeSeconds: -1 }), issuer)).rejects.toThrow(errors.JWTExpired)
  })

  it('signs with a foreign key under the kid of a published one', async () => {
    const issuer = createTestIssuer({ clock: clock.now })
    const key = createSigningKey({ kid: issuer.signingKey().kid })
    const token = issuer.mintToken({}, { key })
    await expect(judge(token, issuer)).rejects.toThrow(errors.JWSSignatureVerificationFailed)
    await expect(compactVerify(token, await importJWK({ ...key.publicJwk, kty: 'EC' }))).resolves.toBeDefined()
  })

  it('signs with a shared secret, as an algorithm-confusion attack does', async () => {
    const issuer = createTestIssuer()
    const secret = new TextEncoder().encode('a public key taken for a secret!')
    const token = issuer.mintToken({}, { header: { alg: 'HS256' }, key: { secret } })
    expect((await jwtVerify(token, secret)).protectedHeader).toMatchObject({ alg: 'HS256', kid: 'es256-1' })
  })

  it('leaves a token unsigned', () => {
    const issuer = createTestIssuer()
    const token = issuer.mintToken({}, { header: { alg: 'none', kid: undefined }, key: 'none' })
    expect(token).toMatch(/^[\w-]+\.[\w-]+\.$/)
    expect(decodeProtectedHeader(token)).toEqual({ typ: 'at+jwt', alg: 'none' })
  })

  it.each(['header', 'payload', 'signature'] as const)(
    'tampers with the %s so that only the signature tells',
    async (segment) => {
      const issuer = createTestIssuer({ clock: clock.now })
      const token = issuer.mintToken({}, { tamper: segment })
      expect(decodeProtectedHeader(token)).toMatchObject({ alg: 'ES256' })
      expect(decodeJwt(token)).toMatchObject({ sub: 'user-1' })
      await expect(judge(token, issuer)).rejects.toThrow(errors.JWSSignatureVerificationFailed)
    },
  )

  it('hands out the parts of a token', async () => {
    const issuer = createTestIssuer({ clock: clock.now })
    const parts = issuer.tokenParts({ sub: 'bob' }, { algorithm: 'Ed25519', lifetimeSeconds: 5 })
    expect(parts.header).toEqual({ typ: 'at+jwt', alg: 'Ed25519', kid: parts.key.kid })
    expect((await judge(signCompact(parts), issuer)).payload).toMatchObject({ sub: 'bob', exp: clock.now() / 1000 + 5 })
    expect(issuer.tokenParts().key).toBe(issuer.signingKey())
  })
})

describe('signCompact', () => {
  it('signs text byte for byte, repeated members and all', async () => {
    const key = createSigningKey()
    const header = `{"alg":"ES256","kid":"a","kid":"${key.kid}"}`
    const token = signCompact({ header, payload: '{"a":1,"a":2}', key })
    const { payload, protectedHeader } = await compactVerify(token, await importJWK({ ...key.publicJwk, kty: 'EC' }))
    expect(Buffer.from(payload).toString()).toBe('{"a":1,"a":2}')
    expect(protectedHeader.kid).toBe(key.kid)
    expect(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).toBe(header)
  })

  it('signs bytes that are no text', async () => {
    const key = createSigningKey({ algorithm: 'EdDSA' })
    const token = signCompact({ header: { alg: 'EdDSA' }, payload: new Uint8Array([0xff]), key })
    const { payload } = await compactVerify(token, await importJWK({ ...key.publicJwk, kty: 'OKP' }))
    expect([...payload]).toEqual([0xff])
  })
})

describe('tamperWith', () => {
  it('flips one bit of the signature, and leaves its length', () => {
    const token = createTestIssuer().mintToken()
    const [before, after] = [token, tamperWith(token, 'signature')].map((one) =>
      BigInt(`0x${Buffer.from(one.split('.')[2] as string, 'base64url').toString('hex')}`),
    ) as [bigint, bigint]
    expect((before ^ after).toString(2)).toMatch(/^10{504}$/)
  })

  it('leaves the other segments as they are', () => {
    const token = createTestIssuer().mintToken()
    const [header, payload, signature] = token.split('.')
    expect(tamperWith(token, 'payload').split('.')).toEqual([
      header,
      expect.not.stringMatching(payload ?? ''),
      signature,
    ])
  })
})
