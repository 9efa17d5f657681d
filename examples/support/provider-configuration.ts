import { randomBytes } from 'node:crypto'
import type { JWK } from 'jose'
import type { AdapterFactory, Configuration, interactionPolicy, ResourceServer } from 'oidc-provider'
import { interactionPath } from './automatic-login.js'
import { type Actor, tokenExchangeGrantType } from './token-exchange-grant.js'

/** One protected resource the server issues tokens for. */
export interface ResourceDefinition {
  readonly scopes: readonly string[]
  /** `jwt` follows RFC 9068 and is the default; `opaque` is for introspection. */
  readonly format?: 'jwt' | 'opaque'
  /** The `aud` of its tokens. Default: the resource identifier. */
  readonly audience?: string
  /** Default 300. */
  readonly lifetimeSeconds?: number
}

/** The clients every server of ours knows. */
export const clients = {
  /** A public client: authorization code with PKCE. */
  app: { clientId: 'app', redirectUri: 'http://127.0.0.1/callback' },
  /** A confidential client: introspection, token exchange, client credentials. */
  gateway: { clientId: 'gateway', clientSecret: 'gateway-secret' },
  /** A confidential client whose tokens are bound to its certificate (RFC 8705 §3). */
  machine: { clientId: 'machine', clientSecret: 'machine-secret' },
} as const

/** What a configuration is made of. */
export interface ConfigurationParts {
  readonly resources: Readonly<Record<string, ResourceDefinition>>
  readonly acrValues: readonly string[]
  readonly algorithm: 'RS256' | 'PS256' | 'ES256' | 'EdDSA'
  readonly keys: readonly JWK[]
  readonly adapter: AdapterFactory
  readonly actors: WeakMap<object, Actor>
  readonly cookieSecret: string
  /** Whether DPoP proofs need a nonce of the server. */
  readonly requireDpopNonce: boolean
  /** How it tells clients that a session is over. Default: the platform's `fetch`. */
  readonly fetch?: typeof fetch | undefined
  /** When users have to sign in. */
  readonly policy: interactionPolicy.Prompt[]
  /** Thrown for a resource the server does not know. */
  readonly invalidTarget: () => Error
}

/** The configuration of an oidc-provider with everything on that a resource server may meet. */
export function providerConfiguration(parts: ConfigurationParts): Configuration {
  const { resources, algorithm, adapter } = parts
  const resourceScopes = Object.values(resources).flatMap(({ scopes }) => scopes)
  return {
    adapter,
    jwks: { keys: [...parts.keys] as NonNullable<Configuration['jwks']>['keys'] },
    acrValues: [...parts.acrValues],
    scopes: [...new Set(['openid', 'offline_access', ...resourceScopes])],
    clients: [appClient, gatewayClient, machineClient],
    clientDefaults: { id_token_signed_response_alg: algorithm, introspection_signed_response_alg: algorithm },
    cookies: { keys: [parts.cookieSecret] },
    pkce: { required: () => true },
    ...(parts.fetch && { fetch: parts.fetch }),
    rotateRefreshToken: true,
    clientBasedCORS: () => true,
    renderError: (ctx, out) => {
      ctx.body = out
    },
    findAccount: async (_ctx, accountId) => ({ accountId, claims: async () => ({ sub: accountId }) }),
    interactions: { policy: parts.policy, url: (_ctx, { uid }) => `${interactionPath}/${uid}` },
    extraTokenClaims: (ctx, token) => {
      const source = ctx.oidc.entities.AuthorizationCode ?? ctx.oidc.entities.RefreshToken
      return { acr: source?.acr, auth_time: source?.authTime, act: parts.actors.get(token) }
    },
    ttl: {
      AccessToken: lifetime,
      ClientCredentials: lifetime,
      Grant: 3600,
      IdToken: 3600,
      Interaction: 600,
      RefreshToken: 86_400,
      Session: 3600,
    },
    features: {
      devInteractions: { enabled: false },
      dPoP: { enabled: true, nonceSecret: randomBytes(32), requireNonce: () => parts.requireDpopNonce },
      deviceFlow: { enabled: true },
      backchannelLogout: { enabled: true },
      mTLS: { enabled: true, certificateBoundAccessTokens: true, getCertificate: forwardedCertificate },
      introspection: {
        enabled: true,
        allowedPolicy: (_ctx, client, token) =>
          client.clientAuthMethod !== 'none' || token.clientId === client.clientId,
      },
      jwtIntrospection: { enabled: true },
      revocation: { enabled: true, allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId },
      clientCredentials: { enabled: true },
      registration: { enabled: true },
      registrationManagement: { enabled: true, rotateRegistrationAccessToken: true },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo: (_ctx, identifier) => {
          const resource = Object.hasOwn(resources, identifier) ? resources[identifier] : undefined
          if (resource === undefined) throw parts.invalidTarget()
          return resourceServer(identifier, resource, algorithm)
        },
      },
    },
  }
}

const appClient = {
  client_id: clients.app.clientId,
  application_type: 'native',
  token_endpoint_auth_method: 'none',
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  redirect_uris: [clients.app.redirectUri],
} as const

const gatewayClient = {
  client_id: clients.gateway.clientId,
  client_secret: clients.gateway.clientSecret,
  grant_types: ['client_credentials', tokenExchangeGrantType],
  response_types: [],
  redirect_uris: [],
}

const machineClient = {
  client_id: clients.machine.clientId,
  client_secret: clients.machine.clientSecret,
  grant_types: ['client_credentials'],
  response_types: [],
  redirect_uris: [],
  tls_client_certificate_bound_access_tokens: true,
}

/** The certificate that a proxy before the server passed on, in base64 (RFC 9440). */
function forwardedCertificate(ctx: { get(field: string): string }): string | undefined {
  return /^:(.+):$/.exec(ctx.get('client-cert'))?.[1]
}

function lifetime(_ctx: unknown, token: { resourceServer?: ResourceServer | undefined }): number {
  return token.resourceServer?.accessTokenTTL ?? 300
}

function resourceServer(
  identifier: string,
  { scopes, format = 'jwt', audience = identifier, lifetimeSeconds = 300 }: ResourceDefinition,
  alg: ConfigurationParts['algorithm'],
): ResourceServer {
  return {
    audience,
    scope: scopes.join(' '),
    accessTokenTTL: lifetimeSeconds,
    accessTokenFormat: format,
    jwt: { sign: { alg } },
  }
}
