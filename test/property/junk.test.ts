import fc from 'fast-check'
import { createResourceServer } from 'portcullis'
import { createFrozenClock, createTestIssuer, requestFacts, signCompact } from 'portcullis/testing'
import { describe, expect, it } from 'vitest'
import { isAuthError } from '../../src/errors/index.js'
import { checkIssuer } from '../../src/issuer/identifiers.js'
import { comparableType, readCompactJws } from '../../src/jws/compact-jws.js'
import { parseJsonObject } from '../../src/kit/json.js'
import { compileRequirement } from '../../src/resource-server/policy/compile-requirement.js'
import { toResourceServerSettings } from '../../src/resource-server/resource-server-options.js'
import { firstClaim, readRoles, readScopes } from '../../src/resource-server/token/claim-paths.js'
import { toClaimProfileSettings } from '../../src/resource-server/token/claim-profile.js'
import { isReadableMayAct, readActor, readClaims } from '../../src/resource-server/token/read-claims.js'
import { namesForeignKind, showsAccessToken } from '../../src/resource-server/token/token-type.js'

const resource = 'https://api.example.com'
const clock = createFrozenClock()
const issuer = createTestIssuer({ clock: clock.now, audience: resource })
const server = createResourceServer({
  resource: { resource, bearerMethods: ['header', 'body', 'query'] },
  issuer: {
    issuer: issuer.issuer,
    claimProfile: { scope: ['scp', 'scope'], roles: 'a.b', tenant: 'tid', clientId: ['azp', 'client_id'] },
  },
  fetch: issuer.fetch,
  clock: clock.now,
})

const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), fc.string(), fc.base64String())
const names = [
  'iss',
  'sub',
  'aud',
  'exp',
  'nbf',
  'iat',
  'jti',
  'client_id',
  'azp',
  'scope',
  'scp',
  'a',
  'a.b',
  'tid',
  'cnf',
  'act',
  'may_act',
  'authorization_details',
  'acr',
  'auth_time',
  '__proto__',
  'constructor',
]
const json = fc.jsonValue({ maxDepth: 4 })
const claims = fc.dictionary(fc.oneof(fc.constantFrom(...names), fc.string()), json)
const headerMembers = fc.dictionary(
  fc.constantFrom('alg', 'kid', 'typ', 'crit', 'b64', 'jwk', 'jku', 'x5u', 'x5c', 'cty', 'enc', '__proto__'),
  fc.oneof(json, fc.constantFrom('ES256', 'none', 'HS256', 'at+jwt', 'JWT')),
)

/** What a stranger may bring about: never 5xx, which would be our own fault. */
const refusals = [400, 401, 403]

const statusOf = async (facts: Parameters<typeof requestFacts>[0]): Promise<number> => {
  const result = await server.authenticate(requestFacts(facts), { scope: 'read', acr: 'mfa', claims: { org: 'acme' } })
  return result.ok ? 200 : result.answer.status
}

const answerTo = (token: string): Promise<number> => statusOf({ headers: { authorization: `Bearer ${token}` } })

/** Another `kid` than the one published has the keys fetched anew, as long as the budget lasts; then it is 503 (REAL-07). */
const refusalsOf = (token: string): readonly number[] => {
  const header = parseJsonObject(Buffer.from(token.split('.')[0] as string, 'base64url').toString())
  const kid = header?.['kid']
  return typeof kid === 'string' && kid !== issuer.signingKey().kid ? [...refusals, 503] : refusals
}

const onlyAuthErrors = (run: () => unknown): void => {
  try {
    run()
  } catch (error) {
    expect(isAuthError(error), String(error)).toBe(true)
  }
}

