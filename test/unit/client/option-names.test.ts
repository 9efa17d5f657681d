import { exportJWK, generateKeyPair } from 'jose'
import {
  clientMetadataDocument,
  createAuthenticatedFetch,
  createClientDocuments,
  fromEnvironment,
  gcpIdentity,
  jwksDocument,
  privateKeyJwt,
  publicClient,
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
    ['`audiences` takes', () => jwt({ audiences: { 'https://as.example': new URL('https://as.example') } })],
    ['`audiences` takes', () => jwt({ audiences: { 'https://as.example': 'issuer', other: 'issuer' } })],
    ['`audiences` takes', () => jwt({ audiences: { 'https://a.example': 'issuer', 'https://b.example': 'other' } })],
    ['`typ` takes a non-empty string or null', () => jwt({ typ: 7 })],
    ['`kid`', () => jwt({ keys: [{ ...remote, kid: '' }] })],
    ['private signing keys', () => jwt({ keys: [{ key: publicKey }] })],
    ['private signing keys', () => jwt({ keys: [{ key: agreeing }] })],
    ['private signing keys', () => jwt({ keys: [{ key: { kty: 'EC', crv: 'P-256', x: 'x', y: 'y', usages: [] } }] })],
    ['`dpop` takes', () => setUpClient({ dpop: { privateKey, publicKey: privateKey } as never })],
    ['`dpop` takes', () => setUpClient({ dpop: { privateKey: publicKey, publicKey } as never })],
    ['`dpop` takes', () => setUpClient({ dpop: { privateKey: notRemote, publicKey } as never })],
    ['`dpop` takes', () => setUpClient({ dpop: { privateKey: agreeing, publicKey } as never })],
    ['`dpop` takes', () => setUpClient({ dpop: { privateKey: 7, publicKey } as never })],
    ['asymmetric', () => setUpClient({ idToken: { algorithms: ['ES256', 'HS256'] as never } })],
    ['CryptoKey', () => setUpClient({ idToken: { decryptionKeys: [{ key: privateKey }, {}] as never } })],
    ['`headers` takes an object of strings', () => setUpClient({ headers: { a: 'x', b: 7 } as never })],
    ['`correlationHeader` takes', () => setUpClient({ correlationHeader: 7 as never })],
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

  it('may be there as undefined', () => {
    expect(() => setUpClient({ endpoints: { token: undefined }, dpop: pair })).not.toThrow()
    expect(jwt({ audiences: { 'https://as.example': ['https://a.example', 'https://b.example'] } }).method).toBe(
      'private_key_jwt',
    )
  })
})
