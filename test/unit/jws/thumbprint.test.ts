import { describe, expect, it } from 'vitest'
import type { PublicJwk } from '../../../src/jws/crypto/platform-crypto.js'
import { readPublicJwk } from '../../../src/jws/jwk.js'
import { thumbprint } from '../../../src/jws/thumbprint.js'
import { createVerificationKey } from '../../../src/jws/verification-key.js'

const rsa = {
  kty: 'RSA',
  e: 'AQAB',
  n: '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw',
} as const
const ed25519 = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' } as const
const ec = {
  kty: 'EC',
  crv: 'P-256',
  x: 'l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs',
  y: '9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA',
} as const

describe('thumbprint', () => {
  it.each([
    ['[V-01] the RSA key of RFC 7638 §3.1', rsa, 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs'],
    ['[V-02] the Ed25519 key of RFC 8037 §A.3', ed25519, 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k'],
    ['[V-03] the P-256 key of RFC 9449', ec, '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I'],
  ])('[JOSE-17] %s has the published one, whatever else the JWK holds', async (_, jwk, expected) => {
    expect(await thumbprint(jwk)).toBe(expected)
    expect(await thumbprint({ alg: 'RS256', kid: '2011-04-29', ...jwk } as unknown as PublicJwk)).toBe(expected)
    expect(await thumbprint(readPublicJwk({ ...jwk, kid: 'k', use: 'sig' }) as unknown as PublicJwk)).toBe(expected)
  })
})

describe('the Ed25519 signature of RFC 8037 §A.4', () => {
  it('[V-02] [C-28] is valid under either name of the algorithm', async () => {
    const input = 'eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc'
    const signature = Buffer.from(
      'hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg',
      'base64url',
    )
    for (const named of [{}, { alg: 'EdDSA' }, { alg: 'Ed25519' }] as const) {
      const key = createVerificationKey({ ...ed25519, ...named })
      for (const algorithm of ['EdDSA', 'Ed25519'] as const) {
        const check = await key.signatureCheck(algorithm)
        expect(await check?.(input, signature)).toBe(true)
        expect(await check?.(`${input}x`, signature)).toBe(false)
      }
    }
  })
})
