import { type PortcullisEvent, TokenStoreError } from 'portcullis/login'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { freezeTokenSet, type TokenSet } from '../../../src/client/token-set.js'
import type { KeptTokens } from '../../../src/login/kept-tokens.js'
import { type KeyState, keysOf } from '../../../src/login/keys-of-store.js'
import { createTokenKeeper } from '../../../src/login/token-keeper.js'
import { isReplaced, replacedBy, saveLater, trySwap } from '../../../src/login/unsaved-tokens.js'
import type { Holding } from '../../../src/stores/exclusively.js'
import { createMemoryTokenStore } from '../../../src/stores/memory/memory-token-store.js'
import { type MutableStore, shared } from '../../support/user-tokens-set-up.js'

const nowMs: number = 1_800_000_000_000

afterEach(() => {
  vi.useRealTimers()
})

function tokensOf(name: string, refreshToken = `refresh-${name}`, refreshExpiresAt?: number): TokenSet {
  return freezeTokenSet({
    ...{ tokenType: 'Bearer', accessToken: `access-${name}`, refreshToken, idToken: undefined, raw: {}, scope: [] },
    ...{
      issuedAt: nowMs / 1000,
      expiresAt: nowMs / 1000 + 100,
      refreshExpiresAt,
      issuedTokenType: undefined,
    },
  })
}

const keptOf = (name: string, version = name, refreshToken?: string): KeptTokens => ({
  ...{ tokens: tokensOf(name, refreshToken), version, account: undefined, serverId: undefined, sent: undefined },
})

function setUp({ clock = () => nowMs, revoke = vi.fn(async () => 'revoked') } = {}) {
  const inner = createMemoryTokenStore({ clock })
  const store: MutableStore = shared(inner)
  const events: PortcullisEvent[] = []
  const provider = { name: 'p', issuer: 'https://as.example', revoke } as never
  const onEvent = (event: PortcullisEvent) => void events.push(event)
  const keeper = createTokenKeeper({
    ...{ provider, store, key: 'user', clock, onReauthRequired: undefined, onEvent },
  })
  /** Renews what is held; `name` is that of the new tokens. */
  const renew = (name: string) => {
    const { held, generation } = keeper.state()
    return keeper.swap(held as KeptTokens, tokensOf(name), generation)
  }
  /** The same while the store takes nothing. */
  const renewUnwritten = async (name: string) => {
    const { replace } = store
    store.replace = full
    const kept = await renew(name)
    store.replace = replace
    return kept
  }
  return { inner, store, events, keeper, renew, renewUnwritten, revoke }
}

const full = () => Promise.reject(new TokenStoreError('ERR_TOKEN_STORE_CONFIGURATION', 'full'))

/** A lease that lasts until it is said to be lost. */
function leaseOf() {
  const alone = { aborted: false }
  return { during: (work: () => Promise<unknown>) => work(), alone } as never as Holding & { alone: typeof alone }
}

/** Holds a call of the store until it is let go. */
function gated<Name extends 'get' | 'set' | 'replace'>(store: MutableStore, name: Name) {
  let letGo = () => {}
  const opened = new Promise<void>((resolve) => {
    letGo = resolve
  })
  const call = store[name] as (...args: unknown[]) => Promise<unknown>
  store[name] = (async (...args: unknown[]) => {
    store[name] = call as never
    const answer = await call(...args)
    await opened
    return answer
  }) as never
  return letGo
}

