import { DiscoveryError, type OAuthClientOptions } from 'portcullis/client'
import { describe, expect, it } from 'vitest'
import { metadataUrls } from '../../../src/client/urls.js'
import { quickRetry, rejection, setUpClient } from '../../support/client-set-up.js'
import { answer, html503, plain, reset } from '../../support/fake-token-endpoint.js'

const oauthPath = '/.well-known/oauth-authorization-server'
const oidcPath = '/.well-known/openid-configuration'
const notFound = plain('not found', 'text/plain', 404)

describe('where metadata is looked for', () => {
  it('[ASM-02] [ASM-03] [ASM-04] [V-11] [S0-58] inserts, then appends', () => {
    expect(metadataUrls('https://example.com', 'auto')).toEqual([
      `https://example.com${oauthPath}`,
      `https://example.com${oidcPath}`,
    ])
    const issuer1 = [
      `https://example.com${oauthPath}/issuer1`,
      `https://example.com${oidcPath}/issuer1`,
      `https://example.com/issuer1${oidcPath}`,
    ]
    expect(metadataUrls('https://example.com/issuer1', 'auto')).toEqual(issuer1)
    expect(metadataUrls('https://example.com/issuer1/', 'auto')).toEqual(issuer1)
    expect(metadataUrls('https://example.com/issuer1', 'oauth2')).toEqual(issuer1.slice(0, 1))
    expect(metadataUrls('https://example.com/issuer1', 'oidc')).toEqual(issuer1.slice(2))
  })
})

describe('discovery', () => {
  it('[S0-03] [S0-58] [S0-04] [S0-11] [S0-12] happens at first use, once for all, without credentials', async () => {
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

  it('[S0-59] gives the metadata in its own names', async () => {
    const { server, client } = setUpClient()
    server.metadata = { scopes_supported: ['a'], code_challenge_methods_supported: ['S256'] }
    expect(await client.ready()).toMatchObject({
      issuer: server.issuer,
      scopes_supported: ['a'],
      token_endpoint: 'https://as.example/token',
    })
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
  ])('[ASM-04] [S0-13] goes on to OpenID Connect after %s', async (_name, behaviour) => {
    const { server, client } = setUpClient()
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
    time.nowMs += 1_100_000
    await client.ready()
    expect(server.at(oauthPath)).toHaveLength(1)
    time.nowMs += 200_000
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
    const { server, client, events } = setUpClient({ correlationHeader: 'X-Correlation-Id' })
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
    })
  })

  it('survives a listener that throws', async () => {
    const { client } = setUpClient({
      onEvent: () => {
        throw new Error('listener')
      },
    })
    await expect(client.clientCredentials()).resolves.toMatchObject({ tokenType: 'Bearer' })
  })
})

describe('endpoints', () => {
  it('[S0-06] [S0-21] [S0-22] [S0-28] [S0-23] [S0-25] [S0-26] prefers explicit ones and tells where each comes from', async () => {
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

  it('[S0-29] [S0-24] uses customary paths only without discovery, and only when told to', async () => {
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
  })
})

describe('options', () => {
  it.each<[string, Partial<OAuthClientOptions> | Record<string, unknown>]>([
    ['an unknown name', { clientid: 'x' }],
    ['an issuer over http', { issuer: 'http://as.example' }],
    ['an issuer with a query', { issuer: 'https://as.example?x' }],
    ['an issuer with user information', { issuer: 'https://user@as.example' }],
    ['an issuer that is no string', { issuer: 7 }],
    ['no credential', { credential: undefined }],
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
      expect.objectContaining({ name: 'ClientConfigurationError', code: 'ERR_CLIENT_CONFIGURATION' }),
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

  it('[S0-15] uses the platform by default', async () => {
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
