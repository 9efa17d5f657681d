import { LoginError } from 'portcullis/client'
import { describe, expect, it } from 'vitest'
import { rejection } from '../../../support/client-set-up.js'
import { answer, plain, rateLimited } from '../../../support/fake-token-endpoint.js'
import { setUpLogin } from '../../../support/login-set-up.js'

describe('userinfo', () => {
  it('[S1-15] [S2-21] tells who the token stands for', async () => {
    const { server, client } = setUpLogin()
    server.script('/userinfo', answer({ sub: 'alice', email: 'a@example.com' }))
    const info = await client.userInfo('CANARY-token', { expectedSubject: 'alice' })
    expect(info).toEqual({ sub: 'alice', email: 'a@example.com' })
    expect(Object.isFrozen(info)).toBe(true)
    const [request] = server.at('/userinfo')
    expect(request).toMatchObject({ method: 'GET', headers: { authorization: 'Bearer CANARY-token' } })
  })

  it.each([{ sub: 'mallory' }, {}, { sub: null }])(
    '[OIDC-07] [F8] is refused where it names another user: %j',
    async (body) => {
      const { server, client } = setUpLogin()
      server.script('/userinfo', answer(body))
      const error = await rejection(client.userInfo('t', { expectedSubject: 'alice' }))
      expect(error).toBeInstanceOf(LoginError)
      expect(error).toMatchObject({ code: 'ERR_LOGIN_SUBJECT' })
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
    ['a signed answer', plain('e30.e30.x', 'application/jwt'), { code: 'ERR_RESPONSE_MALFORMED' }],
  ])('fails with %s', async (_name, behaviour, expected) => {
    const { server, client } = setUpLogin()
    server.script('/userinfo', behaviour)
    const error = await rejection(client.userInfo('CANARY-token'))
    expect(error).toMatchObject(expected)
    expect(JSON.stringify(error)).not.toContain('CANARY')
  })
})
