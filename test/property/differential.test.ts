import fc from 'fast-check'
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import * as oauth from 'oauth4webapi'
import { createResourceServer } from 'portcullis'
import { readChallenges } from 'portcullis/client'
import { createDpopClient, createTestIssuer, requestFacts } from 'portcullis/testing'
import { beforeAll, describe, expect, it, vi } from 'vitest'

/*
 * The same token, proof or challenge to this library and to others: accepted by all or by none. Where another one accepts
 * what we refuse, the reason stands beside it. There is nothing that we accept and another one refuses.
 */

const resource = 'https://api.example.com'
const otherResource = 'https://other.example.com'
const issuer = createTestIssuer()
const server = createResourceServer({ resource, issuer: issuer.issuer, fetch: issuer.fetch })
const nowSeconds = Math.floor(Date.now() / 1000)
/** However long it takes, it is that time: for us, for the others, and for what is signed. */
beforeAll(() => void vi.useFakeTimers({ toFake: ['Date'], now: nowSeconds * 1000 }))
const algorithms = ['ES256', 'PS256', 'EdDSA']
const jwks = { keys: [issuer.signingKey().publicJwk] } as unknown as JSONWebKeySet
const localKeys = createLocalJWKSet(jwks)
const as = { issuer: issuer.issuer, jwks_uri: `${issuer.issuer}/jwks` }
const oauthOptions = {
  [oauth.customFetch]: async () => Response.json(jwks),
  [oauth.clockTolerance]: 5,
  signingAlgorithms: algorithms,
}

type Members = Readonly<Record<string, unknown>>
type Other = 'jose' | 'oauth4webapi'

/** Something wrong with a token: a value of a member, and who accepts it all the same, and why we do not. */
interface Oddity {
  readonly of: 'claims' | 'header'
  readonly name: string
  readonly value: unknown
  readonly acceptedBy: readonly Other[]
  readonly reason: string
}

const both = ['jose', 'oauth4webapi'] as const
const deep = JSON.parse(`${'['.repeat(40)}${']'.repeat(40)}`) as unknown

function odd(
  of: Oddity['of'],
  name: string,
  values: readonly unknown[],
  acceptedBy: readonly Other[] = [],
  reason = '',
) {
  return values.map((value): Oddity => ({ of, name, value, acceptedBy, reason }))
}

const noText = 'RFC 9068 §2.2: it is a text, and an empty one names nobody'
const noCnf = 'RFC 7800 §3.1: a token that is bound to something is no bearer token'
const names = ['sub', 'client_id', 'jti']
const oddities: readonly Oddity[] = [
  ...odd('claims', 'iss', ['https://evil.example', `${issuer.issuer}/`, undefined, 7, [issuer.issuer]]),
  ...odd('claims', 'aud', [otherResource, [], undefined, 7]),
  ...odd('claims', 'aud', [[7, resource]], both, 'RFC 7519 §4.1.3: a text, or a list of nothing but texts'),
  ...odd('claims', 'exp', [nowSeconds - 1000, undefined, '9999999999', -1]),
  ...odd('claims', 'nbf', [nowSeconds + 1000, '0', null]),
  ...odd('claims', 'nbf', [-1], both, 'RFC 7519 §2: a NumericDate counts seconds since 1970'),
  ...odd('claims', 'iat', [undefined, '0', null]),
  ...odd('claims', 'iat', [nowSeconds + 1000], both, 'a token was not issued in the future'),
  ...names.flatMap((name) => odd('claims', name, [undefined])),
  ...names.flatMap((name) => odd('claims', name, [''], both, noText)),
  ...names.flatMap((name) => odd('claims', name, [7], ['jose'], noText)),
  ...odd('claims', 'cnf', [{}], both, noCnf),
  ...odd('claims', 'cnf', [{ jkt: 'x' }, { 'x5t#S256': 'x' }, 'x', null], ['jose'], noCnf),
  ...odd('claims', 'extra', [deep], both, 'JSON deeper than 32 levels is not read'),
  ...odd('header', 'typ', ['JWT', undefined, 'dpop+jwt', 7]),
  ...odd('header', 'alg', ['none', 'HS256', 'ES384', undefined]),
  ...odd('header', 'kid', ['another']),
  ...odd('header', 'crit', [['exp'], ['b64'], []]),
  ...odd('header', 'b64', [true, false], both, 'RFC 7797 §6: `b64` without `crit` is wrong'),
]

