import { createSigningKey, signCompact } from 'portcullis/testing'
import { describe, expect, it } from 'vitest'
import type { JsonObject, SignatureAlgorithm } from '../../src/index.js'
import { createAttackedServer } from '../support/attacked-server.js'

describe('algorithm confusion', () => {
  it('[JOSE-06] [JOSE-07] [C-31] refuses HMAC signatures made with any spelling of the public key', async () => {
    const { issuer, call } = createAttackedServer({}, { algorithms: ['RS256'] })
    const { publicKey, publicJwk, kid } = issuer.signingKey()
    const pem = publicKey.export({ format: 'pem', type: 'spki' }).toString()
    const secrets = [
      pem,
      pem.trim(),
      pem.replaceAll('\n', '\r\n'),
      publicKey.export({ format: 'pem', type: 'pkcs1' }).toString(),
      publicKey.export({ format: 'der', type: 'spki' }),
      publicKey.export({ format: 'der', type: 'pkcs1' }),
      JSON.stringify(publicJwk),
      Buffer.from(String(publicJwk['n']), 'base64url'),
      '',
      Buffer.alloc(32),
    ]
    for (const alg of ['HS256', 'HS384', 'HS512', 'hs256', 'RS256']) {
      for (const secret of secrets) {
        const forged = issuer.mintToken({}, { header: { alg, kid }, key: { secret } })
        const expected = alg === 'RS256' ? '401 ERR_TOKEN_SIGNATURE' : '401 ERR_TOKEN_ALGORITHM'
        expect(await call(forged), alg).toBe(expected)
      }
    }
  })

  it('[JOSE-06] [JOSE-07] refuses HMAC by the configuration already', () => {
    expect(() =>
      createAttackedServer({ issuer: { issuer: 'https://issuer.test', algorithms: ['HS256' as never] } }),
    ).toThrow(/HS256/)
    const keys = [
      { kty: 'oct', k: 'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow' },
    ]
    expect(() => createAttackedServer({ issuer: { issuer: 'https://issuer.test', keys } })).toThrow(/symmetric/)
  })

  it('[JOSE-11] uses no symmetric key that a key set publishes, weak or strong', async () => {
    const { issuer, call } = createAttackedServer()
    for (const secret of ['short', 'k'.repeat(64)]) {
      issuer.publishKey({ kty: 'oct', kid: secret, k: Buffer.from(secret).toString('base64url') })
      const forged = issuer.mintToken({}, { header: { alg: 'HS256', kid: secret }, key: { secret } })
      expect(await call(forged)).toBe('401 ERR_TOKEN_ALGORITHM')
    }
  })

  it('[JOSE-07] [JOSE-08] uses a key for the algorithm its JWK names alone', async () => {
    const all: SignatureAlgorithm[] = ['RS256', 'PS256', 'RS384', 'PS512', 'ES256', 'ES384', 'ES512', 'Ed25519']
    const issuerOptions = { algorithms: ['RS256', 'ES256', 'ES384', 'Ed25519'] as const }
    const { issuer, call } = createAttackedServer(
      { issuer: { issuer: 'https://issuer.test', algorithms: all } },
      issuerOptions,
    )
    for (const algorithm of issuerOptions.algorithms) {
      const key = issuer.signingKey(algorithm)
      expect(await call(issuer.mintToken({}, { key })), algorithm).toBe('ok')
      for (const alg of all) {
        if (alg === algorithm) continue
        const forged = issuer.mintToken({}, { key, header: { alg } })
        expect(await call(forged), `${algorithm} as ${alg}`).toMatch(/^401 ERR_TOKEN_(KEY_UNKNOWN|SIGNATURE)$/)
      }
    }
  })

  it('[JOSE-09] [REAL-03] uses a key without alg for every algorithm of its type on the allow-list, and no other', async () => {
    const algorithms = ['RS256', 'PS256', 'ES256'] as const
    const { issuer, call } = createAttackedServer({ issuer: { issuer: 'https://issuer.test', algorithms } })
    const key = createSigningKey({ algorithm: 'RS256', kid: 'no-alg' })
    const { alg: _, ...publicJwk } = key.publicJwk
    issuer.publishKey(publicJwk)
    const outcome = (algorithm: SignatureAlgorithm) => call(issuer.mintToken({}, { key: { ...key, algorithm } }))
    for (const algorithm of ['RS256', 'PS256', 'RS256'] as const) expect(await outcome(algorithm)).toBe('ok')
    expect(await outcome('RS384')).toBe('401 ERR_TOKEN_ALGORITHM')
    const asEc = issuer.mintToken({}, { key, header: { alg: 'ES256' } })
    expect(await call(asEc)).toBe('401 ERR_TOKEN_KEY_UNKNOWN')
  })

  it('[JOSE-08] uses no key that is published for encryption', async () => {
    const { issuer, call } = createAttackedServer()
    for (const [index, wrong] of [
      { use: 'enc' },
      { key_ops: ['encrypt'] },
      { key_ops: [] },
      { use: 'SIG' },
    ].entries()) {
      const key = createSigningKey({ kid: `enc-${index}` })
      issuer.publishKey({ ...key.publicJwk, use: undefined, ...wrong } as JsonObject)
      expect(await call(issuer.mintToken({}, { key })), JSON.stringify(wrong)).toBe('401 ERR_TOKEN_KEY_UNKNOWN')
    }
  })

  it('[C-28] takes EdDSA and Ed25519 for one algorithm', async () => {
    const { issuer, call } = createAttackedServer({}, { algorithms: ['Ed25519'] })
    for (const alg of ['EdDSA', 'Ed25519', 'EdDSA'])
      expect(await call(issuer.mintToken({}, { header: { alg } }))).toBe('ok')
    for (const alg of ['Ed448', 'ed25519', 'EDDSA']) {
      expect(await call(issuer.mintToken({}, { header: { alg } }))).toBe('401 ERR_TOKEN_ALGORITHM')
    }
  })

  it('[JOSE-07] refuses an EC signature under a key of another curve', async () => {
    const { issuer, call } = createAttackedServer({}, { algorithms: ['ES256', 'ES384'] })
    const [p256, p384] = [issuer.signingKey('ES256'), issuer.signingKey('ES384')]
    const forged = signCompact({
      ...issuer.tokenParts(),
      header: { typ: 'at+jwt', alg: 'ES384', kid: p256.kid },
      key: p384,
    })
    expect(await call(forged)).toBe('401 ERR_TOKEN_KEY_UNKNOWN')
  })
})
