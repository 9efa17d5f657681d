import { createHash, generateKeyPairSync } from 'node:crypto'
import { CompactEncrypt, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { createOAuthClient, IdTokenError, type IdTokenOptions } from 'portcullis/client'
import { describe, expect, it } from 'vitest'
import { keysUnavailable } from '../../../src/client/id-token.js'
import { rejection } from '../../support/client-set-up.js'
import { answer, html503 } from '../../support/fake-token-endpoint.js'
import { jwkSet, testKey } from '../../support/key-material.js'
import { idTokenClaims, nowSeconds, setUpLogin, signIdToken } from '../../support/login-set-up.js'

const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'] as const

/** JSON knows no infinity, but a number that is read as one. */
function signUnending(): string {
  const part = (text: string) => Buffer.from(text).toString('base64url')
  const claims = JSON.stringify(idTokenClaims()).replace(/"exp":\d+/, '"exp":1e999')
  const input = `${part('{"alg":"ES256","kid":"k1"}')}.${part(claims)}`
  return `${input}.${testKey('k1').sign(input)}`
}

const verify = (idToken: string, expected = {}, idToken_: IdTokenOptions = {}) =>
  setUpLogin({ idToken: idToken_ }).client.verifyIdToken(idToken, expected)

describe('an ID token', () => {
  it('[OIDC-01] [S1-17] [S2-25] is verified by the key of the server', async () => {
    const claims = await verify(signIdToken(idTokenClaims({ roles: ['a'] })))
    expect(claims).toEqual(idTokenClaims({ roles: ['a'] }))
    expect(Object.isFrozen(claims)).toBe(true)
  })

  it.each(algorithms)(
    '[A11] [OIDC-05] may be signed with %s, and its hashes are those of the algorithm',
    async (alg) => {
      const { client, server } = setUpLogin()
      const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
      server.metadata = { ...server.metadata, id_token_signing_alg_values_supported: [alg] }
      server.script('/jwks', answer({ keys: [{ ...(await exportJWK(publicKey)), kid: 'k', use: 'sig' }] }))
      const hash = createHash(alg === 'EdDSA' ? 'sha512' : `sha${alg.slice(2)}`)
        .update('the-access-token')
        .digest()
      const at_hash = hash.subarray(0, hash.length / 2).toString('base64url')
      const sign = (claims: object) =>
        new SignJWT(idTokenClaims({ at_hash, ...claims }))
          .setProtectedHeader({ alg, kid: 'k', typ: 'JWT' })
          .sign(privateKey)
      const good = await sign({})
      expect((await client.verifyIdToken(good, { accessToken: 'the-access-token' })).sub).toBe('alice')
      expect(await rejection(client.verifyIdToken(good, { accessToken: 'another' }))).toMatchObject({
        code: 'ERR_ID_TOKEN_HASH',
        detail: 'at_hash',
      })
      const [header, , signature] = good.split('.')
      const payload = Buffer.from(JSON.stringify(idTokenClaims({ sub: 'mallory' }))).toString('base64url')
      expect(await rejection(client.verifyIdToken(`${header}.${payload}.${signature}`, {}))).toMatchObject({
        code: 'ERR_ID_TOKEN_SIGNATURE',
      })
    },
  )

  it.each([
    ['[OIDC-01] `none`', signIdToken(idTokenClaims(), { alg: 'none' })],
    ['[OIDC-01] [D17] `HS256`, though the server lists it', signIdToken(idTokenClaims(), { alg: 'HS256' })],
    ['an algorithm the server does not list', signIdToken(idTokenClaims(), { alg: 'ES384' })],
    ['an algorithm that is no text', signIdToken(idTokenClaims(), { alg: 256 })],
    ['no algorithm', signIdToken(idTokenClaims(), { alg: undefined })],
    [
      '[A11] [F2] [OIDC-06] the right name and another key',
      signIdToken(idTokenClaims(), { kid: 'k1' }, testKey('thief')),
    ],
    ['[A11] a name the server does not know', signIdToken(idTokenClaims(), { kid: 'nobody' }, testKey('thief'))],
    [
      '[A11] [OIDC-06] a changed header',
      signIdToken(idTokenClaims()).replace(
        /^[^.]+/,
        Buffer.from('{"alg":"ES256","kid":"k1","x":1}').toString('base64url'),
      ),
    ],
  ])('is refused with %s', async (_name, idToken) => {
    expect(await rejection(verify(idToken))).toMatchObject({ code: 'ERR_ID_TOKEN_SIGNATURE', category: 'login' })
  })

  it.each([
    ['no JWT', 'abc'],
    ['two parts', 'e30.e30'],
    ['a payload that is no object', signIdToken([])],
    ['[OIDC-09] an access token by its type', signIdToken(idTokenClaims(), { typ: 'at+jwt' })],
    ['a logout token by its type', signIdToken(idTokenClaims(), { typ: 'application/logout+jwt' })],
    ['a proof by its type', signIdToken(idTokenClaims(), { typ: 'dpop+jwt' })],
    ['an answer of introspection by its type', signIdToken(idTokenClaims(), { typ: 'token-introspection+jwt' })],
    ['a type that is no text', signIdToken(idTokenClaims(), { typ: 7 })],
    ['a critical extension', signIdToken(idTokenClaims(), { crit: ['x'], x: 1 })],
    ['an unencoded payload', signIdToken(idTokenClaims(), { b64: false })],
    ['a key name that is no text', signIdToken(idTokenClaims(), { kid: 7 })],
    ['a header that is no object', `W10${signIdToken(idTokenClaims()).replace(/^[^.]+/, '')}`],
    ['no exp', signIdToken(idTokenClaims({ exp: undefined }))],
    ['an exp without end', signUnending()],
    ['[OIDC-01] no iat', signIdToken(idTokenClaims({ iat: undefined }))],
    ['an exp that is text', signIdToken(idTokenClaims({ exp: '1900000000' }))],
    ['an encryption nothing here can undo', 'e30.e30.e30.e30.e30'],
  ])('is malformed with %s', async (_name, idToken) => {
    const error = await rejection(verify(idToken))
    expect(error).toBeInstanceOf(IdTokenError)
    expect(error).toMatchObject({ code: 'ERR_ID_TOKEN_MALFORMED', detail: expect.any(String) })
  })

  it.each([
    ['[OIDC-01] another issuer', { iss: 'https://as.example/' }, 'ERR_ID_TOKEN_ISSUER'],
    ['no issuer', { iss: undefined }, 'ERR_ID_TOKEN_ISSUER'],
    ['[OIDC-01] another audience', { aud: 'other' }, 'ERR_ID_TOKEN_AUDIENCE'],
    ['no audience', { aud: undefined }, 'ERR_ID_TOKEN_AUDIENCE'],
    ['an audience that is no text', { aud: ['app', 7] }, 'ERR_ID_TOKEN_AUDIENCE'],
    ['[OIDC-02] several audiences and no azp', { aud: ['app', 'other'] }, 'ERR_ID_TOKEN_AUDIENCE'],
    ['[OIDC-02] [F17] an azp of another client', { aud: ['app', 'other'], azp: 'other' }, 'ERR_ID_TOKEN_AUDIENCE'],
    ['[OIDC-02] an azp of another client, alone', { azp: 'other' }, 'ERR_ID_TOKEN_AUDIENCE'],
    ['[OIDC-01] an expiry that is past', { exp: nowSeconds - 60 }, 'ERR_ID_TOKEN_EXPIRED'],
    ['an issuance in the future', { iat: nowSeconds + 61 }, 'ERR_ID_TOKEN_EXPIRED'],
    ['a beginning in the future', { nbf: nowSeconds + 61 }, 'ERR_ID_TOKEN_EXPIRED'],
    ['[OIDC-01] [S2-56] no subject', { sub: undefined }, 'ERR_LOGIN_SUBJECT'],
    ['an empty subject', { sub: '' }, 'ERR_LOGIN_SUBJECT'],
    ['a subject without end', { sub: 's'.repeat(256) }, 'ERR_LOGIN_SUBJECT'],
    ['[D05] a subject that is a number', { sub: 7 }, 'ERR_LOGIN_SUBJECT'],
  ])('is refused with %s', async (_name, claims, code) => {
    expect(await rejection(verify(signIdToken(idTokenClaims(claims))))).toMatchObject({ code })
  })

  it('may have a subject of 255 characters', async () => {
    expect((await verify(signIdToken(idTokenClaims({ sub: 's'.repeat(255) })))).sub).toHaveLength(255)
  })

  it.each([
    [65_536, 'no signed JWT with a JSON object'],
    [65_537, 'longer than 65536 characters'],
  ])('is read where it has 65,536 characters at most, and not with %i', async (length, detail) => {
    expect(await rejection(verify('x'.repeat(length)))).toMatchObject({ code: 'ERR_ID_TOKEN_MALFORMED', detail })
  })

  it('is checked with 16 keys at most, where it names none', async () => {
    const strangers = Array.from({ length: 16 }, () => {
      const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      return publicKey.export({ format: 'jwk' })
    })
    const verifyBehind = (count: number) => {
      const { client, server } = setUpLogin()
      server.script('/jwks', answer({ keys: [...strangers.slice(0, count), testKey('k1').jwk] }))
      return client.verifyIdToken(signIdToken(idTokenClaims(), { kid: undefined }), {})
    }
    expect((await verifyBehind(15)).sub).toBe('alice')
    expect(await rejection(verifyBehind(16))).toMatchObject({ code: 'ERR_ID_TOKEN_SIGNATURE' })
  })

  it.each([
    ['another audience', { aud: 'other' }, '`aud` does not name this client'],
    ['another `azp`', { azp: 'other' }, '`azp` names another client'],
    ['several audiences', { aud: ['app', 'other'] }, 'several audiences, and no `azp`'],
    ['an end that is past', { exp: 1 }, '`exp` is past'],
    ['a late issuance', { iat: nowSeconds + 61 }, '`iat` is in the future'],
    ['a late beginning', { nbf: nowSeconds + 61 }, '`nbf` is in the future'],
    ['a beginning that is text', { nbf: 'soon' }, '`nbf` is missing or no number'],
  ])('says what is wrong with %s', async (_name, claims, detail) => {
    expect(await rejection(verify(signIdToken(idTokenClaims(claims))))).toMatchObject({ detail })
  })

  it.each([
    ['a critical extension', { crit: ['x'] }, '`crit` or `b64` in the header'],
    ['a name that is no text', { kid: 7 }, '`kid` is no text'],
    ['a foreign type', { typ: 'at+jwt' }, '`typ` names another kind of token'],
  ])('says what is wrong with a header of %s', async (_name, header, detail) => {
    expect(await rejection(verify(signIdToken(idTokenClaims(), header)))).toMatchObject({ detail })
  })

  it('[OIDC-05] is not held to a hash of what is not there', async () => {
    const idToken = signIdToken(idTokenClaims({ at_hash: 'of a token', c_hash: 'of a code' }))
    expect((await verify(idToken)).sub).toBe('alice')
  })

  it('is good at the edges of the tolerance, which has a bound', async () => {
    const edge = { exp: nowSeconds - 59, iat: nowSeconds + 60, nbf: nowSeconds + 60 }
    expect((await verify(signIdToken(idTokenClaims(edge)))).sub).toBe('alice')
    const strict = verify(signIdToken(idTokenClaims({ exp: nowSeconds - 1 })), {}, { clockToleranceSeconds: 0 })
    expect(await rejection(strict)).toMatchObject({ code: 'ERR_ID_TOKEN_EXPIRED' })
    expect(() => setUpLogin({ idToken: { clockToleranceSeconds: 301 } })).toThrow('300')
  })

  it('[OIDC-02] may name further audiences where azp is this client, or as many as are trusted', async () => {
    const idToken = signIdToken(idTokenClaims({ aud: ['app', 'api'], azp: 'app' }))
    expect((await verify(idToken))['azp']).toBe('app')
    expect((await verify(idToken, {}, { trustedAudiences: ['api'] }))['azp']).toBe('app')
    expect(await rejection(verify(idToken, {}, { trustedAudiences: [] }))).toMatchObject({
      code: 'ERR_ID_TOKEN_AUDIENCE',
      detail: 'an audience that is not trusted',
    })
  })

  it('[OIDC-01] is held to the registered algorithms, and to RS256 where nothing is said', async () => {
    const idToken = signIdToken(idTokenClaims())
    expect(await rejection(verify(idToken, {}, { algorithms: ['RS256'] }))).toMatchObject({
      code: 'ERR_ID_TOKEN_SIGNATURE',
    })
    const { server, client } = setUpLogin()
    server.metadata = { ...server.metadata, id_token_signing_alg_values_supported: undefined }
    const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const rsa = { ...pair.publicKey.export({ format: 'jwk' }), kid: 'r1' }
    server.script('/jwks', answer({ keys: [...jwkSet('k1').keys, rsa] }))
    const signedByRsa = await new SignJWT(idTokenClaims())
      .setProtectedHeader({ alg: 'RS256', kid: 'r1' })
      .sign(pair.privateKey)
    expect((await client.verifyIdToken(signedByRsa, {})).sub).toBe('alice')
    expect(await rejection(client.verifyIdToken(idToken, {}))).toMatchObject({ code: 'ERR_ID_TOKEN_SIGNATURE' })
    for (const wrong of [[], ['none'], ['HS256'], 'RS256']) {
      expect(() => setUpLogin({ idToken: { algorithms: wrong as never } })).toThrow('asymmetric')
    }
  })

  it('[OIDC-04] must be of a login that is recent enough', async () => {
    const signedIn = (ago: number) => signIdToken(idTokenClaims({ auth_time: nowSeconds - ago }))
    for (const ago of [160, -60]) expect((await verify(signedIn(ago), { maxAgeSeconds: 100 })).sub).toBe('alice')
    const asText = signIdToken(idTokenClaims({ auth_time: String(nowSeconds) }))
    for (const idToken of [signedIn(161), signedIn(-61), asText]) {
      expect(await rejection(verify(idToken, { maxAgeSeconds: 100 }))).toMatchObject({
        code: 'ERR_ID_TOKEN_AUTH_TIME',
      })
    }
  })

  it('finds a new key under an old name, and asks no further once that is known', async () => {
    const { server, client } = setUpLogin()
    expect((await client.verifyIdToken(signIdToken(idTokenClaims()), {})).sub).toBe('alice')
    server.script('/jwks', answer({ keys: [{ ...testKey('new').jwk, kid: 'k1' }] }))
    const idToken = signIdToken(idTokenClaims(), { kid: 'k1' }, testKey('new'))
    expect((await client.verifyIdToken(idToken, {})).sub).toBe('alice')
    expect(server.at('/jwks')).toHaveLength(2)
  })

  it('is verified where a key that cannot be used comes first', async () => {
    const { server, client } = setUpLogin()
    const unusable = { kty: 'EC', crv: 'P-256', x: 'A'.repeat(43), y: 'A'.repeat(43) }
    server.script('/jwks', answer({ keys: [unusable, { ...testKey('k1').jwk, kid: undefined }] }))
    const idToken = signIdToken(idTokenClaims(), { kid: undefined })
    expect((await client.verifyIdToken(idToken, {})).sub).toBe('alice')
  })

  it('is not judged while the keys cannot be had', async () => {
    const { server, client } = setUpLogin()
    server.script('/jwks', html503())
    const error = await rejection(client.verifyIdToken(signIdToken(idTokenClaims()), {}))
    expect(error).toMatchObject({
      ...{ code: 'ERR_DISCOVERY_UNAVAILABLE', retryable: true, operation: 'verifyIdToken' },
      ...{ message: 'The keys of the authorization server cannot be fetched', cause: expect.any(Error) },
    })
  })

  it.each([[new Error('the key store is gone')], ['gone'], [undefined]])('is not judged after %s either', (thrown) => {
    expect(keysUnavailable(thrown)).toMatchObject({ code: 'ERR_DISCOVERY_UNAVAILABLE' })
  })

  it('[S1-06] takes its keys from where the options say, with the headers of the client', async () => {
    const { server, client } = setUpLogin({ endpoints: { jwks: '/other-keys' }, headers: { 'x-tenant': '7' } })
    server.script('/other-keys', answer(jwkSet('k1')))
    expect((await client.verifyIdToken(signIdToken(idTokenClaims()), {})).sub).toBe('alice')
    expect(server.at('/other-keys')[0]?.headers).toMatchObject({ 'x-tenant': '7' })
    expect(server.at('/jwks')).toEqual([])
  })

  it('cannot be verified where nobody says where the keys are', async () => {
    const { server, client } = setUpLogin()
    server.metadata = { ...server.metadata, jwks_uri: undefined }
    expect(await rejection(client.verifyIdToken(signIdToken(idTokenClaims()), {}))).toMatchObject({
      code: 'ERR_DISCOVERY_UNAVAILABLE',
    })
    const fixed = createOAuthClient({ issuer: 'https://as.example', discovery: false })
    expect(await rejection(fixed.verifyIdToken('a.b.c', {}))).toMatchObject({ code: 'ERR_CREDENTIAL_ISSUER' })
  })

  it('[OIDC-01] may be encrypted to a key of the client, named or not', async () => {
    const { publicKey, privateKey } = await generateKeyPair('RSA-OAEP-256')
    const other = await generateKeyPair('RSA-OAEP-256')
    const encrypt = (kid?: string) =>
      new CompactEncrypt(new TextEncoder().encode(signIdToken(idTokenClaims())))
        .setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM', cty: 'JWT', ...(kid && { kid }) })
        .encrypt(publicKey)
    const ring = { decryptionKeys: [{ key: other.privateKey }, { key: privateKey, kid: 'd1' }] }
    expect((await verify(await encrypt(), {}, ring)).sub).toBe('alice')
    expect((await verify(await encrypt('d1'), {}, ring)).sub).toBe('alice')
    const noKey = { code: 'ERR_ID_TOKEN_MALFORMED', detail: 'none of `decryptionKeys` decrypts it' }
    for (const kid of ['d2', 'd1']) {
      const misnamed = { decryptionKeys: [{ key: privateKey, kid: kid === 'd2' ? 'd1' : 'd3' }] }
      expect(await rejection(verify(await encrypt(kid), {}, misnamed))).toMatchObject(noKey)
    }
    for (const unreadable of ['e30.e30.e30.e30.e30', 'x.e30.e30.e30.e30']) {
      expect(await rejection(verify(unreadable, {}, ring))).toMatchObject(noKey)
    }
    const shared = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, true, ['encrypt', 'decrypt'])
    const direct = await new CompactEncrypt(new TextEncoder().encode(signIdToken(idTokenClaims())))
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
      .encrypt(shared)
    expect(await rejection(verify(direct, {}, { decryptionKeys: [{ key: shared }] }))).toMatchObject(noKey)
    const unnamed = { decryptionKeys: [{ key: privateKey }] }
    expect((await verify(await encrypt('d1'), {}, unnamed)).sub).toBe('alice')
    expect((await verify(await encrypt(), {}, { decryptionKeys: [{ key: privateKey, kid: 'd1' }] })).sub).toBe('alice')
    for (const wrong of [[], [{}], [null], 'key']) {
      expect(() => setUpLogin({ idToken: { decryptionKeys: wrong as never } })).toThrow('CryptoKey')
    }
  })

  it.each([
    ...['RSA-OAEP', 'RSA-OAEP-256', 'RSA-OAEP-384', 'RSA-OAEP-512', 'ECDH-ES', 'ECDH-ES+A128KW'].map(
      (alg) => [alg, 'A256GCM'] as const,
    ),
    ...['ECDH-ES+A192KW', 'ECDH-ES+A256KW'].map((alg) => [alg, 'A256GCM'] as const),
    ...['A128GCM', 'A192GCM', 'A128CBC-HS256', 'A192CBC-HS384', 'A256CBC-HS512'].map(
      (enc) => ['ECDH-ES', enc] as const,
    ),
  ])('[OIDC-01] may be encrypted with %s and %s', async (alg, enc) => {
    const { publicKey, privateKey } = await generateKeyPair(alg)
    const encrypted = await new CompactEncrypt(new TextEncoder().encode(signIdToken(idTokenClaims())))
      .setProtectedHeader({ alg, enc })
      .encrypt(publicKey)
    expect((await verify(encrypted, {}, { decryptionKeys: [{ key: privateKey }] })).sub).toBe('alice')
  })

  it('refuses calls that cannot be right', async () => {
    const { client } = setUpLogin()
    expect(await rejection(client.verifyIdToken('Bearer x', {}))).toMatchObject({ code: 'ERR_CLIENT_ARGUMENT' })
    expect(await rejection(client.verifyIdToken('x', { nonse: 'x' } as never))).toMatchObject({
      code: 'ERR_CLIENT_ARGUMENT',
      message: expect.stringContaining('`nonce`'),
    })
  })
})
