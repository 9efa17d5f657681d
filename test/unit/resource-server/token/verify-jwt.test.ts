import { createResourceServer } from 'portcullis'
import {
  createFrozenClock,
  createSigningKey,
  createTestIssuer,
  requestFacts,
  type SigningKey,
  signCompact,
} from 'portcullis/testing'
import { describe, expect, it } from 'vitest'
import { createStaticKeys } from '../../../../src/issuer/static-keys.js'
import { readCompactJws } from '../../../../src/jws/compact-jws.js'
import { createBoundedCache } from '../../../../src/kit/bounded-cache.js'
import { toClaimProfileSettings } from '../../../../src/resource-server/token/claim-profile.js'
import { type JwtSettings, type KnownHeader, verifyJwt } from '../../../../src/resource-server/token/verify-jwt.js'

const resource = 'https://api.example.com'

function setUp(keys: readonly SigningKey[]) {
  const clock = createFrozenClock()
  const issuer = createTestIssuer({ clock: clock.now, audience: resource })
  issuer.withdrawKey(issuer.signingKey().kid)
  for (const { publicJwk } of keys) issuer.publishKey(publicJwk)
  const server = createResourceServer({ resource, issuer: issuer.issuer, fetch: issuer.fetch, clock: clock.now })
  const call = async (token: string) => {
    const result = await server.authenticate(requestFacts({ headers: { authorization: `Bearer ${token}` } }))
    return result.ok ? 'ok' : result.error.code
  }
  return { issuer, call, server, clock }
}

const withoutKid = (key: SigningKey): SigningKey => {
  const { kid: _, ...publicJwk } = key.publicJwk
  return { ...key, publicJwk }
}

describe('verifyJwt', () => {
  it('[JWT-09] accepts tokens of every key that shares a header, whichever was seen first', async () => {
    const keys = [withoutKid(createSigningKey()), withoutKid(createSigningKey())]
    const { issuer, call } = setUp(keys)
    const header = { kid: undefined }
    for (const key of [...keys, ...[...keys].reverse(), ...keys]) {
      expect(await call(issuer.mintToken({}, { key, header }))).toBe('ok')
    }
    expect(await call(issuer.mintToken({}, { key: createSigningKey(), header }))).toBe('ERR_TOKEN_SIGNATURE')
  })

  it('[JWT-09] accepts tokens of two keys with one kid', async () => {
    const keys = [createSigningKey({ kid: 'same' }), createSigningKey({ kid: 'same' })]
    const { issuer, call } = setUp(keys)
    for (const key of [...keys, ...keys]) expect(await call(issuer.mintToken({}, { key }))).toBe('ok')
    expect(await call(issuer.mintToken({}, { key: createSigningKey({ kid: 'same' }) }))).toBe('ERR_TOKEN_SIGNATURE')
  })

  it('[JWT-09] refuses a forged token under a header it knows', async () => {
    const key = createSigningKey()
    const { issuer, call } = setUp([key])
    expect(await call(issuer.mintToken({}, { key }))).toBe('ok')
    for (const tamper of ['payload', 'signature'] as const) {
      expect(await call(issuer.mintToken({}, { key, tamper }))).toBe('ERR_TOKEN_SIGNATURE')
    }
  })
})

const key = createSigningKey({ kid: 'k' })

function jwsOf(payload: object = {}, header: object = { alg: 'ES256', kid: 'k', typ: 'at+jwt' }) {
  return readCompactJws(signCompact({ header: header as never, payload: payload as never, key })) as never
}

describe('a header', () => {
  it('[REAL-03] is remembered with its key once a token is accepted, and not before', async () => {
    const knownHeaders = createBoundedCache<KnownHeader>(10)
    const issuer = 'https://issuer.test'
    const rules: JwtSettings = {
      issuer,
      algorithms: new Set(['ES256']),
      tokenTypes: new Set(['at+jwt']),
      keys: createStaticKeys([key.publicJwk]),
      knownHeaders,
      showsAccessToken: () => false,
      profile: toClaimProfileSettings(),
      optionalClaims: new Set(),
      clockToleranceMs: 0,
      maxTokenAgeMs: undefined,
    }
    const claims = { iss: issuer, sub: 's', aud: 'a', jti: 'j', client_id: 'c', iat: 1000, exp: 1300 }
    const verify = async (payload: object) => verifyJwt(jwsOf(payload), rules, 1_100_000)
    await expect(verify({ ...claims, exp: 1050 })).rejects.toMatchObject({ code: 'ERR_TOKEN_EXPIRED' })
    expect(knownHeaders.size).toBe(0)
    await verify(claims)
    expect(knownHeaders.size).toBe(1)
  })
})

