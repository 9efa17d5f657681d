import { type Auth, createResourceServer, type Requirement, type ResourceServerOptions } from 'portcullis'
import { createFrozenClock, createTestIssuer, requestFacts } from 'portcullis/testing'
import { afterAll, describe, expect, it } from 'vitest'

const clock = createFrozenClock()
const issuer = createTestIssuer({ clock: clock.now })
afterAll(() => issuer.close())

/** A handler that forgets every `await`: what it says is what an attacker gets. */
async function handler(requirement: Requirement, options: Partial<ResourceServerOptions> = {}, claims = {}) {
  const server = createResourceServer({
    resource: 'https://api.example.com',
    issuer: issuer.issuer,
    fetch: issuer.fetch,
    clock: clock.now,
    ...options,
  } as ResourceServerOptions)
  const headers = { authorization: `Bearer ${issuer.mintToken({ scope: 'read', ...claims })}` }
  const result = await server.authenticate(requestFacts({ headers }))
  if (!result.ok) throw result.error
  const serve = (auth: Auth) => {
    server.check(auth, requirement)
    return 'the secret'
  }
  return { server, auth: result.auth, serve: () => serve(result.auth) }
}

const mustWait = expect.objectContaining({ code: 'ERR_CONFIGURATION', message: expect.stringContaining('checkAsync') })
const none = async (keys: readonly string[]) => keys.map(() => undefined)

describe('a handler that forgets every await', () => {
  it('[REAL-22] is stopped by `check` at once', async () => {
    const { serve } = await handler({ scope: 'write' })
    expect(serve).toThrow(expect.objectContaining({ code: 'ERR_SCOPE_INSUFFICIENT' }))
    expect((await handler({ allow: () => false })).serve).toThrow(expect.objectContaining({ status: 403 }))
    expect((await handler({ scope: 'read', allow: () => true }, { isRevoked: () => false })).serve()).toBe('the secret')
  })

  it.each<[string, Requirement, Partial<ResourceServerOptions>]>([
    ['an `allow` that waits', { allow: async () => true }, {}],
    ['an `allow` that rejects later', { allow: () => Promise.reject(new Error('late')) }, {}],
    // biome-ignore lint/suspicious/noThenProperty: a query builder has one.
    ['an `allow` that gives a thenable', { allow: () => ({ then: () => {} }) as never }, {}],
    ['an `isRevoked` that waits', {}, { isRevoked: async () => false }],
    ['a store that waits', {}, { revocationStore: { revoke: async () => {}, revokedAt: none } as never }],
  ])('[REAL-22] is stopped by `check` where it has to wait: %s', async (_, requirement, options) => {
    const { serve } = await handler(requirement, options)
    expect(serve).toThrow(mustWait)
  })

  it('[REAL-22] is stopped where the keys have to be fetched again', async () => {
    const { serve, auth, server } = await handler({}, { tokenCacheEntries: 0 }, { exp: clock.now() / 1000 + 900_000 })
    clock.advance(100_000_000)
    expect(serve).toThrow(mustWait)
    await server.checkAsync(auth, {})
    expect(serve()).toBe('the secret')
  })

  it('[REAL-22] finds the same verdicts where it waits for them', async () => {
    const { server, auth } = await handler({})
    await expect(server.checkAsync(auth, { allow: async () => true })).resolves.toBeUndefined()
    await expect(server.checkAsync(auth, { allow: async () => false })).rejects.toMatchObject({ status: 403 })
    await expect(server.checkAsync(auth, { scope: 'write' })).rejects.toMatchObject({ status: 403 })
    await expect(server.checkAsync(auth, { scope: '' })).rejects.toMatchObject({ code: 'ERR_CONFIGURATION' })
  })
})
