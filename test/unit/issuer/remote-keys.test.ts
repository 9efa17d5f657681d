import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { UnavailableError } from '../../../src/errors/index.js'
import type { KeySource } from '../../../src/issuer/key-source.js'
import { createRemoteKeys, type KeyCacheOptions, toKeyCacheSettings } from '../../../src/issuer/remote-keys.js'
import type { VerificationKey } from '../../../src/jws/verification-key.js'
import { jwkSet, testKey } from '../../support/key-material.js'
import { json, type SimulatedIssuer, settle, simulatedIssuer } from '../../support/simulated-issuer.js'

const second = 1000
const minute = 60 * second
const hour = 60 * minute

function keySetOf(world: SimulatedIssuer, options: KeyCacheOptions = {}): KeySource {
  const { issuer, jwksUri, surroundings } = world
  return createRemoteKeys({ issuer, jwksUri, options, surroundings, random: () => 0 })
}

/** The keys of a synchronous answer; fails when the answer is a promise. */
function now(found: ReturnType<KeySource['find']>): readonly VerificationKey[] {
  expect(found).not.toBeInstanceOf(Promise)
  return found as readonly VerificationKey[]
}

async function failure(work: unknown): Promise<UnavailableError> {
  const error = await Promise.resolve(work).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(UnavailableError)
  return error as UnavailableError
}

describe('a cold start', () => {
  it('[JWKS-02] [S4-10] [S4-13] answers 1,000 concurrent requests with one fetch', async () => {
    const world = simulatedIssuer('a')
    world.latencyMs = 500
    const keys = keySetOf(world)
    const finds = Array.from({ length: 1000 }, () => keys.find('a', 'ES256'))
    await world.advance(second)
    for (const found of await Promise.all(finds)) expect(found.map(({ kid }) => kid)).toEqual(['a'])
    expect(world.requests).toHaveLength(1)
  })

  it('[JWKS-04] [C-17] that fails is an outage, not a bad token, and backs off before it asks again', async () => {
    const world = simulatedIssuer('a')
    world.fail()
    const keys = keySetOf(world)
    const errors = await Promise.all(Array.from({ length: 50 }, () => failure(keys.find('a', 'ES256'))))
    expect(new Set(errors.map(({ code, status }) => `${status} ${code}`))).toEqual(
      new Set(['503 ERR_KEYS_UNAVAILABLE']),
    )
    for (let request = 0; request < 50; request++) await failure(keys.find('a', 'ES256'))
    expect(world.requests).toHaveLength(1)
    expect(keys.health()).toMatchObject({ state: 'empty', keys: 0, fetchedAtMs: undefined, lastFailure: 'status' })
    expect(world.events).toEqual([
      {
        type: 'keys.failed',
        issuer: 'https://issuer.example',
        reason: 'status',
        stale: false,
        trigger: 'first',
        durationMs: expect.any(Number),
        retryInMs: expect.any(Number),
      },
    ])
  })

  it('[C-17] tells callers the rest of the back-off, which doubles up to 30 s', async () => {
    const world = simulatedIssuer('a')
    world.fail()
    const keys = keySetOf(world)
    const delays: number[] = []
    for (let attempt = 0; attempt < 8; attempt++) {
      const { retryAfterSeconds } = await failure(keys.find('a', 'ES256'))
      expect(world.requests).toHaveLength(attempt + 1)
      delays.push(retryAfterSeconds)
      await world.advance(retryAfterSeconds * second)
    }
    expect(delays).toEqual([1, 1, 2, 4, 8, 15, 15, 15])
    world.publish('a')
    expect(await keys.find('a', 'ES256')).toHaveLength(1)
    expect(keys.health().lastFailure).toBeUndefined()
  })

  it('recovers as soon as the back-off is over', async () => {
    const world = simulatedIssuer('a')
    world.fail()
    const keys = keySetOf(world)
    await failure(keys.warmUp())
    world.publish('a')
    await world.advance(400)
    expect((await failure(keys.warmUp())).retryAfterSeconds).toBe(1)
    await world.advance(100)
    await keys.warmUp()
    expect(keys.isServing(world.nowMs)).toBe(true)
  })
})

