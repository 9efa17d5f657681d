import { describe, expect, it } from 'vitest'
import { readConfirmation } from '../../../../src/resource-server/binding/binding.js'

const jkt = '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I'
const thumbprint = 'bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2'

describe('readConfirmation', () => {
  it('[C-15] finds no binding in a token without cnf', () => {
    expect(readConfirmation(undefined, 'refuse')).toBeUndefined()
  })

  it('[MTLS-06] [DPOP-11] reads both known members, the non-canonical sample of RFC 8705 §3.1 included', () => {
    expect(readConfirmation({ jkt }, 'refuse')).toEqual({ jkt })
    expect(readConfirmation({ 'x5t#S256': thumbprint }, 'refuse')).toEqual({ 'x5t#S256': thumbprint })
    const both = readConfirmation({ jkt, 'x5t#S256': thumbprint }, 'refuse')
    expect(both).toEqual({ jkt, 'x5t#S256': thumbprint })
    expect(Object.isFrozen(both)).toBe(true)
  })

  it.each([
    null,
    'text',
    7,
    true,
    [],
    [{ jkt }],
    {},
    { jkt: '' },
    { jkt: null },
    { jkt: [jkt] },
    { 'x5t#S256': 7 },
    { jkt, 'x5t#S256': '' },
    { kid: 'a', jkt: 7 },
    { kid: 'a', 'x5t#S256': {} },
  ])('[C-15] refuses %j, whatever is to be ignored', (cnf) => {
    for (const unknownMembers of ['refuse', 'ignore'] as const) {
      expect(() => readConfirmation(cnf, unknownMembers)).toThrow(
        expect.objectContaining({ code: 'ERR_TOKEN_CONFIRMATION', status: 401, oauthError: 'invalid_token' }),
      )
    }
  })

  it.each([
    { kid: 'a' },
    { jwk: {} },
    { JKT: jkt },
    { 'x5t#s256': thumbprint, kid: 'a' },
    JSON.parse('{"__proto__":{"jkt":"a"}}'),
  ])('[C-15] refuses %j, which has no member that can be checked', (cnf) => {
    expect(() => readConfirmation(cnf, 'refuse')).toThrow(expect.objectContaining({ code: 'ERR_TOKEN_CONFIRMATION' }))
  })

  it.each(['refuse', 'ignore'] as const)('[C-15] enforces known members and ignores others beside them: %s', (rule) => {
    expect(readConfirmation({ jkt, kid: 'a' }, rule)).toEqual({ jkt })
    expect(readConfirmation({ jwk: { kty: 'EC' }, 'x5t#S256': thumbprint, osc: null }, rule)).toEqual({
      'x5t#S256': thumbprint,
    })
    expect(readConfirmation({ kid: 'a', 'x5t#S256': thumbprint, jkt }, rule)).toEqual({ jkt, 'x5t#S256': thumbprint })
  })

  it('[C-15] takes unknown members alone for no binding only where told to', () => {
    expect(readConfirmation({ kid: 'a' }, 'ignore')).toBeUndefined()
  })
})