describe('what an entry was replaced by', () => {
  it('[A1] are those of its version, and those that hold a token that is spent', () => {
    const replaced = { version: 'v1', spent: ['access-a', 'refresh-a'] }
    const judged = (kept: KeptTokens) => isReplaced(kept, replaced)
    expect(judged(keptOf('b', 'v1'))).toBe(true)
    expect(judged(keptOf('a', 'v2', 'refresh-b'))).toBe(true)
    expect(judged(keptOf('b', 'v2', 'refresh-a'))).toBe(true)
    expect(judged(keptOf('b', 'v2'))).toBe(false)
  })

  it('[A1] takes the refresh token for spent only where the server gave another one', () => {
    const kept = keptOf('a', 'v1')
    expect(replacedBy(tokensOf('b'), kept)).toEqual({ version: 'v1', spent: ['access-a', 'refresh-a'] })
    expect(replacedBy(tokensOf('b', 'refresh-a'), kept)).toEqual({ version: 'v1', spent: ['access-a'] })
    const without = {
      ...kept,
      tokens: { ...kept.tokens, accessToken: 'access-a', refreshToken: undefined } as TokenSet,
    }
    expect(replacedBy(tokensOf('b'), without)).toEqual({ version: 'v1', spent: ['access-a'] })
    expect(replacedBy(tokensOf('b'), kept, { version: 'v0', spent: ['x'] })).toEqual({
      ...{ version: 'v0', spent: ['x', 'access-a', 'refresh-a'] },
    })
  })
})

describe('a try to write', () => {
  const replaced = { version: 'v1', spent: ['access-a', 'refresh-a'] }
  const next = keptOf('b', 'v2')

  /** What comes of it where the store has an entry, and says no to some tries. */
  async function tried(entry: KeptTokens | undefined, refusals = 0) {
    const { store, keeper } = setUp()
    if (entry !== undefined) {
      await keeper.put(entry.tokens, undefined)
      const found = await store.get('user')
      await store.set('user', { ...(found as NonNullable<typeof found>), version: entry.version })
    }
    const { replace } = store
    const versions: unknown[] = []
    store.replace = async (...args) => {
      versions.push(args[1])
      return versions.length > refusals && (await replace(...args))
    }
    return { ...(await trySwap(store, 'user', next, replaced, nowMs)), versions }
  }

  it('[A1] [A3] writes over what it replaces, and over nothing else', async () => {
    expect(await tried(keptOf('a', 'v1'))).toEqual({ now: next, versions: ['v1'] })
    expect(await tried(undefined)).toEqual({ now: undefined, versions: ['v1'] })
    const again = await tried(keptOf('a', 'v7'))
    expect([again.now === next, again.versions]).toEqual([true, ['v1', 'v7']])
    const other = await tried(keptOf('c', 'v7'))
    expect([other.now?.tokens.accessToken, other.versions]).toEqual(['access-c', ['v1']])
  })

  it('[A12] is not made twice where the store says no without a reason, and heard is heard', async () => {
    const refused = await tried(keptOf('a', 'v1'), 1)
    expect([refused.now?.version, refused.versions]).toEqual(['v1', ['v1']])
    const heard = await tried(next, 1)
    expect(heard.now === next).toBe(true)
  })

  it('[A12] is made later only where something is unwritten, and nobody else is at it', () => {
    const during = vi.fn()
    const start = (unsaved: unknown, guard: unknown) => {
      during.mockClear()
      const state = { unsaved, guard, held: undefined } as never
      void saveLater(state, { during, alone: {} } as never, async () => undefined, Date.now)
      return during.mock.calls.length
    }
    expect(start(undefined, undefined)).toBe(0)
    expect(start(replaced, { alone: { aborted: false } })).toBe(0)
    expect(start(replaced, { alone: { aborted: true } })).toBe(1)
    expect(start(replaced, undefined)).toBe(1)
  })
})