describe('the lifetime', () => {
  it.each([
    ['an hour when the answer is silent', {}, hour],
    ['what max-age says', { 'cache-control': 'public, max-age=600' }, 600 * second],
    ['a minute at least', { 'cache-control': 'max-age=1' }, minute],
    ['a day at most', { 'cache-control': 'max-age=31536000' }, 24 * hour],
  ])('[JWKS-02] [S4-14] is %s', async (_, headers, lifetimeMs) => {
    const world = simulatedIssuer()
    world.answer = () => json(jwkSet('a'), headers as Record<string, string>)
    const keys = keySetOf(world)
    await keys.warmUp()
    expect(keys.health()).toEqual({
      state: 'fresh',
      keys: 1,
      fetchedAtMs: world.nowMs,
      refreshAtMs: world.nowMs + lifetimeMs - Math.min(300 * second, lifetimeMs / 2),
      expiresAtMs: world.nowMs + lifetimeMs,
      staleUntilMs: world.nowMs + lifetimeMs + hour,
      lastFailure: undefined,
    })
  })

  it('[JWKS-02] [S4-08] when silent comes from the options, within the same bounds', async () => {
    const world = simulatedIssuer('a')
    const keys = keySetOf(world, { defaultMaxAgeSeconds: 120 })
    await keys.warmUp()
    expect(keys.health().expiresAtMs).toBe(world.nowMs + 2 * minute)
  })

  it.each([
    [1, minute],
    [10_000_000, 24 * hour],
  ])('[JWKS-02] when silent is clamped where the options say %i s', async (defaultMaxAgeSeconds, lifetimeMs) => {
    const world = simulatedIssuer('a')
    const keys = keySetOf(world, { defaultMaxAgeSeconds })
    await keys.warmUp()
    expect(keys.health().expiresAtMs).toBe(world.nowMs + lifetimeMs)
  })
})

describe('a refresh ahead of expiry', () => {
  it('[JWKS-02] runs in the background: a server that takes 500 ms adds nothing to any request', async () => {
    const world = simulatedIssuer('a')
    const keys = keySetOf(world)
    await keys.warmUp()
    world.latencyMs = 500
    for (let ms = 0; ms < 70 * minute; ms += 250) {
      expect(now(keys.find('a', 'ES256'))).toHaveLength(1)
      await world.advance(250)
    }
    expect(world.requests).toHaveLength(2)
    expect(world.requests[1]?.atMs).toBe((world.requests[0]?.atMs ?? 0) + hour - 300 * second)
  })

  it('[JWKS-02] starts 300 s before at the latest, at any moment of the half of the time before that', async () => {
    for (const [jitter, aheadMs] of [
      [0, 300 * second],
      [0.5, hour - 0.75 * 3300 * second],
      [1, hour - 1650 * second],
    ] as const) {
      const world = simulatedIssuer('a')
      const { issuer, jwksUri, surroundings } = world
      const keys = createRemoteKeys({ issuer, jwksUri, options: {}, surroundings, random: () => jitter })
      await keys.warmUp()
      await world.advance(hour - aheadMs - 1)
      expect(keys.health().state).toBe('fresh')
      keys.isServing(world.nowMs)
      expect(world.requests).toHaveLength(1)
      await world.advance(1)
      expect(keys.health().state).toBe('due')
      expect(keys.isServing(world.nowMs)).toBe(true)
      await settle()
      expect(world.requests).toHaveLength(2)
    }
  })

  it('starts at half the lifetime where the lifetime is short', async () => {
    const world = simulatedIssuer()
    world.answer = () => json(jwkSet('a'), { 'cache-control': 'max-age=60' })
    const keys = keySetOf(world)
    await keys.warmUp()
    await world.advance(30 * second - 1)
    expect(keys.health().state).toBe('fresh')
    await world.advance(1)
    expect(keys.health().state).toBe('due')
  })

  it('draws its jitter from Math.random when none is given', async () => {
    const world = simulatedIssuer('a')
    const { issuer, jwksUri, surroundings } = world
    const keys = createRemoteKeys({ issuer, jwksUri, options: {}, surroundings })
    await keys.warmUp()
    await world.advance(1650 * second - 1)
    expect(keys.health().state).toBe('fresh')
    await world.advance(1650 * second + 1)
    expect(keys.health().state).toBe('due')
  })
})

