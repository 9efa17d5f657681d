import { CompactEncrypt, decodeJwt, generateKeyPair } from 'jose'
import { LoginError, type OAuthClientOptions } from 'portcullis/client'
import { describe, expect, it } from 'vitest'
import { rejection } from '../../../support/client-set-up.js'
import { answer, plain, rateLimited } from '../../../support/fake-token-endpoint.js'
import { testKey } from '../../../support/key-material.js'
import { nowSeconds, setUpLogin, signIdToken } from '../../../support/login-set-up.js'

describe('userinfo', () => {
  it('[S1-15] [S2-21] tells who the token stands for', async () => {
    const { server, client } = setUpLogin()
    server.script('/userinfo', answer({ sub: 'alice', email: 'a@example.com' }))
    const info = await client.userInfo('CANARY-token', { expectedSubject: 'alice' })
    expect(info).toEqual({ sub: 'alice', email: 'a@example.com' })
    expect(Object.isFrozen(info)).toBe(true)
    const [request] = server.at('/userinfo')
    expect(request).toMatchObject({ method: 'GET', headers: { authorization: 'Bearer CANARY-token' } })
    expect(request?.headers['accept']).toBe('application/json, application/jwt;q=0.9')
  })

  it.each([{ sub: 'mallory' }, {}, { sub: null }])(
    '[OIDC-07] [F8] is refused where it names another user: %j',
    async (body) => {
      const { server, client } = setUpLogin()
      server.script('/userinfo', answer(body))
      const error = await rejection(client.userInfo('t', { expectedSubject: 'alice' }))
      expect(error).toBeInstanceOf(LoginError)
      expect(error).toMatchObject({
        ...{ code: 'ERR_LOGIN_SUBJECT', detail: 'userinfo names another user', operation: 'userInfo' },
      })
    },
  )

  it('[S1-24] needs an endpoint, explicit before discovered', async () => {
    const { server, client } = setUpLogin({ endpoints: { userinfo: '/me' } })
    server.script('/me', answer({ id: 7 }))
    expect(await client.userInfo('t')).toEqual({ id: 7 })
    const none = setUpLogin()
    none.server.metadata = { ...none.server.metadata, userinfo_endpoint: undefined }
    expect(await rejection(none.client.userInfo('t'))).toMatchObject({ code: 'ERR_ENDPOINT_MISSING' })
  })

  it('proves its key where tokens are bound', async () => {
    const { server, client } = setUpLogin({ dpop: true })
    server.script('/userinfo', answer({ sub: 'alice' }))
    await client.userInfo('t')
    expect(server.at('/userinfo')[0]?.headers).toMatchObject({ authorization: 'DPoP t', dpop: expect.any(String) })
  })

  it('[DPOP-C4] keeps the nonces of userinfo apart from those of the token endpoint, also on one origin', async () => {
    const { server, client } = setUpLogin({ dpop: true })
    const withNonce = (nonce: string) => ({ 'dpop-nonce': nonce })
    const bound = { access_token: 't', token_type: 'DPoP' }
    const challenge = { 'www-authenticate': 'DPoP error="use_dpop_nonce"', ...withNonce('of-userinfo-1') }
    const noncesAt = (path: string) =>
      server.at(path).map(({ headers }) => decodeJwt(headers['dpop'] as string)['nonce'])
    server.script('/token', answer(bound, 200, withNonce('of-token')), answer(bound))
    server.script(
      '/userinfo',
      answer({}, 401, challenge),
      answer({ sub: 'alice' }, 200, withNonce('of-userinfo-2')),
      answer({ sub: 'alice' }),
    )
    await client.clientCredentials()
    await client.userInfo('t')
    await client.clientCredentials({}, { forceRefresh: true })
    await client.userInfo('t')
    expect(noncesAt('/token')).toEqual([undefined, 'of-token'])
    expect(noncesAt('/userinfo')).toEqual([undefined, 'of-userinfo-1', 'of-userinfo-2'])
  })

  it.each([
    ['401 without a body', answer(null, 401), { code: 'ERR_INVALID_TOKEN', status: 401 }],
    [
      '401 with a challenge',
      answer({}, 401, { 'www-authenticate': 'Bearer error="invalid_token"' }),
      { code: 'ERR_INVALID_TOKEN' },
    ],
    ['403', answer({ error: 'insufficient_scope' }, 403), { code: 'ERR_REFUSED', error: 'insufficient_scope' }],
    ['429', rateLimited('5'), { code: 'ERR_RATE_LIMITED', retryAfterMs: 5000 }],
    ['another success', answer({ sub: 'a' }, 201), { code: 'ERR_HTTP_STATUS' }],
    ['a list', plain('[]'), { code: 'ERR_RESPONSE_MALFORMED' }],
    ['JSON that is called text', plain('{"sub":"a"}', 'text/plain'), { code: 'ERR_RESPONSE_MALFORMED' }],
  ])('fails with %s', async (_name, behaviour, expected) => {
    const { server, client } = setUpLogin()
    server.script('/userinfo', behaviour)
    const error = await rejection(client.userInfo('CANARY-token'))
    expect(error).toMatchObject(expected)
    expect(JSON.stringify(error)).not.toContain('CANARY')
  })

  describe('as a JWT (OpenID Connect Core §5.3.2)', () => {
    const claims = { iss: 'https://as.example', aud: 'app', sub: 'alice', email: 'CANARY@example.com' }
    const jwt = (text: string) => plain(text, 'application/jwt; charset=utf-8')

    async function ask(text: string, options: Partial<OAuthClientOptions> = {}, metadata: object = {}) {
      const { server, client } = setUpLogin(options)
      const listed = { userinfo_signing_alg_values_supported: ['ES256'], ...metadata }
      server.metadata = { ...server.metadata, id_token_signing_alg_values_supported: ['RS256'], ...listed }
      server.script('/userinfo', jwt(text))
      return client.userInfo('t', { expectedSubject: 'alice' })
    }

    it.each([
      ['all it should have', claims],
      ['several audiences', { ...claims, aud: ['api', 'app'], exp: nowSeconds }],
      ['nothing but the user', { sub: 'alice' }],
    ])('[S2-21] is taken where the server signed it: %s', async (_name, given) => {
      expect(await ask(signIdToken(given))).toEqual(given)
    })

    it.each([
      ['the key of somebody else', signIdToken(claims, {}, testKey('other')), 'no key of the server made it'],
      ['the key of somebody else under our name', signIdToken(claims, { kid: 'k1' }, testKey('other')), 'no key of'],
      ['no signature', signIdToken(claims, { alg: 'none' }).replace(/[^.]+$/, ''), 'no signed JWT|`alg` is not'],
      ['an algorithm that is not listed', signIdToken(claims, { alg: 'ES384' }), '`alg` is not one'],
      ['a token of another kind', signIdToken(claims, { typ: 'at+jwt' }), '`typ` names another kind'],
      ['another issuer', signIdToken({ ...claims, iss: 'https://as.example/' }), '`iss` is not the issuer'],
      ['no text as its issuer', signIdToken({ ...claims, iss: null }), '`iss` is not the issuer'],
      ['another client', signIdToken({ ...claims, aud: ['other'] }), '`aud` does not name this client'],
      ['no audience in its `aud`', signIdToken({ ...claims, aud: [] }), '`aud` does not name this client'],
      ['its time over', signIdToken({ ...claims, exp: nowSeconds - 60 }), '`exp` is past'],
      ['text as its time', signIdToken({ ...claims, exp: String(nowSeconds + 60) }), '`exp` is past'],
      ['no JWT', '{"sub":"alice"}', 'no signed JWT'],
      ['encryption to nobody here', 'e30.a.a.a.a', 'encrypted, and there are no `decryptionKeys`'],
    ])('[OIDC-06] is refused with %s', async (_name, text, detail) => {
      const error = await rejection(ask(text))
      expect(error).toBeInstanceOf(LoginError)
      expect(error).toMatchObject({ code: 'ERR_USERINFO_INVALID', detail: expect.stringMatching(detail) })
      expect(JSON.stringify(error)).not.toContain('CANARY')
    })

    it('[OIDC-07] is refused where it is about another user', async () => {
      expect(await rejection(ask(signIdToken({ ...claims, sub: 'mallory' })))).toMatchObject({
        code: 'ERR_LOGIN_SUBJECT',
      })
    })

    it('is decrypted with the key of this client, and has to be signed inside', async () => {
      const { publicKey, privateKey } = await generateKeyPair('ECDH-ES')
      const encrypt = (text: string) =>
        new CompactEncrypt(new TextEncoder().encode(text))
          .setProtectedHeader({ alg: 'ECDH-ES', enc: 'A256GCM' })
          .encrypt(publicKey)
      const idToken = { decryptionKeys: [{ key: privateKey }] }
      expect(await ask(await encrypt(signIdToken(claims)), { idToken })).toEqual(claims)
      const unsigned = await rejection(ask(await encrypt(JSON.stringify(claims)), { idToken }))
      expect(unsigned).toMatchObject({ code: 'ERR_USERINFO_INVALID', detail: 'no signed JWT with a JSON object' })
    })

    it('is no fault of anybody while the keys cannot be had', async () => {
      const { server, client } = setUpLogin({ idToken: { algorithms: ['ES256'] } })
      server.script('/jwks', answer({}, 503))
      server.script('/userinfo', jwt(signIdToken(claims)))
      const error = await rejection(client.userInfo('t'))
      expect(error).toMatchObject({ code: 'ERR_DISCOVERY_UNAVAILABLE', retryable: true })
    })
  })
})