describe('the lease for tokens that are not written', () => {
  it('[A1] is the last one that was taken, whatever becomes of the one before', async () => {
    vi.useFakeTimers()
    const state = { unsaved: { version: 'v1', spent: [] }, held: keptOf('b'), guard: undefined } as never as KeyState
    const load = async () => undefined
    const [lost, taken] = [leaseOf(), leaseOf()]
    void saveLater(state, lost, load, () => nowMs)
    await vi.advanceTimersByTimeAsync(500)
    lost.alone.aborted = true
    void saveLater(state, taken, load, () => nowMs)
    state.unsaved = undefined
    await vi.advanceTimersByTimeAsync(600)
    expect(state.guard).toBe(taken)
    await vi.advanceTimersByTimeAsync(500)
    expect(state.guard).toBeUndefined()
  })

  it('[A1] is looked after by the last one that took it, also once the tokens have expired', async () => {
    vi.useFakeTimers({ now: nowMs })
    const state = { unsaved: { version: 'v1', spent: [] }, held: keptOf('b'), guard: undefined } as never as KeyState
    const load = vi.fn(async () => undefined)
    const [lost, taken] = [leaseOf(), leaseOf()]
    void saveLater(state, lost, load, Date.now)
    await vi.advanceTimersByTimeAsync(500)
    lost.alone.aborted = true
    void saveLater(state, taken, load, Date.now)
    await vi.advanceTimersByTimeAsync(7100)
    // By the first one after 1 s; by the second one after 1, 2 and 4 s more.
    expect(load).toHaveBeenCalledTimes(4)
    await vi.advanceTimersByTimeAsync(100_000)
    load.mockClear()
    await vi.advanceTimersByTimeAsync(180_000)
    expect(load).toHaveBeenCalledTimes(3)
    state.unsaved = { version: 'v2', spent: [] }
    await vi.advanceTimersByTimeAsync(180_000)
    expect(load).toHaveBeenCalledTimes(4)
  })

  it.each([
    [999_000, 2],
    [1_001_000, 0],
  ])(
    '[A12] is no use where they can no longer be renewed by the clock that is given: after %i ms',
    async (afterMs, looks) => {
      vi.useFakeTimers({ now: 0 })
      const tokens = tokensOf('b', 'refresh-b', nowMs / 1000 + 1000)
      const state = { unsaved: { version: 'v1', spent: [] }, held: { ...keptOf('b'), tokens } } as never as KeyState
      const load = vi.fn(async () => undefined)
      void saveLater(state, leaseOf(), load, () => nowMs + afterMs)
      await vi.advanceTimersByTimeAsync(120_000)
      expect(load).toHaveBeenCalledTimes(looks)
    },
  )

  it.each([
    [99_000, true],
    [101_000, false],
  ])('[A12] is kept while they serve by the clock that is given: %i ms after they came', async (afterMs, isKept) => {
    vi.useFakeTimers({ now: nowMs })
    let time = nowMs
    const { store, keeper, renew } = setUp({ clock: () => time })
    await keeper.put(tokensOf('a'), undefined)
    store.replace = full
    await renew('b')
    time += afterMs
    keeper.saveLater(leaseOf())
    await vi.advanceTimersByTimeAsync(0)
    expect(keeper.state().guard !== undefined).toBe(isKept)
  })
})

