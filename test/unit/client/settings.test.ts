import { generateKeyPair } from 'jose'
import { createResourceServer } from 'portcullis'
import {
  acceptsClientMetadataDocument,
  type CallOptions,
  clientMetadataDocument,
  clientSecretBasic,
  clientSecretPost,
  createOAuthClient,
  credentialOf,
  federatedAssertion,
  fromEnvironment,
  gcpIdentity,
  jwksDocument,
  type OAuthClient,
  type OAuthClientOptions,
  perIssuer,
  privateKeyJwt,
  publicClient,
  restoreRegistration,
  TokenTypes,
  tlsClientAuth,
} from 'portcullis/client'
import { describe, expect, it } from 'vitest'
import { rejection, setUpClient } from '../../support/client-set-up.js'

const pair = await generateKeyPair('ES256')
const verification = await generateKeyPair('ES256', { extractable: false })
const agreement = (await crypto.subtle.generateKey('X25519', false, ['deriveBits'])) as CryptoKeyPair
const issuer = 'https://as.example'
const store = { load: () => undefined, save: () => undefined }
const metadata = { client_name: 'x' }

function refusing(message: string | RegExp): unknown {
  return expect.objectContaining({
    name: 'ConfigurationError',
    code: 'ERR_CONFIGURATION',
    message: expect.stringMatching(message),
  })
}

