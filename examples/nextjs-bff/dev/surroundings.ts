import { randomBytes } from 'node:crypto'
import { startApi } from './api'
import { startAuthorizationServer } from './authorization-server'

/** What the web application needs around it, on this machine: an authorization server, an API, and variables that name them. */
export async function startSurroundings(baseUrl: string) {
  const api = await startApi()
  const { resource } = api
  const server = await startAuthorizationServer({ baseUrl, resource })
  api.trust(server.issuer)
  const variables = {
    BASE_URL: baseUrl,
    ISSUER: server.issuer,
    CLIENT_ID: server.client.client_id,
    CLIENT_SECRET: server.client.client_secret,
    API: resource,
    SESSION_KEY: randomBytes(32).toString('base64'),
  }
  return {
    variables,
    close() {
      api.close()
      server.close()
    },
  }
}
