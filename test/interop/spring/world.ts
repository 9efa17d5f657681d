import { createResourceServer, type IssuerOptions, type ResourceServer } from 'portcullis'
import { sendNodeAnswer } from 'portcullis/adapter'
import { createPkcePair, jwksDocument, type PrivateKeyJwtCredential, privateKeyJwt } from 'portcullis/client'
import { springAuthorizationServer as preset } from 'portcullis/providers'
import { requestToken, type TokenResponse } from '../../../examples/support/sign-in.js'
import { listenOnLoopback } from '../../support/loopback-server.js'
import { openBrowser } from '../browser.js'
import { type Spring, startSpring } from './start-spring.js'

/** What the token endpoint answers to a user's client. */
export type Tokens = TokenResponse & { readonly id_token?: string }

/** A running server, and those who call. */
export interface World {
  readonly spring: Spring
  /** The credential of the client `by-key`. */
  readonly privateKey: PrivateKeyJwtCredential
  /** A resource server with the preset and nothing else, but for what is given. It accepts the tokens of all clients but `stranger`. */
  serverOf(issuer?: Partial<IssuerOptions>): ResourceServer
  /** Tokens of alice by a browser and PKCE, for the client `web`. */
  browserTokens(): Promise<Tokens>
  /** The access token of a client. */
  serviceToken(clientId: string): Promise<string>
  close(): Promise<void>
}

const redirectUri = 'http://127.0.0.1/callback'

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
  const tokenEndpoint = `${issuer}/oauth2/token`

  return {
    spring,
    privateKey,
    serverOf: (further) =>
      createResourceServer({ resource, issuer: { ...preset({ issuer, clientIds: accepted }), ...further } }),
    async browserTokens() {
      const { challenge, verifier } = await createPkcePair()
      const answers = { username: 'alice', password: 'alice-password' }
      const query = new URLSearchParams({
        response_type: 'code',
        client_id: 'web',
        redirect_uri: redirectUri,
        code_challenge: challenge,
        code_challenge_method: 'S256',
        scope: 'openid read',
      })
      const back = await openBrowser().follow(`${issuer}/oauth2/authorize?${query}`, redirectUri, answers)
      const code = back.searchParams.get('code')
      if (code === null) throw new Error(`the server refused: ${back.searchParams}`)
      const form = { grant_type: 'authorization_code', code, redirect_uri: redirectUri, client_id: 'web' }
      return requestToken(tokenEndpoint, { ...form, client_secret: secretOf('web'), code_verifier: verifier })
    },
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
