import type { AuthorizationRequest, OAuthClientOptions } from 'portcullis/client'
import { encodeBase64url } from '../../src/jws/crypto/node.js'
import { type ClientSetUp, setUpClient } from './client-set-up.js'
import { answer, tokens } from './fake-token-endpoint.js'
import { jwkSet, type TestKey, testKey } from './key-material.js'

export const redirectUri = 'https://app.example/callback'
export const nowSeconds = 1_800_000_000

/** Claims of a good ID token of the fake; `undefined` removes one. */
export function idTokenClaims(further: Record<string, unknown> = {}): Record<string, unknown> {
  const good = { iss: 'https://as.example', sub: 'alice', aud: 'app', iat: nowSeconds, exp: nowSeconds + 300 }
  return { ...good, ...further }
}

/** An ES256 token, signed by `key`. */
export function signIdToken(claims: object, header: object = {}, key: TestKey = testKey('k1')): string {
  const part = (value: object) => encodeBase64url(new TextEncoder().encode(JSON.stringify(value)))
  const input = `${part({ alg: 'ES256', kid: key.kid, ...header })}.${part(claims)}`
  return `${input}.${key.sign(input)}`
}

/** A client at a fake with OpenID Connect: metadata and the key `k1`. */
export interface LoginSetUp extends ClientSetUp {
  /** Begins a login that asks for `openid`. */
  begin(further?: object): Promise<AuthorizationRequest>
  /** The callback of a login: `state` and a code; `undefined` removes a parameter. */
  callback(request: AuthorizationRequest, further?: Record<string, string | undefined>): URL
  /** Lets the token endpoint answer with an ID token of these claims. */
  issue(request: AuthorizationRequest, claims?: object, further?: object, header?: object): string
}

export function setUpLogin(options: Partial<OAuthClientOptions> = {}): LoginSetUp {
  const setUp = setUpClient(options)
  const { server, client } = setUp
  server.metadata = {
    jwks_uri: 'https://as.example/jwks',
    userinfo_endpoint: 'https://as.example/userinfo',
    end_session_endpoint: 'https://as.example/logout',
    device_authorization_endpoint: 'https://as.example/device',
    id_token_signing_alg_values_supported: ['ES256', 'RS256', 'none', 'HS256'],
  }
  server.script('/jwks', answer(jwkSet('k1')))
  return {
    ...setUp,
    begin: (further = {}) => client.authorizationRequest({ redirectUri, scope: 'openid profile', ...further }),
    callback(request, further = {}) {
      const url = new URL(redirectUri)
      const parameters = { state: request.state, code: 'CANARY-code', ...further }
      for (const [name, value] of Object.entries(parameters)) if (value !== undefined) url.searchParams.set(name, value)
      return url
    },
    issue(request, claims = {}, further = {}, header = {}) {
      const idToken = signIdToken(idTokenClaims({ nonce: request.nonce, ...claims }), header)
      server.script('/token', tokens({ id_token: idToken, ...further }))
      return idToken
    },
  }
}