describe('an outage', () => {
  it('[JWKS-04] at expiry fails no request inside the stale window, and every one after it', async () => {
    const world = simulatedIssuer('a')
    const keys = keySetOf(world)
    await keys.warmUp()
    const fetchedAtMs = world.nowMs
    world.fail()
    while (world.nowMs < fetchedAtMs + 2 * hour) {
      expect(now(keys.find('a', 'ES256'))).toHaveLength(1)
      await world.advance(5 * second)
    }
    expect(keys.health()).toMatchObject({ state: 'expired', lastFailure: 'status' })
    expect(keys.isServing(world.nowMs)).toBe(false)
    const error = await failure(keys.find('a', 'ES256'))
    expect(error.code).toBe('ERR_KEYS_UNAVAILABLE')
    expect(error.retryAfterSeconds).toBeLessThanOrEqual(30)
  })

  it('[JWKS-04] is survived for as long as the options say, and logged', async () => {
    const world = simulatedIssuer('a')
    const keys = keySetOf(world, { staleIfErrorSeconds: 60 })
    await keys.warmUp()
    world.fail()
    await world.advance(hour - minute)
    keys.isServing(world.nowMs)
    await world.advance(minute)
    expect(keys.health().state).toBe('stale')
    expect(now(keys.find('a', 'ES256'))).toHaveLength(1)
    await settle()
    expect(world.events.at(-1)).toMatchObject({ type: 'keys.failed', reason: 'status', stale: true })
    await world.advance(minute)
    await failure(keys.find('a', 'ES256'))
    expect(world.events.at(-1)).toMatchObject({ type: 'keys.failed', reason: 'status', stale: false })
  })

  it('[JWKS-04] is survived to the last millisecond of the bound, and not for one more', async () => {
    const world = simulatedIssuer('a')
    const keys = keySetOf(world)
    await keys.warmUp()
    world.fail()
    const { staleUntilMs = 0 } = keys.health()
    await world.advance(hour)
    await keys.find('a', 'ES256')
    await world.advance(staleUntilMs - world.nowMs - 1)
    expect(now(keys.find('a', 'ES256'))).toHaveLength(1)
    expect(keys.isServing(world.nowMs)).toBe(true)
    await world.advance(1)
    expect(keys.isServing(world.nowMs)).toBe(false)
    await failure(keys.find('a', 'ES256'))
  })

  it.each([
    ['seconds', '20', 20],
    ['a date', new Date(1_800_000_015_000).toUTCString(), 15],
    ['a minute at most', '86400', 60],
  ])('[C-17] lasts as long as Retry-After of the key server says: %s', async (_, retryAfter, seconds) => {
    const world = simulatedIssuer('a')
    world.answer = () => new Response('', { status: 429, headers: { 'retry-after': retryAfter } })
    const keys = keySetOf(world)
    expect((await failure(keys.find('a', 'ES256'))).retryAfterSeconds).toBe(seconds)
    world.publish('a')
    await world.advance(seconds * second - 1)
    await failure(keys.find('a', 'ES256'))
    expect(world.requests).toHaveLength(1)
    await world.advance(1)
    expect(await keys.find('a', 'ES256')).toHaveLength(1)
  })

  it.each([
    ['no seconds', '0'],
    ['a date that is over', new Date(1_700_000_000_000).toUTCString()],
    ['less than a second', new Date(1_800_000_000_000).toUTCString(), 1],
  ])(
    '[C-17] backs off as without Retry-After where the key server asks for %s',
    async (_, retryAfter, earlierMs = 0) => {
      const world = simulatedIssuer('a')
      world.nowMs -= earlierMs
      world.answer = () => new Response('', { status: 503, headers: { 'retry-after': retryAfter } })
      const keys = keySetOf(world)
      const delays: number[] = []
      for (let attempt = 0; attempt < 5; attempt++) {
        const { retryAfterSeconds } = await failure(keys.find('a', 'ES256'))
        await failure(keys.find('invented', 'ES256'))
        expect(world.requests).toHaveLength(attempt + 1)
        delays.push(retryAfterSeconds)
        await world.advance(retryAfterSeconds * second)
      }
      expect(delays).toEqual([1, 1, 2, 4, 8])
    },
  )

  it('[C-17] is a second each time where the key server says so', async () => {
    const world = simulatedIssuer('a')
    world.answer = () => new Response('', { status: 503, headers: { 'retry-after': '1' } })
    const keys = keySetOf(world)
    for (let attempt = 0; attempt < 5; attempt++) {
      expect((await failure(keys.find('a', 'ES256'))).retryAfterSeconds).toBe(1)
      await world.advance(second)
    }
    expect(world.requests).toHaveLength(5)
  })

  it('costs the key server no more than a few requests a minute', async () => {
    const world = simulatedIssuer('a')
    world.fail()
    const keys = keySetOf(world)
    for (let ms = 0; ms < 10 * minute; ms += 200) {
      await failure(keys.find('a', 'ES256'))
      world.nowMs += 200
    }
    expect(world.requests.length).toBeLessThan(50)
  })

  it('[JWKS-04] ends for the very next request after the server came back, stale window over or not', async () => {
    const world = simulatedIssuer('a')
    const keys = keySetOf(world)
    await keys.warmUp()
    world.fail()
    await world.advance(3 * hour)
    await failure(keys.find('a', 'ES256'))
    world.publish('a')
    await world.advance(30 * second)
    expect(await keys.find('a', 'ES256')).toHaveLength(1)
    expect(keys.health().state).toBe('fresh')
  })

  it('[JWKS-04] lets warmUp pass while known keys serve', async () => {
    const world = simulatedIssuer('a')
    const keys = keySetOf(world)
    await keys.warmUp()
    world.fail()
    await world.advance(hour + minute)
    await keys.warmUp()
    expect(keys.health().state).toBe('stale')
  })
})

