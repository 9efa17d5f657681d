import { exportJWK, generateKeyPair } from 'jose'
import {
  clientMetadataDocument,
  clientSecretPost,
  createAuthenticatedFetch,
  createClientDocuments,
  credentialOf,
  federatedAssertion,
  fromEnvironment,
  gcpIdentity,
  jwksDocument,
  perIssuer,
  privateKeyJwt,
  publicClient,
  restoreRegistration,
  tlsClientAuth,
} from 'portcullis/client'
import { describe, expect, it } from 'vitest'
import { setUpClient } from '../../support/client-set-up.js'

const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
const { privateKey: agreeing } = (await crypto.subtle.generateKey({ name: 'ECDH', namedCurve: 'P-256' }, true, [
  'deriveBits',
])) as CryptoKeyPair
const key = { key: privateKey, kid: 'k' }
const remote = { kid: 'r', alg: 'ES256', sign: async () => new Uint8Array() } as const
const document = {
  clientId: 'https://app.example/client.json',
  clientName: 'App',
  redirectUris: ['https://a.example/'],
}
const unknown = { nonsense: 1 } as never
const jwt = (further: object) => privateKeyJwt({ clientId: 'app', keys: [key], ...further })
const pair = { privateKey, publicKey }
const restored = restoreRegistration({ issuer: 'https://as.example', raw: { client_id: 'app' } })
const shaped = (algorithm: string, usages: readonly string[]) => ({
  type: 'private',
  algorithm: { name: algorithm },
  usages,
})
const rsa = { modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' }
const registration = { auto: true, metadata: {}, store: { load: () => undefined, save: () => undefined } } as const
const nameless = { method: 'none', authenticate: () => ({}) } as const
const notRemote = { kid: 'k', alg: 'ES256', sign: async () => new Uint8Array(), usages: ['sign'], type: 'private' }

it.each<[string, () => unknown]>([
  ['createAuthenticatedFetch', () => createAuthenticatedFetch({ getToken: async () => ({}) as never }, unknown)],
  ['fromEnvironment', () => fromEnvironment(unknown)],
  ['jwksDocument', () => jwksDocument({ publicJwks: () => [] }, unknown)],
  ['privateKeyJwt', () => privateKeyJwt(unknown)],
  ['gcpIdentity', () => gcpIdentity(unknown)],
  ['createClientDocuments', () => createClientDocuments(unknown)],
  ['clientMetadataDocument', () => clientMetadataDocument(unknown)],
  ['clientSecretPost', () => clientSecretPost(unknown)],
  ['credentialOf', () => credentialOf(restored, unknown)],
  ['federatedAssertion', () => federatedAssertion(unknown)],
  ['publicClient', () => publicClient(unknown)],
  ['tlsClientAuth', () => tlsClientAuth(unknown)],
  ['A key of `keys`', () => jwt({ keys: [{ ...key, nonsense: 1 }] })],
])('%s says that an option is unknown, and names itself', (name, make) => {
  expect(make).toThrow(`${name} has no option \`nonsense\``)
})

describe('an option', () => {
  it.each<[string, () => unknown]>([
    ['`prefix` takes a string', () => fromEnvironment({ env: {}, prefix: 7 as never })],
    ['`publicJwks`', () => jwksDocument(undefined as never)],
    ['`publicJwks`', () => jwksDocument(publicClient({ clientId: 'app' }) as never)],
    ['`jwks` takes an array of JWKs', () => clientMetadataDocument({ ...document, jwks: [{ kty: 'EC' }, 7 as never] })],
    ['`jwks` takes an array of JWKs', () => clientMetadataDocument({ ...document, jwks: {} as never })],
    [
      '`audiences` takes an object by issuer',
      () => jwt({ audiences: { 'https://as.example': new URL('https://as.example') } }),
    ],
    ['`audiences` takes', () => jwt({ audiences: { 'https://as.example': 'issuer', other: 'issuer' } })],
    ['`audiences` takes', () => jwt({ audiences: { 'https://a.example': 'issuer', 'https://b.example': 'other' } })],
    ['`typ` takes a non-empty string or null', () => jwt({ typ: 7 })],
    ['`kid`', () => jwt({ keys: [{ ...remote, kid: '' }] })],
    ['`alg` takes a signature algorithm such as', () => jwt({ keys: [{ ...remote, alg: 'HS256' }] })],
    ['`keys` takes an array of at least one key', () => jwt({ keys: [] })],
    ['`keys` takes an array of signing keys', () => credentialOf(restored, { keys: {} as never })],
    ['exactly one of `jwksUri` and `jwks`', () => clientMetadataDocument({ ...document, jwks: [] })],
    [
      'keys go in `jwks` or `jwksUri`',
      () => clientMetadataDocument({ ...document, metadata: { jwks_uri: 'https://app.example/jwks' } }),
    ],
    [
      'one credential per issuer identifier',
      () => perIssuer({ 'https://as.example': publicClient({ clientId: 'app' }), 'https://two.example': {} as never }),
    ],
    ['private signing keys', () => jwt({ keys: [{ key: publicKey }] })],
    ['private signing keys', () => jwt({ keys: [{ key: agreeing }] })],
    ['private signing keys', () => jwt({ keys: [{ key: { kty: 'EC', crv: 'P-256', x: 'x', y: 'y', usages: [] } }] })],
    ['`dpop` takes', () => setUpClient({ dpop: { privateKey, publicKey: privateKey } as never })],
    ['`dpop` takes', () => setUpClient({ dpop: { privateKey: publicKey, publicKey } as never })],
    ['`dpop` takes', () => setUpClient({ dpop: { privateKey: notRemote, publicKey } as never })],
    ['`dpop` takes', () => setUpClient({ dpop: { privateKey: agreeing, publicKey } as never })],
    ['`dpop` takes', () => setUpClient({ dpop: { privateKey: 7, publicKey } as never })],
    ['`dpop` takes', () => setUpClient({ dpop: { privateKey: shaped('Ed448', ['sign']), publicKey } as never })],
    ['a pair of CryptoKeys', () => setUpClient({ dpop: { privateKey: shaped('ECDSA', []), publicKey } as never })],
    ['a credential such as', () => setUpClient({ credential: {} as never })],
    ['an array of asymmetric algorithms', () => setUpClient({ idToken: { algorithms: ['ES256', 'HS256'] as never } })],
    ['a private CryptoKey', () => setUpClient({ idToken: { decryptionKeys: [{ key: privateKey }, {}] as never } })],
    ['`headers` takes an object of strings', () => setUpClient({ headers: { a: 'x', b: 7 } as never })],
    ['`correlationHeader` takes the name of a header field', () => setUpClient({ correlationHeader: 7 as never })],
    ['`defaultPaths: true` needs `discovery: false`', () => setUpClient({ defaultPaths: true })],
    ['leave out `clientId`', () => setUpClient({ credential: undefined, clientId: 'app', registration })],
    ['`clientId` differs', () => setUpClient({ clientId: 'other' })],
    ['`clientId` takes a non-empty string', () => setUpClient({ credential: { ...nameless, clientId: '' } })],
    ['`endpoints.token` takes an https URL or a path', () => setUpClient({ endpoints: { token: 'https://[' } })],
    ['`endpoints.token` takes', () => setUpClient({ endpoints: { token: 'http://as.example/token' } })],
  ])('is refused: %s (%#)', (message, make) => {
    expect(make).toThrow(message)
  })

  it('may be a JWK with members of its own', async () => {
    const jwk = { ...(await exportJWK(privateKey)), usages: ['sign'] }
    expect(jwt({ keys: [{ key: jwk }] }).method).toBe('private_key_jwt')
  })

  it.each<[string, Parameters<typeof crypto.subtle.generateKey>[0]]>([
    ['RSASSA-PKCS1-v1_5', { ...rsa, name: 'RSASSA-PKCS1-v1_5' }],
    ['RSA-PSS', { ...rsa, name: 'RSA-PSS' }],
    ['Ed25519', { name: 'Ed25519' }],
  ])('may be a pair of keys for proofs by %s', async (_name, algorithm) => {
    const dpop = (await crypto.subtle.generateKey(algorithm, false, ['sign', 'verify'])) as CryptoKeyPair
    expect(() => setUpClient({ dpop })).not.toThrow()
  })

  it('may be there as undefined', async () => {
    const { client, server } = setUpClient({ endpoints: { token: undefined }, dpop: pair })
    expect((await client.describeEndpoints()).token).toEqual({ url: `${server.issuer}/token`, source: 'discovered' })
    expect(jwt({ audiences: { 'https://as.example': ['https://a.example', 'https://b.example'] } }).method).toBe(
      'private_key_jwt',
    )
  })
})
