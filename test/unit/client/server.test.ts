import { DiscoveryError, type EndpointName, type OAuthClient, type OAuthClientOptions } from 'portcullis/client'
import { describe, expect, it } from 'vitest'
import { quickRetry, rejection, setUpClient } from '../../support/client-set-up.js'
import { answer, html503, plain, reset, tokens } from '../../support/fake-token-endpoint.js'

const oauthPath = '/.well-known/oauth-authorization-server'
const oidcPath = '/.well-known/openid-configuration'
const pushed = { redirectUri: 'https://app.example/cb', codeChallenge: 'a'.repeat(43), state: 's' }
const notFound = plain('not found', 'text/plain', 404)

describe('discovery', () => {
  it('[S0-03] [S0-58] [S0-04] happens at first use, once for all, without credentials', async () => {
    const { server, client } = setUpClient({ headers: { 'x-tenant': 'one' }, userAgent: 'my-app/1' })
    expect(server.requests).toHaveLength(0)
    await Promise.all([client.ready(), client.ready(), client.describeEndpoints(), client.clientCredentials()])
    await client.ready()
    const requests = server.at(oauthPath)
    expect(requests).toHaveLength(1)
    expect(requests[0]).toMatchObject({ method: 'GET', body: '' })
    expect(requests[0]?.headers).toMatchObject({ 'x-tenant': 'one', 'user-agent': 'my-app/1' })
    expect(requests[0]?.headers).not.toHaveProperty('authorization')
  })

  it('[S0-11] [S0-12] sends user agent and own headers with every kind of request', async () => {
    const { server, client } = setUpClient({ headers: { 'x-tenant': 'one' }, userAgent: 'my-app/1' })
    const registration = { client_id: 'a', token_endpoint_auth_method: 'none' }
    const managed = {
      ...registration,
      registration_client_uri: 'https://as.example/register/a',
      registration_access_token: 'registration-token',
    }
    server.script('/register', answer(managed, 201))
    server.script('/register/a', answer(registration))
    server.script('/par', answer({ request_uri: 'urn:x', expires_in: 60 }, 201))
    server.script('/introspect', answer({ active: false }))
    server.script('/token', tokens({ issued_token_type: 'urn:ietf:params:oauth:token-type:access_token' }))
    await client.clientCredentials()
    await client.exchangeToken({ subjectToken: 't' })
    await client.refresh({ refreshToken: 't' })
    await client.introspect('t')
    await client.revoke('t')
    await client.pushAuthorizationRequest({
      redirectUri: 'https://app.example/cb',
      codeChallenge: 'a'.repeat(43),
      state: 's',
    })
    const registered = await client.register({ token_endpoint_auth_method: 'none' })
    await client.updateRegistration(registered, {})
    expect(server.requests.map(({ method }) => method)).toEqual([
      'GET',
      'POST',
      'POST',
      'POST',
      'POST',
      'POST',
      'POST',
      'POST',
      'PUT',
    ])
    for (const { url, headers } of server.requests) {
      expect(headers, url).toMatchObject({ 'x-tenant': 'one', 'user-agent': 'my-app/1' })
    }
  })

  it('[S0-11] names itself unless told otherwise', async () => {
    const { server, client } = setUpClient()
    await client.clientCredentials()
    expect(server.requests.map(({ headers }) => headers['user-agent'])).toEqual(['portcullis', 'portcullis'])
  })

  it('[REAL-04] passes over members it does not use, of whatever type, depth or scheme', async () => {
    const { server, client } = setUpClient({ dpop: true })
    const deep = JSON.parse(`${'['.repeat(500)}${']'.repeat(500)}`)
    server.metadata = {
      jwks_uri: 7,
      scopes_supported: 'read write',
      grant_types_supported: null,
      userinfo_endpoint: 'gopher://as.example',
      service_documentation: { a: [null] },
      mtls_endpoint_aliases: 'none',
      introspection_endpoint: { url: 'x' },
      id_token_signing_alg_values_supported: 'RS256',
      token_endpoint_auth_signing_alg_values_supported: 7,
      revocation_endpoint: null,
      deep,
    }
    server.script('/token', tokens({ token_type: 'DPoP' }))
    await expect(client.clientCredentials()).resolves.toMatchObject({ tokenType: 'DPoP' })
    expect(await client.ready()).toMatchObject({ jwks_uri: 7 })
    expect(await client.describeEndpoints()).not.toHaveProperty('introspection')
    await expect(client.revoke('t')).rejects.toMatchObject({ code: 'ERR_ENDPOINT_MISSING' })
  })

  it.each<[string, Record<string, unknown>, Partial<OAuthClientOptions>]>([
    ['token_endpoint', { token_endpoint: 7 }, {}],
    ['token_endpoint', { token_endpoint: 'token' }, {}],
    ['token_endpoint', { token_endpoint: ['https://as.example/token'] }, {}],
    ['dpop_signing_alg_values_supported', { dpop_signing_alg_values_supported: 'ES256' }, { dpop: true }],
  ])('[REAL-04] says that %s is wrong when it is used: %j', async (member, metadata, options) => {
    const { server, client } = setUpClient(options)
    server.metadata = metadata
    await client.revoke('t')
    expect(await rejection(client.clientCredentials())).toMatchObject({
      name: 'DiscoveryError',
      code: 'ERR_DISCOVERY_INVALID',
      message: expect.stringMatching(new RegExp(`\`${member}\``)),
    })
    expect(server.at('/token')).toHaveLength(0)
  })

  it('[S0-59] gives the metadata in its own names', async () => {
    const { server, client } = setUpClient()
    server.metadata = { scopes_supported: ['a'], code_challenge_methods_supported: ['S256'] }
    expect(await client.ready()).toMatchObject({
      issuer: server.issuer,
      scopes_supported: ['a'],
      token_endpoint: 'https://as.example/token',
    })
    expect(Object.values(await client.ready())).not.toContain(undefined)
  })

  it('[S0-03] remembers no failure', async () => {
    const { server, client } = setUpClient()
    server.script(
      oauthPath,
      html503({ 'retry-after': '4' }),
      answer({ issuer: server.issuer, token_endpoint: 'https://as.example/token' }),
    )
    const error = await rejection(client.ready())
    expect(error).toBeInstanceOf(DiscoveryError)
    expect(error).toMatchObject({
      code: 'ERR_DISCOVERY_UNAVAILABLE',
      retryable: true,
      retryAfterMs: 4000,
      operation: 'discovery',
    })
    await expect(client.ready()).resolves.toMatchObject({ issuer: server.issuer })
  })

  it.each([
    ['404', notFound],
    ['403 with a protocol error', answer({ error: 'access_denied' }, 403)],
    ['HTML', plain('<html>', 'text/html')],
    ['broken JSON', plain('{')],
    ['JSON of another type', plain('{"issuer":"https://as.example"}', 'text/html')],
    ['a redirect', plain('', 'text/html', 302)],
  ])('[ASM-04] [S0-13] goes on to OpenID Connect after %s', async (_name, behaviour) => {
    const { server, client } = setUpClient()
    server.metadata = { id_token_signing_alg_values_supported: ['RS256'] }
    server.script(oauthPath, behaviour)
    await client.ready()
    expect(server.at(oidcPath)).toHaveLength(1)
  })

  it.each([
    ['a 5xx', html503()],
    ['a broken connection', reset()],
  ])('[ASM-04] [S0-13] stops with an error after %s instead of guessing', async (_name, behaviour) => {
    const { server, client } = setUpClient()
    server.script(oauthPath, behaviour)
    await expect(client.clientCredentials()).rejects.toMatchObject({ code: 'ERR_DISCOVERY_UNAVAILABLE' })
    expect(server.requests).toHaveLength(1)
  })

  it('[S0-13] asks for JSON, keeps to the document that is asked for, and follows no redirect', async () => {
    for (const [discovery, paths] of [
      ['auto', [oauthPath, oidcPath]],
      ['oauth2', [oauthPath]],
      ['oidc', [oidcPath]],
    ] as const) {
      const { server, client } = setUpClient({ discovery })
      server.script(oauthPath, notFound)
      server.script(oidcPath, notFound)
      expect(await rejection(client.clientCredentials())).toMatchObject({ code: 'ERR_DISCOVERY_INVALID' })
      expect(server.requests.map(({ url }) => new URL(url).pathname)).toEqual(paths)
      expect(server.requests.every(({ headers }) => headers['accept'] === 'application/json')).toBe(true)
    }
  })

  it('shows the metadata anew when asked to, and keeps what was known where that fails', async () => {
    const { server, client } = setUpClient()
    server.metadata = { scopes_supported: ['a'] }
    await client.ready()
    server.metadata = { scopes_supported: ['b'] }
    expect(await client.ready()).toMatchObject({ scopes_supported: ['a'] })
    expect(await client.ready({ refresh: true })).toMatchObject({ scopes_supported: ['b'] })
    server.script(oauthPath, html503())
    expect(await rejection(client.ready({ refresh: true }))).toMatchObject({ code: 'ERR_DISCOVERY_UNAVAILABLE' })
    expect(await client.ready()).toMatchObject({ scopes_supported: ['b'] })
  })

  it('repeats what may pass', async () => {
    const { server, client } = setUpClient({ retry: quickRetry })
    server.script(oauthPath, html503(), answer({ issuer: server.issuer }))
    await client.ready()
    expect(server.at(oauthPath)).toHaveLength(2)
  })

  it('[S0-13] says so when there is nothing anywhere', async () => {
    const { server, client } = setUpClient()
    server.script(oauthPath, notFound)
    server.script(oidcPath, notFound)
    await expect(client.ready()).rejects.toMatchObject({ code: 'ERR_DISCOVERY_INVALID', name: 'DiscoveryError' })
  })

  it.each(['https://honest.example', 'https://as.example/', 'https://AS.example'])(
    '[ASM-05] [V-11] [D22] refuses a document that names the issuer %s',
    async (issuer) => {
      const { server, client } = setUpClient()
      server.metadata = { issuer }
      await expect(client.ready()).rejects.toMatchObject({ code: 'ERR_DISCOVERY_ISSUER' })
      expect(server.requests).toHaveLength(1)
    },
  )

  it('[ASM-09] asks again when the metadata grew old, and serves on while that fails', async () => {
    const { server, client, time } = setUpClient()
    const document = answer({ issuer: server.issuer, token_endpoint: 'https://as.example/token' }, 200, {
      'cache-control': 'max-age=1200',
    })
    server.script(oauthPath, document, html503())
    await client.ready()
    time.nowMs += 400_000
    await client.ready()
    expect(server.at(oauthPath)).toHaveLength(1)
    time.nowMs += 900_000
    await expect(client.ready()).resolves.toMatchObject({ issuer: server.issuer })
    await expect(client.ready()).resolves.toMatchObject({ issuer: server.issuer })
    expect(server.at(oauthPath)).toHaveLength(2)
  })

  it('tells one operation that does not exist at the server from a failed discovery', async () => {
    const { server, client } = setUpClient()
    server.metadata = { token_endpoint: undefined }
    await expect(client.clientCredentials()).rejects.toMatchObject({
      code: 'ERR_ENDPOINT_MISSING',
      operation: 'clientCredentials',
    })
  })

  it('sends the correlation id in the header of your choice', async () => {
    const { server, client, events } = setUpClient({ correlationHeader: 'X-Correlation-Id', monotonicClock: () => 0 })
    await client.clientCredentials({}, { correlationId: 'the-id' })
    expect(server.at('/token')[0]?.headers['x-correlation-id']).toBe('the-id')
    expect(events.at(-1)).toEqual({
      type: 'client.attempt',
      issuer: server.issuer,
      operation: 'clientCredentials',
      correlationId: 'the-id',
      attempt: 1,
      durationMs: 0,
      status: 200,
      code: undefined,
      retryable: false,
    })
  })

  it('[REAL-14] survives a listener that throws, or rejects later', async () => {
    const failing: OAuthClientOptions['onEvent'][] = [
      () => {
        throw new Error('listener')
      },
      async () => {
        throw new Error('listener')
      },
    ]
    for (const onEvent of failing) {
      const { client } = setUpClient({ onEvent })
      await expect(client.clientCredentials()).resolves.toMatchObject({ tokenType: 'Bearer' })
    }
  })
})

