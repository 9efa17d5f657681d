import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import Provider from 'oidc-provider'

/** Stands for your authorization server: oidc-provider, with its own login page, which takes any name and password. */
export async function startAuthorizationServer({ baseUrl, resource }: { baseUrl: string; resource: string }) {
  const http = createServer().listen(0, '127.0.0.1')
  await once(http, 'listening')
  const issuer = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  const client = { client_id: 'web', client_secret: randomBytes(32).toString('hex') }
  const provider = new Provider(issuer, {
    clients: [
      {
        ...client,
        redirect_uris: [`${baseUrl}/auth/callback/example`],
        post_logout_redirect_uris: [`${baseUrl}/`],
        grant_types: ['authorization_code', 'refresh_token'],
      },
    ],
    cookies: { keys: [randomBytes(32).toString('hex')] },
    findAccount: (_ctx, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
    features: {
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({ scope: 'notes:read', audience: resource, accessTokenFormat: 'jwt' }),
      },
    },
  })
  http.on('request', provider.callback())
  return { issuer, client, close: () => http.close() }
}
