import { createSigningKey } from 'portcullis/testing'
import { describe, expect, it } from 'vitest'
import { createAttackedServer } from '../support/attacked-server.js'

describe('keys that a token brings along', () => {
  const evil = createSigningKey({ kid: 'evil' })
  const pointers = {
    jwk: evil.publicJwk,
    jku: 'https://evil.test/jwks.json',
    x5u: 'https://evil.test/cert.pem',
    x5c: ['MIIBBjCBrAIBAjAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDDARtdGxzMB4X'],
    x5t: 'A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0',
    'x5t#S256': 'A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0',
  }

  it('[JOSE-14] are never used, and never fetched', async () => {
    const { clock, issuer, call, fetched } = createAttackedServer()
    const { kid } = issuer.signingKey()
    for (const [name, value] of Object.entries(pointers)) {
      for (const header of [{ [name]: value }, { [name]: value, kid }, { [name]: value, kid: undefined }]) {
        clock.advance(10_000)
        expect(await call(issuer.mintToken({}, { key: evil, header })), name).toMatch(
          /^401 ERR_TOKEN_(KEY_UNKNOWN|SIGNATURE)$/,
        )
      }
    }
    expect(await call(issuer.mintToken({}, { key: evil, header: { ...pointers, kid } }))).toBe(
      '401 ERR_TOKEN_SIGNATURE',
    )
    expect(fetched.filter((url) => !url.startsWith(issuer.issuer))).toEqual([])
  })

  it('[JOSE-14] do no harm to a token that is good without them', async () => {
    const { issuer, call, fetched } = createAttackedServer()
    for (const [name, value] of Object.entries(pointers)) {
      expect(await call(issuer.mintToken({}, { header: { [name]: value } })), name).toBe('ok')
    }
    expect(fetched.filter((url) => !url.startsWith(issuer.issuer))).toEqual([])
  })

  it('[JOSE-15] a kid is looked up, never fetched, opened or inherited', async () => {
    const { clock, issuer, call, fetched } = createAttackedServer()
    const kids = [
      'https://evil.test/jwks',
      '../../../../dev/null',
      '/dev/null',
      '__proto__',
      'constructor',
      'toString',
      'hasOwnProperty',
      '',
      "x' UNION SELECT 'a",
      '\0',
      '*',
      'es256-1 ',
      'ES256-1',
    ]
    for (const kid of kids) {
      clock.advance(10_000)
      const forged = issuer.mintToken({}, { key: evil, header: { kid } })
      expect(await call(forged), kid).toBe('401 ERR_TOKEN_KEY_UNKNOWN')
    }
    for (const kid of [1, null, ['es256-1'], { a: 'es256-1' }, true]) {
      expect(await call(issuer.mintToken({}, { header: { kid } })), JSON.stringify(kid)).toBe('401 ERR_TOKEN_MALFORMED')
    }
    expect(fetched.filter((url) => !url.startsWith(`${issuer.issuer}/`))).toEqual([])
  })
})
