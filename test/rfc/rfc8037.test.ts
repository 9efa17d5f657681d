import { describe, expect, it } from 'vitest'
import { createSignatureCheck as onNode } from '../../src/jws/crypto/node.js'
import { createSignatureCheck as onWeb } from '../../src/jws/crypto/web.js'

const jwk = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' } as const
const input = 'eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc'
const signature = Buffer.from(
  'hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg',
  'base64url',
)
const changed = Buffer.concat([Buffer.of((signature[0] as number) ^ 4), signature.subarray(1)])

describe('RFC 8037 appendix A.4', () => {
  it.each([
    ['node:crypto', onNode],
    ['WebCrypto', onWeb],
  ])('[V-02] [JOSE-07] [C-28] verifies by %s as EdDSA and as Ed25519', async (_platform, createSignatureCheck) => {
    for (const algorithm of ['EdDSA', 'Ed25519'] as const) {
      const check = await createSignatureCheck(jwk, algorithm)
      expect(await check(input, signature)).toBe(true)
      expect(await check(`${input}A`, signature)).toBe(false)
      expect(await check(input, changed)).toBe(false)
      expect(await check(input, signature.subarray(0, -1))).toBe(false)
    }
  })
})
