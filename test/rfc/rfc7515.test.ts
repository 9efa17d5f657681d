import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createStaticKeys } from '../../src/issuer/static-keys.js'
import { readJoseHeader, verifySignature } from '../../src/issuer/verify-signature.js'
import { type CompactJws, readCompactJws } from '../../src/jws/compact-jws.js'

const payload = 'eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ'
const es256 = {
  kty: 'EC',
  crv: 'P-256',
  x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
  y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
}
const a1 = `eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.${payload}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk`
const a3 = `eyJhbGciOiJFUzI1NiJ9.${payload}.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q`

const verify = async (token: string) => {
  const jws = readCompactJws(token) as CompactJws
  return verifySignature(jws, readJoseHeader(jws.headerSegment), createStaticKeys([es256]))
}

describe('RFC 7515 appendix A', () => {
  it('[V-07] [JOSE-06] A.1 is a valid HMAC, and refused for being one', () => {
    const key = Buffer.from(
      'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow',
      'base64url',
    )
    const input = a1.slice(0, a1.lastIndexOf('.'))
    expect(createHmac('sha256', key).update(input).digest('base64url')).toBe(a1.slice(input.length + 1))
    const jws = readCompactJws(a1) as CompactJws
    expect(() => readJoseHeader(jws.headerSegment)).toThrow(expect.objectContaining({ code: 'ERR_TOKEN_ALGORITHM' }))
  })

  it('[V-07] [JOSE-01] [JOSE-07] A.3 verifies with its ES256 key', async () => {
    expect(readCompactJws(a3)?.payload).toEqual({ iss: 'joe', exp: 1300819380, 'http://example.com/is_root': true })
    expect((await verify(a3)).key.kid).toBeUndefined()
  })

  it('[V-07] A.3 verifies no more after a change of any one character', async () => {
    const input = a3.slice(0, a3.lastIndexOf('.'))
    for (let at = input.length + 1; at < a3.length - 1; at += 5) {
      const changed = a3.slice(0, at) + (a3[at] === 'A' ? 'B' : 'A') + a3.slice(at + 1)
      await expect(verify(changed), String(at)).rejects.toMatchObject({ code: 'ERR_TOKEN_SIGNATURE' })
    }
    const otherPayload = a3.replace(payload, Buffer.from('{"iss":"joe"}').toString('base64url'))
    await expect(verify(otherPayload)).rejects.toMatchObject({ code: 'ERR_TOKEN_SIGNATURE' })
  })

  it('[V-07] [JOSE-01] A.5, the unsecured JWS, is not even read', () => {
    expect(readCompactJws(`eyJhbGciOiJub25lIn0.${payload}.`)).toBeUndefined()
  })
})
