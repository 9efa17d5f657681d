import type { AuthError, AuthErrorCode } from 'portcullis'
import { describe, expect, it } from 'vitest'
import { askFor } from '../../../src/explain/ask-instead.js'
import { type ClaimExpectations, checkClaims } from '../../../src/explain/claims-check.js'
import { quoted } from '../../../src/explain/refusal.js'
import { refusalSentence } from '../../../src/explain/sentences.js'

function sentence(code: AuthErrorCode, error: Partial<AuthError>, claims?: Record<string, unknown>): string {
  return refusalSentence({ error: { code, message: 'Write this.', ...error } as AuthError, claims })
}

const api = 'https://api.test'
const graph = ['https://graph.microsoft.com', '00000002-0000-0000-c000-000000000000']
const auth0 = 'https://a.auth0.com/'
const keycloak = 'https://sso.test/realms/a'
const limit = '2026-01-01T00:00:00.000Z'

type Cure = readonly [AuthErrorCode, Partial<AuthError>, Record<string, unknown> | undefined, told: string]

const cures: readonly Cure[] = [
  ['ERR_TOKEN_CLAIM_INVALID', { detail: 'claims schema: a.b' }, {}, 'refused the claims at a.b.'],
  ['ERR_TOKEN_CLAIM_INVALID', { detail: 'claims schema: ' }, {}, 'refused the claims at the top.'],
  [
    'ERR_TOKEN_CLAIM_INVALID',
    { detail: 'exp' },
    undefined,
    'The claim `exp` has a value that cannot be used (none to see)',
  ],
  ['ERR_TOKEN_CLAIM_INVALID', {}, { '': 1 }, 'The claim `` has a value that cannot be used (number)'],
  ['ERR_TOKEN_NOT_YET_VALID', {}, { nbf: 2e12 }, 'in milliseconds'],
  ['ERR_TOKEN_NOT_YET_VALID', {}, { iat: 1e11 }, 'The clocks differ'],
  ['ERR_TOKEN_AUDIENCE', { received: [graph[0] as string, 'x'], expected: api }, {}, 'for Microsoft Graph'],
  ['ERR_TOKEN_AUDIENCE', { received: graph[1], expected: api }, {}, 'for Microsoft Graph'],
  ['ERR_TOKEN_AUDIENCE', { received: ['x', 'api://1'], expected: api }, {}, 'write `audience: "api://1"`'],
  ['ERR_TOKEN_AUDIENCE', { received: ['x', 'app'], expected: api }, { azp: 'app' }, 'names its own client'],
  [
    'ERR_TOKEN_AUDIENCE',
    { received: 'x', expected: api },
    {},
    '`aud` is "x", accepted is "https://api.test": the token',
  ],
  ['ERR_TOKEN_AUDIENCE', { received: 'x', expected: api, detail: 'other' }, {}, 'the token is for another API'],
  ['ERR_TOKEN_AUDIENCE', { received: 'https://', expected: 'http://' }, {}, 'the token is for another API'],
  ['ERR_TOKEN_AUDIENCE', { received: `urn:${api}`, expected: 'urn:api.test' }, {}, 'the token is for another API'],
  ['ERR_TOKEN_AUDIENCE', { received: `${api}/a`, expected: `${api}/b` }, {}, 'the token is for another API'],
  ['ERR_TOKEN_AUDIENCE', { received: `${api}:1x`, expected: api }, {}, 'the token is for another API'],
  ['ERR_TOKEN_CLAIM_MISSING', {}, {}, 'The token has no ``, and without it'],
  ['ERR_TOKEN_CLAIM_MISSING', { detail: 'iat' }, {}, "write `optionalClaims: ['iat']`"],
  ['ERR_TOKEN_CLAIM_MISSING', { detail: 'client_id' }, {}, "write `optionalClaims: ['client_id']`"],
  ['ERR_TOKEN_CLAIM_MISSING', { detail: 'jti' }, { azp: 'app' }, "write `optionalClaims: ['jti']`"],
  ['ERR_TOKEN_CLAIM_MISSING', { detail: 'jti' }, { iss: keycloak }, "write `optionalClaims: ['jti']`"],
  ['ERR_TOKEN_CLAIM_MISSING', { detail: 'jti' }, { iss: auth0 }, "auth0({ domain: 'a.auth0.com' })"],
  ['ERR_TOKEN_CLAIM_MISSING', { detail: 'exp' }, { iss: auth0 }, 'without it no token is accepted'],
  ['ERR_TOKEN_CLAIM_MISSING', { detail: 'exp' }, {}, 'without it no token is accepted'],
  ['ERR_SCOPE_INSUFFICIENT', { received: ['a,b', 'c'], expected: 'x' }, {}, 'separates scopes with commas'],
  ['ERR_SCOPE_INSUFFICIENT', { expected: 'x' }, {}, 'The token grants nothing, this route needs "x". The challenge'],
  ['ERR_SCOPE_INSUFFICIENT', {}, { perms: ['a'] }, 'The challenge names them'],
  [
    'ERR_SCOPE_INSUFFICIENT',
    { expected: ['a', 'b'] },
    { perms: 'b,  c a' },
    "`claimProfile: { scope: ['scope', 'perms'] }`",
  ],
  ['ERR_SCOPE_INSUFFICIENT', { expected: ['a', 'b'] }, { perms: 'a c' }, 'The challenge names them'],
  ['ERR_SCOPE_INSUFFICIENT', { expected: 'a' }, { 'x`y perms': 'a' }, 'The challenge names them'],
  ['ERR_ROLE_INSUFFICIENT', {}, { perms: ['a'] }, 'Give the user the role'],
  [
    'ERR_TOKEN_EXPIRED',
    { expected: `before ${limit}`, received: '2026-01-01T00:10:00.000Z' },
    { iat: 1, exp: 1 },
    'says "2026-01-01T00:10:00.000Z". The client has to get a new token',
  ],
  [
    'ERR_TOKEN_EXPIRED',
    { expected: `before ${limit}`, received: '2026-01-01T00:09:59.999Z' },
    undefined,
    'the clocks differ',
  ],
  ['ERR_TOKEN_EXPIRED', { expected: `before ${limit}`, received: '2027-01-01T00:00:00Z' }, { iat: 1, exp: 9 }, '8 s'],
]

