import { publicClient, tokenSetFromResponse } from 'portcullis/client'
import { describe, expect, it } from 'vitest'
import { createTokenCache } from '../../../../src/client/grant-types/client-credentials.js'
import { toClientSettings } from '../../../../src/client/settings.js'
import { setUpClient } from '../../../support/client-set-up.js'
import { type FakeAuthorizationServer, html503, plain, refusal, tokens } from '../../../support/fake-token-endpoint.js'

function numbered(server: FakeAuthorizationServer, members: Record<string, unknown> = {}): void {
  let count = 0
  server.script('/token', (request, signal) => {
    count += 1
    return tokens({ access_token: `token-${count}`, ...members })(request, signal)
  })
}

describe('client credentials', () => {
  it('[CC-01] [S4-04] [S4-03] [S4-45] sends the grant with scope and resource and gives the token back', async () => {
    const { server, client } = setUpClient()
    const token = await client.clientCredentials({ scope: ['read', 'write'], resource: 'https://api.example/' })
    const [request] = server.at('/token')
    expect(Object.fromEntries(request?.form ?? [])).toEqual({
      grant_type: 'client_credentials',
      scope: 'read write',
      resource: 'https://api.example/',
    })
    expect(token.accessToken).toBe('issued-access-token')
    expect(token).toMatchObject({ tokenType: 'Bearer', expiresAt: 1_800_003_600, scope: ['read', 'write'] })
  })

  it.each([
    ...['actor_token', 'actor_token_type', 'assertion', 'audience', 'client_assertion', 'client_assertion_type'],
    ...['client_id', 'client_secret', 'code', 'code_verifier', 'grant_type', 'refresh_token', 'requested_token_type'],
    ...['resource', 'scope', 'subject_token', 'subject_token_type'],
  ])('refuses to let `parameters` set %s', async (name) => {
    const { server, client } = setUpClient()
    await expect(client.clientCredentials({ parameters: { [name]: 'x' } })).rejects.toMatchObject({
      ...{ code: 'ERR_CLIENT_ARGUMENT', message: `\`parameters\` must not set \`${name}\`.` },
    })
    expect(server.requests).toEqual([])
  })

  it('[CC-01] refuses a public client before anything is sent', async () => {
    const { server, client } = setUpClient({ credential: publicClient({ clientId: 'app' }) })
    await expect(client.clientCredentials()).rejects.toMatchObject({
      ...{ code: 'ERR_CLIENT_ARGUMENT', message: expect.stringContaining('give the client a credential') },
    })
    expect(server.requests).toHaveLength(0)
  })

  it('[S4-05] serves the token from the cache while it is good', async () => {
    const { server, client, time } = setUpClient()
    await client.clientCredentials({ scope: 'read' })
    time.nowMs += 3_000_000
    await client.clientCredentials({ scope: 'read' })
    expect(server.at('/token')).toHaveLength(1)
  })

  it('[S4-05] lets any number of concurrent callers share one request', async () => {
    const { server, client } = setUpClient()
    const all = await Promise.all(Array.from({ length: 50 }, () => client.clientCredentials({ scope: 'read' })))
    expect(new Set(all.map(({ accessToken }) => accessToken))).toEqual(new Set(['issued-access-token']))
    expect(server.at('/token')).toHaveLength(1)
    expect(server.requests).toHaveLength(2)
  })

  it.each([
    ['done', plain(''), 'fulfilled'],
    ['that failed, but may have been heard', html503(), 'rejected'],
  ])('[REV-04] serves no token again after a revocation %s', async (_name, answer, outcome) => {
    const { server, client } = setUpClient()
    numbered(server)
    server.script('/revoke', answer)
    await client.clientCredentials({ scope: 'a' })
    await client.clientCredentials({ scope: 'b' })
    const [{ status } = { status: '' }] = await Promise.allSettled([client.revoke('token-1')])
    expect(status).toBe(outcome)
    expect((await client.clientCredentials({ scope: 'a' })).accessToken).toBe('token-3')
    expect((await client.clientCredentials({ scope: 'b' })).accessToken).toBe('token-2')
    const uncached = setUpClient({ tokenCache: { maxEntries: 0 } })
    await expect(uncached.client.revoke('token-1')).resolves.toBeUndefined()
  })

  it.each([
    'opaque',
    'eyJhbGciOiJub25lIn0.e30.',
    `a.${Buffer.from('{"exp":1,"scope":"none"}').toString('base64url')}.c`,
  ])('[AT-12] goes by the answer of the server and never looks into the token: %s', async (accessToken) => {
    const { server, client } = setUpClient()
    server.script('/token', tokens({ access_token: accessToken, expires_in: 60 }))
    const expected = { accessToken, expiresAt: 1_800_000_060, scope: ['read'] }
    expect(await client.clientCredentials({ scope: 'read' })).toMatchObject(expected)
    expect(await client.clientCredentials({ scope: 'read' })).toMatchObject(expected)
    expect(server.at('/token')).toHaveLength(1)
  })

  it('keeps apart what differs in scope, resource, audience or parameters, and nothing else', async () => {
    const { server, client } = setUpClient()
    numbered(server)
    const targets = [
      { scope: 'a b' },
      { scope: 'a' },
      { resource: 'https://one.example/' },
      { audience: 'https://one.example/' },
      { parameters: { tenant: '1' } },
      { parameters: { tenant: '2' } },
      { parameters: { tenant: '1', region: 'x' } },
    ]
    const first = []
    for (const target of targets) first.push((await client.clientCredentials(target)).accessToken)
    expect(new Set(first).size).toBe(targets.length)
    const same = await client.clientCredentials({ scope: ['b', 'a', 'b'] })
    expect(same.accessToken).toBe(first[0])
    const swapped = await client.clientCredentials({ parameters: { region: 'x', tenant: '1' } })
    expect(swapped.accessToken).toBe(first[6])
  })

  it.each([
    ['300 s before the end', 3600, {}, 3_300_000],
    ['at four fifths of a short life', 100, {}, 80_000],
    ['at four fifths where it is told to begin sooner', 3600, { refreshAheadSeconds: 3000 }, 2_880_000],
  ])('[S4-09] renews ahead %s, and not before', async (_name, expires_in, tokenCache, atMs) => {
    const { server, client, time } = setUpClient({ tokenCache })
    numbered(server, { expires_in })
    await client.clientCredentials()
    const startedMs = time.nowMs
    for (const [elapsedMs, requests] of [
      [atMs - 1, 1],
      [atMs, 2],
    ] as const) {
      time.nowMs = startedMs + elapsedMs
      expect((await client.clientCredentials()).accessToken).toBe('token-1')
      for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate)
      expect(server.at('/token')).toHaveLength(requests)
    }
  })

  it('gives no place to a token that is expired on arrival', async () => {
    const { server, client } = setUpClient({ tokenCache: { maxEntries: 1 } })
    server.script('/token', tokens({ access_token: 'good' }), tokens({ expires_in: 0 }))
    await client.clientCredentials({ scope: 'a' })
    await client.clientCredentials({ scope: 'b' })
    expect((await client.clientCredentials({ scope: 'a' })).accessToken).toBe('good')
    expect(server.at('/token')).toHaveLength(2)
  })

  it('are forgotten when the cache is cleared', async () => {
    const { server } = setUpClient()
    const cache = createTokenCache(toClientSettings({ issuer: server.issuer }))
    const load = async () => tokenSetFromResponse({ access_token: 'a', token_type: 'Bearer', expires_in: 3600 })
    const first = await cache.get('key', load, false)
    expect(await cache.get('key', load, false)).toBe(first)
    cache.clear()
    expect(await cache.get('key', load, false)).not.toBe(first)
  })

  it('[S4-09] renews ahead of expiry without making anybody wait', async () => {
    const { server, client, time } = setUpClient()
    numbered(server)
    await client.clientCredentials()
    time.nowMs += 3_301_000
    expect((await client.clientCredentials()).accessToken).toBe('token-1')
    await new Promise((resolve) => setImmediate(resolve))
    await new Promise((resolve) => setImmediate(resolve))
    expect((await client.clientCredentials()).accessToken).toBe('token-2')
    expect(server.at('/token')).toHaveLength(2)
  })

  it('goes on with the known token when renewing ahead fails, says so, and leaves the server alone for a while', async () => {
    const { server, client, time, events } = setUpClient()
    server.script('/token', tokens({ access_token: 'token-1' }), html503())
    await client.clientCredentials()
    time.nowMs += 3_400_000
    for (let count = 0; count < 3; count += 1) {
      expect((await client.clientCredentials()).accessToken).toBe('token-1')
      await new Promise((resolve) => setImmediate(resolve))
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(server.at('/token')).toHaveLength(2)
    expect(events).toContainEqual({
      type: 'client.refresh_ahead_failed',
      issuer: server.issuer,
      code: 'ERR_UNAVAILABLE',
    })
  })

  it('[D10] no longer hands out a token shortly before it expires', async () => {
    const { server, client, time } = setUpClient()
    numbered(server)
    await client.clientCredentials()
    time.nowMs += 3_540_000
    expect((await client.clientCredentials()).accessToken).toBe('token-2')
  })

  it('[D09] keeps a token without expires_in for the fallback lifetime only', async () => {
    const { server, client, time } = setUpClient({ tokenCache: { fallbackLifetimeSeconds: 100 } })
    numbered(server, { expires_in: undefined })
    expect((await client.clientCredentials()).expiresAt).toBeUndefined()
    time.nowMs += 79_000
    expect((await client.clientCredentials()).accessToken).toBe('token-1')
    time.nowMs += 12_000
    expect((await client.clientCredentials()).accessToken).toBe('token-2')
  })

  it('keeps no token that is expired on arrival, and none at all when told so', async () => {
    const stale = setUpClient()
    numbered(stale.server, { expires_in: 0 })
    await stale.client.clientCredentials()
    expect((await stale.client.clientCredentials()).accessToken).toBe('token-2')

    const uncached = setUpClient({ tokenCache: { maxEntries: 0 } })
    numbered(uncached.server)
    await uncached.client.clientCredentials()
    expect((await uncached.client.clientCredentials()).accessToken).toBe('token-2')
  })

  it('is bounded: the token used longest ago goes first', async () => {
    const { server, client } = setUpClient({ tokenCache: { maxEntries: 2 } })
    for (const scope of ['a', 'b', 'c', 'a']) await client.clientCredentials({ scope })
    expect(server.at('/token')).toHaveLength(4)
  })

  it('asks again when forced to', async () => {
    const { server, client } = setUpClient()
    numbered(server)
    await client.clientCredentials()
    expect((await client.clientCredentials({}, { forceRefresh: true })).accessToken).toBe('token-2')
    expect((await client.clientCredentials()).accessToken).toBe('token-2')
  })

  it('remembers no failure', async () => {
    const { server, client } = setUpClient()
    server.script('/token', refusal('invalid_scope'), tokens())
    await expect(client.clientCredentials()).rejects.toMatchObject({ code: 'ERR_INVALID_SCOPE' })
    expect((await client.clientCredentials()).accessToken).toBe('issued-access-token')
  })

  it('lets one caller give up without taking the token from the others', async () => {
    const { server, client } = setUpClient()
    let release: () => void = () => undefined
    server.script('/token', async (request, signal) => {
      await new Promise<void>((resolve) => {
        release = resolve
      })
      return tokens()(request, signal)
    })
    const controller = new AbortController()
    const leader = client.clientCredentials({}, { signal: controller.signal })
    const follower = client.clientCredentials()
    await expect.poll(() => server.at('/token').length).toBe(1)
    controller.abort()
    await expect(leader).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    release()
    expect((await follower).accessToken).toBe('issued-access-token')
    await expect(client.clientCredentials({}, { signal: controller.signal })).rejects.toMatchObject({
      code: 'ERR_ABORTED',
    })
  })
})