describe('junk', () => {
  it('[ADP-08] in the Authorization field is refused', async () => {
    const field = fc.oneof(
      text,
      text.map((one) => `Bearer ${one}`),
      text.map((one) => `DPoP ${one}`),
      fc.tuple(text, text, text).map((parts) => `Bearer ${parts.join('.')}`),
    )
    await fc.assert(
      fc.asyncProperty(fc.oneof(field, fc.array(field)), async (authorization) => {
        expect(refusals).toContain(await statusOf({ headers: { authorization } }))
      }),
      { numRuns: 500 },
    )
  })

  it('[ADP-08] in query, body and method is refused', async () => {
    await fc.assert(
      fc.asyncProperty(text, text, fc.anything(), async (query, method, body) => {
        const headers = { 'content-type': 'application/x-www-form-urlencoded' }
        expect(refusals).toContain(await statusOf({ url: `/?access_token=${query}` }))
        expect(refusals).toContain(await statusOf({ url: query, method }))
        expect(refusals).toContain(await statusOf({ method: 'POST', headers, formBody: { access_token: body } }))
        const isForm = typeof body === 'object' && body !== null && !Array.isArray(body)
        const expected = isForm ? refusals : [500]
        expect(expected).toContain(await statusOf({ method: 'POST', headers, formBody: body as never }))
      }),
    )
  })

  it('[ADP-08] in claims under a good signature is refused, or harmless', async () => {
    await fc.assert(
      fc.asyncProperty(claims, fc.boolean(), async (odd, bare) => {
        const token = issuer.mintToken(bare ? odd : { ...odd, iss: issuer.issuer, aud: resource })
        expect([200, ...refusals]).toContain(await statusOf({ headers: { authorization: `Bearer ${token}` } }))
      }),
      { numRuns: 300 },
    )
  })

  it('[ADP-08] in place of the payload or the header under a good signature is refused', async () => {
    const { header, payload, key } = issuer.tokenParts()
    await fc.assert(
      fc.asyncProperty(fc.oneof(text, fc.json()), headerMembers, fc.uint8Array(), async (junk, members, bytes) => {
        const tokens = [
          signCompact({ header, payload: junk, key }),
          signCompact({ header, payload: bytes, key }),
          signCompact({ header: junk, payload, key }),
        ]
        const odd = signCompact({ header: { ...header, ...members }, payload, key })
        for (const token of tokens) expect(refusalsOf(token)).toContain(await answerTo(token))
        expect([200, ...refusalsOf(odd)]).toContain(await answerTo(odd))
      }),
    )
  })

  it('[ADP-08] in a good token is found out: no changed token passes', async () => {
    const good = issuer.mintToken({ scope: 'read', acr: 'mfa', org: 'acme' })
    expect(await statusOf({ headers: { authorization: `Bearer ${good}` } })).toBe(200)
    await fc.assert(
      fc.asyncProperty(
        fc.nat(good.length),
        fc.oneof(fc.constantFrom('A', '-', '.', '='), text),
        fc.nat(3),
        async (at, put, cut) => {
          const changed = good.slice(0, at) + put + good.slice(at + cut)
          fc.pre(changed !== good && changed.trimStart() !== good)
          expect(refusalsOf(changed)).toContain(await answerTo(changed))
        },
      ),
      { numRuns: 500 },
    )
  })

  it('[ADP-08] to any single reader does nothing but be refused', () => {
    const rules = {
      profile: toClaimProfileSettings({
        clientId: 'azp',
        roles: ['a.b', ['a', 'b', '__proto__']],
        tenant: 'tid',
        clientToken: [{ a: { startsWith: 'x' } }, { azp: { sameAs: 'a' } }],
        userToken: { 'a.b': ['y', 1, true] },
      }),
      optionalClaims: new Set(['jti', 'iat', 'client_id']),
      clockToleranceMs: 0,
      maxTokenAgeMs: undefined,
    }
    fc.assert(
      fc.property(fc.anything(), claims, text, (value, object, name) => {
        expect(typeof (readActor(value)?.sub ?? '')).toBe('string')
        expect(typeof isReadableMayAct(value)).toBe('boolean')
        expect(readScopes(value) ?? []).toBeInstanceOf(Array)
        expect(readRoles({ a: value, ...object }, rules.profile.roles)).toBeInstanceOf(Array)
        expect(typeof showsAccessToken({ ...object, typ: value })).toBe('boolean')
        expect(typeof namesForeignKind({ ...object, token_use: value })).toBe('boolean')
        expect(comparableType(name)).not.toMatch(/^application\/[^/]*$/)
        expect(() => firstClaim(object, [{ whole: name, steps: [name, name] }])).not.toThrow()
        expect(() => readCompactJws(name)).not.toThrow()
        onlyAuthErrors(() => readClaims({ issuer: issuer.issuer, key: undefined }, object, rules, 0))
      }),
    )
  })

  it('as options and requirements is a ConfigurationError', () => {
    const odd = fc.anything({ withNullPrototype: true, withBigInt: true, withDate: true })
    const optionNames = [
      'resource',
      'issuer',
      'tenants',
      'claims',
      'dpop',
      'mtls',
      'trustedProxies',
      'implies',
      'isRevoked',
      'revocationStore',
      'tokenCacheEntries',
      'cors',
      'fetch',
      'clock',
      'onEvent',
    ]
    const requirementNames = [
      'scope',
      'roles',
      'claims',
      'acr',
      'maxAgeSeconds',
      'authorizationDetails',
      'dpop',
      'mtls',
      'allow',
    ]
    const context = { implies: new Map(), resource }
    fc.assert(
      fc.property(
        fc.constantFrom(...optionNames),
        fc.constantFrom(...requirementNames),
        odd,
        (option, member, value) => {
          onlyAuthErrors(() => toResourceServerSettings({ resource, issuer: issuer.issuer, [option]: value } as never))
          onlyAuthErrors(() =>
            toResourceServerSettings({
              resource: { resource, metadata: value },
              issuer: { issuer: issuer.issuer, [option]: value },
            } as never),
          )
          for (const name of [
            'accessTokenEvidence',
            'audience',
            'audienceFrom',
            'claimProfile',
            'optionalLogoutClaims',
          ]) {
            onlyAuthErrors(() =>
              createResourceServer({ resource, issuer: { issuer: issuer.issuer, [name]: value } } as never),
            )
          }
          onlyAuthErrors(() => toResourceServerSettings(value as never))
          onlyAuthErrors(() => compileRequirement({ [member]: value } as never, context))
          onlyAuthErrors(() => compileRequirement(value as never, context))
          onlyAuthErrors(() => checkIssuer('issuer', value, true))
        },
      ),
      { numRuns: 400 },
    )
  })
})