describe('options of the client', () => {
  it.each(['as.example', 'https://u:p@as.example', 'https://as.example?x', 'http://as.example', 'ftp://as.example', 5])(
    'says the same of the issuer %s as the resource server does',
    (wrong) => {
      const messageOf = (make: () => unknown): unknown => {
        try {
          return make()
        } catch (error) {
          return { name: (error as Error).name, message: (error as Error).message }
        }
      }
      const said = messageOf(() => createOAuthClient({ issuer: wrong as string }))
      expect(said).toMatchObject({ name: 'ConfigurationError' })
      expect(said).toEqual(
        messageOf(() => createResourceServer({ resource: 'https://api.example', issuer: { issuer: wrong as string } })),
      )
    },
  )

  it.each<[string, RegExp]>([
    ['{ timeoutMS: 1 }', /Did you mean `timeoutMs`\?/],
    ['{ retry: { maxRetry: 9 } }', /`retry` has no option `maxRetry`. Did you mean `maxRetries`\?/],
    ['{ retry: { maxRetries: 1.5 } }', /`retry.maxRetries` takes a whole number from 0 to 10/],
    ['{ retry: { initialDelayMs: 0 } }', /retry.initialDelayMs/],
    ['{ retry: { maxDelayMs: "1" } }', /retry.maxDelayMs/],
    ['{ retry: { maxRetryAfterMs: 600001 } }', /retry.maxRetryAfterMs/],
    ['{ retry: true }', /`retry` must be an object/],
    ['{ retry: null }', /`retry` must be an object/],
    ['{ breaker: { threshold: 1 } }', /`breaker` has no option `threshold`. Did you mean `failureThreshold`\?/],
    ['{ breaker: { failureTreshold: 1 } }', /Did you mean `failureThreshold`\?/],
    ['{ breaker: { halfOpenRequests: 2 } }', /`breaker` has no option `halfOpenRequests`/],
    ['{ breaker: { failureThreshold: 0.5 } }', /breaker.failureThreshold/],
    ['{ breaker: { resetTimeoutMs: Infinity } }', /breaker.resetTimeoutMs/],
    ['{ tokenCache: { max: 1 } }', /Did you mean `maxEntries`\?/],
    ['{ tokenCache: { maxEntries: 10.5 } }', /tokenCache.maxEntries/],
    ['{ tokenCache: { refreshAheadSeconds: -1 } }', /tokenCache.refreshAheadSeconds/],
    ['{ tokenCache: { marginSeconds: 3601 } }', /tokenCache.marginSeconds/],
    ['{ tokenCache: { fallbackLifetimeSeconds: NaN } }', /tokenCache.fallbackLifetimeSeconds/],
    ['{ dpop: "yes" }', /`dpop` takes true, false/],
    ['{ dpop: {} }', /`dpop` takes/],
    ['{ dpop: { privateKey: pair.publicKey, publicKey: pair.publicKey } }', /`dpop` takes/],
    ['{ dpop: { privateKey: pair.privateKey, publicKey: pair.privateKey } }', /`dpop` takes/],
    ['{ dpop: { ...agreement } }', /`dpop` takes/],
    ['{ dpop: { ...pair, kid: "x" } }', /`dpop` takes/],
    ['{ discovery: "openid" }', /`discovery` takes one of 'auto', 'oauth2', 'oidc', false/],
    ['{ defaultPaths: "yes" }', /`defaultPaths` takes true or false/],
    ['{ allowInsecureLoopback: 1 }', /`allowInsecureLoopback` takes true or false/],
    ['{ endpoints: { tokens: "/token" } }', /Did you mean `token`\?/],
    ['{ endpoints: { token: 7 } }', /endpoints.token/],
    ['{ endpoints: "x" }', /`endpoints` must be an object/],
    ['{ headers: { "x-tenant": 7 } }', /`headers` takes an object of strings/],
    ['{ headers: { "x-tenant": "a\\r\\nb" } }', /`headers` takes an object of strings/],
    ['{ headers: { "x tenant": "a" } }', /`headers` must not set `x tenant`/],
    ['{ headers: { Cookie: "a" } }', /`headers` must not set `Cookie`/],
    ['{ userAgent: "a\\nb" }', /userAgent/],
    ['{ timeoutMs: 1.5 }', /`timeoutMs` takes a whole number/],
    ['{ totalTimeoutMs: "1" }', /`totalTimeoutMs` takes a whole number/],
    ['{ maxResponseBytes: 0.1 }', /maxResponseBytes/],
    ['{ correlationHeader: "authorization" }', /correlationHeader/],
    ['{ correlationHeader: "" }', /correlationHeader/],
    ['{ fetch: {} }', /`fetch` takes a function/],
    ['{ clock: 1 }', /`clock` takes a function/],
    ['{ onEvent: true }', /`onEvent` takes a function/],
    ['{ credential: { method: "none" } }', /`credential` takes a credential/],
    ['{ credential: { method: "none", authenticate() {} } }', /this credential names none/],
    ['{ clientId: 7 }', /`clientId` takes a non-empty string/],
    ['{ clientId: "app", credential: undefined }', /`clientId` needs a `credential`/],
    ['{ registration: { auto: true, metadata, store } }', /leave out `clientId` and `credential`/],
    ['{ credential: undefined, registration: { auto: false, metadata, store } }', /registration.auto/],
    ['{ credential: undefined, registration: { auto: true, store } }', /registration.metadata/],
    ['{ credential: undefined, registration: { auto: true, metadata: 7, store } }', /an object of client metadata/],
    ['{ credential: undefined, registration: { auto: true, metadata, store, keys: {} } }', /an array of signing keys/],
    [
      '{ credential: undefined, registration: { auto: true, metadata, store: { load() {} } } }',
      /registration.store.save/,
    ],
    ['{ credential: undefined, registration: { auto: true, metadata, store, key: [] } }', /Did you mean `keys`\?/],
  ])('[REAL-19] refuses %s', (options, message) => {
    const given = new Function('pair', 'agreement', 'store', 'metadata', `return ${options}`) as (
      ...parts: unknown[]
    ) => Partial<OAuthClientOptions>
    expect(() => setUpClient(given(pair, agreement, store, metadata))).toThrowError(refusing(message) as Error)
  })

  it.each([
    ...['Authorization', 'DPoP', 'Content-Type', 'Content-Length', 'Transfer-Encoding', 'Connection', 'Accept', 'Host'],
    ...['Cookie', ' x-tenant', 'x-tenant ', 'x:tenant', ''],
  ])('refuses the header field "%s", which the client sets itself or nobody can', (name) => {
    expect(() => setUpClient({ headers: { [name]: 'a' } })).toThrow(`\`headers\` must not set \`${name}\``)
    expect(() => setUpClient({ correlationHeader: name })).toThrow('`correlationHeader` takes')
  })

  it('[REAL-19] refuses what is no object, and takes what is right', () => {
    for (const wrong of [undefined, null, 'https://as.example', []]) {
      expect(() => createOAuthClient(wrong as never)).toThrowError(
        refusing(/createOAuthClient must be an object/) as Error,
      )
    }
    const right = {
      retry: false,
      breaker: false,
      dpop: verification,
      headers: { 'x-a': 'é' },
      userAgent: 'a/1',
    } as const
    expect(() => setUpClient(right)).not.toThrow()
  })
})