describe('a set that expired unused', () => {
  it('[JWKS-07] is not believed: the next request waits for the keys of today', async () => {
    const world = simulatedIssuer('old')
    const keys = keySetOf(world)
    await keys.warmUp()
    world.publish('new')
    await world.advance(5 * hour)
    expect(keys.health().state).toBe('due')
    expect(keys.isServing(world.nowMs)).toBe(false)
    expect(await keys.find('old', 'ES256')).toEqual([])
    expect(world.requests).toHaveLength(2)
  })

  it('[JWKS-04] serves all the same once the refresh failed, inside the stale window', async () => {
    const world = simulatedIssuer('a')
    const keys = keySetOf(world)
    await keys.warmUp()
    world.fail()
    await world.advance(hour + minute)
    expect(await keys.find('a', 'ES256')).toHaveLength(1)
    expect(now(keys.find('a', 'ES256'))).toHaveLength(1)
  })
})

describe('a key server that hangs', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  })

  afterEach(() => {
    vi.useRealTimers()
  })

  /** Lets simulated and timer time pass together. */
  async function pass(world: SimulatedIssuer, ms: number): Promise<void> {
    await world.advance(ms)
    vi.advanceTimersByTime(ms)
    await settle()
  }

  async function afterIdleNight(): Promise<{ world: SimulatedIssuer; keys: KeySource }> {
    const world = simulatedIssuer()
    world.answer = () => json(jwkSet('a'), { 'cache-control': 'max-age=28800' })
    const keys = keySetOf(world)
    await keys.warmUp()
    await world.advance(8 * hour + 30 * minute)
    world.answer = () => new Promise(() => {})
    return { world, keys }
  }

  it('[REAL-08] [JWKS-02] keeps nobody waiting longer than 500 ms after an idle night', async () => {
    const { world, keys } = await afterIdleNight()
    let found: readonly VerificationKey[] | undefined
    expect(keys.isServing(world.nowMs)).toBe(false)
    void Promise.resolve(keys.find('a', 'ES256')).then((answer) => {
      found = answer
    })
    await pass(world, 499)
    expect(found).toBeUndefined()
    await pass(world, 1)
    expect(found).toHaveLength(1)
    expect(keys.isServing(world.nowMs)).toBe(true)
    expect(now(keys.find('a', 'ES256'))).toHaveLength(1)
    expect(world.requests).toHaveLength(2)
    await pass(world, 4500)
    expect(keys.health()).toMatchObject({ state: 'stale', lastFailure: 'timeout' })
    expect(now(keys.find('a', 'ES256'))).toHaveLength(1)
  })

  it('[REAL-08] serves its known keys within their bound only', async () => {
    const { world, keys } = await afterIdleNight()
    await pass(world, 30 * minute - 400)
    const found = Promise.resolve(keys.find('a', 'ES256')).catch((error: unknown) => error)
    await pass(world, 500)
    expect(await found).toMatchObject({ code: 'ERR_KEYS_UNAVAILABLE', detail: 'timeout', retryAfterSeconds: 1 })
    expect(keys.isServing(world.nowMs)).toBe(false)
  })

  it('[REAL-08] keeps an unknown kid waiting 500 ms, and tells it to come back', async () => {
    const world = simulatedIssuer('a')
    const keys = keySetOf(world)
    await keys.warmUp()
    world.answer = () => new Promise(() => {})
    const found = failure(keys.find('new', 'ES256'))
    await pass(world, 500)
    expect(await found).toMatchObject({ code: 'ERR_KEYS_UNAVAILABLE', detail: 'timeout' })
    expect(now(keys.find('a', 'ES256'))).toHaveLength(1)
  })

  it('[REAL-08] is waited for to the end where there is nothing else', async () => {
    const world = simulatedIssuer()
    world.answer = () => new Promise(() => {})
    const found = failure(keySetOf(world).find('a', 'ES256'))
    let isOver = false
    void found.then(() => {
      isOver = true
    })
    await pass(world, 4999)
    expect(isOver).toBe(false)
    await pass(world, 1)
    expect((await found).detail).toBe('timeout')
  })

  it('[REAL-08] is waited for where the known keys are past their bound', async () => {
    const { world, keys } = await afterIdleNight()
    await world.advance(hour)
    let answer: ((response: Response) => void) | undefined
    world.answer = () => new Promise((resolve) => (answer = resolve))
    const found = keys.find('a', 'ES256')
    await pass(world, 800)
    answer?.(json(jwkSet('a')))
    expect(await found).toHaveLength(1)
  })

  it('[REAL-08] is believed when it answers late', async () => {
    const { world, keys } = await afterIdleNight()
    let answer: ((response: Response) => void) | undefined
    world.answer = () => new Promise((resolve) => (answer = resolve))
    const found = keys.find('a', 'ES256')
    await pass(world, 500)
    expect(await found).toHaveLength(1)
    answer?.(json(jwkSet('b')))
    await settle()
    expect((await found)[0]?.withdrawn).toBe(true)
    expect(keys.health()).toMatchObject({ state: 'fresh', lastFailure: undefined })
  })
})

