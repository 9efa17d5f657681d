import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createResourceServer, type IssuerOptions, type ResourceServer } from 'portcullis'
import { sendNodeAnswer } from 'portcullis/adapter'
import {
  createOAuthClient,
  jwksDocument,
  type OAuthClient,
  type OAuthClientOptions,
  type PrivateKeyJwtCredential,
  privateKeyJwt,
  publicClient,
  type TokenSet,
} from 'portcullis/client'
import { keycloak as preset } from 'portcullis/providers'
import { requestToken, type TokenResponse } from '../../../examples/support/sign-in.js'
import { createCertificate, type TestCertificate } from '../../support/certificates.js'
import { type Api, openApi } from '../api.js'
import { alice, type LoginRequest, logIn } from '../login.js'
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
  /** The key that the ID tokens of the client `sealed` are encrypted to. */
  readonly decryptionKey: CryptoKey
  /** A client of this library. `credential` defaults to a public client of that name. */
  clientOf(clientId: string, options?: Partial<OAuthClientOptions>): OAuthClient
  /** Tokens of alice by a browser. */
  browserTokens(clientId: string, request?: LoginRequest): Promise<TokenSet>
  /** The access token of a service account. */
  serviceToken(clientId: string): Promise<string>
  close(): Promise<void>
}

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

  const rsa = { name: 'RSA-OAEP', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' }
  const encryption = await crypto.subtle.generateKey(rsa, true, ['encrypt', 'decrypt'])
  const publicKey = await crypto.subtle.exportKey('jwk', encryption.publicKey)
  const encryptionKeys = {
    keys: [{ kty: 'RSA', n: publicKey.n, e: publicKey.e, kid: 'sealed-1', use: 'enc', alg: 'RSA-OAEP-256' }],
  }
  orders.app.get('/encryption-jwks', (_req, res) => void res.json(encryptionKeys))

  const keycloak = await startKeycloak(folder, [join(folder, 'client.pem'), join(folder, 'server.pem')], {
    ORDERS_API: orders.origin,
    KEY_SET: `${orders.origin}/jwks`,
    ENCRYPTION_KEY_SET: `${orders.origin}/encryption-jwks`,
    WEB_LOGOUT: `${orders.origin}/web-logout`,
    SHOP_LOGOUT: `${orders.origin}/shop-logout`,
  })
  const { issuer } = keycloak
  const clientOf: World['clientOf'] = (clientId, options) =>
    createOAuthClient({ issuer, credential: publicClient({ clientId }), retry: false, ...options })
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
    decryptionKey: encryption.privateKey,
    clientOf,
    browserTokens: async (clientId, request) => (await logIn(clientOf(clientId), request)).tokens,
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
