import { type PortcullisEvent, publicClient } from 'portcullis/client'
import { createProvider, type Provider, type ProviderOptions } from 'portcullis/login'
import { registerWebClient } from '../../examples/support/web-client.js'
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
  const callbacks = [`${appUrl}/auth/callback/${name}`]
  const clientId = await registerWebClient(server.issuer, { callbacks, afterLogout: `${appUrl}/bye` })
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