describe('a signature that no known key made', () => {
  const replaced = () => json({ keys: [{ ...testKey('b').jwk, kid: 'a' }] })

  it('[REAL-06] [JWKS-03] has a new key looked for under the old name', async () => {
    const world = simulatedIssuer('a')
    const keys = keySetOf(world)
    const tried = await keys.find('a', 'ES256')
    world.answer = replaced
    const [other, ...more] = await keys.findOthers('a', 'ES256', tried)
    expect(other?.kid).toBe('a')
    expect(tried).not.toContain(other)
    expect(more).toEqual([])
  })

  it('[REAL-06] [JWKS-03] spends the budget of unknown kids, and is a bad signature when that is spent', async () => {
    const world = simulatedIssuer('a')
    const keys = keySetOf(world)
    const tried = await keys.find('a', 'ES256')
    for (let index = 0; index < 10; index++) expect(await keys.findOthers('a', 'ES256', tried)).toEqual([])
    expect(world.requests).toHaveLength(4)
    await failure(keys.find('new', 'ES256'))
    expect(now(keys.find('a', 'ES256'))).toHaveLength(1)
    expect(now(keys.find('a', 'RS256'))).toEqual([])
  })

  it('[REAL-06] is a bad signature while the issuer cannot be asked', async () => {
    const world = simulatedIssuer('a')
    const keys = keySetOf(world, { staleIfErrorSeconds: 0 })
    const tried = await keys.find('a', 'ES256')
    world.fail()
    expect(await keys.findOthers('a', 'ES256', tried)).toEqual([])
    await world.advance(2 * hour)
    expect(await keys.findOthers('a', 'ES256', tried)).toEqual([])
  })
})

