import { createHash } from 'node:crypto'
import { calculateJwkThumbprint, decodeJwt, decodeProtectedHeader, EmbeddedJWK, errors, jwtVerify } from 'jose'
import { createDpopClient, createFrozenClock, createSigningKey } from 'portcullis/testing'
import { describe, expect, it } from 'vitest'
import type { SignatureAlgorithm } from '../../../src/jws/algorithms.js'

const clock = createFrozenClock()
const url = 'https://api.example.com/a'

function judge(proof: string) {
  return jwtVerify(proof, EmbeddedJWK, { typ: 'dpop+jwt', currentDate: new Date(clock.now()) })
}

describe('createDpopClient', () => {
  it.each(['ES256', 'ES384', 'ES512', 'PS256', 'RS256', 'EdDSA', 'Ed25519'] as SignatureAlgorithm[])(
    'makes %s proofs that jose accepts, under the thumbprint jose computes',
    async (algorithm) => {
      const client = createDpopClient({ algorithm, clock: clock.now })
      const { protectedHeader } = await judge(client.proof({ url }))
      expect(protectedHeader).toEqual({ typ: 'dpop+jwt', alg: algorithm, jwk: client.publicJwk })
      expect(client.jkt).toBe(
        await calculateJwkThumbprint({ ...client.publicJwk, kty: String(client.publicJwk['kty']) }),
      )
      expect(Object.keys(client.publicJwk)).not.toContain('d')
    },
  )

  it('says what the proof is for (RFC 9449 §4.2)', async () => {
    const client = createDpopClient({ clock: clock.now })
    const proof = client.proof({ method: 'POST', url: `${url}?q=1#f`, accessToken: 'token', nonce: 'n' })
    expect((await judge(proof)).payload).toEqual({
      jti: expect.any(String),
      htm: 'POST',
      htu: url,
      iat: clock.now() / 1000,
      nonce: 'n',
      ath: createHash('sha256').update('token').digest('base64url'),
    })
  })

  it('leaves out what was not given, and never repeats a jti', async () => {
    const client = createDpopClient()
    const [first, second] = await Promise.all([1, 2].map(() => jwtVerify(client.proof({ url }), EmbeddedJWK)))
    expect(Object.keys(first?.payload ?? {})).toEqual(['jti', 'htm', 'htu', 'iat'])
    expect(first?.payload['htm']).toBe('GET')
    expect(first?.payload.jti).not.toBe(second?.payload.jti)
  })

  it('makes every defect on request', async () => {
    const client = createDpopClient({ clock: clock.now })
    const odd = client.proof({ url, claims: { iat: 'soon', htu: undefined }, header: { typ: 'jwt' } })
    expect(decodeJwt(odd)).toMatchObject({ iat: 'soon', htm: 'GET' })
    expect(decodeJwt(odd)).not.toHaveProperty('htu')
    expect(decodeProtectedHeader(odd).typ).toBe('jwt')
    const foreign = client.proof({ url, key: createSigningKey() })
    await expect(judge(foreign)).rejects.toThrow(errors.JWSSignatureVerificationFailed)
    const tampered = client.proof({ url, tamper: 'payload' })
    await expect(judge(tampered)).rejects.toThrow(errors.JWSSignatureVerificationFailed)
  })

  it('gives the two header fields of a request', async () => {
    const client = createDpopClient({ clock: clock.now })
    const { authorization, dpop } = client.headers({ url, accessToken: 'token' })
    expect(authorization).toBe('DPoP token')
    expect((await judge(dpop)).payload).toHaveProperty('ath')
  })
})