describe('the tokens of one key', () => {
  it('[S2-41] are revoked within three seconds, which the request is told', async () => {
    const { keeper, revoke } = setUp()
    const tokens = tokensOf('a')
    expect(await keeper.revoke(tokens)).toBe('revoked')
    expect(revoke.mock.calls).toEqual([[tokens, { totalTimeoutMs: 3000, signal: expect.any(AbortSignal) }]])
  })

  it('[A3] are those of the last renewal, whatever was read before two of them', async () => {
    const { store, keeper, renew, renewUnwritten } = setUp()
    await keeper.put(tokensOf('a'), undefined)
    const letGo = gated(store, 'get')
    const loading = keeper.load()
    await renewUnwritten('b')
    await renew('c')
    letGo()
    expect((await loading)?.tokens.accessToken).toBe('access-c')
  })

  it('[A3] are none after they were dropped and a renewal came to nothing, whatever was read before', async () => {
    const { inner, store, keeper } = setUp()
    await keeper.put(tokensOf('a'), undefined)
    const dropped = keeper.state().held as KeptTokens
    const letGo = gated(store, 'get')
    const loading = keeper.load()
    await vi.waitFor(() => expect(store.get).toBe(inner.get))
    await keeper.drop(dropped)
    await keeper.swap(dropped, tokensOf('b'), keeper.state().generation)
    letGo()
    expect(await loading).toBeUndefined()
  })

  it('[A12] are written with the next look, and newer ones that could not be written meanwhile with the one after', async () => {
    const { inner, store, keeper, renew, renewUnwritten } = setUp()
    await keeper.put(tokensOf('a'), undefined)
    await renewUnwritten('b')
    const letGo = gated(store, 'replace')
    const loading = keeper.load()
    await vi.waitFor(() => expect(store.replace).toBe(inner.replace))
    store.replace = full
    await renew('c')
    letGo()
    expect((await loading)?.tokens.accessToken).toBe('access-c')
    expect((await inner.get('user'))?.tokens).toContain('access-b')
    store.replace = inner.replace
    await keeper.load()
    expect((await inner.get('user'))?.tokens).toContain('access-c')
    expect(keeper.state().unsaved).toBeUndefined()
  })

  it('[A3] are those of the last login, whatever was read before it', async () => {
    const { store, keeper } = setUp()
    await keeper.put(tokensOf('a'), undefined)
    const letGo = gated(store, 'get')
    const loading = keeper.load()
    await keeper.put(tokensOf('b'), undefined)
    letGo()
    expect((await loading)?.tokens.accessToken).toBe('access-b')
    expect(keeper.state().held?.tokens.accessToken).toBe('access-b')
  })

  it('are renewed in the background after a login, whatever pause there was before', async () => {
    const { store, keeper } = setUp()
    keeper.state().pausedUntilMs = nowMs + 60_000
    const { set } = store
    store.set = full
    await expect(keeper.put(tokensOf('a'), undefined)).rejects.toBeInstanceOf(TokenStoreError)
    expect(keeper.state().pausedUntilMs).toBe(nowMs + 60_000)
    store.set = set
    await keeper.put(tokensOf('a'), undefined)
    expect(keeper.state().pausedUntilMs).toBe(0)
  })

  it('[A3] are none where a logout came while a login was written', async () => {
    const { store, keeper } = setUp()
    const letGo = gated(store, 'set')
    const putting = keeper.put(tokensOf('a'), undefined)
    await keeper.take()
    letGo()
    await putting
    expect(keeper.state()).toMatchObject({ held: undefined, ended: 'logged_out' })
  })

  it('[A3] are those of a login that came while renewed ones were written', async () => {
    const { store, keeper, renew } = setUp()
    await keeper.put(tokensOf('a'), undefined)
    const letGo = gated(store, 'replace')
    const swapping = renew('b')
    await keeper.put(tokensOf('c'), undefined)
    letGo()
    expect((await swapping)?.tokens.accessToken).toBe('access-c')
  })

  it('[A12] are those that could not be written, where a login that came meanwhile could not be either', async () => {
    const { store, inner, keeper, renew } = setUp()
    await keeper.put(tokensOf('a'), undefined)
    let fail = () => {}
    store.replace = () =>
      new Promise((_, reject) => {
        fail = () => reject(new TokenStoreError('ERR_TOKEN_STORE_CONFIGURATION', 'full'))
      })
    const swapping = renew('b')
    store.set = full
    await expect(keeper.put(tokensOf('c'), undefined)).rejects.toBeInstanceOf(TokenStoreError)
    fail()
    expect((await swapping)?.tokens.accessToken).toBe('access-b')
    store.replace = inner.replace
    await keeper.load()
    expect((await inner.get('user'))?.tokens).toContain('access-b')
  })

  it('[A3] are those of a login that is written after renewed ones could not be', async () => {
    const { store, inner, keeper, renew } = setUp()
    await keeper.put(tokensOf('a'), undefined)
    store.replace = full
    const { generation } = keeper.state()
    const before = keeper.state().held as KeptTokens
    const letGo = gated(store, 'set')
    const putting = keeper.put(tokensOf('c'), undefined)
    expect((await keeper.swap(before, tokensOf('b'), generation))?.tokens.accessToken).toBe('access-b')
    letGo()
    await putting
    store.replace = inner.replace
    expect((await keeper.load())?.tokens.accessToken).toBe('access-c')
    expect(keeper.state()).toMatchObject({ unsaved: undefined, held: { tokens: { accessToken: 'access-c' } } })
    await renew('d')
    expect((await inner.get('user'))?.tokens).toContain('access-d')
  })

  it('[A12] are the renewed ones that could not be written, though the store gave an older entry meanwhile', async () => {
    const { store, inner, keeper, renew } = setUp()
    await keeper.put(tokensOf('a'), undefined)
    const entry = await inner.get('user')
    store.get = async () => ({ ...(entry as NonNullable<typeof entry>), version: 'older' })
    store.replace = async () => {
      await keeper.load()
      return full()
    }
    expect((await renew('b'))?.tokens.accessToken).toBe('access-b')
  })

  it('[S2-41] are the unwritten ones where they are taken away and the entry is gone', async () => {
    const { inner, keeper, renewUnwritten } = setUp()
    await keeper.put(tokensOf('a'), undefined)
    await renewUnwritten('b')
    await inner.delete('user')
    expect((await keeper.take()).tokens?.accessToken).toBe('access-b')
  })

  it('[A12] are the renewed ones, though the clock that is given failed when they were to be written', async () => {
    let isBroken = false
    const clock = () => {
      if (!isBroken) return nowMs
      isBroken = false
      throw new TypeError('no time')
    }
    const { inner, keeper, renew } = setUp({ clock })
    await keeper.put(tokensOf('a'), undefined)
    isBroken = true
    expect((await renew('b'))?.tokens.accessToken).toBe('access-b')
    await keeper.load()
    expect((await inner.get('user'))?.tokens).toContain('access-b')
  })

  it('[S2-36] are news where another process signed in after the end', async () => {
    const { store, keeper, events } = setUp()
    await keeper.put(tokensOf('a'), undefined)
    const entry = await store.get('user')
    await keeper.take()
    keeper.end('logged_out')
    await store.set('user', entry as NonNullable<typeof entry>)
    await keeper.load()
    expect(keeper.state().ended).toBeUndefined()
    expect(events).toEqual([])
    keeper.end('invalid_grant')
    expect(events).toMatchObject([{ type: 'tokens.reauth_required', provider: 'p', reason: 'invalid_grant' }])
  })

  it('[A3] are dropped where nobody replaced them, and no others with them', async () => {
    const { store, keeper } = setUp()
    await keeper.put(tokensOf('a'), undefined)
    const first = keeper.state().held as KeptTokens
    expect(await keeper.drop(first)).toBe(true)
    expect([keeper.state().held, await store.get('user')]).toEqual([undefined, undefined])
    expect(await keeper.drop(first)).toBe(false)
    await keeper.put(tokensOf('b'), undefined)
    const second = keeper.state().held as KeptTokens
    await keeper.put(tokensOf('c'), undefined)
    const third = keeper.state().held as KeptTokens
    keeper.state().held = second
    expect([await keeper.drop(second), keeper.state().held === second]).toEqual([false, true])
    expect([await keeper.drop(third), keeper.state().held === second]).toEqual([true, true])
    await keeper.put(tokensOf('d'), undefined)
    const fourth = keeper.state().held as KeptTokens
    keeper.state().held = undefined
    expect(await keeper.drop(fourth)).toBe(true)
  })

  it('[A12] that could not be written are told of with the time that they serve', async () => {
    const { store, keeper, events, renew } = setUp()
    await keeper.put(tokensOf('a'), undefined)
    store.replace = full
    await renew('b')
    expect(events).toEqual([
      {
        ...{ type: 'tokens.persist_failed', provider: 'p', code: 'ERR_TOKEN_STORE_CONFIGURATION' },
        secondsAtRisk: 100,
      },
    ])
    expect(keysOf(store).state('https://as.example\nuser').held?.tokens.accessToken).toBe('access-b')
  })
})
