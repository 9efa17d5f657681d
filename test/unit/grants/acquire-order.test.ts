import type { GrantStore, StoredGrant } from 'portcullis'
import { describe, expect, it } from 'vitest'
import { refusal } from '../../support/fake-token-endpoint.js'
import {
  accessOf,
  accessTokenType,
  calendar,
  caller,
  exchanged,
  failureOf,
  setUpGrants,
  tokenOf,
} from '../../support/grants-set-up.js'

const alice = caller('alice-token')
const about = { issuer: 'https://as.example', resource: calendar, correlationId: alice.correlationId }

/** A store of the application's, which answers later unless `isSync`. */
function watchedStore(isSync = false) {
  const kept = new Map<string, StoredGrant>()
  const asked: string[] = []
  const store: GrantStore = {
    get(key) {
      asked.push(key)
      return isSync ? kept.get(key) : Promise.resolve().then(() => kept.get(key))
    },
    set: (key, grant) => void kept.set(key, grant),
    delete: (key) => void kept.delete(key),
  }
  return { store, kept, asked }
}

/** A downstream service that rejects the first token of every caller, and a grant engine to call it with. */
function setUpRejecting(store?: GrantStore) {
  const setUp = setUpGrants({
    store,
    async fetch(_url, { headers } = {}) {
      const token = new Headers(headers).get('authorization') ?? ''
      return new Response(token, { status: token.endsWith('#1') || token.endsWith('#2') ? 401 : 200 })
    },
  })
  const send = async (auth: ReturnType<typeof caller>) => (await accessOf(setUp, auth, calendar)).fetch(calendar)
  return { ...setUp, send }
}

describe('what comes before the cache', () => {
  it('[TX-12] is an exchange under way, and a refusal that is remembered: the store is not asked', async () => {
    const { store, asked } = watchedStore(true)
    const setUp = setUpGrants({ store })
    const first = tokenOf(setUp, alice, calendar)
    const second = tokenOf(setUp, alice, calendar)
    expect(await first).toBe(await second)
    expect(asked).toHaveLength(1)

    const later = watchedStore(true)
    const remembering = setUpGrants({ store: later.store })
    remembering.server.script('/token', refusal('invalid_target'), exchanged())
    await failureOf(remembering, alice, calendar)
    const token = { accessToken: 'of another process', tokenType: 'Bearer', expiresAt: 4e9 } as const
    later.kept.set(later.asked[0] as string, { ...token, scope: [], issuedTokenType: accessTokenType })
    expect(await failureOf(remembering, alice, calendar)).toMatchObject({ code: 'ERR_GRANT_REFUSED' })
    expect(later.asked).toHaveLength(1)
    remembering.clock.advance(5000)
    expect(await tokenOf(remembering, alice, calendar)).toBe('of another process')
  })
})

describe('a rejected token', () => {
  it('[D04] [D19] is replaced for its own caller: callers that are rejected at once share no exchange', async () => {
    const setUp = setUpRejecting()
    const [ofAlice, ofBob] = [await setUp.send(alice), await setUp.send(caller('bob-token'))]
    setUp.clock.advance(10_000)
    const answers = await Promise.all([ofAlice('/'), ofBob('/')])
    const tokens = await Promise.all(answers.map((answer) => answer.text()))
    expect(tokens.map((token) => token.split('@')[0])).toEqual(['Bearer alice-token', 'Bearer bob-token'])
    expect(setUp.exchanges()).toBe(4)
  })

  it('[D19] is not what comes back from a look into the store that began meanwhile', async () => {
    const { store } = watchedStore()
    const setUp = setUpGrants({
      store,
      async fetch(_url, { headers } = {}) {
        const isFirst = new Headers(headers).get('authorization')?.endsWith('#1')
        void setUp.grants.prepare([calendar])(alice)
        return new Response('', { status: isFirst ? 401 : 200 })
      },
    })
    const access = await accessOf(setUp, alice, calendar)
    setUp.clock.advance(10_000)
    expect((await access.fetch(calendar)('/')).status).toBe(200)
    expect(setUp.exchanges()).toBe(2)
  })

  it('[REAL-38] [REAL-44] comes back where one was exchanged just now, which is told as a reuse', async () => {
    const setUp = setUpGrants({ fetch: async () => new Response('', { status: 401 }) })
    await (await accessOf(setUp, alice, calendar)).fetch(calendar)('/')
    expect(setUp.exchanges()).toBe(1)
    expect(setUp.events.at(-1)).toEqual({ type: 'grant.reused', ...about, source: 'cache' })
  })
})

describe('what is told of an exchange', () => {
  it('[REAL-44] is that a token came from a store which answers later', async () => {
    const setUp = setUpGrants({ store: watchedStore().store })
    await tokenOf(setUp, alice, calendar)
    await tokenOf(setUp, alice, calendar)
    expect(setUp.events.map(({ type }) => type)).toEqual(['grant.exchanged', 'grant.reused'])
    expect(setUp.events[1]).toEqual({ type: 'grant.reused', ...about, source: 'cache' })
  })

  it('[REAL-44] is how long the token lives by now, and nothing where the server did not say', async () => {
    const setUp = setUpGrants()
    setUp.server.script('/token', exchanged({ expires_in: 300 }), exchanged({ expires_in: undefined }))
    await tokenOf(setUp, alice, calendar)
    await tokenOf(setUp, caller('bob-token'), calendar)
    expect(setUp.events).toMatchObject([{ expiresInSeconds: 300 }, { expiresInSeconds: undefined }])
  })

  it('[S4-27] is the work itself, to a listener that is around it', async () => {
    const works: unknown[] = []
    const trace = (work: unknown, run: () => Promise<unknown>) => {
      works.push(work)
      return run()
    }
    await tokenOf(setUpGrants({ onEvent: Object.assign(() => {}, { trace }) }), alice, calendar)
    expect(works).toEqual([{ operation: 'exchange', ...about }])
  })

  it('[REAL-26] is in words what an actor must give', async () => {
    const error = await failureOf(setUpGrants(), alice, { resource: calendar, actor: () => undefined as never })
    expect(error.cause).toEqual(new TypeError('`actor` must give a `token` and its `type`.'))
  })
})