describe('a rotation', () => {
  it('[JWKS-07] with overlap keeps the object of the key that stays, and finds the new one at once', async () => {
    const world = simulatedIssuer('old')
    const keys = keySetOf(world)
    const [before] = await keys.find('old', 'ES256')
    world.publish('old', 'new')
    await world.advance(second)
    expect((await keys.find('new', 'ES256')).map(({ kid }) => kid)).toEqual(['new'])
    const [after] = now(keys.find('old', 'ES256'))
    expect(after).toBe(before)
    expect(after?.withdrawn).toBe(false)
  })

  it('[REAL-44] tells why it was fetched, from where, how it went, and how far the clock of the server is off', async () => {
    const world = simulatedIssuer('a')
    const { answer } = world
    const dated = (age?: string) => async (url: string, signal: AbortSignal) => {
      const response = (await answer(url, signal)).clone()
      response.headers.set('date', new Date(world.nowMs + 70_400).toUTCString())
      if (age !== undefined) response.headers.set('age', age)
      return response
    }
    world.answer = dated()
    const keys = keySetOf(world)
    await keys.find('a', 'ES256')
    expect(keys.health().clockOffsetMs).toBe(70_000)
    world.answer = dated('30')
    keys.invalidate()
    await keys.find('a', 'ES256')
    await world.advance(second)
    expect(keys.health().clockOffsetMs).toBeUndefined()
    world.fail()
    await failure(keys.find('b', 'ES256'))
    await world.advance(minute)
    world.publish('a', 'b')
    expect(await keys.find('b', 'ES256')).toHaveLength(1)
    await world.advance(3600 * second)
    await keys.find('a', 'ES256')
    await world.advance(second)
    const told = world.events.filter(({ type }) => type === 'keys.refreshed' || type === 'keys.failed')
    const about = { issuer: world.issuer, durationMs: expect.any(Number) }
    const refreshed = { ...about, type: 'keys.refreshed', host: 'issuer.example', withdrawn: 0, lifetimeSeconds: 3600 }
    expect(told).toEqual([
      { ...refreshed, trigger: 'first', keys: 1, added: 1, failuresBefore: 0, clockOffsetMs: 70_000 },
      { ...refreshed, trigger: 'invalidated', keys: 1, added: 0, failuresBefore: 0, clockOffsetMs: undefined },
      {
        ...about,
        type: 'keys.failed',
        reason: 'status',
        stale: true,
        trigger: 'unknown_key',
        retryInMs: expect.any(Number),
      },
      { ...refreshed, trigger: 'unknown_key', keys: 2, added: 1, failuresBefore: 1, clockOffsetMs: undefined },
      { ...refreshed, trigger: 'due', keys: 2, added: 0, failuresBefore: 0, clockOffsetMs: undefined },
    ])
  })

  it('[REAL-44] tells of keys nobody knows: one by one while it asks, then once a second with how many they were', async () => {
    const world = simulatedIssuer('a')
    const keys = keySetOf(world)
    await keys.find('a', 'ES256')
    for (let attempt = 0; attempt < 13; attempt++)
      await Promise.resolve(keys.find(`x${attempt}`, 'ES256')).catch(() => {})
    await world.advance(second)
    await Promise.resolve(keys.find('y', 'ES256')).catch(() => {})
    const { issuer } = world
    expect(world.events.filter(({ type }) => type === 'keys.unknown')).toEqual([
      ...Array.from({ length: 3 }, () => ({ type: 'keys.unknown', issuer, asked: true, count: 1 })),
      { type: 'keys.unknown', issuer, asked: false, count: 1 },
      { type: 'keys.unknown', issuer, asked: false, count: 10 },
    ])
    expect(JSON.stringify(world.events)).not.toContain('x1')
  })

  it('[JWKS-07] without overlap withdraws the old key at the refresh that no longer brings it', async () => {
    const world = simulatedIssuer('old')
    const keys = keySetOf(world)
    const [old] = await keys.find('old', 'ES256')
    expect(old?.withdrawn).toBe(false)
    world.publish('new')
    await world.advance(second)
    expect(await keys.find('new', 'ES256')).toHaveLength(1)
    expect(old?.withdrawn).toBe(true)
    await world.advance(second)
    expect(await keys.find('old', 'ES256')).toEqual([])
    expect(world.events.filter(({ type }) => type === 'keys.refreshed')).toMatchObject([
      { keys: 1, withdrawn: 0 },
      { keys: 1, withdrawn: 1 },
      { keys: 1, withdrawn: 0 },
    ])
  })

  it('[JWKS-07] that puts other key material under the same kid withdraws the old key', async () => {
    const world = simulatedIssuer('a')
    const keys = keySetOf(world)
    const [before] = await keys.find('a', 'ES256')
    world.answer = () => json({ keys: [{ ...testKey('b').jwk, kid: 'a' }] })
    keys.invalidate()
    await keys.warmUp()
    const [after] = now(keys.find('a', 'ES256'))
    expect(before?.withdrawn).toBe(true)
    expect(after).not.toBe(before)
    expect(after?.withdrawn).toBe(false)
  })

  it('[JWKS-03] one second after a fetch is seen by the first token it signs', async () => {
    const world = simulatedIssuer('old')
    const keys = keySetOf(world)
    await keys.warmUp()
    await world.advance(second)
    world.publish('old', 'new')
    expect(await keys.find('new', 'ES256')).toHaveLength(1)
  })

  it('[JWKS-03] right after a fetch is seen by the first token it signs', async () => {
    const world = simulatedIssuer('old')
    const keys = keySetOf(world)
    await keys.warmUp()
    world.publish('new')
    expect(await keys.find('new', 'ES256')).toHaveLength(1)
  })

  it('[JWKS-03] [REAL-07] to an unknown kid is asked for three times at once, and once more every 10 s', async () => {
    const world = simulatedIssuer('a')
    const keys = keySetOf(world)
    await keys.warmUp()
    for (let index = 0; index < 3; index++) expect(await keys.find('new', 'ES256')).toEqual([])
    expect((await failure(keys.find('new', 'ES256'))).retryAfterSeconds).toBe(10)
    await world.advance(10 * second - 1)
    await failure(keys.find('new', 'ES256'))
    expect(world.requests).toHaveLength(4)
    await world.advance(1)
    expect(await keys.find('new', 'ES256')).toEqual([])
    await failure(keys.find('new', 'ES256'))
    expect(world.requests).toHaveLength(5)
  })

  it('[JWKS-03] right after asking for another kid is seen as well', async () => {
    const world = simulatedIssuer('old')
    const keys = keySetOf(world)
    await keys.warmUp()
    expect(await keys.find('invented', 'ES256')).toEqual([])
    world.publish('old', 'new')
    expect(await keys.find('new', 'ES256')).toHaveLength(1)
  })

  it('[JWKS-03] [C-17] that cannot be looked up is an outage for the new key, and nothing for the old one', async () => {
    const world = simulatedIssuer('old')
    const keys = keySetOf(world)
    await keys.warmUp()
    await world.advance(minute)
    world.fail()
    expect((await failure(keys.find('new', 'ES256'))).code).toBe('ERR_KEYS_UNAVAILABLE')
    expect((await failure(keys.find('new', 'ES256'))).retryAfterSeconds).toBe(1)
    expect(world.requests).toHaveLength(2)
    expect(now(keys.find('old', 'ES256'))).toHaveLength(1)
    expect(keys.health()).toMatchObject({ state: 'fresh', lastFailure: 'status' })
  })
})

