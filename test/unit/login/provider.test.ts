import { inspect } from 'node:util'
import { clientSecretBasic, LoginError, publicClient } from 'portcullis/client'
import { createProvider, type ProviderOptions } from 'portcullis/login'
import { describe, expect, it, vi } from 'vitest'
import { rejection } from '../../support/client-set-up.js'
import { answer, refusal, silent, tokens } from '../../support/fake-token-endpoint.js'
import { idTokenClaims, nowSeconds, redirectUri, signIdToken } from '../../support/login-set-up.js'
import { setUpProvider } from '../../support/provider-set-up.js'

const credential = clientSecretBasic({ clientId: 'app', clientSecret: 's' })
const endpoints = { authorization: 'https://as.example/go', token: 'https://as.example/token' }
const make = (options: object) => () => createProvider({ name: 'p', credential, ...options } as ProviderOptions)

describe('a provider', () => {
  it('[S1-01] [S1-05] [S1-08] [S1-09] [S1-25] [S1-30] [S2-16] says what it is, and asks nobody', () => {
    const { provider, server } = setUpProvider()
    expect(provider).toMatchObject({
      name: 'corporate',
      type: 'oidc',
      issuer: 'https://as.example',
      clientId: 'app',
      discoveryMode: 'auto',
      flow: 'authorization_code_pkce',
      scopes: ['openid', 'profile', 'email'],
      rotatesRefreshTokens: true,
    })
    expect(Object.isFrozen(provider)).toBe(true)
    expect(server.requests).toEqual([])
    expect(inspect(provider, { depth: 9, showHidden: true })).not.toContain('CANARY')
  })

  it('[S1-06] [S1-10] discovers what is not given, once, and anew when told', async () => {
    const { provider, server } = setUpProvider({ endpoints: { token: 'https://as.example/own-token' } })
    expect(provider.discoveryMode).toBe('hybrid')
    const metadata = await provider.metadata()
    expect(metadata).toMatchObject({
      token_endpoint: 'https://as.example/own-token',
      authorization_endpoint: 'https://as.example/authorize',
    })
    await provider.metadata()
    const asked = () => server.requests.filter(({ url }) => url.includes('.well-known')).map(({ url }) => url)
    expect(asked()).toEqual(['https://as.example/.well-known/openid-configuration'])
    server.metadata = { ...server.metadata, authorization_endpoint: 'https://as.example/new' }
    expect((await provider.metadata({ refresh: true }))?.authorization_endpoint).toBe('https://as.example/new')
    expect(asked()).toHaveLength(2)
    server.script('/.well-known/openid-configuration', answer({}, 503))
    expect(await rejection(provider.metadata({ refresh: true }))).toMatchObject({ code: 'ERR_DISCOVERY_UNAVAILABLE' })
    expect((await provider.metadata())?.authorization_endpoint).toBe('https://as.example/new')
  })

  it('[S1-07] [S1-10] [S1-18] asks nobody in manual mode, and has no metadata', async () => {
    const { provider, server } = setUpProvider({
      type: 'oauth2',
      issuer: undefined,
      endpoints: { ...endpoints, userinfo: 'https://as.example/me' },
    })
    expect(provider).toMatchObject({ discoveryMode: 'manual', issuer: undefined, type: 'oauth2', scopes: [] })
    expect(await provider.metadata()).toBeUndefined()
    const { transaction } = await provider.authorizationRequest({ redirectUri })
    expect(transaction.issuer).toBe('https://as.example/go')
    expect(server.requests).toEqual([])
  })

  it.each([
    ['[L13] an OpenID provider without issuer', { endpoints }, 'issuer'],
    ['an OpenID provider that asks for no identity', { issuer: 'https://as.example', scopes: ['profile'] }, 'openid'],
    ['[L13] no discovery and no keys', { issuer: 'https://as.example', discovery: false, endpoints }, 'endpoints.jwks'],
    ['no issuer and no endpoints', { type: 'oauth2' }, 'endpoints.authorization'],
    ['[S1-24] no issuer and no userinfo', { type: 'oauth2', endpoints }, 'endpoints.userinfo'],
    [
      '[S2-56] nobody to say who the user is',
      { type: 'oauth2', issuer: 'https://as.example', fetchUserInfo: false },
      'userinfo',
    ],
    ['a name for a path', { name: '../x', issuer: 'https://as.example' }, 'name'],
    ['no name', { name: undefined, issuer: 'https://as.example' }, 'name'],
    ['no credential', { credential: undefined, issuer: 'https://as.example' }, 'credential'],
    ['[D20] a login that lasts a day', { issuer: 'https://as.example', transactionSeconds: 86_400 }, '3600'],
    [
      '[S2-24] a switch for validation',
      { issuer: 'https://as.example', requireIdTokenValidation: false },
      'requireIdTokenValidation',
    ],
    ['[S1-30] [S2-04] a switch for PKCE', { issuer: 'https://as.example', usePkce: false }, 'usePkce'],
    ['[L05] an issuer with a query', { issuer: 'https://as.example/?x' }, 'query'],
  ])('is not made with %s', (_name, options, word) => {
    expect(make(options)).toThrow(word)
  })

  it('[L05] compares the issuer of the metadata character by character', async () => {
    const { provider, server } = setUpProvider()
    server.metadata = { ...server.metadata, issuer: 'https://as.example/' }
    expect(await rejection(provider.authorizationRequest({ redirectUri }))).toMatchObject({
      code: 'ERR_DISCOVERY_ISSUER',
    })
  })

  it('[S1-11] [AZ-02] [AZ-05] begins a login: a transaction of this provider, for 10 minutes', async () => {
    const { begin, events } = setUpProvider({ parameters: { tenant: '7' }, prompt: 'login' })
    const request = await begin({ returnTo: '/here', parameters: { hint: 'x' }, maxAgeSeconds: 60 })
    const sent = new URL(request.url).searchParams
    expect(Object.fromEntries(sent)).toMatchObject({ tenant: '7', hint: 'x', prompt: 'login', max_age: '60' })
    expect(request.transaction).toMatchObject({
      v: 1,
      provider: 'corporate',
      issuer: 'https://as.example',
      clientId: 'app',
      redirectUri,
      returnTo: '/here',
      scope: ['openid', 'profile', 'email'],
      maxAgeSeconds: 60,
      createdAt: nowSeconds,
      expiresAt: nowSeconds + 600,
    })
    expect(request.transaction.state).toBe(sent.get('state'))
    expect(JSON.stringify(request) + inspect(request, { showHidden: true, depth: 9 })).not.toContain(
      request.transaction.state,
    )
    expect((await begin({ prompt: 'none' })).url).toContain('prompt=none')
    expect(events.filter(({ type }) => type === 'login.started')).toEqual([
      { type: 'login.started', provider: 'corporate', issuer: 'https://as.example' },
      { type: 'login.started', provider: 'corporate', issuer: 'https://as.example' },
    ])
  })

  it('[PAR-03] pushes its requests as it is told', async () => {
    const { begin, server } = setUpProvider({ par: 'always' })
    server.script('/par', answer({ request_uri: 'urn:x', expires_in: 60 }, 201))
    expect(new URL((await begin()).url).searchParams.get('request_uri')).toBe('urn:x')
  })

  it('always asks an OpenID provider who the user is', async () => {
    const { begin, provider } = setUpProvider()
    for (const scopes of [['profile'], [], 'openid']) {
      expect(await rejection(begin({ scopes }))).toMatchObject({
        ...{ code: 'ERR_CLIENT_ARGUMENT', operation: 'authorizationRequest', issuer: 'https://as.example' },
        message: expect.stringContaining('must include `openid`'),
      })
    }
    const device = provider.deviceAuthorization({ scopes: ['profile'] })
    expect(await rejection(device)).toMatchObject({ code: 'ERR_CLIENT_ARGUMENT' })
    expect((await begin({ scopes: ['openid'] })).transaction.scope).toEqual(['openid'])
  })

  it('[S1-15] [S2-21] [OIDC-07] asks userinfo with a subject at OpenID providers, explicit endpoint first', async () => {
    const { provider, server } = setUpProvider({ endpoints: { userinfo: 'https://as.example/me' } })
    server.script('/me', answer({ sub: 'alice' }))
    expect(await provider.userInfo('t', 'alice')).toEqual({ sub: 'alice' })
    expect(await rejection(provider.userInfo('t'))).toMatchObject({
      ...{ code: 'ERR_CLIENT_ARGUMENT', operation: 'userInfo', issuer: 'https://as.example' },
      message: expect.stringContaining('takes the `sub` of the ID token'),
    })
    const plain = setUpProvider({ type: 'oauth2' })
    plain.server.script('/userinfo', answer({ id: 7 }))
    expect(await plain.provider.userInfo('t')).toEqual({ id: 7 })
    expect(await rejection(provider.userInfo('t', 'mallory'))).toBeInstanceOf(LoginError)
  })

  it('[S1-17] [S2-25] verifies ID tokens', async () => {
    const { provider } = setUpProvider()
    expect((await provider.verifyIdToken(signIdToken(idTokenClaims()), {})).sub).toBe('alice')
    const other = signIdToken(idTokenClaims({ aud: 'other' }))
    expect(await rejection(provider.verifyIdToken(other, {}))).toMatchObject({ code: 'ERR_ID_TOKEN_AUDIENCE' })
  })

  it('[S1-14] [S2-20] [F3] [OIDC-08] refreshes: what does not come anew stays, and the user cannot change', async () => {
    const { provider, server, begin, back, issue } = setUpProvider()
    const request = await begin()
    issue(request, {}, { refresh_token: 'r1', scope: 'openid email' })
    const { tokens: first } = await provider.redeem(back(request), request.transaction)
    server.script('/token', tokens({ access_token: 'a2' }))
    const next = await provider.refresh(first)
    expect(next).toMatchObject({ accessToken: 'a2', refreshToken: 'r1', scope: ['openid', 'email'] })
    expect(next.idToken).toBe(first.idToken)
    server.script('/token', tokens({ id_token: signIdToken(idTokenClaims({ sub: 'mallory' })) }))
    expect(await rejection(provider.refresh(next))).toMatchObject({ code: 'ERR_ID_TOKEN_SUBJECT_CHANGED' })
    server.script('/token', tokens())
    const without = await provider.refresh({ ...next, refreshToken: 'r1', accessToken: 'a' } as never)
    expect(without.idToken).toBeUndefined()
    expect(await rejection(provider.refresh({ accessToken: 'a' } as never))).toMatchObject({
      code: 'ERR_CLIENT_ARGUMENT',
    })
  })

  it('[LOGO-01] says where users sign out', async () => {
    const { provider } = setUpProvider()
    expect(await provider.endSessionUrl({ state: 's' })).toBe('https://as.example/logout?client_id=app&state=s')
  })

  it('[S1-21] sends its headers with every request', async () => {
    const { provider, server, begin, back, issue } = setUpProvider({
      headers: { 'x-tenant': '7' },
      fetchUserInfo: true,
    })
    const request = await begin()
    issue(request)
    server.script('/userinfo', answer({ sub: 'alice' }))
    await provider.redeem(back(request), request.transaction)
    expect(server.requests.length).toBe(4)
    for (const { headers } of server.requests) expect(headers).toMatchObject({ 'x-tenant': '7' })
  })

  it('[S1-22] [S2-17] refuses everything once it is closed', async () => {
    const { provider, begin } = setUpProvider()
    await provider[Symbol.asyncDispose]()
    expect(await rejection(begin())).toMatchObject({ code: 'ERR_CLIENT_CLOSED' })
    expect(await rejection(provider.metadata())).toMatchObject({ code: 'ERR_CLIENT_CLOSED' })
  })

  it('[S1-09] ends a login on another device with the user', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const { provider, server, events } = setUpProvider({ fetchUserInfo: true })
    const device = { device_code: 'd', user_code: 'U-1', verification_uri: 'https://as.example/d', expires_in: 60 }
    server.script('/device', answer({ ...device, interval: 1 }))
    server.script('/token', tokens({ id_token: signIdToken(idTokenClaims()) }))
    server.script('/userinfo', answer({ sub: 'alice', name: 'A' }))
    const login = await provider.deviceAuthorization()
    expect(login).toMatchObject({ userCode: 'U-1', deviceCode: 'd' })
    expect(JSON.stringify(login)).not.toContain('"d"')
    const ending = login.poll()
    await vi.advanceTimersByTimeAsync(1000)
    vi.useRealTimers()
    const result = await ending
    expect(result.account).toEqual({ issuer: 'https://as.example', subject: 'alice' })
    expect(result.userInfo).toEqual({ sub: 'alice', name: 'A' })
    expect(events.map(({ type }) => type)).toEqual(expect.arrayContaining(['login.started', 'login.completed']))
  })

  it('[S1-09] asks for the user of such a login only while whoever polls waits', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const { provider, server } = setUpProvider({ fetchUserInfo: true })
    const device = { device_code: 'd', user_code: 'U-1', verification_uri: 'https://as.example/d', expires_in: 60 }
    server.script('/device', answer({ ...device, interval: 1 }))
    server.script('/token', tokens({ id_token: signIdToken(idTokenClaims()) }))
    const waiting = new AbortController()
    server.script('/userinfo', (...given) => {
      waiting.abort()
      return silent()(...given)
    })
    const ending = rejection((await provider.deviceAuthorization()).poll({ signal: waiting.signal }))
    await vi.advanceTimersByTimeAsync(1000)
    vi.useRealTimers()
    expect(await ending).toMatchObject({ code: 'ERR_ABORTED' })
  })

  it('[S2-16] may be a public client', () => {
    expect(make({ issuer: 'https://as.example', credential: publicClient({ clientId: 'app' }) })().clientId).toBe('app')
  })

  it('says with what it failed as an event, and nothing else', async () => {
    const { provider, server, begin, back, events } = setUpProvider()
    const request = await begin()
    server.script('/token', refusal('invalid_grant', 'CANARY-code'))
    await rejection(provider.redeem(back(request), request.transaction))
    expect(events.at(-1)).toEqual({
      type: 'login.failed',
      provider: 'corporate',
      issuer: 'https://as.example',
      code: 'ERR_INVALID_GRANT',
    })
    expect(JSON.stringify(events)).not.toContain('CANARY')
  })
})
