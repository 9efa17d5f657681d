import type { GrantStore, StoredGrant } from 'portcullis'
import { TokenTypes } from 'portcullis/client'
import { describe, expect, it, vi } from 'vitest'
import {
  checkGranted,
  createGrantCache,
  type ExchangedToken,
  type ExchangeRequest,
  exchangeParams,
} from '../../../src/grants/exchange.js'
import { type Grant, toGrantSettings } from '../../../src/grants/grant.js'
import { UnusableTokenError } from '../../../src/grants/grant-errors.js'
import { createStoreWatch } from '../../../src/stores/store-watch.js'
import { accessTokenType, calendar, caller } from '../../support/grants-set-up.js'

const issued: ExchangedToken = {
  accessToken: 'issued',
  tokenType: 'Bearer',
  expiresAt: 1_800_003_600,
  scope: ['read'],
  issuedTokenType: accessTokenType,
}
const dpop = { thumbprint: async () => 'jkt', proof: async () => 'proof' }

function requestFor(grant: Grant, more: object = {}): ExchangeRequest {
  const client = { issuer: 'https://as.example', clientId: 'gateway', exchangeToken: async () => issued, ...more }
  return { auth: caller('alice-token'), grant: toGrantSettings(grant), client, actor: undefined }
}

describe('the answer to an exchange', () => {
  it.each<[string, Partial<ExchangedToken>, object, object]>([
    ['issued_token_type is missing', { issuedTokenType: undefined }, {}, {}],
    [
      'issued_token_type is not the requested one',
      { issuedTokenType: TokenTypes.jwt },
      { requestedTokenType: accessTokenType },
      {},
    ],
    ['the token is no access token', { tokenType: 'N_A' }, {}, {}],
    ['the token is no access token', { tokenType: 'N_A' }, { requestedTokenType: accessTokenType }, {}],
    ['the token is not bound to the proof key', {}, {}, { dpop }],
    ['the token is bound, and there is no proof key', { tokenType: 'DPoP' }, {}, {}],
    ['the granted scope is narrower than asked for', {}, { scope: 'read write' }, {}],
    ['the token has characters that no token has', { accessToken: 'issüed' }, {}, {}],
    ['the token has characters that no token has', { accessToken: '' }, {}, {}],
    ['the token is the very one to be exchanged', { accessToken: 'alice-token' }, {}, {}],
  ])('[TX-05] [TX-06] is refused where %s', (message, token, grant, client) => {
    const check = () => checkGranted({ ...issued, ...token }, requestFor({ resource: calendar, ...grant }, client))
    expect(check).toThrow(new UnusableTokenError(message))
    expect(check).toThrow(UnusableTokenError)
  })

  it('[TX-05] is taken as it came, whatever type it has where none was asked for', () => {
    for (const token of [issued, { ...issued, issuedTokenType: TokenTypes.jwt }, { ...issued, expiresAt: undefined }]) {
      const granted = checkGranted(token, requestFor(calendar))
      expect({ ...granted, accessToken: granted.accessToken }).toEqual(token)
    }
    expect(checkGranted({ ...issued, tokenType: 'DPoP' }, requestFor(calendar, { dpop })).tokenType).toBe('DPoP')
  })
})

describe('what is asked of the token endpoint', () => {
  it('[TX-01] [TX-02] has no member that the grant does not have', () => {
    const bare = requestFor(calendar)
    expect(Object.keys(exchangeParams(bare))).toEqual(['subjectToken', 'resource'])
    const actor = { token: 'actor-token', type: TokenTypes.jwt }
    const full = requestFor({
      ...{ resource: calendar, audience: 'a', scope: 'read', sendResource: false },
      requestedTokenType: accessTokenType,
    })
    expect(exchangeParams({ ...full, actor })).toEqual({
      ...{ subjectToken: 'alice-token', audience: ['a'], scope: ['read'], actor },
      requestedTokenType: accessTokenType,
    })
  })
})

describe('the cache of exchanged tokens', () => {
  const nowMs = 1_800_000_000_000
  const { expiresAt: _, ...timeless } = issued

  function setUp(store: Partial<GrantStore>) {
    const events: object[] = []
    const set = vi.fn<GrantStore['set']>()
    const whole = { get: () => undefined, delete: () => undefined, set, ...store }
    const watch = createStoreWatch('grants', true, (event) => void events.push(event))
    return { cache: createGrantCache(whole, () => nowMs, watch), set, events, watch }
  }

  it.each<[ttlMs: number | undefined, livesSeconds: number | undefined, subjectSeconds: number | undefined]>([
    [3_570_000, 3600, undefined],
    [90_000, 100, 200],
    [60_000, 100, 60],
    [1000, 3600, 1],
    [undefined, undefined, 200],
    [undefined, undefined, undefined],
    [undefined, 0, 200],
    [undefined, 100, 0],
    [undefined, 100, -1],
  ])(
    '[D08] [D09] keeps a token for %s ms that lives %s s, of a subject token that lives %s s',
    async (ttlMs, lives, subject) => {
      const { cache, set } = setUp({})
      const expiresAt = lives && nowMs / 1000 + lives
      const token = { ...timeless, issuedTokenType: accessTokenType, expiresAt: lives === 0 ? nowMs / 1000 : expiresAt }
      await cache.set('key', token, subject === undefined ? undefined : nowMs / 1000 + subject)
      expect(set.mock.calls).toEqual(ttlMs === undefined ? [] : [['key', token, ttlMs]])
    },
  )

  it('[REAL-44] tells of every store that fails that the request goes on, and of the first answer after', async () => {
    const thrown = new RangeError('store')
    const fail = () => {
      throw thrown
    }
    const stores: Partial<GrantStore>[] = [{ get: fail }, { get: () => Promise.reject(thrown) }, { delete: fail }]
    for (const store of stores) {
      const { cache, events } = setUp(store)
      expect(await cache.get('key')).toBeUndefined()
      await cache.delete('key')
      expect(events[0]).toEqual({ type: 'store.failed', store: 'grants', reason: 'RangeError', failedOpen: true })
    }
    const answers = [thrown, undefined]
    const { cache, watch } = setUp({
      get() {
        const [answer] = answers.splice(0, 1)
        if (answer !== undefined) throw answer
        return undefined
      },
    })
    await cache.get('key')
    expect(watch.health().failures).toBe(1)
    await cache.get('key')
    expect(watch.health().failures).toBe(0)
  })

  it('[D08] hands out no token in the millisecond in which it expires', async () => {
    for (const [expiresAt, isUsable] of [
      [nowMs / 1000, false],
      [nowMs / 1000 + 1, true],
    ] as const) {
      const { cache } = setUp({ get: () => ({ ...issued, expiresAt }) as StoredGrant })
      expect((await cache.get('key')) !== undefined).toBe(isUsable)
    }
  })
})
