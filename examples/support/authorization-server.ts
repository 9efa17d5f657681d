import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import { answerInteraction, interactionPath } from './automatic-login.js'
import { showLoginPage } from './login-page.js'
import { createMemoryAdapter } from './memory-adapter.js'
import {
  type ConfigurationParts,
  clients,
  providerConfiguration,
  type ResourceDefinition,
} from './provider-configuration.js'
import { requestToken, signIn, type TokenResponse, type UserTokenRequest } from './sign-in.js'
import { type Actor, registerTokenExchange, tokenExchangeGrantType } from './token-exchange-grant.js'

/** How an {@link AuthorizationServer} is set up. */
export interface AuthorizationServerOptions {
  /** The resources it issues tokens for, by identifier. */
  readonly resources: Readonly<Record<string, ResourceDefinition>>
  /** Default ES256. */
  readonly algorithm?: ConfigurationParts['algorithm']
  /** Published as `acr_values_supported`. Default `['urn:example:password', 'urn:example:mfa']`. */
  readonly acrValues?: readonly string[]
  /** Whether DPoP proofs need a nonce of the server (RFC 9449 §8). Default false. */
  readonly requireDpopNonce?: boolean
  /** Who signs in: a user who always agrees, or whoever clicks on the login page. Default `automatic`. */
  readonly login?: 'automatic' | 'page'
  /** Default: a free one. */
  readonly port?: number
  /** How it tells clients that a session is over (OpenID Connect Back-Channel Logout 1.0). Default: the platform's. */
  readonly fetch?: typeof fetch
}

/** What a client exchanges a token for (RFC 8693 §2.1). */
export interface ExchangeRequest {
  readonly subjectToken: string
  readonly resource: string
  readonly scope?: string
}

/** A real authorization server on a loopback port. */
export interface AuthorizationServer {
  readonly issuer: string
  readonly clients: typeof clients
  /** A user's tokens, by authorization code and PKCE over HTTP. Default scope: all the resource has. */
  getUserToken(request: UserTokenRequest): Promise<TokenResponse>
  /** A token of the gateway itself (RFC 6749 §4.4). */
  getClientToken(request: { readonly resource: string; readonly scope?: string }): Promise<TokenResponse>
  /** A token of the machine, bound to the certificate that `certificate` carries, a `Client-Cert` field (RFC 9440). */
  getMachineToken(request: { readonly resource: string; readonly certificate: string }): Promise<TokenResponse>
  /** The gateway exchanges a user's token (RFC 8693). */
  exchangeToken(request: ExchangeRequest): Promise<TokenResponse>
  /** The key set as published. */
  publishedKeys(): readonly JWK[]
  /** Signs with a fresh key from now on. Old keys stay published with `overlap` (the default). State is kept. */
  rotateKeys(options?: { readonly overlap?: boolean }): Promise<void>
  /** Refuses connections from now on. */
  stop(): Promise<void>
  /** Listens again, on the same port, with the same state. */
  restart(): Promise<void>
  /** Ends it. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Starts oidc-provider on 127.0.0.1: PKCE, resource indicators, DPoP, introspection (plain and signed), revocation,
 * dynamic registration, step-up claims and token exchange are on; consent needs no human, and sign-in by default.
 */
export async function startAuthorizationServer(options: AuthorizationServerOptions): Promise<AuthorizationServer> {
  const { Provider, errors, interactionPolicy } = await importProvider()
  const { resources, algorithm = 'ES256', acrValues = ['urn:example:password', 'urn:example:mfa'] } = options
  const interact = options.login === 'page' ? showLoginPage : answerInteraction
  const server = createServer()
  const listen = async (port: number) => {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }
  const port = await listen(options.port ?? 0)
  const issuer = `http://127.0.0.1:${port}`
  const parts = {
    resources,
    algorithm,
    acrValues,
    adapter: createMemoryAdapter(),
    actors: new WeakMap<object, Actor>(),
    cookieSecret: randomBytes(16).toString('hex'),
    requireDpopNonce: options.requireDpopNonce ?? false,
    fetch: options.fetch,
    policy: policyFor(interactionPolicy),
    invalidTarget: () => new errors.InvalidTarget('unknown resource'),
  }
  let keys: readonly JWK[] = []

  /** oidc-provider reads its keys once, so that a rotation needs a new one before the same state. */
  const serveWith = async (nextKeys: readonly JWK[]) => {
    const provider = new Provider(issuer, providerConfiguration({ ...parts, keys: nextKeys }))
    await registerTokenExchange(provider, { verificationKeys: () => nextKeys.map(publicPart), actors: parts.actors })
    const answer = provider.callback()
    const listener: RequestListener = (req, res) => {
      if (!req.url?.startsWith(`${interactionPath}/`)) return void answer(req, res)
      interact(provider, req, res).catch((error) => res.writeHead(500).end(String(error)))
    }
    server.removeAllListeners('request').on('request', listener)
    keys = nextKeys
  }
  await serveWith([await generateKey(algorithm)])

  const stop = async () => {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  }
  const everyScopeOf = (resource = '') => resources[resource]?.scopes.join(' ') ?? 'openid'
  const asGateway = (form: Record<string, string | undefined>) =>
    requestToken(`${issuer}/token`, form, undefined, authorizationOf(clients.gateway))
  return {
    issuer,
    clients,
    getUserToken: (request) => signIn(issuer, clients.app, { scope: everyScopeOf(request.resource), ...request }),
    getClientToken: (request) => asGateway({ grant_type: 'client_credentials', ...request }),
    getMachineToken: ({ resource, certificate }) =>
      requestToken(`${issuer}/token`, { grant_type: 'client_credentials', resource }, undefined, {
        ...authorizationOf(clients.machine),
        'client-cert': certificate,
      }),
    exchangeToken: ({ subjectToken, resource, scope }) =>
      asGateway({
        grant_type: tokenExchangeGrantType,
        subject_token: subjectToken,
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        resource,
        scope,
      }),
    publishedKeys: () => keys.map(publicPart),
    rotateKeys: async ({ overlap = true } = {}) => serveWith([await generateKey(algorithm), ...(overlap ? keys : [])]),
    stop,
    restart: async () => {
      await listen(port)
    },
    close: stop,
    [Symbol.asyncDispose]: stop,
  }
}

function authorizationOf({ clientId, clientSecret }: typeof clients.gateway | typeof clients.machine) {
  return { authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}` }
}

/** It runs on Node 20 but says on import that 22 is wanted: nothing for every test run to repeat. */
async function importProvider(): Promise<typeof import('oidc-provider')> {
  const { warn } = console
  console.warn = () => {}
  try {
    return await import('oidc-provider')
  } finally {
    console.warn = warn
  }
}

async function generateKey(algorithm: ConfigurationParts['algorithm']): Promise<JWK> {
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true })
  const kid = randomBytes(8).toString('hex')
  return { ...(await exportJWK(privateKey)), kid, alg: algorithm, use: 'sig' }
}

function publicPart({ d, p, q, dp, dq, qi, ...jwk }: JWK): JWK {
  return jwk
}

/** Has users sign in again whose session was not begun in one of the ways asked for. */
function policyFor({ base, Check }: typeof import('oidc-provider')['interactionPolicy']) {
  const policy = base()
  policy.get('login')?.checks.add(
    new Check('acr_not_met', 'another acr is asked for', (ctx) => {
      const asked = String(ctx.oidc.params?.['acr_values'] ?? '')
      return asked !== '' && !asked.split(' ').includes(String(ctx.oidc.session?.acr))
    }),
  )
  return policy
}
