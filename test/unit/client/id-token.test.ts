import { createHash } from 'node:crypto'
import { CompactEncrypt, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { createOAuthClient, IdTokenError, type IdTokenOptions } from 'portcullis/client'
import { describe, expect, it } from 'vitest'
import { rejection } from '../../support/client-set-up.js'
import { answer, html503 } from '../../support/fake-token-endpoint.js'
import { jwkSet, testKey } from '../../support/key-material.js'
import { idTokenClaims, nowSeconds, setUpLogin, signIdToken } from '../../support/login-set-up.js'

const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'] as const

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
    ['more than 64 KiB', signIdToken(idTokenClaims({ junk: 'j'.repeat(65_536) }))],
    ['[OIDC-09] an access token by its type', signIdToken(idTokenClaims(), { typ: 'at+jwt' })],
    ['a logout token by its type', signIdToken(idTokenClaims(), { typ: 'application/logout+jwt' })],
    ['a type that is no text', signIdToken(idTokenClaims(), { typ: 7 })],
    ['a critical extension', signIdToken(idTokenClaims(), { crit: ['x'], x: 1 })],
    ['an unencoded payload', signIdToken(idTokenClaims(), { b64: false })],
    ['a key name that is no text', signIdToken(idTokenClaims(), { kid: 7 })],
    ['no exp', signIdToken(idTokenClaims({ exp: undefined }))],
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
    expect(await rejection(client.verifyIdToken(idToken, {}))).toMatchObject({ code: 'ERR_ID_TOKEN_SIGNATURE' })
    for (const wrong of [[], ['none'], ['HS256'], 'RS256']) {
      expect(() => setUpLogin({ idToken: { algorithms: wrong as never } })).toThrow('asymmetric')
    }
  })

  it('[OIDC-04] must be of a login that is recent enough', async () => {
    const signedIn = (ago: number) => signIdToken(idTokenClaims({ auth_time: nowSeconds - ago }))
    expect((await verify(signedIn(160), { maxAgeSeconds: 100 })).sub).toBe('alice')
    for (const ago of [161, -61]) {
      expect(await rejection(verify(signedIn(ago), { maxAgeSeconds: 100 }))).toMatchObject({
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

  it('is not judged while the keys cannot be had', async () => {
    const { server, client } = setUpLogin()
    server.script('/jwks', html503())
    const error = await rejection(client.verifyIdToken(signIdToken(idTokenClaims()), {}))
    expect(error).toMatchObject({ code: 'ERR_DISCOVERY_UNAVAILABLE', retryable: true, operation: 'verifyIdToken' })
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
    const misnamed = verify(await encrypt('d2'), {}, ring)
    expect(await rejection(misnamed)).toMatchObject({ code: 'ERR_ID_TOKEN_MALFORMED' })
    for (const wrong of [[], [{}], [null], 'key']) {
      expect(() => setUpLogin({ idToken: { decryptionKeys: wrong as never } })).toThrow('CryptoKey')
    }
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
