import { createMemoryGrantStore, type Grant, type GrantStore } from 'portcullis'
import { describe, expect, it } from 'vitest'
import { answer } from '../../support/fake-token-endpoint.js'
import {
  accessTokenType,
  calendar,
  caller,
  exchanged,
  mail,
  setUpGrants,
  tokenOf,
} from '../../support/grants-set-up.js'

const alice = caller('alice-token')
const nowSeconds = Date.UTC(2026, 0, 1) / 1000

describe('the cache of exchanged tokens', () => {
  it('[TX-12] [S3-22] exchanges once while the token is good', async () => {
    const setUp = setUpGrants()
    const first = await tokenOf(setUp, alice, calendar)
    setUp.clock.advance(3_569_000)
    expect(await tokenOf(setUp, alice, calendar)).toBe(first)
    expect(setUp.exchanges()).toBe(1)
  })

  it.each([
    ['30 seconds before a long-lived token expires', 3600, 3570],
    ['after nine tenths of a short-lived one', 100, 90],
    ['after nine tenths of one that lives 300 seconds', 300, 270],
  ])('[TX-12] [D08] [D10] exchanges anew %s', async (_name, lifetime, goodFor) => {
    const setUp = setUpGrants()
    setUp.server.script('/token', exchanged({ expires_in: lifetime }))
    await tokenOf(setUp, alice, calendar)
    setUp.clock.advance(goodFor * 1000 - 1)
    await tokenOf(setUp, alice, calendar)
    expect(setUp.exchanges()).toBe(1)
    setUp.clock.advance(2)
    await tokenOf(setUp, alice, calendar)
    expect(setUp.exchanges()).toBe(2)
  })

  it('[TX-12] [D08] keeps no token longer than the one it was exchanged for', async () => {
    const setUp = setUpGrants()
    const brief = caller('brief-token', { expiresAt: nowSeconds + 60 })
    await tokenOf(setUp, brief, calendar)
    setUp.clock.advance(59_999)
    await tokenOf(setUp, brief, calendar)
    expect(setUp.exchanges()).toBe(1)
    setUp.clock.advance(2)
    await tokenOf(setUp, brief, calendar)
    await tokenOf(setUp, brief, calendar)
    expect(setUp.exchanges()).toBe(3)
  })

  it('[D08] keeps a token for its own time where the caller’s has no end', async () => {
    const setUp = setUpGrants()
    const endless = caller('endless-token', { expiresAt: undefined })
    await tokenOf(setUp, endless, calendar)
    await tokenOf(setUp, endless, calendar)
    expect(setUp.exchanges()).toBe(1)
  })

  it.each([undefined, 0, -5])('[D09] keeps no token with expires_in %s', async (expires_in) => {
    const setUp = setUpGrants()
    setUp.server.script('/token', exchanged({ expires_in }))
    const access = (await setUp.grants.prepare([calendar])(alice)).access
    expect(access.errors.size).toBe(expires_in === -5 ? 1 : 0)
    await setUp.grants.prepare([calendar])(alice)
    expect(setUp.exchanges()).toBe(2)
  })

  it('[D10] goes by its own clock, never by that of the server', async () => {
    const setUp = setUpGrants()
    setUp.server.script('/token', exchanged({ expires_at: 1, expires_in: 3600 }))
    await tokenOf(setUp, alice, calendar)
    await tokenOf(setUp, alice, calendar)
    expect(setUp.exchanges()).toBe(1)
  })

  it('trusts no store that hands back a token beyond its time', async () => {
    const entries = new Map()
    const store: GrantStore = {
      get: (key) => entries.get(key),
      set: (key, grant) => void entries.set(key, grant),
      delete: (key) => void entries.delete(key),
    }
    const setUp = setUpGrants({ store })
    await tokenOf(setUp, alice, calendar)
    setUp.clock.advance(3_600_000)
    await tokenOf(setUp, alice, calendar)
    expect(setUp.exchanges()).toBe(2)
  })

  it('[REAL-44] goes on without a store that fails, and tells', async () => {
    const failing = () => Promise.reject(new RangeError('store'))
    const setUp = setUpGrants({ store: { get: failing, set: failing, delete: failing } })
    expect(await tokenOf(setUp, alice, calendar)).toContain('alice-token')
    const about = { type: 'store.failed', store: 'grants', reason: 'RangeError', failedOpen: true }
    expect(setUp.events.filter(({ type }) => type === 'store.failed')).toEqual([about, about])
    const odd = setUpGrants({
      store: {
        get: () => {
          throw 'text'
        },
        set: () => undefined,
        delete: () => undefined,
      },
    })
    expect(await tokenOf(odd, alice, calendar)).toContain('alice-token')
    expect(odd.events[0]).toMatchObject({ reason: 'unknown' })
  })
})

