import { ConfigurationError } from 'portcullis'
import { type ClientDocumentsOptions, createClientDocuments, privateKeyJwt } from 'portcullis/client'
import { describe, expect, it } from 'vitest'
import { requestFacts } from '../../../support/request-facts.js'

const clientId = 'https://app.example/team/client.json'
const about = { clientId, clientName: 'App', redirectUris: ['https://app.example/callback'] }

async function credential(withPublicJwk = true) {
  const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
  const publicJwk = withPublicJwk ? ((await crypto.subtle.exportKey('jwk', pair.publicKey)) as never) : undefined
  return privateKeyJwt({ clientId, keys: [{ key: pair.privateKey, publicJwk }] })
}

async function ask(options: ClientDocumentsOptions, url: string, further: object = {}) {
  return createClientDocuments(options).metadata(requestFacts({ url, ...further } as never))
}

describe('createClientDocuments', () => {
  it('[CIMD-02] [CIMD-05] serves the document of a public client at the path of its URL, and nothing else', async () => {
    const answer = await ask({ ...about, maxAgeSeconds: 60 }, '/team/client.json')
    expect(answer?.headers['Cache-Control']).toBe('public, max-age=60')
    expect(JSON.parse(answer?.body ?? '')).toMatchObject({ client_id: clientId, token_endpoint_auth_method: 'none' })
    for (const url of ['/client.json', '/team/client.json/', '/team/client.json?x', '/']) {
      await expect(ask(about, url)).resolves.toBeUndefined()
    }
  })

  it('[CIMD-04] has the public keys of the credential in the document where they have no URL', async () => {
    const answer = await ask({ ...about, credential: await credential() }, '/team/client.json')
    const { jwks, token_endpoint_auth_method: method } = JSON.parse(answer?.body ?? '')
    expect(method).toBe('private_key_jwt')
    expect(jwks.keys).toHaveLength(1)
    expect(answer?.body).not.toContain('"d"')
  })

  it('serves the keys at their own URL where that has the origin of the client', async () => {
    const keys = { ...about, credential: await credential() }
    const own = await ask({ ...keys, jwksUri: 'https://app.example/keys' }, '/keys')
    expect(own?.headers['Content-Type']).toBe('application/jwk-set+json')
    await expect(ask({ ...keys, jwksUri: 'https://keys.example/keys' }, '/keys')).resolves.toBeUndefined()
  })

  it('answers preflights, and takes a target that is a whole URL', async () => {
    const preflight = await ask(about, '/team/client.json', { method: 'OPTIONS' })
    expect(preflight).toMatchObject({ status: 204, headers: { 'Access-Control-Allow-Origin': '*' } })
    expect(await ask(about, `${clientId}#x`)).toMatchObject({ status: 200 })
  })

  it.each<[string, () => Promise<object> | object]>([
    ['[CIMD-01] a URL without a path', () => ({ ...about, clientId: 'https://app.example' })],
    ['[CIMD-04] a secret', () => ({ ...about, metadata: { client_secret: 'x' } })],
    ['a credential whose keys nobody can see', async () => ({ ...about, credential: await credential(false) })],
    ['keys of no credential', () => ({ ...about, jwksUri: 'https://app.example/keys' })],
    ['an option that it does not have', () => ({ ...about, jwks: [] })],
    ['[CIMD-07] more than 5 KB', () => ({ ...about, metadata: { contacts: ['x'.repeat(5200)] } })],
  ])('refuses %s', async (_name, make) => {
    const options = (await make()) as ClientDocumentsOptions
    expect(() => createClientDocuments(options)).toThrowError(ConfigurationError)
  })
})