describe('endpoints', () => {
  it.each<[EndpointName, (client: OAuthClient) => Promise<unknown>]>([
    ['token', (client) => client.clientCredentials()],
    ['introspection', (client) => client.introspect('t')],
    ['revocation', (client) => client.revoke('t')],
    ['registration', (client) => client.register({})],
    ['pushedAuthorizationRequest', (client) => client.pushAuthorizationRequest(pushed)],
  ])('[S0-21] [S0-22] [S0-23] [S0-24] [S0-25] sends to the explicit endpoint: %s', async (name, call) => {
    const { server, client } = setUpClient({ endpoints: { [name]: 'https://mine.example/here' } })
    await call(client).catch(() => undefined)
    expect(server.requests.map(({ url }) => url).slice(1)).toEqual(['https://mine.example/here'])
  })

  it('[S0-26] sends the user to the explicit authorization endpoint', async () => {
    const { server, client } = setUpClient({ endpoints: { authorization: 'https://mine.example/authorize' } })
    server.script('/par', answer({ request_uri: 'urn:x', expires_in: 60 }, 201))
    const { authorizationUrl } = await client.pushAuthorizationRequest(pushed)
    expect(authorizationUrl).toBe('https://mine.example/authorize?request_uri=urn%3Ax&client_id=app')
  })

  it('[S0-06] [S0-21] [S0-22] [S0-28] prefers explicit ones and tells where each comes from', async () => {
    const { server, client } = setUpClient({
      endpoints: { token: 'https://tokens.example/t', introspection: '/custom/introspect' },
    })
    server.metadata = { registration_endpoint: undefined }
    expect(await client.describeEndpoints()).toEqual({
      token: { url: 'https://tokens.example/t', source: 'explicit' },
      introspection: { url: 'https://as.example/custom/introspect', source: 'explicit' },
      revocation: { url: 'https://as.example/revoke', source: 'discovered' },
      pushedAuthorizationRequest: { url: 'https://as.example/par', source: 'discovered' },
      authorization: { url: 'https://as.example/authorize', source: 'discovered' },
    })
    await client.clientCredentials()
    expect(server.at('/t')).toHaveLength(1)
  })

  it('[S0-27] resolves a relative one against the origin of the issuer', async () => {
    const { client } = setUpClient({
      issuer: 'https://as.example/tenant/one',
      discovery: false,
      endpoints: { token: '/oauth/token' },
    })
    expect(await client.describeEndpoints()).toEqual({
      token: { url: 'https://as.example/oauth/token', source: 'explicit' },
    })
  })

  it('[S0-29] uses customary paths only without discovery, and only when told to', async () => {
    const { server, client } = setUpClient({ discovery: false, defaultPaths: true, endpoints: { token: '/t' } })
    expect(await client.describeEndpoints()).toEqual({
      token: { url: 'https://as.example/t', source: 'explicit' },
      introspection: { url: 'https://as.example/oauth2/introspect', source: 'default' },
      revocation: { url: 'https://as.example/oauth2/revoke', source: 'default' },
      registration: { url: 'https://as.example/oauth2/register', source: 'default' },
      pushedAuthorizationRequest: { url: 'https://as.example/oauth2/par', source: 'default' },
      authorization: { url: 'https://as.example/oauth2/authorize', source: 'default' },
    })
    expect(server.requests).toHaveLength(0)
    expect(await client.ready()).toMatchObject({ issuer: 'https://as.example' })
    for (const issuer of ['https://as.example', 'https://as.example/']) {
      const all = setUpClient({ issuer, discovery: false, defaultPaths: true })
      expect(await all.client.describeEndpoints()).toMatchObject({
        token: { url: 'https://as.example/oauth2/token', source: 'default' },
      })
    }
  })
})

