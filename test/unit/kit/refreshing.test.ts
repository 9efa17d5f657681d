import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { cacheLifetimeMs, createRefreshing, type Loaded, type RefreshingOptions } from '../../../src/kit/refreshing.js'

const bounds = { minSeconds: 60, maxSeconds: 86_400, defaultSeconds: 3600 }

describe('cacheLifetimeMs', () => {
  it.each([
    [{}, 3600],
    [{ 'cache-control': 'public' }, 3600],
    [{ 'cache-control': 'max-age=600' }, 600],
    [{ 'cache-control': 'public, Max-Age = "600", must-revalidate' }, 600],
    [{ 'cache-control': 's-maxage=600' }, 3600],
    [{ 'cache-control': 'x-max-age=600' }, 3600],
    [{ 'cache-control': 'max-age=soon' }, 3600],
    [{ 'cache-control': 'max-age=-5' }, 3600],
    [{ 'cache-control': 'max-age=0' }, 60],
    [{ 'cache-control': 'max-age=99999999999999999999999' }, 86_400],
    [{ 'cache-control': 'no-store' }, 60],
    [{ 'cache-control': 'no-store , max-age=600' }, 60],
    [{ 'cache-control': 'no-storefoo' }, 3600],
    [{ 'cache-control': 'max-age=600, no-cache' }, 60],
    [{ 'cache-control': 'no-cache="set-cookie", max-age=600' }, 60],
    [{ 'cache-control': 'max-age=600', age: '100' }, 500],
    [{ 'cache-control': 'max-age=600', age: '599' }, 60],
    [{ 'cache-control': 'max-age=600', age: 'old' }, 600],
    [{ 'cache-control': 'max-age=600', age: '-100' }, 600],
    [{ 'cache-control': 'max-age=600', age: '100.5' }, 600],
    [{ 'cache-control': 'max-age=600', age: '100, 200' }, 600],
    [{ 'cache-control': 'max-age=600', age: '1e2' }, 600],
    [{ 'cache-control': 'max-age=600', age: '' }, 600],
    [{ age: '100' }, 3600],
  ])('[JWKS-02] [ASM-09] reads %j as %i seconds', (headers, seconds) => {
    expect(cacheLifetimeMs(new Headers(headers as Record<string, string>), bounds)).toBe(seconds * 1000)
  })

  it('[JWKS-02] clamps the default as well', () => {
    expect(cacheLifetimeMs(new Headers(), { ...bounds, defaultSeconds: 1 })).toBe(60_000)
    expect(cacheLifetimeMs(new Headers(), { ...bounds, defaultSeconds: 1e9 })).toBe(86_400_000)
  })
})

/** A load begins a moment after it was asked for. */
const begun = () => Promise.resolve()

/** A value of a minute, refreshed at most 10 s ahead and stale for 30 s at most; each load waits until it is let go. */
function underTest(more: Partial<RefreshingOptions<string>> = {}) {
  const loads: { previous: string | undefined; end: (loaded: Loaded<string>) => void; fail: (error: Error) => void }[] =
    []
  const failures: [unknown, boolean][] = []
  const clock = { nowMs: 0 }
  const refreshing = createRefreshing<string>({
    load: (previous) => new Promise((end, fail) => loads.push({ previous, end, fail })),
    onFailure: (error, isStale) => void failures.push([error, isStale]),
    retryAfterMs: () => undefined,
    clock: () => clock.nowMs,
    random: () => 0,
    refreshAheadMs: 10_000,
    staleIfErrorMs: 30_000,
    ...more,
  })
  /** Lets one load begin at `atMs` and brings it to its end. */
  async function load(value: string | Error, atMs = 0, lifetimeMs = 60_000): Promise<void> {
    clock.nowMs = atMs
    const over = refreshing.refresh(atMs)
    await begun()
    if (value instanceof Error) loads.at(-1)?.fail(value)
    else loads.at(-1)?.end({ value, lifetimeMs })
    await over
  }
  return { refreshing, loads, failures, clock, load }
}

const down = new Error('down')

