import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createResourceServer, type IssuerOptions, type ResourceServer } from 'portcullis'
import { sendNodeAnswer } from 'portcullis/adapter'
import { createPkcePair, jwksDocument, type PrivateKeyJwtCredential, privateKeyJwt } from 'portcullis/client'
import { keycloak as preset } from 'portcullis/providers'
import { requestToken, type TokenResponse } from '../../../examples/support/sign-in.js'
import { createCertificate, type TestCertificate } from '../../support/certificates.js'
import { type Api, openApi } from '../api.js'
import { type Browser, openBrowser } from '../browser.js'
import { type Keycloak, startKeycloak } from './start-keycloak.js'

/** What Keycloak's token endpoint answers to a user's client. */
export type Tokens = TokenResponse & { readonly id_token?: string }

/** A running Keycloak, the API of the README before it, and those who call. */
export interface World {
  readonly keycloak: Keycloak
  /** Its origin is the resource identifier. */
  readonly orders: Api
  /** The certificate of the client `by-certificate`. */
  readonly certificate: TestCertificate
  /** The credential of the client `by-key`; its key set is served by `orders`. */
  readonly privateKey: PrivateKeyJwtCredential
  /** A resource server with the preset and nothing else, but for what is given. */
  serverOf(issuer?: Partial<IssuerOptions>): ResourceServer
  /** Tokens of alice by her password. */
  passwordTokens(form: Readonly<Record<string, string>>, issuer?: string): Promise<Tokens>
  /** Tokens of alice by a browser and PKCE. `parameters` are those of the authorization request. */
  browserTokens(clientId: string, parameters?: Readonly<Record<string, string>>, browser?: Browser): Promise<Tokens>
  /** The access token of a service account. */
  serviceToken(clientId: string): Promise<string>
  close(): Promise<void>
}

/** Where clients of users are sent back to. Nothing listens there. */
export const redirectUri = 'http://127.0.0.1/callback'

/** What alice writes into forms. */
export const alice = { username: 'alice', password: 'alice-password' }

/** Starts Keycloak and opens the API. */
export async function openWorld(folder: string): Promise<World> {
  const orders = await openApi(folder)
  const certificate = await createCertificate('by-certificate')
  await writeFile(join(folder, 'client.pem'), certificate.cert)
  const { privateKey: key } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
    'sign',
    'verify',
  ])
  const jwk = { ...(await crypto.subtle.exportKey('jwk', key)), kid: 'by-key-1', alg: 'ES256' }
  const privateKey = privateKeyJwt({ clientId: 'by-key', keys: [{ key: jwk as { kty: string } }] })
  const { answer } = jwksDocument(privateKey)
  orders.app.get('/jwks', (_req, res) => sendNodeAnswer(res, answer))

  const keycloak = await startKeycloak(folder, [join(folder, 'client.pem'), join(folder, 'server.pem')], {
    ORDERS_API: orders.origin,
    KEY_SET: `${orders.origin}/jwks`,
    WEB_LOGOUT: `${orders.origin}/web-logout`,
    SHOP_LOGOUT: `${orders.origin}/shop-logout`,
  })
  const { issuer } = keycloak
  const endpointOf = (realm: string) => `${realm}/protocol/openid-connect/token`

  return {
    keycloak,
    orders,
    certificate,
    privateKey,
    serverOf: (further) =>
      createResourceServer({ resource: orders.origin, issuer: { ...preset({ issuer }), ...further } }),
    passwordTokens: (form, realm = issuer) =>
      requestToken(endpointOf(realm), { grant_type: 'password', scope: 'openid', ...alice, ...form }),
    async browserTokens(clientId, parameters = {}, browser = openBrowser()) {
      const { challenge, verifier } = await createPkcePair()
      const query = new URLSearchParams({
        response_type: 'code',
        client_id: clientId,
        redirect_uri: redirectUri,
        code_challenge: challenge,
        code_challenge_method: 'S256',
        scope: 'openid',
        ...parameters,
      })
      const back = await browser.follow(`${issuer}/protocol/openid-connect/auth?${query}`, redirectUri, alice)
      const code = back.searchParams.get('code')
      if (code === null) throw new Error(`Keycloak refused: ${back.searchParams}`)
      const form = { grant_type: 'authorization_code', code, redirect_uri: redirectUri, client_id: clientId }
      return requestToken(endpointOf(issuer), { ...form, code_verifier: verifier })
    },
    async serviceToken(clientId) {
      const form = { grant_type: 'client_credentials', client_id: clientId, client_secret: 'service-secret' }
      return (await requestToken(endpointOf(issuer), form)).access_token
    },
    async close() {
      await keycloak.stop()
      await orders.close()
    },
  }
}