describe('options of credentials', () => {
  const keys = [{ key: pair.privateKey }]
  it.each<[string, () => unknown, RegExp]>([
    [
      'clientSecretBasic',
      () => clientSecretBasic({ clientId: 'a', secret: 'b' } as never),
      /Did you mean `clientSecret`\?/,
    ],
    ['clientSecretBasic', () => clientSecretBasic(undefined as never), /must be an object/],
    ['clientSecretPost', () => clientSecretPost({ clientId: 'a', clientSecret: 7 } as never), /clientSecret/],
    ['publicClient', () => publicClient({ clientID: 'a' } as never), /Did you mean `clientId`\?/],
    ['publicClient', () => publicClient({} as never), /clientId/],
    ['tlsClientAuth', () => tlsClientAuth({ clientId: 'a', selfSigned: 'yes' } as never), /selfSigned/],
    [
      'federatedAssertion',
      () => federatedAssertion({ file: '/x', clientID: 'a' } as never),
      /Did you mean `clientId`\?/,
    ],
    ['federatedAssertion', () => federatedAssertion({ file: '/x', source: () => 'x' } as never), /takes one of/],
    [
      'federatedAssertion',
      () => federatedAssertion({ file: '/x', variable: 'X' } as never),
      /`variable` goes with `env`/,
    ],
    ['gcpIdentity', () => gcpIdentity({ audience: 'a', timeoutMs: 0.5 }), /timeoutMs/],
    ['fromEnvironment', () => fromEnvironment({ env: process.env, prefx: 'X' } as never), /Did you mean `prefix`\?/],
    [
      'fromEnvironment',
      () =>
        fromEnvironment({
          env: { OAUTH_CLIENT_ID: 'a', OAUTH_CLIENT_SECRET: 'b', OAUTH_CLIENT_AUTH_METHOD: 'client_secret_jwt' },
        }),
      /OAUTH_CLIENT_AUTH_METHOD takes/,
    ],
    ['perIssuer', () => perIssuer({ [issuer]: {} } as never), /one credential per issuer/],
    ['perIssuer', () => perIssuer({ 'as.example': publicClient({ clientId: 'a' }) }), /one credential per issuer/],
    ['perIssuer', () => perIssuer(undefined as never), /one credential per issuer/],
    ['privateKeyJwt', () => privateKeyJwt({ clientId: 'a', key: pair.privateKey } as never), /Did you mean `keys`\?/],
    ['privateKeyJwt', () => privateKeyJwt({ clientId: 'a', keys, lifetimeSeconds: 60.5 }), /lifetimeSeconds/],
    ['privateKeyJwt', () => privateKeyJwt({ clientId: 'a', keys, typ: '' }), /typ/],
    ['a key', () => privateKeyJwt({ clientId: 'a', keys: [undefined] } as never), /private signing keys/],
    [
      'a key',
      () => privateKeyJwt({ clientId: 'a', keys: [{ key: pair.privateKey, Kid: 'x' }] } as never),
      /Did you mean `kid`\?/,
    ],
    [
      'a key',
      () => privateKeyJwt({ clientId: 'a', keys: [{ kid: 'x', alg: 'HS256', sign: async () => 0 }] } as never),
      /alg/,
    ],
    [
      'jwksDocument',
      () => jwksDocument(privateKeyJwt({ clientId: 'a', keys }), { maxAge: 1 } as never),
      /maxAgeSeconds/,
    ],
    ['jwksDocument', () => jwksDocument({} as never), /publicJwks/],
    [
      'clientMetadataDocument',
      () => clientMetadataDocument({ clientId: 'https://a.example/x', clientName: 'x' } as never),
      /redirectUris/,
    ],
    [
      'clientMetadataDocument',
      () =>
        clientMetadataDocument({
          clientId: 'https://a.example/x',
          clientName: 'x',
          redirectUris: [],
          grants: [],
        } as never),
      /clientMetadataDocument has no option `grants`/,
    ],
    ['restoreRegistration', () => restoreRegistration({ issuer } as never), /raw/],
    ['restoreRegistration', () => restoreRegistration(undefined as never), /issuer/],
    [
      'credentialOf',
      () => credentialOf(restoreRegistration({ issuer, raw: { client_id: 'a' } }), { keys: 'x' } as never),
      /keys/,
    ],
  ])('[REAL-19] %s refuses %#', (_name, make, message) => {
    expect(make).toThrowError(refusing(message) as Error)
    expect(acceptsClientMetadataDocument({})).toBe(false)
  })
})

