import { createHash } from 'node:crypto'
import { createDpopClient, createTestIssuer, tamperWith } from 'portcullis/testing'
import { describe, expect, it } from 'vitest'
import { createBoundTokenLimit, createTokenLimit, type LimitSettings } from '../../bench/limit.js'

const audience = 'https://api.example.com'
const url = `${audience}/me`
const algorithms = ['RS256', 'PS256', 'ES256', 'EdDSA'] as const
const issuer = createTestIssuer({ audience, algorithms })

function settings(algorithm: (typeof algorithms)[number], cacheEntries: number): LimitSettings {
  const jwk = issuer.signingKey(algorithm).publicJwk as unknown as LimitSettings['jwk']
  return { issuer: issuer.issuer, audience, algorithm, jwk, scope: 'read', cacheEntries }
}

describe('the hand-written verifier that the benchmarks measure against', () => {
  describe.each(algorithms)('with %s', (algorithm) => {
    it.each([0, 2])('makes the same checks with a cache of %i tokens', (cacheEntries) => {
      const verify = createTokenLimit(settings(algorithm, cacheEntries))
      const token = issuer.mintToken({}, { algorithm })
      expect(verify(`Bearer ${token}`).subject).toBe('user-1')
      expect(verify(`Bearer ${token}`).subject).toBe('user-1')
      const refused = [
        tamperWith(token, 'signature'),
        tamperWith(token, 'payload'),
        issuer.mintToken({ iss: 'https://other.test' }, { algorithm }),
        issuer.mintToken({ aud: 'https://other.test' }, { algorithm }),
        issuer.mintToken({ scope: 'write' }, { algorithm }),
        issuer.mintToken({ jti: undefined }, { algorithm }),
        issuer.mintToken({ cnf: { jkt: 'key' } }, { algorithm }),
        issuer.mintToken({}, { algorithm, lifetimeSeconds: -120 }),
        issuer.mintToken({}, { algorithm, header: { typ: 'JWT' } }),
      ]
      for (const bad of refused) expect(() => verify(`Bearer ${bad}`), bad).toThrow()
      expect(() => verify(undefined)).toThrow()
    })
  })

  it('makes the same checks of proofs', () => {
    const verify = createBoundTokenLimit(settings('RS256', 10))
    const client = createDpopClient()
    const token = issuer.mintToken({ cnf: { jkt: client.jkt } }, { algorithm: 'RS256' })
    const request = (dpop: string) => ({ authorization: `DPoP ${token}`, dpop, method: 'GET', url })
    const proof = client.proof({ url, accessToken: token })
    expect(verify(request(proof)).jkt).toBe(client.jkt)
    const refused = [
      proof,
      client.proof({ url, accessToken: token, tamper: 'signature' }),
      client.proof({ url, accessToken: token, method: 'POST' }),
      client.proof({ url: `${url}/other`, accessToken: token }),
      client.proof({ url, accessToken: token, claims: { iat: 0 } }),
      client.proof({ url, accessToken: token, claims: { ath: createHash('sha256').digest('base64url') } }),
      createDpopClient().proof({ url, accessToken: token }),
    ]
    for (const bad of refused) expect(() => verify(request(bad)), bad).toThrow()
  })
})
