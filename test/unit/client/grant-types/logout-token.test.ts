import { LoginError } from 'portcullis/client'
import { describe, expect, it } from 'vitest'
import { rejection } from '../../../support/client-set-up.js'
import { html503 } from '../../../support/fake-token-endpoint.js'
import { testKey } from '../../../support/key-material.js'
import { nowSeconds, setUpLogin, signIdToken } from '../../../support/login-set-up.js'

const events = { 'http://schemas.openid.net/event/backchannel-logout': {} }

function logoutToken(changes: object = {}, header: object = {}, key = testKey('k1')): string {
  const times = { iat: nowSeconds, exp: nowSeconds + 120 }
  const good = { iss: 'https://as.example', aud: 'app', ...times, jti: 'one', sub: 'alice', sid: 's1', events }
  return signIdToken({ ...good, ...changes }, { typ: 'logout+jwt', ...header }, key)
}

describe('a logout token', () => {
  it('[LOGO-02] is verified by the key of the server', async () => {
    const told = await setUpLogin().client.verifyLogoutToken(logoutToken())
    expect(told).toEqual({
      ...{ issuer: 'https://as.example', jti: 'one', sub: 'alice', sid: 's1' },
      ...{ issuedAt: nowSeconds, validUntilMs: (nowSeconds + 180) * 1000 },
    })
    expect(Object.isFrozen(told)).toBe(true)
  })

  it.each([
    ['text that is no token', 'nonsense', 'ERR_TOKEN_ISSUER'],
    ['another issuer', logoutToken({ iss: 'https://as.example/' }), 'ERR_TOKEN_ISSUER'],
    ['no issuer', logoutToken({ iss: undefined }), 'ERR_TOKEN_ISSUER'],
    ['an issuer that is no text', logoutToken({ iss: ['https://as.example'] }), 'ERR_TOKEN_ISSUER'],
    ['another audience', logoutToken({ aud: 'other' }), 'ERR_TOKEN_AUDIENCE'],
    ['no end', logoutToken({ exp: undefined }), 'ERR_TOKEN_CLAIM_MISSING'],
    ['an end that is past', logoutToken({ iat: nowSeconds - 90, exp: nowSeconds - 60 }), 'ERR_TOKEN_EXPIRED'],
    ['an algorithm the server does not list', logoutToken({}, { alg: 'ES384' }), 'ERR_TOKEN_ALGORITHM'],
    ['the key of somebody else', logoutToken({}, { kid: 'k1' }, testKey('thief')), 'ERR_TOKEN_SIGNATURE'],
  ])('[LOGO-02] is refused with %s, and the reason is told', async (_name, text, reason) => {
    const error = await rejection(setUpLogin().client.verifyLogoutToken(text, { correlationId: 'mine' }))
    expect(error).toBeInstanceOf(LoginError)
    const { code, detail, cause, ...context } = error as LoginError
    expect([code, detail?.split(' ')[0], (cause as { code?: unknown }).code]).toEqual([
      'ERR_LOGOUT_TOKEN',
      reason,
      reason,
    ])
    expect(detail).toBe([reason, (cause as { detail?: string }).detail].join(' ').trim())
    expect(context).toMatchObject({ operation: 'verifyLogoutToken', correlationId: 'mine' })
  })

  it('[REAL-35] may lack exp where the server may leave it out, and is then good for 2 minutes', async () => {
    const { client } = setUpLogin({ optionalLogoutClaims: ['exp'] })
    const aged = (seconds: number) => logoutToken({ iat: nowSeconds - seconds, exp: undefined })
    expect((await client.verifyLogoutToken(aged(120))).validUntilMs).toBe(nowSeconds * 1000 + 1)
    expect(await rejection(client.verifyLogoutToken(aged(121)))).toMatchObject({
      detail: expect.stringContaining('ERR_TOKEN_EXPIRED'),
    })
    expect(await rejection(client.verifyLogoutToken(logoutToken({ exp: nowSeconds - 60 })))).toMatchObject({
      detail: expect.stringContaining('ERR_TOKEN_EXPIRED'),
    })
    const none = setUpLogin({ optionalLogoutClaims: [] })
    expect(await rejection(none.client.verifyLogoutToken(aged(0)))).toMatchObject({
      detail: expect.stringContaining('ERR_TOKEN_CLAIM_MISSING'),
    })
  })

  it.each([[['exp', 'jti']], [['iat']], ['exp'], [[5]], [null]])(
    '[REAL-35] may lack nothing else: the options %j are refused',
    (optionalLogoutClaims) => {
      expect(() => setUpLogin({ optionalLogoutClaims } as never)).toThrow(
        '`optionalLogoutClaims` takes a list of exp only: a token without iss, aud, iat or jti is never accepted.',
      )
    },
  )

  it('has the tolerance and the algorithms of ID tokens', async () => {
    const late = logoutToken({ iat: nowSeconds - 90, exp: nowSeconds - 59 })
    expect((await setUpLogin().client.verifyLogoutToken(late)).sub).toBe('alice')
    const strict = setUpLogin({ idToken: { clockToleranceSeconds: 0 } })
    expect(await rejection(strict.client.verifyLogoutToken(late))).toMatchObject({
      detail: expect.stringContaining('ERR_TOKEN_EXPIRED'),
    })
    const other = setUpLogin({ idToken: { algorithms: ['RS256'] } })
    expect(await rejection(other.client.verifyLogoutToken(logoutToken()))).toMatchObject({
      detail: expect.stringContaining('ERR_TOKEN_ALGORITHM'),
    })
  })

  it('is not judged while the keys cannot be had', async () => {
    const { server, client } = setUpLogin()
    server.script('/jwks', html503())
    expect(await rejection(client.verifyLogoutToken(logoutToken()))).toMatchObject({
      code: 'ERR_DISCOVERY_UNAVAILABLE',
      retryable: true,
    })
  })

  it('is verified by what the OpenID document says, where the OAuth document says nothing of keys', async () => {
    const { server, client } = setUpLogin()
    const { jwks_uri, id_token_signing_alg_values_supported, ...oauth } = server.metadata
    const openid = { jwks_uri, id_token_signing_alg_values_supported }
    server.metadata = oauth
    server.script('/.well-known/openid-configuration', () =>
      Response.json({ ...oauth, ...openid, issuer: 'https://as.example' }),
    )
    expect((await client.verifyLogoutToken(logoutToken())).sub).toBe('alice')
  })
})