/** Audiences that differ by nothing but slash, scheme, port or case. */
const near: readonly (readonly [received: string, expected: string])[] = [
  ['https://api.test/', api],
  ['https://api.test//', api],
  ['https://api.test/a/b/', 'https://api.test/a/b'],
  ['http://api.test', api],
  ['HTTPS://API.test', api],
  ['https://api.test:8443', api],
  ['https://api.test:8443/a', 'https://api.test/a'],
]

/** How a client of an issuer asks for a token of an API. */
const asked: readonly (readonly [issuer: unknown, told: string])[] = [
  [keycloak, 'Keycloak'],
  [auth0, 'Auth0'],
  ['https://login.microsoftonline.com/t/v2.0', 'Entra'],
  ['https://sts.windows.net/t/', 'Entra'],
  ['https://a.okta.com/oauth2/x', 'Okta'],
  ['https://a.oktapreview.com', 'Okta'],
  ['https://accounts.google.com', 'Google'],
  ...[`${keycloak}/x`, `x${auth0}`, `${auth0}x`, 'xhttps://sts.windows.net/t/', 'xhttps://a.okta.com'].map(
    (issuer) => [issuer, '(RFC 8707 §2)'] as const,
  ),
  ...['xhttps://accounts.google.com', 'https://accounts.google.com.x', [auth0], undefined].map(
    (issuer) => [issuer, '(RFC 8707 §2)'] as const,
  ),
]

describe('the cure for what the claims of a token say', () => {
  it.each(cures)('[REAL-40] of %s with %j and %j', (code, error, claims, told) => {
    expect(sentence(code, error, claims)).toContain(told)
  })

  it.each(near)('[REAL-40] names %s as near %s', (received, expected) => {
    const text = sentence('ERR_TOKEN_AUDIENCE', { received, expected: ['x', expected] })
    expect(text).toContain(`they differ only by slash, scheme, port or case. Write \`audience: "${received}"\``)
  })

  it.each(asked)('[S1-67] says to a client of %s how to ask', (iss, told) => {
    expect(askFor({ iss } as never, api)).toContain(told)
  })

  it('[S1-67] stands without an audience as well', () => {
    expect(askFor({ iss: keycloak }, undefined)).toContain('Keycloak names the API in')
    expect(askFor({}, undefined)).toContain('`resource=<identifier of the API>`')
  })

  it('[REAL-40] quotes a text of no characters', () => {
    expect(quoted('')).toBe('""')
  })
})

describe('the claims that are checked', () => {
  const nowMs = 1_800_000_000_000
  const now = nowMs / 1000
  const good = { aud: api, exp: now + 60, iat: now, sub: 's' }
  const judge = (claims: object, given: Partial<ClaimExpectations> = {}) =>
    checkClaims({ ...good, ...claims } as never, {
      ...{ kind: 'access_token', expectedAudience: api, clockToleranceSeconds: 0, nowMs },
      ...given,
    })

  it('[S1-57] are all told of, the first with its cure, the others by name', () => {
    const bad = { aud: 'x', azp: 'x', exp: -1, iat: now + 1, nbf: now + 1, sub: 5 }
    const others = judge(bad, { kind: 'id_token' }).sentence
    expect(others).toContain('Expect the `client_id`')
    expect(others).toMatch(/\. Also wrong: `azp`, `exp`, `iat`, `nbf`, `sub`\.$/)
    const first = judge({ azp: undefined, exp: -1 }, { expectedAudience: 'x' }).sentence
    expect(first).toMatch(/resource=x.* Also wrong: `exp`\.$/)
    expect(judge({ exp: now - 1 }).sentence).toBe('The token expired 1 second ago. Refresh it, or sign in again.')
    expect(judge({ aud: undefined, exp: -1 }).sentence).toContain('`aud` is absent')
    expect(judge({ exp: -1, aud: 5 }, { expectedAudience: undefined }).sentence).toContain('Also wrong: `exp`')
  })

  it.each<[string, object, Partial<ClaimExpectations>]>([
    ['azp of an access token', { azp: 'x' }, {}],
    ['an ID token without azp', {}, { kind: 'id_token' }],
    ['azp where no client is expected', { azp: 'x' }, { kind: 'id_token', expectedAudience: undefined }],
    ['the last second of a token', { exp: now - 9, iat: now + 10 }, { clockToleranceSeconds: 10 }],
    ['times of the beginning', { iat: 0, nbf: 0 }, {}],
  ])('[S1-57] pass with %s', (_title, claims, given) => {
    expect(judge(claims, given)).toEqual({})
  })

  it.each<[string, object, string]>([
    ['an exp of the beginning', { exp: 0 }, 'expired'],
    ['an exp that never comes', { exp: Number.POSITIVE_INFINITY }, '`exp` is absent or not a number'],
    ['an nbf before all time', { nbf: -1 }, '`nbf` is absent or not a number'],
  ])('[S1-57] do not pass with %s', (_title, claims, told) => {
    expect(judge(claims).sentence).toContain(told)
  })
})
