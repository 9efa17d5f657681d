import { inspect } from 'node:util'
import { IdTokenError, LoginDeniedError, LoginError } from 'portcullis/client'
import { describe, expect, it } from 'vitest'
import { rejection } from '../../../support/client-set-up.js'
import { answer, html503, rateLimited, refusal, reset, tokens } from '../../../support/fake-token-endpoint.js'
import { redirectUri, setUpLogin } from '../../../support/login-set-up.js'

describe('the answer to an authorization request', () => {
  it('[C-21] [F1] [S1-13] [S2-19] [S4-44] [S4-45] [PKCE-02] gives tokens and claims for the code, with the redirect URI of the request', async () => {
    const { server, client, begin, callback, issue } = setUpLogin()
    const request = await begin()
    const idToken = issue(request, { email: 'a@example.com' })
    const url = callback(request)
    // What a server behind a proxy sees of itself.
    url.host = 'internal:8080'
    url.protocol = 'http:'
    const { tokens: issued, claims } = await client.exchangeCode({ callback: url, request })
    expect(claims).toMatchObject({ sub: 'alice', email: 'a@example.com' })
    expect(claims).not.toHaveProperty('nonce')
    expect(issued).toMatchObject({ accessToken: 'issued-access-token', idToken, scope: ['openid', 'profile'] })
    expect(Object.fromEntries(server.at('/token')[0]?.form ?? [])).toEqual({
      grant_type: 'authorization_code',
      code: 'CANARY-code',
      redirect_uri: redirectUri,
      code_verifier: request.codeVerifier,
    })
  })

  it.each([
    ['a URL', (url: URL) => url],
    ['the text of a URL', (url: URL) => url.href],
    ['path and query', (url: URL) => url.pathname + url.search],
    ['a query', (url: URL) => url.search],
    ['a query without question mark', (url: URL) => url.search.slice(1)],
    ['a query with a fragment', (url: URL) => `${url.search}#_=_`],
    ['a posted form', (url: URL) => url.searchParams],
  ])('may come as %s', async (_name, form) => {
    const { server, client, begin, callback, issue } = setUpLogin()
    const request = await begin()
    issue(request)
    const { claims } = await client.exchangeCode({ callback: form(callback(request)), request })
    expect(claims?.sub).toBe('alice')
    expect(server.at('/token')[0]?.form.get('code')).toBe('CANARY-code')
  })

  it.each([
    ['[AZ-03] [L02] state that is missing', { state: undefined }, 'ERR_LOGIN_STATE'],
    ['[AZ-02] [D15] [S4-44] state of another login', { state: 'A'.repeat(43) }, 'ERR_LOGIN_STATE'],
    ['[AZ-03] [L02] an error of anybody', { state: 'x', error: 'access_denied', code: undefined }, 'ERR_LOGIN_STATE'],
    ['[AZ-04] [AZ-05] [C-23] [SEC-06] [S4-44] another issuer', { iss: 'https://as.example/' }, 'ERR_LOGIN_ISSUER'],
    ['[AZ-04] another issuer with an error', { iss: 'https://evil.example', error: 'x' }, 'ERR_LOGIN_ISSUER'],
    ['no code', { code: undefined }, 'ERR_LOGIN_RESPONSE'],
    ['an empty code', { code: '' }, 'ERR_LOGIN_RESPONSE'],
    ['a code of 4,097 characters', { code: 'c'.repeat(4097) }, 'ERR_LOGIN_RESPONSE'],
  ])('is refused with %s, and no code is spent', async (_name, further, code) => {
    const { server, client, begin, callback } = setUpLogin()
    const request = await begin()
    const error = await rejection(client.exchangeCode({ callback: callback(request, further), request }))
    expect(error).toBeInstanceOf(LoginError)
    expect(error).toMatchObject({ code, category: 'login', retryable: false, operation: 'exchangeCode' })
    expect(server.at('/token')).toEqual([])
  })

  it('may have 16,384 characters, with a code of 4,096, and not one more', async () => {
    const { client, begin, callback, issue } = setUpLogin()
    const request = await begin()
    const idToken = issue(request)
    const answer = callback(request, { code: 'c'.repeat(4096) }).search.slice(1)
    const filled = (length: number) => `${answer}&junk=`.padEnd(length, 'j')
    expect((await client.exchangeCode({ callback: filled(16_384), request })).tokens.idToken).toBe(idToken)
    expect(await rejection(client.exchangeCode({ callback: filled(16_385), request }))).toMatchObject({
      ...{ code: 'ERR_LOGIN_RESPONSE', detail: 'longer than 16384 characters' },
    })
    const long = callback(request, { code: 'c'.repeat(4097) })
    expect(await rejection(client.exchangeCode({ callback: long, request }))).toMatchObject({
      ...{ code: 'ERR_LOGIN_RESPONSE', detail: '`code` has 1 to 4096 characters' },
    })
  })

  it.each(['code', 'state', 'iss', 'error', 'unknown'])('[AZ-03] is refused with `%s` twice', async (name) => {
    const { server, client, begin, callback } = setUpLogin()
    const request = await begin()
    const url = callback(request, { iss: 'https://as.example' })
    url.searchParams.append(name, 'a')
    if (url.searchParams.getAll(name).length < 2) url.searchParams.append(name, 'b')
    const error = await rejection(client.exchangeCode({ callback: url, request }))
    expect(error).toMatchObject({ code: 'ERR_LOGIN_RESPONSE', detail: 'a parameter came twice' })
    expect(server.at('/token')).toEqual([])
  })

  it('[AZ-04] [C-23] [F5] must name its issuer where the server promises that', async () => {
    const { server, client, begin, callback, issue } = setUpLogin()
    server.metadata = { ...server.metadata, authorization_response_iss_parameter_supported: true }
    const request = await begin()
    issue(request)
    const without = client.exchangeCode({ callback: callback(request), request })
    expect(await rejection(without)).toMatchObject({ code: 'ERR_LOGIN_ISSUER' })
    const named = callback(request, { iss: 'https://as.example' })
    expect((await client.exchangeCode({ callback: named, request })).claims?.sub).toBe('alice')
  })

  it('[AZ-03] [AZ-08] [S2-15] tells who said no, without what the login must hide', async () => {
    const { client, begin, callback } = setUpLogin()
    const request = await begin()
    const denied = await rejection(
      client.exchangeCode({
        callback: callback(request, {
          code: undefined,
          error: 'access_denied',
          error_description: `no, ${request.state} ${request.nonce} ${request.codeVerifier} an`,
        }),
        request,
      }),
    )
    expect(denied).toBeInstanceOf(LoginDeniedError)
    expect(denied).toMatchObject({ code: 'ERR_LOGIN_DENIED', error: 'access_denied' })
    const views = inspect(denied, { showHidden: true }) + JSON.stringify(denied)
    for (const secret of [request.state, request.nonce, request.codeVerifier]) expect(views).not.toContain(secret)

    const echoed = async (code: string | undefined, error_description: string) => {
      const answered = callback(request, { code, error: 'server_error', error_description })
      return ((await rejection(client.exchangeCode({ callback: answered, request }))) as LoginDeniedError)
        .errorDescription
    }
    expect(await echoed('abcd', 'lost abcd')).toBe('lost [redacted]')
    expect(await echoed('abc', 'lost abc and more')).toBe('lost abc and more')
    expect(await echoed(undefined, 'nothing to hide')).toBe('nothing to hide')
    const short = { ...request, state: 'st-ate', nonce: 'no-nce', codeVerifier: 'veri' }
    const { redirectUri: uri, scope, resource } = request
    const own = { ...short, redirectUri: uri, scope, resource, maxAgeSeconds: undefined, acrValues: undefined }
    const form = new URLSearchParams({ state: 'st-ate', error: 'x', error_description: 'no st-ate, no-nce, veri' })
    expect(await rejection(client.exchangeCode({ callback: form, request: own }))).toMatchObject({
      errorDescription: 'no [redacted], [redacted], [redacted]',
    })

    const refused = await rejection(
      client.exchangeCode({
        callback: callback(request, { error: 'unmet_authentication_requirements', acr_values: 'urn:a', max_age: '60' }),
        request,
      }),
    )
    expect(refused).toMatchObject({
      code: 'ERR_LOGIN_REFUSED',
      error: 'unmet_authentication_requirements',
      stepUp: { acrValues: ['urn:a'], maxAgeSeconds: 60 },
    })
  })

  it('[F4] is refused where openid was asked for and no ID token came', async () => {
    const { server, client, begin, callback } = setUpLogin()
    const request = await begin()
    server.script('/token', tokens())
    const missing = await rejection(client.exchangeCode({ callback: callback(request), request }))
    expect(missing).toBeInstanceOf(IdTokenError)
    expect(missing).toMatchObject({ code: 'ERR_ID_TOKEN_MISSING' })
    server.script('/token', tokens({ id_token: 7 }))
    expect(await rejection(client.exchangeCode({ callback: callback(request), request }))).toMatchObject({
      code: 'ERR_RESPONSE_MALFORMED',
    })
  })

  it('[S1-18] looks at no ID token where openid was not asked for', async () => {
    const { server, client, begin, callback } = setUpLogin()
    const request = await begin({ scope: 'read' })
    server.script('/token', tokens({ id_token: 'not.a.token' }))
    const { tokens: issued, claims } = await client.exchangeCode({ callback: callback(request), request })
    expect(claims).toBeUndefined()
    expect(issued.idToken).toBeUndefined()
    expect(server.at('/jwks')).toEqual([])
  })

  it('[AZ-09] sends a code again where the server said 429 to it, which spends none', async () => {
    const { server, client, begin, callback } = setUpLogin({
      retry: { maxRetries: 1, initialDelayMs: 1, maxDelayMs: 1 },
    })
    const request = await begin({ scope: 'read' })
    server.script('/token', rateLimited(), tokens())
    await client.exchangeCode({ callback: callback(request), request })
    expect(server.at('/token')).toHaveLength(2)
  })

  it.each([
    ['a broken connection', reset(), 'ERR_NETWORK'],
    ['503', html503(), 'ERR_UNAVAILABLE'],
    ['a refusal', refusal('invalid_grant'), 'ERR_INVALID_GRANT'],
  ])('[AZ-09] sends a code once, also after %s', async (_name, behaviour, code) => {
    const { server, client, begin, callback } = setUpLogin({ retry: { maxRetries: 3, initialDelayMs: 1 } })
    const request = await begin()
    server.script('/token', behaviour)
    const error = await rejection(client.exchangeCode({ callback: callback(request), request }))
    expect(error).toMatchObject({ code })
    expect(inspect(error, { showHidden: true, depth: 9 })).not.toContain('CANARY')
    expect(server.at('/token')).toHaveLength(1)
  })

  it('spends no code while the keys for the ID token cannot be had', async () => {
    const { server, client, begin, callback } = setUpLogin()
    const request = await begin()
    server.script('/jwks', html503())
    expect(await rejection(client.exchangeCode({ callback: callback(request), request }))).toMatchObject({
      code: 'ERR_DISCOVERY_UNAVAILABLE',
      retryable: true,
    })
    expect(server.at('/token')).toEqual([])
  })

  it('[F2] fetches the keys once for many logins', async () => {
    const { server, client, begin, callback, issue } = setUpLogin()
    for (let login = 0; login < 3; login += 1) {
      const request = await begin()
      issue(request)
      await client.exchangeCode({ callback: callback(request), request })
    }
    expect(server.at('/jwks')).toHaveLength(1)
  })

  it('[RI-02] names the one resource again, several only when told', async () => {
    const { server, client, begin, callback } = setUpLogin()
    const one = await begin({ scope: 'read', resource: 'https://api.example/a' })
    await client.exchangeCode({ callback: callback(one), request: one, parameters: { tenant: '7' } })
    const two = await begin({ scope: 'read', resource: ['https://api.example/a', 'https://api.example/b'] })
    await client.exchangeCode({ callback: callback(two), request: two })
    await client.exchangeCode({ callback: callback(two), request: two, resource: 'https://api.example/b' })
    const sent = server.at('/token').map(({ form }) => form.getAll('resource'))
    expect(sent).toEqual([['https://api.example/a'], [], ['https://api.example/b']])
    expect(server.at('/token')[0]?.form.get('tenant')).toBe('7')
  })

  it('[D23] [F7] cannot be redeemed without state, nonce and verifier', async () => {
    const { client, begin, callback } = setUpLogin()
    const request = await begin()
    const { redirectUri: uri, state, nonce, codeVerifier, scope, resource } = request
    const whole = {
      redirectUri: uri,
      state,
      nonce,
      codeVerifier,
      scope,
      resource,
      maxAgeSeconds: undefined,
      acrValues: undefined,
    }
    for (const name of ['redirectUri', 'state', 'nonce', 'codeVerifier', 'scope', 'resource']) {
      const partial = { ...whole, [name]: undefined } as never
      const empty = { ...whole, [name]: '' } as never
      expect(await rejection(client.exchangeCode({ callback: callback(request), request: empty }))).toMatchObject({
        code: 'ERR_CLIENT_ARGUMENT',
      })
      expect(await rejection(client.exchangeCode({ callback: callback(request), request: partial }))).toMatchObject({
        code: 'ERR_CLIENT_ARGUMENT',
      })
    }
    for (const wrong of [undefined, null, 7]) {
      const params = { callback: callback(request), request: wrong } as never
      expect(await rejection(client.exchangeCode(params))).toMatchObject({ code: 'ERR_CLIENT_ARGUMENT' })
    }
    expect(await rejection(client.exchangeCode({ callback: 7, request } as never))).toMatchObject({
      code: 'ERR_CLIENT_ARGUMENT',
    })
  })

  it('[F17] [OIDC-03] [OIDC-04] [OIDC-05] holds the ID token to nonce, max_age, acr and both hashes', async () => {
    const { client, begin, callback, issue } = setUpLogin()
    const request = await begin({ maxAgeSeconds: 60, acrValues: ['urn:strong'] })
    const good = { auth_time: 1_800_000_000 - 30, acr: 'urn:strong' }
    const redeem = (claims: object) => {
      issue(request, claims)
      return client.exchangeCode({ callback: callback(request), request })
    }
    expect((await redeem(good)).claims).toMatchObject(good)
    const wrong: readonly (readonly [object, string])[] = [
      [{ ...good, nonce: 'of another login' }, 'ERR_ID_TOKEN_NONCE'],
      [{ ...good, nonce: undefined }, 'ERR_ID_TOKEN_NONCE'],
      [{ ...good, auth_time: undefined }, 'ERR_ID_TOKEN_AUTH_TIME'],
      [{ ...good, auth_time: 1_800_000_000 - 121 }, 'ERR_ID_TOKEN_AUTH_TIME'],
      [{ ...good, acr: 'urn:weak' }, 'ERR_ID_TOKEN_ACR'],
      [{ ...good, at_hash: 'wrong' }, 'ERR_ID_TOKEN_HASH'],
      [{ ...good, c_hash: 'wrong' }, 'ERR_ID_TOKEN_HASH'],
    ]
    for (const [claims, code] of wrong) expect(await rejection(redeem(claims)), code).toMatchObject({ code })
  })
})

it('[DPOP-02] asks again with the nonce of the server, and takes bound tokens alone', async () => {
  const { server, client, begin, callback } = setUpLogin({ dpop: true })
  const request = await begin({ scope: 'read' })
  server.script(
    '/token',
    answer({ error: 'use_dpop_nonce' }, 400, { 'dpop-nonce': 'n-1' }),
    tokens({ token_type: 'DPoP' }),
  )
  const { tokens: bound } = await client.exchangeCode({ callback: callback(request), request })
  expect(bound.tokenType).toBe('DPoP')
  expect(server.at('/token')).toHaveLength(2)
  server.script('/token', tokens())
  expect(await rejection(client.exchangeCode({ callback: callback(request), request }))).toMatchObject({
    code: 'ERR_DPOP_NOT_BOUND',
  })
})
