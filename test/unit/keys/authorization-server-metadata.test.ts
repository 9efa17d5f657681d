import { describe, expect, it } from 'vitest'
import { readMetadata } from '../../../src/keys/authorization-server-metadata.js'

const issuer = 'https://issuer.example'

function read(members: Record<string, unknown>, allowInsecureLoopback = false) {
  return readMetadata({ issuer, ...members }, issuer, allowInsecureLoopback)
}

describe('readMetadata', () => {
  it('[ASM-07] fills in the defaults of RFC 8414, and none for PKCE and introspection', () => {
    expect(read({})).toEqual({
      issuer,
      response_modes_supported: ['query', 'fragment'],
      grant_types_supported: ['authorization_code', 'implicit'],
      token_endpoint_auth_methods_supported: ['client_secret_basic'],
      revocation_endpoint_auth_methods_supported: ['client_secret_basic'],
    })
  })

  it('[ASM-06] [ASM-11] keeps what the document says, unknown members too, frozen', () => {
    const members = {
      grant_types_supported: ['client_credentials'],
      dpop_signing_alg_values_supported: ['ES256'],
      require_pushed_authorization_requests: true,
      claims_parameter_supported: 'unknown members are not judged',
      future_thing: { deep: [1] },
      mtls_endpoint_aliases: { token_endpoint: 'https://mtls.issuer.example/token' },
    }
    const metadata = read(members)
    expect(metadata).toMatchObject(members)
    expect(Object.isFrozen(metadata)).toBe(true)
    expect(Object.isFrozen((metadata['future_thing'] as typeof members.future_thing).deep)).toBe(true)
    expect(Object.isFrozen(read({}).grant_types_supported)).toBe(true)
  })

  it('[ASM-06] reads empty lists, nulls and lists of other things than strings as absent', () => {
    const metadata = read({
      grant_types_supported: [],
      code_challenge_methods_supported: [],
      scopes_supported: 'openid profile',
      acr_values_supported: [1, 2],
      registration_endpoint: null,
      unknown_list: [],
    })
    expect(metadata).toEqual(read({}))
  })

  it.each([
    ['jwks_uri', 'http://issuer.example/jwks'],
    ['token_endpoint', 'http://issuer.example/token'],
    ['authorization_endpoint', 'javascript:alert(1)'],
    ['authorization_endpoint', 'data:text/html,x'],
    ['authorization_endpoint', 'file:///etc/passwd'],
    ['authorization_endpoint', 'vbscript:x'],
    ['introspection_endpoint', '/introspect'],
    ['some_future_endpoint', 'http://127.0.0.1/'],
    ['revocation_endpoint', 'https://user:secret@issuer.example/'],
  ])('[ASM-08] refuses a document whose %s is %s', (name, value) => {
    expect(() => read({ [name]: value })).toThrow(expect.objectContaining({ reason: 'insecure_endpoint' }))
  })

  it('[ASM-08] judges the aliases for mutual TLS as well', () => {
    const aliases = { token_endpoint: 'http://mtls.issuer.example/token' }
    expect(() => read({ mtls_endpoint_aliases: aliases })).toThrow(
      expect.objectContaining({ reason: 'insecure_endpoint' }),
    )
  })

  it('takes http endpoints on loopback where that is allowed', () => {
    const endpoint = 'http://127.0.0.1:8080/token'
    expect(read({ token_endpoint: endpoint }, true).token_endpoint).toBe(endpoint)
  })

  it.each([
    { token_endpoint: 7 },
    { jwks_uri: ['https://issuer.example/jwks'] },
    { mtls_endpoint_aliases: 'https://mtls.issuer.example' },
    { mtls_endpoint_aliases: { token_endpoint: 7 } },
    { authorization_response_iss_parameter_supported: 'true' },
    { require_signed_request_object: 1 },
  ])('[ASM-06] refuses a document that says %j', (members) => {
    expect(() => read(members)).toThrow(expect.objectContaining({ reason: 'malformed' }))
  })

  it('[ASM-06] refuses a document that nests without end', () => {
    let nested: unknown = 'deep'
    for (let depth = 0; depth < 40; depth++) nested = { nested }
    expect(() => read({ nested })).toThrow(expect.objectContaining({ reason: 'malformed' }))
  })

  it('[ASM-05] reads its own issuer only, never an inherited one', () => {
    const inherited = Object.create({ issuer })
    expect(() => readMetadata(inherited, issuer, false)).toThrow(expect.objectContaining({ reason: 'issuer_mismatch' }))
    const odd = JSON.parse(`{"issuer":"${issuer}","__proto__":{"token_endpoint":"http://evil.example"}}`)
    const metadata = readMetadata(odd, issuer, false)
    expect(metadata.token_endpoint).toBeUndefined()
    expect(Object.getPrototypeOf(metadata)).toBe(Object.prototype)
  })
})
