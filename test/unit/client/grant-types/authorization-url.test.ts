import { createHash } from 'node:crypto'
import { inspect } from 'node:util'
import { clientSecretBasic, createOAuthClient } from 'portcullis/client'
import { describe, expect, it } from 'vitest'
import { rejection } from '../../../support/client-set-up.js'
import { answer, fakeAuthorizationServer } from '../../../support/fake-token-endpoint.js'
import { redirectUri, setUpLogin } from '../../../support/login-set-up.js'

const pushed = answer({ request_uri: 'urn:ietf:params:oauth:request_uri:1', expires_in: 60 }, 201)

describe('an authorization request', () => {
  it('[AZ-01] [C-22] [PKCE-01] [PKCE-02] [PKCE-03] [S1-11] [S1-12] [S2-18] [S4-43] always asks for a code, with S256, state and nonce', async () => {
    const { begin } = setUpLogin()
    const request = await begin()
    const url = new URL(request.url)
    expect(url.origin + url.pathname).toBe('https://as.example/authorize')
    const challenge = createHash('sha256').update(request.codeVerifier).digest('base64url')
    expect(Object.fromEntries(url.searchParams)).toEqual({
      response_type: 'code',
      client_id: 'app',
      redirect_uri: redirectUri,
      scope: 'openid profile',
      state: request.state,
      nonce: request.nonce,
      code_challenge: challenge,
      code_challenge_method: 'S256',
    })
    for (const secret of [request.state, request.nonce, request.codeVerifier]) expect(secret).toMatch(/^[\w-]{43}$/)
  })

  it('sends a nonce only where an ID token is asked for: oidc-provider refuses it elsewhere', async () => {
    const { begin } = setUpLogin()
    const { searchParams } = new URL((await begin({ scope: 'read' })).url)
    expect([searchParams.has('nonce'), searchParams.get('code_challenge_method')]).toEqual([false, 'S256'])
  })

  it('[AZ-02] [F7] has fresh secrets each time, and shows none of them', async () => {
    const { begin } = setUpLogin()
    const [one, two] = [await begin(), await begin()]
    const secrets = [one, two].flatMap(({ state, nonce, codeVerifier }) => [state, nonce, codeVerifier])
    expect(new Set(secrets).size).toBe(6)
    const views = [inspect(one, { showHidden: true, depth: 9 }), JSON.stringify(one), JSON.stringify({ ...one })]
    for (const view of views) for (const secret of secrets) expect(view).not.toContain(secret)
    expect(Object.isFrozen(one)).toBe(true)
  })

  it('[S2-18] carries what was asked for', async () => {
    const { begin } = setUpLogin()
    const request = await begin({
      loginHint: 'alice@example.com',
      prompt: ['login', 'consent'],
      maxAgeSeconds: 0,
      acrValues: ['urn:a', 'urn:b'],
      uiLocales: ['fr', 'en'],
      idTokenHint: 'an.id.token',
      claims: { id_token: { email: null } },
      responseMode: 'form_post',
      resource: ['https://api.example/a', 'https://api.example/b'],
      audience: ['orders', 'billing'],
      parameters: { hd: 'example.com' },
    })
    const sent = new URL(request.url).searchParams
    expect(sent.getAll('resource')).toEqual(['https://api.example/a', 'https://api.example/b'])
    expect(sent.getAll('audience')).toEqual(['orders', 'billing'])
    expect(Object.fromEntries(sent)).toMatchObject({
      login_hint: 'alice@example.com',
      prompt: 'login consent',
      max_age: '0',
      acr_values: 'urn:a urn:b',
      ui_locales: 'fr en',
      id_token_hint: 'an.id.token',
      claims: '{"id_token":{"email":null}}',
      response_mode: 'form_post',
      hd: 'example.com',
    })
    expect(request).toMatchObject({ maxAgeSeconds: 0, acrValues: ['urn:a', 'urn:b'], scope: ['openid', 'profile'] })
  })

  it('may say by name what holds where nothing is said', async () => {
    const { server, begin } = setUpLogin()
    const request = await begin({ responseMode: 'query', par: 'auto' })
    expect(new URL(request.url).searchParams.get('response_mode')).toBe('query')
    expect(server.at('/par')).toEqual([])
  })

  it.each([
    'response_type',
    'response_mode',
    'redirect_uri',
    'state',
    'nonce',
    'code_challenge',
    'code_challenge_method',
    'prompt',
    'login_hint',
    'max_age',
    'acr_values',
    'ui_locales',
    'id_token_hint',
    'claims',
    'request',
    'request_uri',
    'dpop_jkt',
    'client_id',
    'scope',
  ])('[S2-18] refuses to let `parameters` set %s', async (name) => {
    const { begin } = setUpLogin()
    expect(await rejection(begin({ parameters: { [name]: 'x' } }))).toMatchObject({
      code: 'ERR_CLIENT_ARGUMENT',
      message: expect.stringContaining(`\`${name}\``),
    })
  })

  it.each([
    'http://app.example/callback',
    'https://app.example/callback#x',
    '/callback',
    'javascript:alert(1)',
    'data:text/html,x',
    'file:///etc/passwd',
    'blob:https://app.example/1',
    'about:blank',
    'vbscript:x',
    7,
    undefined,
  ])('[NAT-03] refuses to send users back to %s', async (uri) => {
    expect(await rejection(setUpLogin().begin({ redirectUri: uri }))).toMatchObject({ code: 'ERR_CLIENT_ARGUMENT' })
  })

  it.each(['http://127.0.0.1:8400/callback', 'http://[::1]:1/callback', 'com.example.app:/callback'])(
    '[NAT-03] sends native applications back to %s',
    async (uri) => {
      expect((await setUpLogin().begin({ redirectUri: uri })).redirectUri).toBe(uri)
    },
  )

  it('[AZ-06] keeps the query of the endpoint, and has each parameter once', async () => {
    const { server, begin } = setUpLogin()
    server.metadata = {
      ...server.metadata,
      authorization_endpoint: 'https://as.example/go?tenant=7&prompt=none&state=s',
    }
    const sent = new URL((await begin({ prompt: 'login' })).url).searchParams
    expect(sent.get('tenant')).toBe('7')
    expect(sent.getAll('prompt')).toEqual(['login'])
    expect(sent.getAll('state')).toHaveLength(1)
  })

  it.each(['https://as.example/go#x', 'http://as.example/go', 'javascript:alert(1)'])(
    '[AZ-06] sends no user to %s',
    async (endpoint) => {
      const { server, begin } = setUpLogin()
      server.metadata = { ...server.metadata, authorization_endpoint: endpoint }
      expect(await rejection(begin())).toMatchObject({
        ...{ code: 'ERR_DISCOVERY_INVALID', operation: 'authorizationRequest' },
        message: expect.stringContaining('`authorization_endpoint`'),
      })
    },
  )

  it('[PAR-02] [PAR-03] is pushed where the server demands it, and otherwise where it is asked for', async () => {
    const { server, begin } = setUpLogin()
    server.script('/par', pushed)
    const direct = await begin()
    expect(new URL(direct.url).searchParams.has('state')).toBe(true)
    const chosen = await begin({ par: 'always', prompt: 'login' })
    expect(Object.fromEntries(new URL(chosen.url).searchParams)).toEqual({
      client_id: 'app',
      request_uri: 'urn:ietf:params:oauth:request_uri:1',
    })
    const [request] = server.at('/par')
    expect(Object.fromEntries(request?.form ?? [])).toMatchObject({
      client_id: 'app',
      state: chosen.state,
      nonce: chosen.nonce,
      prompt: 'login',
      response_type: 'code',
      code_challenge_method: 'S256',
    })

    const strict = setUpLogin()
    strict.server.metadata = { ...strict.server.metadata, require_pushed_authorization_requests: true }
    strict.server.script('/par', pushed)
    await strict.begin()
    expect(strict.server.at('/par')).toHaveLength(1)
    await strict.begin({ par: 'never' })
    expect(strict.server.at('/par')).toHaveLength(1)
  })

  it('[PAR-03] is pushed where the registration of the client demands it', async () => {
    const server = fakeAuthorizationServer()
    const raw = { client_id: 'registered', token_endpoint_auth_method: 'none' }
    const metadata = { require_pushed_authorization_requests: true }
    const store = { load: () => ({ issuer: server.issuer, raw }), save: () => {} }
    server.script('/par', pushed)
    const client = createOAuthClient({
      issuer: server.issuer,
      registration: { auto: true, metadata, store },
      fetch: server.fetch,
    })
    const { url } = await client.authorizationRequest({ redirectUri })
    expect(Object.fromEntries(new URL(url).searchParams)).toEqual({
      client_id: 'registered',
      request_uri: 'urn:ietf:params:oauth:request_uri:1',
    })
  })

  it('[DPOP-09] names the key that the tokens will be bound to', async () => {
    const { client, begin } = setUpLogin({ dpop: true })
    const { url } = await begin()
    expect(new URL(url).searchParams.get('dpop_jkt')).toBe(await client.dpop?.thumbprint())
  })

  it('refuses a client without credential', async () => {
    const server = fakeAuthorizationServer()
    const client = createOAuthClient({ issuer: server.issuer, fetch: server.fetch })
    expect(await rejection(client.authorizationRequest({ redirectUri }))).toMatchObject({
      code: 'ERR_CREDENTIAL_ISSUER',
    })
  })

  it('[S1-07] needs no network where the endpoint is given', async () => {
    const client = createOAuthClient({
      issuer: 'https://as.example',
      credential: clientSecretBasic({ clientId: 'app', clientSecret: 's' }),
      discovery: false,
      endpoints: { authorization: '/go' },
      fetch: () => Promise.reject(new Error('no network')),
    })
    expect((await client.authorizationRequest({ redirectUri })).url).toMatch(/^https:\/\/as\.example\/go\?/)
  })
})
