import { describe, expect, it } from 'vitest'
import { maskedToken, textOf } from '../../../src/inspector/masked-members.js'

const segment = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
const jwt = (payload: object, header: object = { alg: 'ES256' }) => `${segment(header)}.${segment(payload)}.c2ln`
const claimsOf = (payload: object) => maskedToken(jwt(payload))?.claims

describe('what the development page tells of a token', () => {
  it.each('iss aud exp nbf iat typ alg kid scope scp client_id azp acr auth_time token_use'.split(' '))(
    'is %s in full',
    (name) => {
      expect(claimsOf({ [name]: 'value' })).toEqual([[name, '"value"']])
      expect(claimsOf({ [name]: ['a', 5] })).toEqual([[name, '"a", 5']])
    },
  )

  it.each<[string, unknown, string]>([
    ['sub', 'user-1', 'text of 6 characters'],
    ['email', '', 'text of 0 characters'],
    ['roles', ['a', 'b'], 'list of 2'],
    ['address', { a: 1 }, 'object of 1'],
    ['age', 42, 'number'],
    ['verified', true, 'boolean'],
    ['gone', null, 'null'],
    ['jti', 'abcdefgh', '"abcdef…", text of 8 characters'],
    ['jti', 5, 'number'],
    ['cnf', { jkt: 'x', jwk: { k: 'canary' }, n: 1 }, 'jkt: "x", jwk: object of 1, n: number'],
  ])('is the kind of %s alone', (name, value, told) => {
    expect(claimsOf({ [name]: value })).toEqual([[name, told]])
  })

  it('is the header by the same rules, and the length', () => {
    const token = jwt({}, { alg: 'ES256', kid: 'key-1', jku: 'https://evil.example' })
    expect(maskedToken(token)).toEqual({
      header: [
        ['alg', '"ES256"'],
        ['kid', '"key-1"'],
        ['jku', 'text of 20 characters'],
      ],
      claims: [],
      length: token.length,
    })
  })

  it('is the length alone where it is no JWT, and nothing where there is none', () => {
    expect(maskedToken('opaque')).toEqual({ header: [], claims: [], length: 6 })
    expect(maskedToken(undefined)).toBeUndefined()
  })

  it('is forty members, and how many more there are', () => {
    const members = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`m${at}`, at]))
    expect(claimsOf(members(40))).toHaveLength(40)
    expect(claimsOf(members(40))?.at(-1)).toEqual(['m39', 'number'])
    expect(claimsOf(members(42))?.slice(39)).toEqual([
      ['m39', 'number'],
      ['…', 'and 2 more'],
    ])
    expect(claimsOf({ cnf: members(42) })?.[0]?.[1].split(', ')).toHaveLength(40)
  })

  it('holds nothing that looks like a JWT', () => {
    expect(textOf(jwt({ sub: 'canary' }))).not.toContain(segment({ sub: 'canary' }))
  })
})
