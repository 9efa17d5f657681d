import type { OAuthClientOptions } from 'portcullis/client'
import { describe, expect, it } from 'vitest'
import { rejection } from '../../support/client-set-up.js'
import { answer, html503, plain } from '../../support/fake-token-endpoint.js'
import { setUpLogin } from '../../support/login-set-up.js'

const oidcPath = '/.well-known/openid-configuration'
const openid = {
  issuer: 'https://as.example',
  jwks_uri: 'https://as.example/jwks',
  token_endpoint: 'https://as.example/another-token-endpoint',
  userinfo_endpoint: 'https://as.example/userinfo',
  end_session_endpoint: 'https://as.example/logout',
  id_token_signing_alg_values_supported: ['ES256'],
}

/** A server whose document of RFC 8414 says nothing of OpenID Connect. */
function setUp(options: Partial<OAuthClientOptions> = {}) {
  const login = setUpLogin(options)
  login.server.metadata = {}
  login.server.script(oidcPath, answer(openid))
  login.server.script('/userinfo', answer({ sub: 'alice' }))
  return { ...login, asked: () => login.server.at(oidcPath).length }
}

describe('metadata of a server with two documents', () => {
  it('[S1-15] has what only the OpenID document says, asked once, at the first need', async () => {
    const { client, server, begin, callback, issue, asked } = setUp()
    await client.clientCredentials()
    expect(asked()).toBe(0)
    const request = await begin()
    issue(request)
    const { claims } = await client.exchangeCode({ callback: callback(request), request })
    expect(claims?.sub).toBe('alice')
    expect(await client.userInfo('t')).toEqual({ sub: 'alice' })
    expect(await client.endSessionUrl()).toMatch(/^https:\/\/as\.example\/logout\?/)
    expect(asked()).toBe(1)
    expect(server.at('/another-token-endpoint')).toEqual([])
    expect(server.at('/token')).toHaveLength(2)
  })

  it.each([
    ['is not there', plain('not found', 'text/plain', 404)],
    ['names another issuer', answer({ ...openid, issuer: 'https://as.example/' })],
  ])('[ASM-05] [D22] has nothing from an OpenID document that %s, and asks for it once', async (_name, behaviour) => {
    const { client, server, asked } = setUp()
    server.script(oidcPath, behaviour)
    expect(await client.endSessionUrl()).toBeUndefined()
    expect(await client.endSessionUrl()).toBeUndefined()
    expect(await rejection(client.userInfo('t'))).toMatchObject({ code: 'ERR_ENDPOINT_MISSING' })
    expect(asked()).toBe(1)
  })

  it('[S0-06] [S1-10] shows what calls use, whichever document says it', async () => {
    const { client, asked } = setUp({ endpoints: { endSession: '/sign-out' } })
    expect(await client.describeEndpoints()).toMatchObject({
      token: { url: 'https://as.example/token', source: 'discovered' },
      userinfo: { url: openid.userinfo_endpoint, source: 'discovered' },
      endSession: { url: 'https://as.example/sign-out', source: 'explicit' },
      jwks: { url: openid.jwks_uri, source: 'discovered' },
    })
    expect(await client.ready()).toMatchObject({
      token_endpoint: 'https://as.example/token',
      userinfo_endpoint: openid.userinfo_endpoint,
      end_session_endpoint: 'https://as.example/sign-out',
      id_token_signing_alg_values_supported: ['ES256'],
    })
    await client.ready({ refresh: true })
    expect(asked()).toBe(1)
  })

  it.each([[[]], [['userinfo_endpoint']], [['end_session_endpoint']], [['jwks_uri']]])(
    'shows them without the OpenID document unless that of RFC 8414 leaves one out: %j',
    async (left) => {
      const { client, server, asked } = setUp()
      const said = ['userinfo_endpoint', 'end_session_endpoint', 'jwks_uri'] as const
      const given = said.filter((name) => !left.includes(name)).map((name) => [name, openid[name]])
      server.metadata = Object.fromEntries(given)
      expect(Object.keys(await client.describeEndpoints())).toEqual(
        expect.arrayContaining(['userinfo', 'endSession', 'jwks']),
      )
      expect(asked()).toBe(left.length)
    },
  )

  it('shows what is known while the OpenID document cannot be had, and the rest after it', async () => {
    const { client, server } = setUp()
    server.script(oidcPath, html503(), answer(openid))
    expect(await client.describeEndpoints()).not.toHaveProperty('userinfo')
    expect(await client.describeEndpoints()).toHaveProperty('userinfo')
  })

  it('spends no code while the OpenID document cannot be had', async () => {
    const { client, server, begin, callback, issue } = setUp()
    const request = await begin()
    issue(request)
    server.script(oidcPath, html503(), answer(openid))
    const params = { callback: callback(request), request }
    expect(await rejection(client.exchangeCode(params))).toMatchObject({
      ...{ code: 'ERR_DISCOVERY_UNAVAILABLE', retryable: true },
    })
    expect(server.at('/token')).toEqual([])
    expect((await client.exchangeCode(params)).claims?.sub).toBe('alice')
  })

  it.each([
    ['the document of RFC 8414 is an OpenID one', {}, { id_token_signing_alg_values_supported: ['RS256'] }],
    ['an option says where userinfo is', { endpoints: { userinfo: '/userinfo', endSession: '/logout' } }, {}],
    ['the convention is that of OAuth alone', { discovery: 'oauth2' }, {}],
  ] as const)('does not ask for it where %s', async (_name, options, metadata) => {
    const { client, server, asked } = setUp(options)
    server.metadata = metadata
    await client.userInfo('t').catch(() => undefined)
    await client.endSessionUrl()
    expect(asked()).toBe(0)
  })
})
