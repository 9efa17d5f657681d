import { clientSecretBasic, createOAuthClient, gcpIdentity } from 'portcullis/client'
import { expect, it, vi } from 'vitest'
import { fakeAuthorizationServer } from '../../../support/fake-token-endpoint.js'

const { fetchPublic } = vi.hoisted(() => ({ fetchPublic: vi.fn() }))
vi.mock('../../../../src/kit/fetch/network-node.js', () => ({ fetchPublic }))

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
  vi.unstubAllGlobals()
})

it('[S3-19] asks the metadata server of Google Cloud at its private address', async () => {
  const asked: string[] = []
  vi.stubGlobal('fetch', async (url: string) => {
    asked.push(String(url))
    return new Response('an.identity.token')
  })
  fetchPublic.mockReset()
  expect(await gcpIdentity({ audience: 'x' })()).toBe('an.identity.token')
  expect([asked.length, fetchPublic.mock.calls.length]).toEqual([1, 0])
  vi.unstubAllGlobals()
})