describe('what the header and the payload must say', () => {
  const issuer = 'https://issuer.test'
  const claims = { iss: issuer, sub: 's', aud: 'a', jti: 'j', client_id: 'c', iat: 1000, exp: 1300 }

  function judge(change: Partial<JwtSettings> = {}) {
    const rules: JwtSettings = {
      issuer,
      algorithms: new Set(['ES256']),
      tokenTypes: new Set(['at+jwt', 'jwt', null]),
      keys: createStaticKeys([key.publicJwk]),
      knownHeaders: createBoundedCache<KnownHeader>(10),
      showsAccessToken: () => true,
      profile: toClaimProfileSettings(),
      optionalClaims: new Set(),
      clockToleranceMs: 0,
      maxTokenAgeMs: undefined,
      ...change,
    }
    return (payload: object = {}, header: object = {}) =>
      verifyJwt(
        jwsOf({ ...claims, ...payload }, { alg: 'ES256', kid: 'k', typ: 'at+jwt', ...header }),
        rules,
        1_100_000,
      )
  }

  it('[JOSE-06] is an algorithm of the issuer, and else nothing is verified', async () => {
    await expect(judge({ algorithms: new Set(['RS256', 'PS256']) })()).rejects.toMatchObject({
      code: 'ERR_TOKEN_ALGORITHM',
      expected: ['RS256', 'PS256'],
      received: 'ES256',
    })
  })

  it('[AT-02] is a type of the issuer, and else nothing is verified', async () => {
    for (const typ of ['JWT', undefined, 'id+jwt']) {
      await expect(judge({ tokenTypes: new Set(['at+jwt', 'x']) })({}, { typ })).rejects.toMatchObject({
        code: 'ERR_TOKEN_TYPE',
        expected: ['at+jwt', 'x'],
        ...(typ !== undefined && { received: typ.toLowerCase() }),
      })
    }
  })

  it('is what `headerConditions` demand', async () => {
    const verify = judge({ headerHolds: ({ env }) => env === 'live' })
    expect(await verify({}, { env: 'live' })).toMatchObject({ subject: 's' })
    await expect(verify({}, { env: 'test' })).rejects.toMatchObject({
      code: 'ERR_TOKEN_TYPE',
      detail: 'the header is not as `headerConditions` demands',
      expected: 'a header that meets `headerConditions`',
      received: 'another header',
    })
  })

  it('[JWT-07] is no other kind of token, known header or not', async () => {
    const verify = judge()
    await verify()
    for (const typ of ['at+jwt', 'JWT', undefined]) {
      await expect((async () => verify({ token_use: 'refresh' }, { typ }))()).rejects.toMatchObject({
        code: 'ERR_TOKEN_TYPE',
        detail: 'the payload names another kind of token',
        expected: 'an access token',
        received: ['token_use refresh'],
      })
    }
  })

  it('[JWT-07] has no claim of another kind where the type names none', async () => {
    const verify = judge()
    for (const typ of ['JWT', undefined]) {
      await verify({}, { typ })
      await expect((async () => verify({ at_hash: 'x' }, { typ }))()).rejects.toMatchObject({
        code: 'ERR_TOKEN_TYPE',
        detail: 'the payload has a claim of another kind of token',
        received: ['at_hash'],
      })
    }
    expect(await verify({ at_hash: 'x' })).toMatchObject({ subject: 's' })
  })

  it('[JWT-07] shows an access token where the type names none', async () => {
    const verify = judge({ showsAccessToken: ({ scope }) => scope === 'a' })
    expect(await verify({ scope: 'a' }, { typ: 'JWT' })).toMatchObject({ scopes: ['a'] })
    for (const payload of [{}, { scope: 'b' }]) {
      await expect((async () => verify(payload, { typ: 'JWT' }))()).rejects.toMatchObject({
        code: 'ERR_TOKEN_TYPE',
        detail: 'nothing in the payload shows an access token: name what does in `accessTokenEvidence` of the issuer',
      })
    }
    expect(await verify({})).toMatchObject({ subject: 's' })
  })

  it('[REAL-03] is judged at once for a header that is known, while its key serves and was not withdrawn', async () => {
    const state = { isServing: true }
    const keys = { ...createStaticKeys([key.publicJwk]), isServing: () => state.isServing }
    const verify = judge({ keys })
    expect(verify()).toBeInstanceOf(Promise)
    await verify()
    expect(verify()).toMatchObject({ subject: 's' })
    state.isServing = false
    expect(verify()).toBeInstanceOf(Promise)
    state.isServing = true
    expect(verify()).not.toBeInstanceOf(Promise)
    Object.assign(keys.held()[0] as object, { withdrawn: true })
    expect(verify()).toBeInstanceOf(Promise)
  })
})
