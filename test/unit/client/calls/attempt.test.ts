import { clientSecretBasic, createOAuthClient } from 'portcullis/client'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { setUpClient } from '../../../support/client-set-up.js'
import { fakeAuthorizationServer } from '../../../support/fake-token-endpoint.js'

const { fetchPublic } = vi.hoisted(() => ({ fetchPublic: vi.fn() }))
vi.mock('../../../../src/kit/fetch/network-node.js', () => ({ fetchPublic }))

describe('the way out', () => {
  afterEach(() => {
    vi.unstubAllGlobals()
  })

  it('[D18] pins the address of a host only the metadata names, and trusts the one you name', async () => {
    const server = fakeAuthorizationServer()
    server.metadata = { token_endpoint: 'https://tokens.example/token' }
    vi.stubGlobal('fetch', server.fetch)
    fetchPublic.mockImplementation(server.fetch)
    const client = createOAuthClient({
      issuer: server.issuer,
      credential: clientSecretBasic({ clientId: 'app', clientSecret: 'secret' }),
    })
    await client.clientCredentials()
    expect(fetchPublic.mock.calls.map(([url]) => url)).toEqual(['https://tokens.example/token'])
    expect(server.requests).toHaveLength(2)
  })

  it('sends to an unnamed loopback host under `allowInsecureLoopback`, and to no other private one', async () => {
    const { server, client } = setUpClient({ allowInsecureLoopback: true, issuer: 'https://login.example' })
    server.metadata = { token_endpoint: 'http://127.0.0.1:9/token' }
    await expect(client.clientCredentials()).resolves.toMatchObject({ accessToken: 'issued-access-token' })
    expect(server.at('/token')).toHaveLength(1)

    const elsewhere = setUpClient({ allowInsecureLoopback: true, issuer: 'https://login.example' })
    elsewhere.server.metadata = { token_endpoint: 'https://10.0.0.1/token' }
    await expect(elsewhere.client.clientCredentials()).rejects.toMatchObject({ code: 'ERR_PRIVATE_ADDRESS' })
    expect(elsewhere.server.at('/token')).toHaveLength(0)
  })

  it('refuses a redirect also where its body cannot be cancelled', async () => {
    const { server, client } = setUpClient()
    const body = new ReadableStream({ cancel: () => Promise.reject(new Error('stuck')) })
    server.script('/token', () => new Response(body, { status: 301 }))
    await expect(client.clientCredentials()).rejects.toMatchObject({ code: 'ERR_REDIRECT_REFUSED' })
  })
})
