import { clientSecretBasic, type PortcullisEvent } from 'portcullis/client'
import {
  createProvider,
  type LoginRequest,
  type Provider,
  type ProviderOptions,
  type ProviderPreset,
} from 'portcullis/login'
import { answer, type FakeAuthorizationServer, fakeAuthorizationServer, tokens } from './fake-token-endpoint.js'
import { jwkSet } from './key-material.js'
import { idTokenClaims, nowSeconds, redirectUri, signIdToken } from './login-set-up.js'

/** A provider, the fake it talks to, its clock and its events. */
export interface ProviderSetUp {
  readonly server: FakeAuthorizationServer
  readonly provider: Provider
  readonly events: PortcullisEvent[]
  readonly time: { nowMs: number }
  begin(further?: object): Promise<LoginRequest>
  /** What the user comes back with; `undefined` removes a parameter. */
  back(request: LoginRequest, further?: Record<string, string | undefined>): URL
  /** Lets the token endpoint answer with an ID token of these claims. */
  issue(request: LoginRequest, claims?: object, further?: object): void
}

/** What every provider of a test goes out with. */
function surroundings(server: FakeAuthorizationServer, time = { nowMs: nowSeconds * 1000 }) {
  return { fetch: server.fetch, clock: () => time.nowMs, retry: false, breaker: false } as const
}

export function setUpProvider(options: Partial<ProviderOptions> = {}, preset?: ProviderPreset): ProviderSetUp {
  const issuer = preset?.issuer ?? 'https://as.example'
  const server = fakeAuthorizationServer(issuer)
  const { origin } = new URL(issuer)
  server.metadata = {
    jwks_uri: `${origin}/jwks`,
    userinfo_endpoint: `${origin}/userinfo`,
    device_authorization_endpoint: `${origin}/device`,
    end_session_endpoint: `${origin}/logout`,
    id_token_signing_alg_values_supported: ['ES256'],
  }
  server.script('/jwks', answer(jwkSet('k1')))
  const events: PortcullisEvent[] = []
  const time = { nowMs: nowSeconds * 1000 }
  const base = preset ?? {
    name: 'corporate',
    issuer,
    credential: clientSecretBasic({ clientId: 'app', clientSecret: 'CANARY-secret' }),
  }
  const onEvent = (event: PortcullisEvent) => void events.push(event)
  const provider = createProvider({ ...base, ...surroundings(server, time), onEvent, ...options })
  return {
    server,
    provider,
    events,
    time,
    begin: (further = {}) => provider.authorizationRequest({ redirectUri, ...further }),
    back({ transaction }, further = {}) {
      const url = new URL(redirectUri)
      const parameters = { state: transaction.state, code: 'CANARY-code', ...further }
      for (const [name, value] of Object.entries(parameters)) if (value !== undefined) url.searchParams.set(name, value)
      return url
    },
    issue({ transaction }, claims = {}, further = {}) {
      const whole = idTokenClaims({ iss: issuer, nonce: transaction.nonce, ...claims })
      server.script(tokenPath(provider), tokens({ id_token: signIdToken(whole), ...further }))
    },
  }
}

function tokenPath(provider: Provider): string {
  return provider.name === 'github' ? '/login/oauth/access_token' : '/token'
}