describe('the cache key', () => {
  const base = { resource: calendar, scope: 'read', audience: 'a' }
  const grantsThatDiffer: Record<string, Grant> = {
    resource: { ...base, resource: mail },
    scope: { ...base, scope: 'read write' },
    'no scope': { resource: calendar, audience: 'a' },
    audience: { ...base, audience: 'b' },
    'audience and scope swapped': { resource: calendar, scope: 'a', audience: 'read' },
    'no resource sent': { ...base, sendResource: false },
    'requested type': { ...base, requestedTokenType: accessTokenType },
    leniency: { ...base, allowNarrowerScope: true },
    actor: { ...base, actor: () => ({ token: 'actor', type: 'urn:a' }) },
    'actor token': { ...base, actor: () => ({ token: 'other-actor', type: 'urn:a' }) },
    'actor type': { ...base, actor: () => ({ token: 'actor', type: 'urn:b' }) },
  }

  it('[D04] [D05] [D06] tells apart every part of a grant', async () => {
    const setUp = setUpGrants()
    const seen = new Set([await tokenOf(setUp, alice, base)])
    for (const [name, grant] of Object.entries(grantsThatDiffer)) {
      const token = await tokenOf(setUp, alice, grant)
      expect(seen, name).not.toContain(token)
      seen.add(token)
    }
    const exchanges = setUp.exchanges()
    for (const grant of [base, ...Object.values(grantsThatDiffer)]) await tokenOf(setUp, alice, grant)
    expect(setUp.exchanges()).toBe(exchanges)
  })

  it('[D04] [D05] tells apart callers of the same name, by their token alone', async () => {
    const setUp = setUpGrants()
    expect(await tokenOf(setUp, caller('one'), calendar)).toContain('one@')
    expect(await tokenOf(setUp, caller('two'), calendar)).toContain('two@')
    expect(setUp.exchanges()).toBe(2)
  })

  it('[D04] tells apart issuers, clients and proof keys that share a store', async () => {
    const store = createMemoryGrantStore({ clock: () => Date.UTC(2026, 0, 1) })
    const engine = (issuer: string, clientId: string, jkt?: string) => {
      let count = 0
      const exchangeToken = async () => ({
        accessToken: `${issuer} ${clientId} ${jkt} ${++count}`,
        tokenType: jkt === undefined ? ('Bearer' as const) : ('DPoP' as const),
        expiresAt: nowSeconds + 3600,
        scope: [],
        issuedTokenType: accessTokenType,
      })
      const dpop = jkt === undefined ? undefined : { thumbprint: async () => jkt, proof: async () => 'proof' }
      return setUpGrants({ store, client: { issuer, clientId, exchangeToken, dpop } } as never)
    }
    const kinds = [
      ['https://a.example', 'one'],
      ['https://a.example', 'two'],
      ['https://b.example', 'one'],
      ['https://a.example', 'one', 'jkt-1'],
      ['https://a.example', 'one', 'jkt-2'],
    ] as const
    for (let turn = 0; turn < 2; turn += 1) {
      for (const [issuer, clientId, jkt] of kinds) {
        const token = await tokenOf(engine(issuer, clientId, jkt), caller('same', { issuer }), calendar)
        expect(token).toBe(`${issuer} ${clientId} ${jkt} 1`)
      }
    }
  })

  it('[D04] shares no token of a client that does not know its identifier yet', async () => {
    const store = createMemoryGrantStore({ clock: () => Date.UTC(2026, 0, 1) })
    const tokenFor = async () => {
      const { client } = setUpGrants()
      const nameless = { issuer: client.issuer, clientId: undefined, exchangeToken: client.exchangeToken }
      const setUp = setUpGrants({ store, client: nameless } as never)
      const grant = { resource: calendar }
      const first = await tokenOf(setUp, alice, grant)
      return [first, setUp.events.at(-1)?.type]
    }
    expect([(await tokenFor())[1], (await tokenFor())[1]]).toEqual(['grant.exchanged', 'grant.exchanged'])
    let clientId: string | undefined
    const { client } = setUpGrants()
    const late = {
      issuer: client.issuer,
      exchangeToken: client.exchangeToken,
      get clientId() {
        return clientId
      },
    }
    const { grants } = setUpGrants({ store, client: late } as never)
    const acquire = grants.prepare([calendar])
    const next = async () => (await acquire(alice)).access.token(calendar)
    const before = await next()
    expect(await next()).toBe(before)
    clientId = 'registered'
    const after = await next()
    expect(after).not.toBe(before)
    expect(await next()).toBe(after)
  })

  it('[D04] tells apart the issuers of one token text', async () => {
    const setUp = setUpGrants()
    const grant = { resource: calendar, issuer: 'https://as.example' }
    await tokenOf(setUp, caller('opaque', { issuer: 'https://as.example' }), grant)
    await tokenOf(setUp, caller('opaque', { issuer: 'https://zone.example' }), grant)
    expect(setUp.exchanges()).toBe(2)
  })

  it('[C-30] [D04] holds no token, and as many characters whatever goes in', async () => {
    const keys: string[] = []
    const store: GrantStore = { get: (key) => void keys.push(key), set: () => undefined, delete: () => undefined }
    const setUp = setUpGrants({ store })
    await tokenOf(setUp, alice, calendar)
    await tokenOf(setUp, caller('a'.repeat(5000)), { ...base, scope: 'x'.repeat(500) })
    for (const key of keys) expect(key).toMatch(/^[\w-]{43}$/)
  })
})

describe('single flight', () => {
  it('[TX-12] [D06] exchanges once for callers that ask at the same time, for each key', async () => {
    const setUp = setUpGrants()
    const tokens = await Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        tokenOf(setUp, caller(`user-${index % 3}`), index % 2 === 0 ? calendar : mail),
      ),
    )
    expect(setUp.exchanges()).toBe(6)
    expect(new Set(tokens).size).toBe(6)
    for (const [index, token] of tokens.entries()) {
      expect(token.startsWith(`user-${index % 3}@${index % 2 === 0 ? calendar : mail}`)).toBe(true)
    }
  })

  it('[TX-12] lets who waits share a failure, each as an error of its own, and asks again afterwards', async () => {
    const setUp = setUpGrants()
    setUp.server.script('/token', answer({ error: 'server_error' }, 500), exchanged())
    const outcomes = await Promise.all([1, 2, 3].map(() => setUp.grants.prepare([calendar])(alice)))
    expect(outcomes.map(({ failure }) => failure?.status)).toEqual([503, 503, 503])
    expect(new Set(outcomes.map(({ failure }) => failure)).size).toBe(3)
    expect(setUp.exchanges()).toBe(1)
    expect(await tokenOf(setUp, alice, calendar)).toContain('alice-token')
  })
})