describe('parameters of calls', () => {
  const assertion = 'a.b.c'
  const pushed = { redirectUri: 'https://app.example/cb', codeChallenge: 'a'.repeat(43), state: 's' }
  it.each<[string, (client: OAuthClient) => Promise<unknown>, RegExp]>([
    ['clientCredentials', (client) => client.clientCredentials({ scopes: 'a' } as never), /Did you mean `scope`\?/],
    [
      'clientCredentials',
      (client) => client.clientCredentials({ scope: 7 } as never),
      /`scope` takes a string or an array/,
    ],
    ['clientCredentials', (client) => client.clientCredentials({ resource: [7] } as never), /resource/],
    ['clientCredentials', (client) => client.clientCredentials({ resource: '/a' }), /absolute URIs without fragment/],
    ['clientCredentials', (client) => client.clientCredentials({ audience: '' }), /audience/],
    ['clientCredentials', (client) => client.clientCredentials({ parameters: { a: 1 } } as never), /parameters/],
    [
      'clientCredentials',
      (client) => client.clientCredentials({}, { force: true } as never),
      /Did you mean `forceRefresh`\?/,
    ],
    [
      'exchangeToken',
      (client) => client.exchangeToken({ subjectTokens: 'x' } as never),
      /Did you mean `subjectToken`\?/,
    ],
    [
      'exchangeToken',
      (client) => client.exchangeToken({ subjectToken: 't', actor: { token: 't' } } as never),
      /actor.type/,
    ],
    [
      'exchangeToken',
      (client) =>
        client.exchangeToken({ subjectToken: 't', actor: { token: 't', type: TokenTypes.jwt, typ: 'x' } } as never),
      /Did you mean `type`\?/,
    ],
    ['exchangeToken', (client) => client.exchangeToken(undefined as never), /must be an object/],
    ['jwtBearer', (client) => client.jwtBearer({ assertion, subject: 'x' } as never), /no option `subject`/],
    ['refresh', (client) => client.refresh({ refresh_token: 'x' } as never), /Did you mean `refreshToken`\?/],
    ['introspect', (client) => client.introspect('t', { tokenTypeHint: 'jwt' } as never), /tokenTypeHint/],
    ['revoke', (client) => client.revoke('t', { hint: 'access_token' } as never), /no option `hint`/],
    [
      'pushAuthorizationRequest',
      (client) => client.pushAuthorizationRequest({ ...pushed, audiences: 'x' } as never),
      /no option `audiences`/,
    ],
    [
      'pushAuthorizationRequest',
      (client) => client.pushAuthorizationRequest({ ...pushed, redirectUri: '/cb' }),
      /`redirectUri` takes an absolute URI without fragment/,
    ],
    [
      'pushAuthorizationRequest',
      (client) => client.pushAuthorizationRequest({ ...pushed, codeChallenge: 'plain' }),
      /`codeChallenge` takes the `challenge` of createPkcePair/,
    ],
    [
      'authorizationRequest',
      (client) => client.authorizationRequest({ redirectUri: 'http://app.example/cb' }),
      /https unless on a loopback host/,
    ],
    ['endSessionUrl', (client) => client.endSessionUrl({ postLogoutRedirectUri: '/bye' }), /takes an absolute URI/],
    ['exchangeCode', (client) => client.exchangeCode({ callback: 7 } as never), /`callback` takes a URL, URLSearch/],
    [
      'exchangeCode',
      (client) => client.exchangeCode({ callback: '?code=c', request: {} } as never),
      /`request` takes what authorizationRequest\(\) gave/,
    ],
    ['register', (client) => client.register(undefined as never), /metadata is an object/],
    ['register', (client) => client.register({}, { token: 'x' } as never), /no option `token`/],
    [
      'readRegistration',
      (client) => client.readRegistration(undefined as never, { timeout: 1 } as never),
      /Did you mean `timeoutMs`\?/,
    ],
  ])('[REAL-19] %s refuses %#, before anything is sent', async (operation, call, message) => {
    const { server, client } = setUpClient()
    expect(await rejection(call(client))).toMatchObject({
      name: 'ClientCallError',
      code: 'ERR_CLIENT_ARGUMENT',
      operation,
      issuer,
      message: expect.stringMatching(message),
    })
    expect(server.requests).toHaveLength(0)
  })

  it.each<[string, Record<string, unknown>]>([
    ['a signal that is none', { signal: {} }],
    ['a time of nothing', { timeoutMs: 0 }],
    ['half a millisecond', { totalTimeoutMs: 0.5 }],
    ['an identifier that breaks a header', { correlationId: 'a\r\nb' }],
    ['an endless identifier', { correlationId: 'a'.repeat(257) }],
  ])('[REAL-19] refuses %s for every call', async (_name, options) => {
    const { client } = setUpClient()
    expect(await rejection(client.introspect('t', options as CallOptions))).toMatchObject({
      code: 'ERR_CLIENT_ARGUMENT',
    })
  })
})
