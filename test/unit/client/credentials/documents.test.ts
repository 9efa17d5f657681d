import {
  acceptsClientMetadataDocument,
  type ClientMetadataDocumentOptions,
  clientMetadataDocument,
} from 'portcullis/client'
import { describe, expect, it } from 'vitest'

const options: ClientMetadataDocumentOptions = {
  clientId: 'https://app.example/oauth/client.json',
  clientName: 'App',
  redirectUris: ['https://app.example/callback'],
}

describe('a client metadata document', () => {
  it('[CIMD-02] [CIMD-03] [CIMD-05] [CIMD-07] holds its own URL and is served as JSON with a lifetime', () => {
    const { document, answer } = clientMetadataDocument({
      ...options,
      metadata: { logo_uri: 'https://app.example/logo' },
    })
    expect(document).toEqual({
      logo_uri: 'https://app.example/logo',
      client_id: 'https://app.example/oauth/client.json',
      client_name: 'App',
      redirect_uris: ['https://app.example/callback'],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    })
    const named = clientMetadataDocument({ ...options, tokenEndpointAuthMethod: 'none' })
    expect(named.document['token_endpoint_auth_method']).toBe('none')
    expect(answer.status).toBe(200)
    expect(answer.headers).toEqual({ 'Content-Type': 'application/json', 'Cache-Control': 'public, max-age=3600' })
    expect(JSON.parse(answer.body)).toEqual(document)
  })

  it('[CIMD-05] names its keys with private_key_jwt', () => {
    const remote = clientMetadataDocument({
      ...options,
      tokenEndpointAuthMethod: 'private_key_jwt',
      jwksUri: 'https://app.example/jwks',
      grantTypes: ['client_credentials'],
      responseTypes: [],
    })
    expect(remote.document).toMatchObject({
      token_endpoint_auth_method: 'private_key_jwt',
      jwks_uri: 'https://app.example/jwks',
      grant_types: ['client_credentials'],
      response_types: [],
    })
    const jwk = { kty: 'EC', crv: 'P-256', x: 'x', y: 'y' }
    const inline = clientMetadataDocument({ ...options, tokenEndpointAuthMethod: 'private_key_jwt', jwks: [jwk] })
    expect(inline.document).toMatchObject({ jwks: { keys: [jwk] } })
  })

  it.each([
    'http://app.example/client.json',
    'https://app.example',
    'https://app.example/',
    'https://user@app.example/client.json',
    'https://app.example/client.json#x',
    'https://app.example/client.json?x',
    'https://app.example/a/../client.json',
    'https://app.example/./client.json',
    'https://app.example/%2E%2e/client.json',
    'https://app.example/a/..',
    ' https://app.example/client.json',
    'https://[/client.json',
    'client',
  ])('[CIMD-01] refuses the client identifier %s', (clientId) => {
    expect(() => clientMetadataDocument({ ...options, clientId })).toThrowError(/clientId/)
  })

  it('[CIMD-01] [CIMD-02] keeps a port as it is written', () => {
    const clientId = 'https://app.example:443/client.json'
    expect(clientMetadataDocument({ ...options, clientId }).document['client_id']).toBe(clientId)
  })

  it.each<[string, Partial<ClientMetadataDocumentOptions>]>([
    ['a secret', { metadata: { client_secret: 'x' } }],
    ['the expiry of a secret', { metadata: { client_secret_expires_at: 0 } }],
    ['keys among the further members', { metadata: { jwks: { keys: [] } } }],
    ['the place of keys among them', { metadata: { jwks_uri: 'https://app.example/jwks' } }],
    ['a private key', { tokenEndpointAuthMethod: 'private_key_jwt', jwks: [{ kty: 'EC', d: 'x' }] }],
    ['a symmetric key', { tokenEndpointAuthMethod: 'private_key_jwt', jwks: [{ kty: 'oct', k: 'x' }] }],
    ['a key method without key', { tokenEndpointAuthMethod: 'private_key_jwt' }],
    [
      'keys in two places',
      { tokenEndpointAuthMethod: 'private_key_jwt', jwksUri: 'https://app.example/jwks', jwks: [] },
    ],
    ['keys of a public client', { jwksUri: 'https://app.example/jwks' }],
    ['more than 5 KB', { metadata: { client_uri: 'x'.repeat(5000) } }],
  ])('[CIMD-04] [CIMD-05] [CIMD-07] refuses %s', (_name, wrong) => {
    expect(() => clientMetadataDocument({ ...options, ...wrong })).toThrowError(
      expect.objectContaining({ code: 'ERR_CONFIGURATION' }),
    )
  })

  it.each(['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'])(
    '[CIMD-04] refuses a key with the private member %s',
    (member) => {
      const jwks = [{ kty: 'RSA', n: 'n', e: 'AQAB', [member]: 'x' }]
      const keyed = { ...options, tokenEndpointAuthMethod: 'private_key_jwt', jwks } as const
      expect(() => clientMetadataDocument(keyed)).toThrow('no private or symmetric key')
    },
  )

  it('[CIMD-07] is as large as 5,120 bytes, not characters, and no larger', () => {
    const sizeWith = (filled: string) => {
      const { answer } = clientMetadataDocument({ ...options, metadata: { software_id: filled } })
      return new TextEncoder().encode(answer.body).length
    }
    const room = 5120 - sizeWith('')
    expect(sizeWith(`${'x'.repeat(room % 2)}${'ä'.repeat(Math.floor(room / 2))}`)).toBe(5120)
    expect(() => sizeWith('x'.repeat(room + 1))).toThrow('5 KB')
  })

  it('has only the members of keys that it was given', () => {
    const keyed = { ...options, tokenEndpointAuthMethod: 'private_key_jwt' as const }
    const { document } = clientMetadataDocument({ ...keyed, jwks: [{ kty: 'EC' }] })
    expect(Object.keys(document)).not.toContain('jwks_uri')
  })

  it('[CIMD-06] is for servers that say they take it', () => {
    expect(acceptsClientMetadataDocument({ client_id_metadata_document_supported: true })).toBe(true)
    expect(acceptsClientMetadataDocument({ client_id_metadata_document_supported: 'true' })).toBe(false)
    expect(acceptsClientMetadataDocument({})).toBe(false)
  })
})
