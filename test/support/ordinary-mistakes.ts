import {
  createResourceServer,
  type IssuerOptions,
  type PortcullisEvent,
  type RequestFacts,
  type Requirement,
  type ResourceServer,
  type ResourceServerOptions,
} from 'portcullis'
import { keycloak } from 'portcullis/providers'
import {
  createDpopClient,
  createFrozenClock,
  createTestIssuer,
  requestFacts,
  type TestIssuer,
} from 'portcullis/testing'
import * as z from 'zod'

const clock = createFrozenClock()

/** The issuer that most mistakes are about. */
export const issuerUrl = 'https://login.example.com'

/** The resource that all of them are about. */
export const resource = 'https://api.example.com'

const elsewhere = (issuer: string): TestIssuer => createTestIssuer({ clock: clock.now, issuer })
const issuer = elsewhere(issuerUrl)
const realm = elsewhere('https://sso.example.com/realms/main')
const tenant = elsewhere('https://acme.eu.auth0.com/')
const pool = elsewhere('https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abc')

const now = Math.floor(clock.now() / 1000)
const client = createDpopClient({ clock: clock.now })

/** A request that is refused, and the server that refuses it. */
interface Mistake {
  readonly of?: TestIssuer
  readonly claims?: Record<string, unknown>
  readonly header?: Record<string, unknown>
  /** In place of a token that is minted. */
  readonly authorization?: string | undefined
  readonly options?: Partial<ResourceServerOptions>
  readonly issuerOptions?: Partial<IssuerOptions>
  readonly requirement?: Requirement
  readonly fields?: (token: string) => Record<string, string>
}

/** A mistake, ready to be made. */
interface MadeMistake {
  readonly server: ResourceServer
  readonly facts: RequestFacts
  readonly requirement: Requirement | undefined
  readonly token: string
}

/** The server and the request of a mistake. */
export function makeMistake(mistake: Mistake, onEvent?: (event: PortcullisEvent) => void): MadeMistake {
  const { of = issuer, claims, header, options, issuerOptions, requirement, fields } = mistake
  const server = createResourceServer({
    resource,
    issuer: { issuer: of.issuer, ...issuerOptions },
    fetch: of.fetch,
    clock: clock.now,
    explainRefusals: true,
    onEvent,
    ...options,
  } as ResourceServerOptions)
  const token = of.mintToken({ aud: resource, ...claims }, { header: { ...header } })
  const authorization = 'authorization' in mistake ? mistake.authorization : `Bearer ${token}`
  const headers = fields?.(token) ?? (authorization === undefined ? {} : { authorization })
  return { server, facts: requestFacts({ url: '/me', headers }), requirement, token }
}

const bound = { cnf: { jkt: client.jkt } }
const proven =
  (url: string, method = 'GET') =>
  (token: string) =>
    client.headers({ url, method, accessToken: token })

