import { createMemoryTokenStore } from 'portcullis/login'
import { describe, expect, it } from 'vitest'
import { freezeTokenSet, type TokenSet } from '../../../src/client/token-set.js'
import { serializeTokenSet } from '../../../src/client/token-set-text.js'
import { toEntry, whyNotRenewable } from '../../../src/login/kept-tokens.js'
import { readKept, takeKept } from '../../../src/login/stored-tokens.js'

const tokensOf = (more: Partial<TokenSet> = {}): TokenSet =>
  freezeTokenSet({
    ...{ tokenType: 'Bearer', accessToken: 'access', refreshToken: 'refresh', idToken: undefined, raw: {} },
    ...{ expiresAt: 1000, issuedAt: 0, refreshExpiresAt: 500, scope: [], issuedTokenType: undefined, ...more },
  })

const entryOf = (text: string) => ({ v: 1, version: 'v', tokens: text, savedAt: 0 }) as const
const kept = (tokens: TokenSet) => ({ tokens, version: 'v', account: undefined, serverId: undefined, sent: undefined })

describe('tokens as they are kept', () => {
  it('are kept an hour longer than both of them live, and as the store likes where that is not known', () => {
    const lifetime = (more: Partial<TokenSet>, nowMs: number) => toEntry(kept(tokensOf(more)), nowMs)[1]
    expect(lifetime({}, 0)).toEqual({ ttlMs: 4_600_000 })
    expect(lifetime({ refreshExpiresAt: 2000 }, 1_000_000)).toEqual({ ttlMs: 4_600_000 })
    expect(lifetime({}, 5_000_000)).toEqual({ ttlMs: 3_600_000 })
    expect(lifetime({ refreshToken: undefined }, 0)).toEqual({})
    expect(lifetime({ refreshExpiresAt: undefined }, 0)).toEqual({})
  })

  it('can be renewed until the refresh token is over', () => {
    expect(whyNotRenewable(tokensOf(), 499_000)).toBeUndefined()
    expect(whyNotRenewable(tokensOf(), 500_000)).toBe('refresh_expired')
    expect(whyNotRenewable(tokensOf({ refreshToken: undefined }), 0)).toBe('no_refresh_token')
  })

  it.each([
    ['no token set', '{}'],
    ['the name of no server', JSON.stringify({ ...JSON.parse(serializeTokenSet(tokensOf())), serverId: 5 })],
  ])('are damaged where they hold %s', async (_what, text) => {
    const store = createMemoryTokenStore()
    await store.set('user', entryOf(text))
    await expect(readKept(store, 'user', undefined)).rejects.toMatchObject({
      code: 'ERR_TOKEN_STORE_CORRUPT',
      detail: 'An entry holds no token set that this version can read.',
    })
  })

  it('were sent without a limit where none can be read', async () => {
    const store = createMemoryTokenStore()
    const marked = { ...JSON.parse(serializeTokenSet(tokensOf())), unansweredAtMs: 7, answerWithinMs: 'soon' }
    await store.set('user', entryOf(JSON.stringify(marked)))
    expect((await readKept(store, 'user', undefined))?.sent).toEqual({ atMs: 7, withinMs: undefined })
  })

  it('are taken from a store that has none without a word', async () => {
    const taken = await takeKept(createMemoryTokenStore(), 'user', undefined, 0)
    expect(taken).toEqual({ kept: undefined, failure: undefined })
  })
})