/** What may be there, or be otherwise. */
const usual = fc.record({
  claims: fc.record({
    aud: fc.constantFrom<unknown>(resource, [resource], [otherResource, resource]),
    exp: fc.constantFrom(nowSeconds + 1000, nowSeconds + 1000.5, 1e300),
    nbf: fc.constantFrom(undefined, nowSeconds - 1000),
    extra: fc.constantFrom<unknown>(undefined, 'text', { a: [1] }),
  }),
  header: fc.record({
    typ: fc.constantFrom('at+jwt', 'AT+JWT', 'application/at+jwt'),
    kid: fc.constantFrom(issuer.signingKey().kid, undefined),
    jwk: fc.constantFrom(undefined, issuer.signingKey().publicJwk),
  }),
})

function tokenWith(found: readonly Oddity[], { claims, header }: { claims: Members; header: Members }): string {
  const members = (of: Oddity['of']) =>
    Object.fromEntries(found.filter((one) => one.of === of).map(({ name, value }) => [name, value]))
  return issuer.mintToken({ ...claims, ...members('claims') }, { header: { ...header, ...members('header') } })
}

/** The same token in other words: only one text is that of the signature. */
const rewritten: readonly (readonly [string, (token: string) => string, readonly Other[]])[] = [
  ['a padded signature', (token) => `${token}=`, []],
  ['spare bits that are not zero', withSpareBit, both],
  ['an empty segment', (token) => token.replace('.', '..'), []],
  ['no signature', (token) => token.slice(0, token.lastIndexOf('.')), []],
  ['a blank behind it', (token) => `${token} `, both],
]

/** The last character of a signature of 64 bytes has four spare bits. */
function withSpareBit(token: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return token.slice(0, -1) + alphabet.charAt(alphabet.indexOf(token.slice(-1)) ^ 1)
}

const accepted = (asked: Promise<unknown>): Promise<boolean> =>
  asked.then(
    () => true,
    () => false,
  )
const byUs = (token: string) => accepted(server.verify(token))
const by: Readonly<Record<Other, (token: string) => Promise<boolean>>> = {
  jose: (token) =>
    accepted(
      jwtVerify(token, localKeys, {
        ...{ issuer: issuer.issuer, audience: resource, typ: 'at+jwt', algorithms, clockTolerance: 5 },
        requiredClaims: ['exp', 'iat', 'sub', 'client_id', 'jti'],
      }),
    ),
  oauth4webapi: (token) =>
    accepted(
      oauth.validateJwtAccessToken(
        as,
        new Request(resource, { headers: { authorization: `Bearer ${token}` } }),
        resource,
        oauthOptions,
      ),
    ),
}

describe.each(both)('tokens, held against %s', (other) => {
  it.each(oddities.map((one) => [`${one.name} ${JSON.stringify(one.value)?.slice(0, 40)}`, one] as const))(
    'are refused with %s, by the other one too or for a reason',
    async (_, one) => {
      const token = tokenWith([one], { claims: {}, header: {} })
      expect([await byUs(token), await by[other](token)]).toEqual([false, one.acceptedBy.includes(other)])
    },
  )

  it.each(rewritten)(
    'are refused with %s, by the other one too or because it is not canonical',
    async (_, write, who) => {
      const token = write(issuer.mintToken())
      expect([await byUs(token), await by[other](token)]).toEqual([false, who.includes(other)])
    },
  )

  it('are accepted by both or by none, but for such reasons', async () => {
    const some = fc.oneof(
      { weight: 2, arbitrary: fc.constant([]) },
      { weight: 3, arbitrary: fc.subarray([...oddities], { maxLength: 3 }) },
    )
    let good = 0
    await fc.assert(
      fc.asyncProperty(some, usual, async (found, rest) => {
        const token = tokenWith(found, rest)
        const [ours, theirs] = await Promise.all([byUs(token), by[other](token)])
        expect(ours).toBe(found.length === 0)
        if (ours) good += 1
        if (theirs !== ours)
          expect([theirs, found.some(({ acceptedBy }) => acceptedBy.includes(other))]).toEqual([true, true])
      }),
      { numRuns: 200 },
    )
    expect(good).toBeGreaterThan(50)
  })
})

/** A value of a member, which is seldom an odd one. */
const member = (good: fc.Arbitrary<unknown>, ...others: readonly unknown[]) =>
  fc.oneof({ weight: 12, arbitrary: good }, { weight: 1, arbitrary: fc.constantFrom<unknown>(...others) })
const is = fc.constant

