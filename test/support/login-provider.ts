import { type PortcullisEvent, publicClient } from 'portcullis/client'
import { createProvider, type Provider, type ProviderOptions } from 'portcullis/login'
import type { AuthorizationServer } from './authorization-server.js'

/** The application of every test, as browsers know it; a proxy ends TLS before it. */
export const appUrl = 'https://app.example.com'

/** Registers the application at oidc-provider (RFC 7591), and makes the provider that signs users in there. */
export async function webProvider(
  server: AuthorizationServer,
  name = 'corporate',
  onEvent: (event: PortcullisEvent) => unknown = () => undefined,
  further: Partial<ProviderOptions> = {},
): Promise<Provider> {
  const response = await fetch(`${server.issuer}/reg`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      redirect_uris: [`${appUrl}/auth/callback/${name}`],
      post_logout_redirect_uris: [`${appUrl}/bye`],
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
    }),
  })
  const { client_id: clientId } = (await response.json()) as { client_id: string }
  return createProvider({
    name,
    issuer: server.issuer,
    credential: publicClient({ clientId }),
    scopes: ['openid', 'offline_access'],
    prompt: 'consent',
    allowInsecureLoopback: true,
    onEvent,
    ...further,
  })
}