/** What it is, how it is made, and what the sentence about it has to hold: the cure among it. */
export const ordinaryMistakes: readonly (readonly [title: string, mistake: Mistake, cures: readonly string[]])[] = [
  [
    'no Authorization field',
    { authorization: undefined },
    ['no `Authorization` field', 'Send `Authorization: Bearer <token>`'],
  ],
  ['a token without a scheme', { authorization: issuer.mintToken() }, ['without a scheme. Write `Bearer`']],
  [
    'another scheme',
    { authorization: 'Basic YWRhOmxvdmVsYWNl' },
    ['a scheme that is not served here. Send `Bearer <token>`'],
  ],
  ['a scheme and nothing else', { authorization: 'Bearer ' }, ['Send `Bearer`, one space, and the token']],
  [
    'a token in quotes',
    { authorization: `Bearer "${issuer.mintToken()}"` },
    ['Look for quotes, blanks or percent signs'],
  ],
  [
    'a token cut short',
    { authorization: `Bearer ${issuer.mintToken().split('.').slice(0, 2).join('.')}` },
    ['cut short, quoted, or decoded'],
  ],
  [
    'an opaque token',
    { authorization: 'Bearer 2YotnFZFEjr1zCsicMWpAA' },
    ['not a JWT', 'give one issuer `introspection`', '`audience`'],
  ],
  [
    'an encrypted token',
    { authorization: `Bearer ${btoa('{"alg":"dir","enc":"A256GCM"}').replaceAll('=', '')}....x` },
    ['encrypted (JWE)', 'Auth0 issues such tokens to clients that ask without `audience`'],
  ],
  ['a huge token', { claims: { groups: 'g'.repeat(20_000) } }, ['16 KiB', 'groups and roles']],
  [
    'a Keycloak token without the preset',
    { of: realm, header: { typ: 'JWT' }, claims: { typ: 'Bearer' } },
    [
      '`typ` is "JWT", expected "at+jwt": this looks like a token of Keycloak',
      "Write `issuer: keycloak({ issuer: 'https://sso.example.com/realms/main' })`",
    ],
  ],
  [
    'an Auth0 token without the preset',
    { of: tenant, header: { typ: 'JWT' } },
    ["auth0({ domain: 'acme.eu.auth0.com' })"],
  ],
  ['a token of another server without its preset', { header: { typ: 'JWT' } }, ["`tokenTypes: ['at+jwt', 'JWT']`"]],
  [
    'an ID token',
    { of: realm, header: { typ: 'JWT' }, claims: { typ: 'ID', nonce: 'n' } },
    ['looks like an ID token. Send the access token instead'],
  ],
  [
    'a refresh token',
    {
      of: realm,
      header: { typ: 'JWT' },
      claims: { typ: 'Refresh' },
      options: { issuer: keycloak({ issuer: realm.issuer }) },
    },
    ['names itself another kind of token ("typ Refresh"). Send the access token'],
  ],
  [
    'an ID token where the header tells nothing',
    { header: { typ: 'JWT' }, claims: { at_hash: 'x' }, issuerOptions: { tokenTypes: ['JWT'] } },
    ['ID token'],
  ],
  [
    'a token without evidence',
    { header: { typ: undefined }, claims: { scope: undefined }, issuerOptions: { tokenTypes: [null] } },
    ['`typ` is missing', '`accessTokenEvidence`'],
  ],
  ['a shared secret', { header: { alg: 'HS256' } }, ['"HS256"', 'Switch the server to RS256 or ES256']],
  ['an algorithm that is not listed', { header: { alg: 'RS384' } }, ['"RS384"', '`algorithms` of the issuer']],
  ['no signature', { header: { alg: 'none' } }, ['not signed at all']],
  [
    'an issuer without the slash',
    { claims: { iss: 'https://login.example.com/' } },
    ['differ by a slash at the end', 'write `issuer: "https://login.example.com/"`'],
  ],
  ['an issuer in other case', { claims: { iss: 'https://Login.example.com' } }, ['upper and lower case']],
  [
    'an issuer behind TLS that does not know it',
    { claims: { iss: 'http://login.example.com' } },
    ['differ in http and https', 'public URL to https'],
  ],
  [
    'one issuer under two names',
    { of: realm, claims: { iss: 'http://keycloak:8080/realms/main' } },
    ['two names of one server', '`jwksUri`'],
  ],
  [
    'a token of Entra ID version 1',
    {
      of: elsewhere('https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0'),
      claims: { iss: 'https://sts.windows.net/11111111-2222-3333-4444-555555555555/' },
    },
    ['accessTokenAcceptedVersion', 'version: 1'],
  ],
  [
    'a token of another server',
    { claims: { iss: 'https://other.example.com' } },
    ['another server or environment', 'only if you trust it'],
  ],
  [
    'a token of a known provider that is not configured',
    { claims: { iss: 'https://dev-1.okta.com/oauth2/default' } },
    ["okta({ domain: 'dev-1.okta.com', authorizationServer: 'default' })"],
  ],
  ['a token without an issuer', { claims: { iss: undefined } }, ['no `iss`']],
  ['an issuer that is a list', { claims: { iss: ['https://login.example.com'] } }, ['`iss` has to be a text']],
  [
    'a key that is not published',
    { header: { kid: '2026-11-a' } },
    ['no key with `kid` "2026-11-a"', 'another environment', '`jwks_uri`'],
  ],
  [
    'an audience with a slash',
    { claims: { aud: `${resource}/` } },
    ['differ only by slash', 'Write `audience: "https://api.example.com/"`'],
  ],
  [
    'the audience of Keycloak',
    { of: realm, claims: { aud: 'account', typ: 'Bearer' } },
    ['Add an audience mapper for "https://api.example.com"'],
  ],
  [
    'the audience of Auth0',
    { of: tenant, claims: { aud: 'https://acme.eu.auth0.com/userinfo' } },
    ['`audience=https://api.example.com`'],
  ],
  ['the audience of Entra ID', { claims: { aud: 'api://1234' } }, ['write `audience: "api://1234"`']],
  [
    'a token for Microsoft Graph',
    { claims: { aud: '00000003-0000-0000-c000-000000000000' } },
    ['Microsoft Graph', '.default'],
  ],
  [
    'an audience that is the client',
    { claims: { aud: 'my-spa', client_id: 'my-spa' } },
    ['names its own client', 'send the access token'],
  ],
  [
    'a token for another API',
    { claims: { aud: 'https://graph.example.com' } },
    ['for another API. Have the client ask for this one (`resource`, RFC 8707)'],
  ],
  [
    'a token for another API of Auth0',
    { of: tenant, claims: { aud: ['https://other.example.com'] } },
    ['`audience` at Auth0'],
  ],
  ['no audience', { claims: { aud: undefined } }, ['no `aud`', '`audienceFrom`']],
  [
    'no audience, as Cognito has it',
    { of: pool, claims: { aud: undefined } },
    ['Cognito', "cognito({ userPoolId: 'eu-west-1_abc'"],
  ],
  [
    'an audience that stands for none',
    {
      claims: { aud: undefined, client_id: 'other' },
      issuerOptions: { audienceFrom: { claims: { client_id: ['app'] } } },
    },
    ['does not meet `audienceFrom`'],
  ],
  [
    'clocks that differ',
    { claims: { iat: now - 200, exp: now - 90 } },
    ['the clocks differ', '`clockToleranceSeconds`'],
  ],
  [
    'a token that expired',
    { claims: { iat: now - 7200, exp: now - 3600 } },
    ['it was good for 3600 s', 'get a new token'],
  ],
  ['a clock that runs ahead', { claims: { iat: now + 90 } }, ['The clocks differ', '`clockToleranceSeconds`']],
  ['times in milliseconds', { claims: { iat: now * 1000, exp: now * 2000 } }, ['in milliseconds']],
  [
    'a token that is too old',
    { claims: { iat: now - 600 }, issuerOptions: { maxTokenAgeSeconds: 60 } },
    ['`maxTokenAgeSeconds`'],
  ],
  ['no jti', { claims: { jti: undefined } }, ["`optionalClaims: ['jti']`"]],
  [
    'a client in azp',
    { claims: { client_id: undefined, azp: 'app' } },
    ["claimProfile: { clientId: ['client_id', 'azp'] }"],
  ],
  ['no exp', { claims: { exp: undefined } }, ['no `exp`', 'Have the server add it']],
  ['an exp that is text', { claims: { exp: '1800000000' } }, ['`exp`', '(string)']],
  [
    'a schema that demands more',
    { options: { claims: z.object({ plan: z.string() }) } as never },
    ['Your schema in `claims`', 'plan'],
  ],
  [
    'a scope that was not asked for',
    { claims: { scope: 'profile' }, requirement: { scope: 'calendar:write' } },
    ['grants "profile", this route needs "calendar:write"', 'ask for them'],
  ],
  [
    'scopes in another claim',
    { claims: { scope: 'openid', permissions: ['calendar:write'] }, requirement: { scope: 'calendar:write' } },
    ["claimProfile: { scope: ['scope', 'permissions'] }"],
  ],
  [
    'scopes that the server separates with commas',
    { claims: { scope: 'read,write' }, requirement: { scope: 'read' } },
    ['separates scopes with commas'],
  ],
  [
    'roles of a realm',
    { claims: { realm_access: { roles: ['admin'] } }, requirement: { roles: 'admin' } },
    ["claimProfile: { roles: 'realm_access.roles' }"],
  ],
  [
    'a role the user does not have',
    { claims: { roles: ['user'] }, requirement: { roles: 'admin' } },
    ['roles "user"', 'Give the user the role'],
  ],
  [
    'an allow that forgets to return',
    { requirement: { allow: () => undefined as never } },
    ['`allow`', 'other than `true`'],
  ],
  [
    'a claim of another value',
    { claims: { plan: 'free' }, requirement: { claims: { plan: 'gold' } } },
    ['`plan` is "free"', '"gold"'],
  ],
  [
    'an isRevoked that answers with its negation',
    { options: { isRevoked: () => true } },
    ['Your function `isRevoked`'],
  ],
  ['a sign-in that is too weak', { claims: { acr: '1' }, requirement: { acr: '2' } }, ['acr 1', 'sign in again']],
  ['a bound token as Bearer', { claims: bound }, ['came as `Bearer`', 'Authorization: DPoP']],
  ['an unbound token where binding is required', { requirement: { dpop: 'required' } }, ['not bound', '`cnf`']],
  [
    'DPoP without a proof',
    { claims: bound, fields: (token) => ({ authorization: `DPoP ${token}` }) },
    ['no `DPoP` field'],
  ],
  [
    'a proof for the address behind the proxy',
    { claims: bound, fields: proven('http://10.0.3.7:3000/me') },
    ["`dpop: { targetOrigin: 'resource' }`"],
  ],
  ['a proof for a path that a proxy strips', { claims: bound, fields: proven(`${resource}/svc2/me`) }, ['pathPrefix']],
  [
    'a proof for another method',
    { claims: bound, fields: proven(`${resource}/me`, 'POST') },
    ['for the method "POST"', 'for each request'],
  ],
  ['a certificate behind a proxy', { claims: { cnf: { 'x5t#S256': 'thumb' } } }, ['certificateFrom']],
  [
    'a server that cannot be reached',
    { options: { fetch: () => Promise.reject(new TypeError('fetch failed')) } },
    ['no connection', '`localhost` is the container itself'],
  ],
  ['metadata of another issuer', { options: { fetch: realm.fetch } }, ['cannot be had']],
  [
    'a claims rule that throws',
    {
      requirement: {
        claims: () => {
          throw new Error('mine')
        },
      },
    },
    ['`claims` threw', '`cause`'],
  ],
]
