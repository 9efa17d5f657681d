import { describe, expect, it } from 'vitest'
import { createDiscovery } from '../../../src/issuer/discovery.js'
import { keySetReading } from '../../../src/issuer/key-source.js'
import { loadKeys } from '../../../src/issuer/load-keys.js'
import { createRemoteKeys } from '../../../src/issuer/remote-keys.js'
import type { EventListener } from '../../../src/kit/events.js'
import type { FetchInit } from '../../../src/kit/fetch/platform-fetch.js'
import { jwkSet, testKey } from '../../support/key-material.js'
import { json, type SimulatedIssuer, simulatedIssuer } from '../../support/simulated-issuer.js'

const settings = { timeoutMs: 5000, defaultMaxAgeSeconds: 3600 }

function load({ issuer, jwksUri, surroundings }: SimulatedIssuer, uri = jwksUri) {
  return loadKeys({ issuer, jwksUri: uri, surroundings, ...settings }, undefined)
}

/** The same, with the requests as they were sent. */
function watched(world: SimulatedIssuer) {
  const sent: FetchInit[] = []
  const surroundings = {
    ...world.surroundings,
    fetch: (url: string, init: FetchInit) => {
      sent.push(init)
      return world.surroundings.fetch(url, init)
    },
  }
  return { sent, world: { ...world, surroundings } }
}

describe('loadKeys', () => {
  it('[JWKS-02] asks for a key set, and for metadata, by their media types', async () => {
    const { sent, world } = watched(simulatedIssuer('a'))
    await load(world)
    expect(new Headers(sent[0]?.headers).get('accept')).toBe('application/jwk-set+json, application/json')
    const surroundings = {
      ...world.surroundings,
      fetch: async (_: string, init: FetchInit) => {
        sent.push(init)
        return json({ issuer: world.issuer })
      },
    }
    await createDiscovery(world.issuer, surroundings).metadata()
    expect(new Headers(sent[1]?.headers).get('accept')).toBe('application/json')
  })

  it('trusts the host that the configuration names, and no other private one', async () => {
    const inside = 'https://10.0.0.5'
    const world = simulatedIssuer('a')
    expect((await load(world, `${inside}/jwks`)).value.keys).toHaveLength(1)
    const discovered = (jwks_uri: string) => {
      const other = simulatedIssuer('a')
      const { answer } = other
      other.answer = (url, signal) =>
        url.includes('.well-known') ? json({ issuer: inside, jwks_uri }) : answer(url, signal)
      const jwksUri = createDiscovery(inside, other.surroundings)
      return loadKeys({ issuer: inside, jwksUri, surroundings: other.surroundings, ...settings }, undefined)
    }
    expect((await discovered(`${inside}/jwks`)).value.keys).toHaveLength(1)
    await expect(discovered('https://10.0.0.6/jwks')).rejects.toMatchObject({ reason: 'private_address' })
  })

  it('[JOSE-16] tells of the first 100 entries it passes over, and of no more', async () => {
    const world = simulatedIssuer()
    world.answer = () => json({ keys: [...Array(150).fill({ kty: 'quantum' }), testKey('a').jwk] })
    await load(world)
    const { issuer } = world
    const told = Array.from({ length: 100 }, (_, index) => ({
      type: 'keys.entry_skipped',
      issuer,
      reason: 'kty',
      index,
    }))
    expect(world.events).toEqual(told)
  })

  it.each([
    ['no_usable_key', { keys: [] }],
    ['no_usable_key', { keys: [{ kty: 'quantum' }] }],
    ['malformed', { keys: {} }],
    ['malformed', []],
    ['malformed', {}],
  ])('[JWKS-04] calls it %s where the answer is %j', async (reason, body) => {
    const world = simulatedIssuer()
    world.answer = () => json(body)
    await expect(load(world)).rejects.toMatchObject({ reason })
  })

  it('counts what is new, and withdraws what is gone', async () => {
    const world = simulatedIssuer('a', 'b')
    const first = await load(world)
    expect(first).toMatchObject({ added: 2, withdrawn: 0, host: 'issuer.example' })
    world.publish('b', 'c')
    const { issuer, jwksUri, surroundings } = world
    const second = await loadKeys({ issuer, jwksUri, surroundings, ...settings }, first.value)
    expect(second).toMatchObject({ added: 1, withdrawn: 1 })
    expect(first.value.keys.map(({ withdrawn }) => withdrawn)).toEqual([true, false])
  })

  it.each([
    [{}, undefined],
    [{ date: 'nonsense' }, undefined],
    [{ date: new Date(1_800_000_007_000).toUTCString() }, 7000],
    [{ date: new Date(1_800_000_007_000).toUTCString(), age: '0' }, undefined],
  ])('reads the clock of the server from the header %j', async (headers, clockOffsetMs) => {
    const world = simulatedIssuer()
    world.answer = () => json(jwkSet('a'), headers as Record<string, string>)
    expect(await load(world)).toMatchObject({ clockOffsetMs })
  })
})

describe('what is told to a listener that traces', () => {
  const tracing = (world: SimulatedIssuer) => {
    const works: unknown[] = []
    const onEvent: EventListener = Object.assign(() => undefined, {
      trace: <T>(work: unknown, run: () => Promise<T>) => {
        works.push(work)
        return run()
      },
    })
    return { works, surroundings: { ...world.surroundings, onEvent } }
  }

  it('is each load of keys, and whether somebody waits for it', async () => {
    const world = simulatedIssuer('a')
    const { issuer, jwksUri } = world
    const { works, surroundings } = tracing(world)
    const keys = createRemoteKeys({ issuer, jwksUri, options: {}, surroundings, random: () => 0 })
    await keys.find('a', 'ES256')
    await keys.find('b', 'ES256')
    keys.invalidate()
    await keys.find('a', 'ES256')
    await world.advance(0)
    world.nowMs += 3600_000
    await keys.find('a', 'ES256')
    const work = { operation: 'keys', issuer }
    expect(works).toEqual([false, false, true, false].map((isBackground) => ({ ...work, isBackground })))
  })

  it('is each discovery', async () => {
    const world = simulatedIssuer()
    world.answer = () => json({ issuer: world.issuer })
    const { works, surroundings } = tracing(world)
    await createDiscovery(world.issuer, surroundings).document()
    expect(works).toEqual([{ operation: 'discovery', issuer: world.issuer }])
  })
})

describe('keySetReading', () => {
  it('[REAL-44] tells the age of a key set, where there is one', () => {
    const health = { state: 'fresh', clockOffsetMs: 1000 } as const
    const read = (fetchedAtMs: number | undefined) => keySetReading('i', { ...health, fetchedAtMs } as never, 5000)
    expect(read(2000)).toEqual({ issuer: 'i', state: 'fresh', ageMs: 3000, clockOffsetMs: 1000 })
    expect(read(undefined).ageMs).toBeUndefined()
  })
})