describe('a token without kid', () => {
  it('[JWKS-05] [S4-11] gets the one key that fits', async () => {
    const world = simulatedIssuer('a')
    expect((await keySetOf(world).find(undefined, 'ES256')).map(({ kid }) => kid)).toEqual(['a'])
  })

  it('[JWKS-05] gets every key that fits, in order', async () => {
    const world = simulatedIssuer('a', 'b', 'c', 'd', 'e')
    const found = await keySetOf(world).find(undefined, 'ES256')
    expect(found.map(({ kid }) => kid)).toEqual(['a', 'b', 'c', 'd', 'e'])
  })

  it('[JWKS-03] [JWKS-05] that no key fits asks again like an unknown kid', async () => {
    const world = simulatedIssuer('a')
    const keys = keySetOf(world)
    await keys.warmUp()
    await world.advance(second)
    expect(await keys.find(undefined, 'RS256')).toEqual([])
    expect(world.requests).toHaveLength(2)
  })
})

describe('invalidate', () => {
  it('[S4-12] makes the next use fetch, while known keys serve', async () => {
    const world = simulatedIssuer('old')
    const keys = keySetOf(world)
    await keys.warmUp()
    world.publish('new')
    keys.invalidate()
    expect(keys.health()).toMatchObject({ state: 'due', refreshAtMs: keys.health().fetchedAtMs })
    expect(now(keys.find('old', 'ES256'))).toHaveLength(1)
    await settle()
    expect(now(keys.find('new', 'ES256'))).toHaveLength(1)
  })

  it('is not undone by an answer that was under way', async () => {
    const world = simulatedIssuer('old')
    world.latencyMs = 100
    const keys = keySetOf(world)
    const warm = keys.warmUp()
    await world.advance(50)
    keys.invalidate()
    await world.advance(50)
    await warm
    expect(keys.health().state).toBe('due')
  })

  it('lifts the back-off', async () => {
    const world = simulatedIssuer('a')
    world.fail()
    const keys = keySetOf(world)
    await failure(keys.warmUp())
    world.publish('a')
    keys.invalidate()
    await keys.warmUp()
    expect(keys.health().state).toBe('fresh')
  })
})

describe('a clock that is set back', () => {
  it('makes keys due, not fresh for as long as it was wrong', async () => {
    const world = simulatedIssuer('a')
    const keys = keySetOf(world)
    await keys.warmUp()
    world.nowMs -= 1000 * hour
    expect(keys.health().state).toBe('due')
    expect(now(keys.find('a', 'ES256'))).toHaveLength(1)
    await settle()
    expect(keys.health()).toMatchObject({ state: 'fresh', fetchedAtMs: world.nowMs })
  })

  it('does not stretch the back-off, nor keep unknown kids out', async () => {
    const world = simulatedIssuer('a')
    world.fail()
    const keys = keySetOf(world)
    await failure(keys.warmUp())
    world.nowMs -= 1000 * hour
    world.publish('a')
    expect(await keys.find('a', 'ES256')).toHaveLength(1)
    world.publish('a', 'b')
    world.nowMs -= 1000 * hour
    expect(await keys.find('b', 'ES256')).toHaveLength(1)
  })
})

describe('a clock that leaps over the lifetime during a fetch', () => {
  it('[C-17] makes an outage of it, never a bad token', async () => {
    const world = simulatedIssuer()
    world.answer = () => {
      world.nowMs += 48 * hour
      return json(jwkSet('a'))
    }
    const keys = keySetOf(world)
    expect((await failure(keys.find('a', 'ES256'))).code).toBe('ERR_KEYS_UNAVAILABLE')
  })
})

describe('warmUp', () => {
  it('fetches nothing while the keys are fresh', async () => {
    const world = simulatedIssuer('a')
    const keys = keySetOf(world)
    await Promise.all([keys.warmUp(), keys.warmUp(), keys.warmUp()])
    await keys.warmUp()
    expect(world.requests).toHaveLength(1)
  })
})

