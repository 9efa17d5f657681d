import { createResourceServer, type IssuerOptions, type ResourceServer } from 'portcullis'
import { sendNodeAnswer } from 'portcullis/adapter'
import {
  clientSecretPost,
  createOAuthClient,
  jwksDocument,
  type OAuthClient,
  type PrivateKeyJwtCredential,
  privateKeyJwt,
  type TokenSet,
} from 'portcullis/client'
import { springAuthorizationServer as preset } from 'portcullis/providers'
import { requestToken } from '../../../examples/support/sign-in.js'
import { listenOnLoopback } from '../../support/loopback-server.js'
import { logIn, redirectUri } from '../login.js'
import { type Spring, startSpring } from './start-spring.js'

/** A running server, and those who call. */
export interface World {
  readonly spring: Spring
  /** The credential of the client `by-key`. */
  readonly privateKey: PrivateKeyJwtCredential
  /** A resource server with the preset and nothing else, but for what is given. It accepts the tokens of all clients but `stranger`. */
  serverOf(issuer?: Partial<IssuerOptions>): ResourceServer
  /** A client of this library, by client_secret_post. */
  clientOf(clientId: string): OAuthClient
  /** Tokens of alice by a browser, for the client `web`. */
  browserTokens(): Promise<TokenSet>
  /** The access token of a client. */
  serviceToken(clientId: string): Promise<string>
  close(): Promise<void>
}

/** The resource identifier. Spring never sees it: `aud` is the client. */
export const resource = 'https://orders.example.com'

/** The secret of a client. Spring wants them to differ. */
export const secretOf = (clientId: string) => `${clientId}-secret`
const accepted = ['by-basic', 'by-post', 'by-key', 'opaque', 'web', 'gateway']

/** Starts the server with its clients. */
export async function openWorld(folder: string): Promise<World> {
  const { privateKey: key } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign'])
  const jwk = { ...(await crypto.subtle.exportKey('jwk', key)), kid: 'by-key-1', alg: 'ES256' }
  const privateKey = privateKeyJwt({ clientId: 'by-key', keys: [{ key: jwk as { kty: string } }] })
  const { answer } = jwksDocument(privateKey)
  const keySet = await listenOnLoopback((_req, res) => sendNodeAnswer(res, answer))

  const client = (clientId: string, method: string, grantTypes: readonly string[], further = {}) => ({
    registration: {
      'client-id': clientId,
      'client-secret': `{noop}${secretOf(clientId)}`,
      'client-authentication-methods': [method],
      'authorization-grant-types': grantTypes,
      scopes: ['openid', 'read'],
      'redirect-uris': [redirectUri],
    },
    ...further,
  })
  const service = ['client_credentials']
  const spring = await startSpring(folder, {
    basic: client('by-basic', 'client_secret_basic', service),
    post: client('by-post', 'client_secret_post', service),
    stranger: client('stranger', 'client_secret_post', service),
    key: client('by-key', 'private_key_jwt', service, {
      'jwk-set-uri': `${keySet.origin}/`,
      'token-endpoint-authentication-signing-algorithm': 'ES256',
    }),
    opaque: client('opaque', 'client_secret_post', service, { token: { 'access-token-format': 'reference' } }),
    web: client('web', 'client_secret_post', ['authorization_code', 'refresh_token']),
    gateway: client('gateway', 'client_secret_basic', ['urn:ietf:params:oauth:grant-type:token-exchange']),
  })
  const { issuer } = spring
  const clientOf: World['clientOf'] = (clientId) => {
    const credential = clientSecretPost({ clientId, clientSecret: secretOf(clientId) })
    return createOAuthClient({ issuer, credential, discovery: 'oidc', retry: false })
  }
  const tokenEndpoint = `${issuer}/oauth2/token`

  return {
    spring,
    privateKey,
    serverOf: (further) =>
      createResourceServer({ resource, issuer: { ...preset({ issuer, clientIds: accepted }), ...further } }),
    clientOf,
    browserTokens: async () => (await logIn(clientOf('web'), { scope: 'openid read' })).tokens,
    async serviceToken(clientId) {
      const form = {
        grant_type: 'client_credentials',
        client_id: clientId,
        client_secret: secretOf(clientId),
        scope: 'read',
      }
      return (await requestToken(tokenEndpoint, form)).access_token
    },
    async close() {
      await spring.stop()
      await keySet.close()
    },
  }
}