describe('options', () => {
  it.each<[string, Partial<OAuthClientOptions> | Record<string, unknown>]>([
    ['an unknown name', { clientid: 'x' }],
    ['an issuer over http', { issuer: 'http://as.example' }],
    ['an issuer with a query', { issuer: 'https://as.example?x' }],
    ['an issuer with user information', { issuer: 'https://user@as.example' }],
    ['an issuer that is no string', { issuer: 7 }],
    ['no credential beside a client', { credential: undefined, clientId: 'app' }],
    ['another client than the credential', { clientId: 'other' }],
    [
      'an empty client',
      { clientId: '', credential: { method: 'none', clientId: undefined, authenticate: () => ({}) } },
    ],
    ['an endpoint over http', { endpoints: { token: 'http://as.example/token' } }],
    ['an endpoint nobody knows', { endpoints: { tokens: '/token' } }],
    ['an endpoint that is no URL', { endpoints: { token: 'https://' } }],
    ['default paths beside discovery', { defaultPaths: true }],
    ['an Authorization header', { headers: { Authorization: 'Bearer x' } }],
    ['a time limit of nothing', { timeoutMs: 0 }],
    ['too many retries', { retry: { maxRetries: 11 } }],
    ['a time limit that is no number', { totalTimeoutMs: '1' }],
  ])('[S0-70] [S4-30] [S0-05] [S0-07] [S4-01] refuses %s at creation', (_name, options) => {
    expect(() => setUpClient(options)).toThrowError(
      expect.objectContaining({ name: 'ConfigurationError', code: 'ERR_CONFIGURATION' }),
    )
  })

  it('[BEAR-16] takes http on loopback hosts when told to, and nowhere else', async () => {
    const { server, client } = setUpClient({ issuer: 'http://127.0.0.1:9', allowInsecureLoopback: true })
    await expect(client.clientCredentials()).resolves.toMatchObject({ tokenType: 'Bearer' })
    server.metadata = { token_endpoint: 'http://as.example/token' }
    const other = setUpClient({ issuer: 'http://127.0.0.1:9', allowInsecureLoopback: true, fetch: server.fetch })
    await expect(other.client.clientCredentials()).rejects.toMatchObject({ code: 'ERR_INSECURE_URL' })
    expect(() => setUpClient({ issuer: 'http://127.0.0.1:9' })).toThrowError(/allowInsecureLoopback/)
  })

  it('[REAL-41] takes http on a host that is named as dangerous, and says so of one that is not', async () => {
    const issuer = 'http://keycloak:8080'
    expect(() => setUpClient({ issuer })).toThrowError(/dangerouslyAllowInsecureHosts: \['keycloak:8080'\]/)
    const { client } = setUpClient({ issuer, dangerouslyAllowInsecureHosts: ['keycloak:8080'] })
    await expect(client.clientCredentials()).resolves.toMatchObject({ tokenType: 'Bearer' })
    const dangerouslyAllowInsecureHosts = ['http://keycloak:8080']
    expect(() => setUpClient({ issuer, dangerouslyAllowInsecureHosts })).toThrowError(
      /takes a non-empty array of hosts/,
    )
  })

  it('[S0-15] uses an identifier that exists where the credential names none', async () => {
    const credential = { method: 'none', clientId: undefined, authenticate: () => ({}) } as const
    const { server, client } = setUpClient({ clientId: 'existing', credential })
    expect(client.clientId).toBe('existing')
    server.script('/par', answer({ request_uri: 'urn:x', expires_in: 60 }, 201))
    const { authorizationUrl } = await client.pushAuthorizationRequest(pushed)
    expect(server.at('/par')[0]?.form.get('client_id')).toBe('existing')
    expect(new URL(authorizationUrl).searchParams.get('client_id')).toBe('existing')
    expect(server.at('/register')).toHaveLength(0)
  })

  it('uses the platform by default', async () => {
    const { client } = setUpClient({
      issuer: 'http://127.0.0.1:1',
      allowInsecureLoopback: true,
      fetch: undefined,
      clock: undefined,
      clientId: 'app',
    })
    expect(client.clientId).toBe('app')
    await expect(client.ready()).rejects.toMatchObject({ code: 'ERR_DISCOVERY_UNAVAILABLE' })
  })
})
