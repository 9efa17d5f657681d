import { clientSecretPost, isOAuthClientError } from 'portcullis/client'
import { describe, expect, it } from 'vitest'
import type { OAuthClientOptions } from '../../../src/client/client-options.js'
import { createClientWith, type NamedServerRules } from '../../../src/client/create-client.js'
import { quickRetry, rejection } from '../../support/client-set-up.js'
import { answer, fakeAuthorizationServer, html503, plain } from '../../support/fake-token-endpoint.js'

function setUp(rules: NamedServerRules = {}, options: Partial<OAuthClientOptions> = {}) {
  const server = fakeAuthorizationServer(options.issuer as string | undefined)
  const credential = clientSecretPost({ clientId: 'app', clientSecret: 's3cret-of-the-app' })
  const { issuer, fetch } = server
  return { server, ...createClientWith({ issuer, credential, fetch, retry: false, ...options }, rules) }
}

describe('a client of a server that a document named', () => {
  const issuer = 'https://10.0.0.1'

  it('[D18] asks nothing of a private address, which the client of a configured server does', async () => {
    const hearsay = setUp({ isHearsay: true }, { issuer })
    const error = await rejection(hearsay.client.clientCredentials())
    expect(isOAuthClientError(error) && String((error.cause as { code?: unknown }).code)).toBe('ERR_PRIVATE_ADDRESS')
    expect(hearsay.server.requests).toEqual([])
    const configured = setUp({}, { issuer })
    expect((await configured.client.clientCredentials()).accessToken).toBe('issued-access-token')
  })

  it('[D18] asks no second document of it where it is shown', async () => {
    const asked = async (rules: NamedServerRules) => {
      const { client, server } = setUp(rules)
      await client.ready()
      return server.requests.map(({ url }) => new URL(url).pathname)
    }
    const oauth = '/.well-known/oauth-authorization-server'
    expect(await asked({ isHearsay: true })).toEqual([oauth])
    expect(await asked({})).toEqual([oauth, '/.well-known/openid-configuration'])
  })
})

describe('a revocation in the way of a vendor', () => {
  const request = {
    method: 'DELETE' as const,
    url: 'https://as.example/applications/app/grant',
    headers: { authorization: 'Basic YTpi', 'content-type': 'application/json' },
    body: '{"access_token":"a"}',
    done: [204, 404],
  }

  it('is sent as it was written, and follows no redirect', async () => {
    const { server, sendRevocation } = setUp()
    server.script('/applications/app/grant', () => new Response(null, { status: 204 }))
    await sendRevocation(request)
    expect(server.requests).toEqual([
      expect.objectContaining({
        ...{ url: request.url, method: 'DELETE', body: request.body },
        headers: expect.objectContaining(request.headers),
      }),
    ])
    server.script('/applications/app/grant', () => new Response(null, { status: 302, headers: { location: '/' } }))
    expect(await rejection(sendRevocation(request))).toMatchObject({ code: 'ERR_REDIRECT_REFUSED' })
  })

  it('is done with the statuses that say so, and with no other', async () => {
    const { server, sendRevocation } = setUp()
    server.script('/applications/app/grant', answer({}, 404))
    await expect(sendRevocation(request)).resolves.toBeUndefined()
    server.script('/applications/app/grant', plain('ok', 'text/plain'))
    expect(await rejection(sendRevocation(request, { correlationId: 'mine' }))).toMatchObject({
      ...{ code: 'ERR_HTTP_STATUS', status: 200, operation: 'revoke', correlationId: 'mine' },
    })
  })

  it('is repeated, and counted by the circuit of revocations', async () => {
    const breaker = { failureThreshold: 2, resetTimeoutMs: 60_000 }
    const { server, client, sendRevocation } = setUp({}, { retry: quickRetry, breaker })
    server.script('/applications/app/grant', html503())
    await rejection(sendRevocation(request))
    expect(server.requests.length).toBeGreaterThan(1)
    expect(client.breakers()).toEqual({ revocation: 'open' })
  })
})