/** A request with a bound token and a proof that may be wrong in any way. */
const someProof = fc.record({
  header: fc.record({
    typ: member(fc.constantFrom('dpop+jwt', 'DPoP+JWT', 'application/dpop+jwt'), 'JWT', undefined),
    alg: member(is('ES256'), 'none', 'HS256'),
    crit: member(is(undefined), ['exp']),
  }),
  key: member(is('public'), 'private', 'another', 'none') as fc.Arbitrary<'public' | 'private' | 'another' | 'none'>,
  claims: fc.record({
    htm: member(is('GET'), 'POST', 'get', undefined, 7),
    htu: member(
      fc.constantFrom(`${resource}/me`, `${resource}/me?a=b#c`, 'https://API.example.com:443/me'),
      `${resource}/other`,
      'http://api.example.com/me',
      '/me',
      undefined,
      7,
    ),
    iat: member(is(nowSeconds), nowSeconds - 3000, nowSeconds + 3000, undefined, '0'),
    jti: member(fc.uuid(), '', undefined, 7),
    ath: member(is('right'), 'wrong', undefined),
    exp: member(is(undefined), nowSeconds - 1000, '0'),
    nbf: member(is(undefined), nowSeconds + 1000, '0'),
  }),
})

describe('DPoP proofs, held against oauth4webapi', () => {
  const [client, another] = [createDpopClient(), createDpopClient()]
  const accessToken = issuer.mintToken({ cnf: { jkt: client.jkt } })
  const guard = server.guard({ dpop: 'required' })
  const jwkOf = {
    public: client.publicJwk,
    private: { ...client.key.privateKey.export({ format: 'jwk' }) },
    another: another.publicJwk,
    none: undefined,
  }

  it('are accepted by both or by none, but that an empty `jti`, which tells no proof from another, is refused', async () => {
    let good = 0
    await fc.assert(
      fc.asyncProperty(someProof, async ({ header, key, claims: { ath, ...claims } }) => {
        const url = `${resource}/me`
        const given = { ...claims, ...(ath === 'right' ? {} : { ath: ath === 'wrong' ? 'x' : undefined }) }
        const headers = client.headers({
          ...{ url, accessToken, claims: given },
          header: { ...header, jwk: jwkOf[key] },
        })
        const [ours, theirs] = await Promise.all([
          Promise.resolve(guard(requestFacts({ url: '/me', headers }))).then(({ ok }) => ok),
          accepted(oauth.validateJwtAccessToken(as, new Request(url, { headers }), resource, oauthOptions)),
        ])
        if (ours) good += 1
        const message = JSON.stringify({ header, key, claims, ath })
        if (claims.jti === '') expect(ours, message).toBe(false)
        else expect(ours, message).toBe(theirs)
      }),
      { numRuns: 250 },
    )
    expect(good).toBeGreaterThan(20)
  })
})

describe('challenges, held against oauth4webapi', () => {
  const token = fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,8}$/)
  const text = fc.string({ unit: fc.constantFrom('"', '\\', ',', '=', ' ', 'a', ';', 'Bearer ') })
  const quoted = text.map((value) => `"${value.replace(/["\\]/g, '\\$&')}"`)
  const parameter = fc.tuple(token, fc.oneof(token, quoted)).map(([name, value]) => `${name}=${value}`)
  /** A scheme may have more characters: oauth4webapi does not read it then, behind a challenge with parameters. */
  const scheme = fc.stringMatching(/^[A-Za-z][0-9A-Za-z-]{0,7}$/)
  const challenge = fc
    .tuple(
      scheme,
      fc.oneof(
        fc.uniqueArray(parameter, { minLength: 1, maxLength: 4, selector: (one) => one.split('=')[0]?.toLowerCase() }),
        fc.stringMatching(/^[A-Za-z0-9._~+/-]{1,8}={0,2}$/).map((token68) => [token68]),
      ),
    )
    .map(([scheme, rest]) => `${scheme} ${rest.join(', ')}`)

  it('are read alike, whatever the grammar can write', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(challenge, { minLength: 1, maxLength: 3 }), async (challenges) => {
        const field = challenges.join(', ')
        const response = new Response(null, { status: 401, headers: { 'www-authenticate': field } })
        const theirs = await oauth
          .protectedResourceRequest('x', 'GET', new URL(resource), new Headers(), null, {
            [oauth.customFetch]: async () => response,
          })
          .catch((error: unknown) => error)
        expect(theirs, field).toBeInstanceOf(oauth.WWWAuthenticateChallengeError)
        const { cause } = theirs as oauth.WWWAuthenticateChallengeError
        expect(
          readChallenges(field).map(({ scheme, parameters, token68 }) => ({
            scheme,
            parameters: Object.fromEntries(parameters),
            ...(token68 === undefined ? {} : { token68 }),
          })),
        ).toEqual(cause)
      }),
      { numRuns: 300 },
    )
  })
})