describe('what a key set tells and bounds', () => {
  it('[JWKS-02] fills in what the options leave out, and nothing else', () => {
    expect(toKeyCacheSettings()).toEqual({
      defaultMaxAgeSeconds: 3600,
      refreshAheadSeconds: 300,
      staleIfErrorSeconds: 3600,
      timeoutMs: 5000,
    })
    const given = { defaultMaxAgeSeconds: 61, refreshAheadSeconds: 0, staleIfErrorSeconds: 1, timeoutMs: 7 }
    expect(toKeyCacheSettings(given)).toEqual(given)
  })

  it('[REAL-44] tells how long a fetch took, and never less than no time', async () => {
    const moments = [7000, 7250, 9000, 8000]
    const watch = vi.spyOn(performance, 'now').mockImplementation(() => moments.shift() ?? 0)
    onTestFinished(() => watch.mockRestore())
    for (const durationMs of [250, 0]) {
      const world = simulatedIssuer('a')
      await keySetOf(world).warmUp()
      expect(world.events).toMatchObject([{ type: 'keys.refreshed', durationMs }])
    }
  })

  it('[REAL-44] tells of unknown keys again as soon as the clock was set back', async () => {
    const world = simulatedIssuer('a')
    const keys = keySetOf(world)
    await keys.warmUp()
    const untilUnasked = async () => {
      for (let attempt = 0; attempt < 6; attempt++) await Promise.resolve(keys.find('x', 'ES256')).catch(() => {})
      return world.events.filter((event) => event.type === 'keys.unknown' && !event.asked).length
    }
    expect(await untilUnasked()).toBe(1)
    world.nowMs -= hour
    expect(await untilUnasked()).toBe(2)
  })

  it('[REAL-44] calls no key unknown whose name is known', async () => {
    const world = simulatedIssuer('a')
    const keys = keySetOf(world)
    await keys.warmUp()
    expect(await keys.find('a', 'RS256')).toEqual([])
    expect(world.events.map(({ type }) => type)).not.toContain('keys.unknown')
  })

  it('[REAL-07] takes nothing off the budget for those who wait for a fetch that is under way', async () => {
    const world = simulatedIssuer('a')
    const keys = keySetOf(world)
    await keys.warmUp()
    world.latencyMs = 100
    const finds = Array.from({ length: 10 }, () => keys.find('new', 'ES256'))
    world.publish('a', 'new')
    await world.advance(100)
    expect((await Promise.all(finds)).map(({ length }) => length)).toEqual(Array(10).fill(1))
    expect(world.requests).toHaveLength(2)
    world.latencyMs = 0
    for (let attempt = 0; attempt < 2; attempt++) expect(await keys.find('x', 'ES256')).toEqual([])
    expect((await failure(keys.find('x', 'ES256'))).detail).toBe('unknown kid, and the issuer was asked too often')
    expect(world.requests).toHaveLength(4)
  })

  it('[REAL-07] takes nothing off the budget while nothing is asked after a failure', async () => {
    const world = simulatedIssuer('a')
    const keys = keySetOf(world)
    await keys.warmUp()
    world.fail()
    for (let attempt = 0; attempt < 10; attempt++) {
      expect((await failure(keys.find('x', 'ES256'))).detail).toBe('status')
    }
    expect(world.requests).toHaveLength(2)
    world.publish('a')
    await world.advance(minute)
    expect(await keys.find('x', 'ES256')).toEqual([])
  })

  it('holds no keys before the first fetch, and those of the last one after it', async () => {
    const world = simulatedIssuer('a')
    const keys = keySetOf(world)
    expect(keys.held()).toEqual([])
    await keys.warmUp()
    expect(keys.held()).toMatchObject([{ kid: 'a' }])
  })

  it('[C-17] leaves discovery alone for as long as it asks for', async () => {
    const world = simulatedIssuer('a')
    const { issuer, surroundings } = world
    let asked = 0
    const metadata = async () => {
      asked += 1
      throw new UnavailableError('ERR_ISSUER_UNAVAILABLE', { detail: 'status', retryAfterSeconds: 20 })
    }
    const jwksUri = { issuer, metadata, document: metadata, invalidate: () => undefined }
    const keys = createRemoteKeys({ issuer, jwksUri, options: {}, surroundings, random: () => 0 })
    expect((await failure(keys.find('a', 'ES256'))).retryAfterSeconds).toBe(20)
    await world.advance(19_999)
    await failure(keys.find('a', 'ES256'))
    expect(asked).toBe(1)
    await world.advance(1)
    await failure(keys.find('a', 'ES256'))
    expect(asked).toBe(2)
  })

  it('[S4-14] calls keys due, and not stale, that did not expire yet', async () => {
    const world = simulatedIssuer('a')
    const keys = keySetOf(world)
    await keys.warmUp()
    world.fail()
    const { refreshAtMs = 0 } = keys.health()
    await world.advance(refreshAtMs - world.nowMs)
    keys.isServing(world.nowMs)
    await settle()
    expect(keys.health()).toMatchObject({ state: 'due', lastFailure: 'status' })
  })
})