describe('createRefreshing', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('holds nothing before the first load, and starts none by being asked', () => {
    const { refreshing, loads } = underTest()
    expect([refreshing.usable(0), refreshing.isServing(0), refreshing.isFresh(0)]).toEqual([undefined, false, false])
    expect([refreshing.held(), refreshing.failure(), refreshing.backOffMs(0)]).toEqual([undefined, undefined, 0])
    expect([refreshing.isLoading(), loads]).toEqual([false, []])
  })

  it.each([
    [60_000, 0, 51_000],
    [60_000, 1, 26_000],
    [10_000, 0, 6000],
  ])('[JWKS-02] with a lifetime of %i and chance %i becomes due at %i', async (lifetimeMs, chance, refreshAtMs) => {
    const { refreshing, load } = underTest({ random: () => chance })
    await load('a', 1000, lifetimeMs)
    const expiresAtMs = 1000 + lifetimeMs
    expect(refreshing.held()).toEqual({
      ...{ value: 'a', fetchedAtMs: 1000, refreshAtMs, expiresAtMs, staleUntilMs: expiresAtMs + 30_000 },
    })
  })

  it('[JWKS-02] serves until it is due, then loads once in the background while it serves on', async () => {
    const { refreshing, loads, clock, load } = underTest()
    await load('a', 1000)
    clock.nowMs = 51_000
    expect([refreshing.usable(50_999), refreshing.isFresh(50_999), loads.length]).toEqual(['a', true, 1])
    expect([refreshing.isFresh(1000), refreshing.isFresh(999), refreshing.isFresh(51_000)]).toEqual([
      true,
      false,
      false,
    ])
    expect([refreshing.usable(51_000), refreshing.isServing(51_000)]).toEqual(['a', true])
    await begun()
    expect([refreshing.isLoading(), loads.map(({ previous }) => previous)]).toEqual([true, [undefined, 'a']])
    await load('b', 51_000)
    expect([refreshing.usable(51_000), refreshing.isLoading(), loads.length]).toEqual(['b', false, 2])
  })

  it('[JWKS-02] serves no longer than its lifetime where loads neither fail nor hang', async () => {
    const { refreshing, load } = underTest()
    await load('a')
    expect([refreshing.usable(59_999), refreshing.usable(60_000)]).toEqual(['a', undefined])
  })

  it('[JWKS-02] serves for the stale window while loads fail, and no longer', async () => {
    const { refreshing, failures, load } = underTest()
    await load('a')
    await load(down, 60_000)
    expect([refreshing.usable(60_000), refreshing.usable(89_999), refreshing.usable(90_000)]).toEqual([
      ...['a', 'a', undefined],
    ])
    expect(refreshing.failure()).toMatchObject({ error: down, count: 1, atMs: 60_000 })
    await load(down, 90_000)
    expect(failures).toEqual([
      [down, true],
      [down, false],
    ])
    await load('b', 95_000)
    expect([refreshing.failure(), refreshing.usable(95_000)]).toEqual([undefined, 'b'])
  })

  it('[JWKS-04] backs off after each failure for longer, and not for as far as a clock was set back', async () => {
    const { refreshing, loads, load } = underTest()
    await load(down, 1000)
    expect([999, 1000, 1400, 1500, 9000].map(refreshing.backOffMs)).toEqual([0, 500, 100, 0, 0])
    await refreshing.refresh(1499)
    expect(loads).toHaveLength(1)
    await load(down, 1500)
    expect([refreshing.failure()?.count, refreshing.backOffMs(1500)]).toEqual([2, 1000])
    await load('a', 2500)
    expect([refreshing.backOffMs(2500), loads.length]).toEqual([0, 3])
  })

  it('[JWKS-04] waits for as long as the failure itself demands', async () => {
    const { refreshing, load } = underTest({ retryAfterMs: (error) => (error === down ? 7000 : undefined) })
    await load(down, 1000)
    expect(refreshing.backOffMs(1000)).toBe(7000)
  })

  it('makes a load due at once when invalidated, and serves on', async () => {
    const { refreshing, loads, load } = underTest()
    await load('a')
    await load(down, 51_000)
    refreshing.invalidate()
    expect([refreshing.isFresh(51_000), refreshing.backOffMs(51_000)]).toEqual([false, 0])
    expect(refreshing.usable(51_000)).toBe('a')
    await begun()
    expect(loads).toHaveLength(3)
    refreshing.invalidate()
    await load('b', 51_000)
    expect([refreshing.held()?.value, refreshing.isFresh(51_000)]).toEqual(['b', false])
    await load('c', 51_000)
    expect(refreshing.isFresh(51_000)).toBe(true)
  })

  it('has nothing to make due where nothing was loaded', () => {
    const { refreshing } = underTest()
    refreshing.invalidate()
    expect([refreshing.held(), refreshing.failure()]).toEqual([undefined, undefined])
  })

  it('waits no longer for a load because another one joins it', async () => {
    const { refreshing, load } = underTest()
    await load('a')
    const first = refreshing.refreshSoon(0)
    await vi.advanceTimersByTimeAsync(400)
    const second = refreshing.refreshSoon(0)
    await vi.advanceTimersByTimeAsync(100)
    expect(await Promise.all([first, second])).toEqual([false, false])
    await load('b')
    expect(vi.getTimerCount()).toBe(0)
  })

  it('[JWKS-02] serves past its lifetime once a load has been under way for 500 ms, until that is over', async () => {
    const { refreshing, clock, load } = underTest()
    await load('a')
    clock.nowMs = 60_000
    void refreshing.refresh(60_000)
    vi.advanceTimersByTime(499)
    expect(refreshing.usable(60_000)).toBeUndefined()
    vi.advanceTimersByTime(1)
    expect([refreshing.usable(60_000), refreshing.usable(90_000)]).toEqual(['a', undefined])
    await load('b', 60_000)
    expect(vi.getTimerCount()).toBe(0)
    expect([refreshing.usable(119_999), refreshing.usable(120_000)]).toEqual(['b', undefined])
  })

  it('waits 500 ms at most for a load where the value held may serve, and to its end where none may', async () => {
    const { refreshing, loads, clock, load } = underTest()
    const first = refreshing.refreshSoon(0)
    const joined = refreshing.refreshSoon(0)
    await vi.advanceTimersByTimeAsync(500)
    await load('a')
    expect([await first, await joined, loads.length]).toEqual([true, true, 1])
    clock.nowMs = 89_999
    const soon = refreshing.refreshSoon(89_999)
    await vi.advanceTimersByTimeAsync(500)
    expect([await soon, refreshing.isLoading()]).toEqual([false, true])
    await load('b', 89_999)
    const told = vi.fn()
    const late = refreshing.refreshSoon(179_999).then(told)
    await vi.advanceTimersByTimeAsync(500)
    expect(told).not.toHaveBeenCalled()
    await load('c', 179_999)
    await late
    expect(told).toHaveBeenCalledExactlyOnceWith(true)
  })
})
