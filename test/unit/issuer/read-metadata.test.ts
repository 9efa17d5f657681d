import { describe, expect, it } from 'vitest'
import { readMetadata, usableMetadata } from '../../../src/issuer/discovery.js'

const issuer = 'https://issuer.example'

function read(members: Record<string, unknown>, insecureHosts = false) {
  return usableMetadata(readMetadata({ issuer, ...members }, issuer), insecureHosts)
}

describe('readMetadata and usableMetadata', () => {
  it('[ASM-06] [ASM-11] [REAL-04] keeps what the document says, of whatever type, frozen', () => {
    const members = {
      grant_types_supported: ['client_credentials'],
      dpop_signing_alg_values_supported: ['ES256'],
      require_pushed_authorization_requests: 'no boolean',
      authorization_response_iss_parameter_supported: 1,
      scopes_supported: 'openid profile',
      acr_values_supported: [1, 2],
      claims_parameter_supported: 'unknown members are not judged',
      future_thing: { deep: [1] },
      op_policy_uri: 'http://issuer.example/policy',
      mtls_endpoint_aliases: 'https://mtls.issuer.example',
    }
    const metadata = read(members)
    expect(metadata).toEqual({ issuer, ...members })
    expect(Object.isFrozen(metadata)).toBe(true)
    expect(Object.isFrozen((metadata['future_thing'] as typeof members.future_thing).deep)).toBe(true)
  })

  it('[ASM-06] reads empty lists and nulls as absent', () => {
    const absent = { grant_types_supported: [], registration_endpoint: null, unknown_list: [], scopes_supported: null }
    expect(read(absent)).toEqual({ issuer })
  })

  it.each([
    ['jwks_uri', 'http://issuer.example/jwks'],
    ['jwks_uri', ['https://issuer.example/jwks']],
    ['token_endpoint', 'http://issuer.example/token'],
    ['token_endpoint', 7],
    ['authorization_endpoint', 'javascript:alert(1)'],
    ['authorization_endpoint', 'data:text/html,x'],
    ['authorization_endpoint', 'file:///etc/passwd'],
    ['authorization_endpoint', 'vbscript:x'],
    ['introspection_endpoint', '/introspect'],
    ['some_future_endpoint', 'http://127.0.0.1/'],
    ['revocation_endpoint', 'https://user:secret@issuer.example/'],
  ])('[ASM-08] [REAL-04] takes %s for absent when it is %j, and nothing else', (name, value) => {
    const good = { [name === 'jwks_uri' ? 'introspection_endpoint' : 'jwks_uri']: `${issuer}/good` }
    expect(read({ ...good, [name]: value })).toEqual({ issuer, ...good })
  })

  it('[ASM-08] takes no other member for an endpoint', () => {
    const members = { token_endpoint_auth_methods_supported: ['x'], old_jwks_uri: 'none', jwks_uri_note: 'none' }
    expect(read(members)).toEqual({ issuer, ...members })
  })

  it('takes http endpoints on hosts where that is allowed', () => {
    const token_endpoint = 'http://127.0.0.1:8080/token'
    expect(read({ token_endpoint }, true)).toEqual({ issuer, token_endpoint })
  })

  it('[ASM-06] [REAL-04] takes a member that nests without end for absent', () => {
    let nested: unknown = 'deep'
    for (let depth = 0; depth < 40; depth++) nested = { nested }
    expect(read({ nested, jwks_uri: `${issuer}/jwks` })).toEqual({ issuer, jwks_uri: `${issuer}/jwks` })
  })

  it('[ASM-05] reads its own issuer only, never an inherited one', () => {
    const inherited = Object.create({ issuer })
    expect(() => readMetadata(inherited, issuer)).toThrow(expect.objectContaining({ reason: 'issuer_mismatch' }))
    const odd = JSON.parse(`{"issuer":"${issuer}","__proto__":{"jwks_uri":"https://evil.example"}}`)
    const metadata = usableMetadata(readMetadata(odd, issuer), false)
    expect(metadata.jwks_uri).toBeUndefined()
    expect(Object.getPrototypeOf(metadata)).toBe(Object.prototype)
  })
})
