import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { KeySource } from '../../src/issuer/key-source.js'
import { createRemoteKeys } from '../../src/issuer/remote-keys.js'
import type { VerificationKey } from '../../src/jws/verification-key.js'
import { type SimulatedIssuer, simulatedIssuer } from '../support/simulated-issuer.js'

const second = 1000

async function warmKeySet(world: SimulatedIssuer): Promise<KeySource> {
  const { issuer, jwksUri, surroundings } = world
  const keys = createRemoteKeys({ issuer, jwksUri, options: {}, surroundings, random: () => 0 })
  await keys.warmUp()
  world.requests.length = 0
  return keys
}

/** Asks, and goes on. */
function ask(keys: KeySource, kid: string, onFound?: () => void): void {
  Promise.resolve(keys.find(kid, 'ES256')).then(
    (found) => found.length > 0 && onFound?.(),
    () => {},
  )
}

function expectKnownKidAtOnce(keys: KeySource): void {
  const found = keys.find('known', 'ES256')
  expect(found).not.toBeInstanceOf(Promise)
  expect((found as readonly VerificationKey[]).map(({ kid }) => kid)).toEqual(['known'])
}

/** The patience with the issuer is that of the simulated time, however busy the machine is. */
beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

describe('a flood of invented kids', () => {
  it('[JWKS-03] 1,000 at once cost one fetch, and known kids never wait', async () => {
    const world = simulatedIssuer('known')
    const keys = await warmKeySet(world)
    await world.advance(5 * second)
    world.latencyMs = 300
    const refused = Array.from({ length: 1000 }, (_, index) => {
      const found = keys.find(`invented-${index}`, 'ES256')
      expectKnownKidAtOnce(keys)
      return found
    })
    await world.advance(300)
    for (const found of await Promise.all(refused)) expect(found).toEqual([])
    expect(world.requests).toHaveLength(1)
  })

  it('[JWKS-03] [REAL-07] 1,000 in a row cost three fetches; then they are told to come back, and not that they are bad', async () => {
    const world = simulatedIssuer('known')
    const keys = await warmKeySet(world)
    for (let index = 0; index < 3; index++) expect(await keys.find(`invented-${index}`, 'ES256')).toEqual([])
    for (let index = 3; index < 1000; index++) {
      await expect(keys.find(`invented-${index}`, 'ES256')).rejects.toMatchObject({
        code: 'ERR_KEYS_UNAVAILABLE',
        status: 503,
        retryAfterSeconds: 10,
      })
      expectKnownKidAtOnce(keys)
    }
    expect(world.requests).toHaveLength(3)
  })

  it('[JWKS-03] [REAL-07] after its burst costs one fetch per 10 s, to the millisecond', async () => {
    const world = simulatedIssuer('known')
    const keys = await warmKeySet(world)
    for (let index = 0; index < 3; index++) await keys.find(`invented-${index}`, 'ES256')
    for (const fetches of [4, 5]) {
      await world.advance(10 * second - 1)
      await expect(keys.find('new', 'ES256')).rejects.toMatchObject({ status: 503, retryAfterSeconds: 1 })
      expect(world.requests).toHaveLength(fetches - 1)
      await world.advance(1)
      expect(await keys.find('new', 'ES256')).toEqual([])
      expect(world.requests).toHaveLength(fetches)
    }
  })

  it('[JWKS-03] of a full budget costs three fetches in its first ten seconds', async () => {
    const world = simulatedIssuer('known')
    const keys = await warmKeySet(world)
    await world.advance(5 * second)
    for (let ms = 0; ms < 10 * second; ms += 20) {
      ask(keys, `invented-${ms}`)
      await world.advance(20)
    }
    expect(world.requests).toHaveLength(3)
  })

  it('[JWKS-03] of 50 a second costs nine fetches in a minute, and a rotation is seen within 11 s all the same', async () => {
    const world = simulatedIssuer('known')
    world.latencyMs = 200
    const warm = warmKeySet(world)
    await world.advance(second)
    const keys = await warm
    for (let ms = 0; ms < 30 * second; ms += 20) {
      ask(keys, `invented-${ms}`)
      await world.advance(20)
    }
    world.publish('known', 'rotated')
    const rotatedAtMs = world.nowMs
    let acceptedAtMs: number | undefined
    for (let ms = 30 * second; ms < 60 * second; ms += 20) {
      ask(keys, `invented-${ms}`)
      ask(keys, 'rotated', () => {
        acceptedAtMs ??= world.nowMs
      })
      expectKnownKidAtOnce(keys)
      await world.advance(20)
    }
    expect((acceptedAtMs ?? Number.POSITIVE_INFINITY) - rotatedAtMs).toBeLessThanOrEqual(11 * second)
    expect(world.requests.length).toBeLessThanOrEqual(9)
  })

  it('[JWKS-03] ends with its last request: a rotation one second later is seen at once', async () => {
    const world = simulatedIssuer('known')
    const keys = await warmKeySet(world)
    for (let ms = 0; ms < 30 * second; ms += 20) {
      ask(keys, `invented-${ms}`)
      await world.advance(20)
    }
    await world.advance(10 * second)
    world.publish('known', 'rotated')
    expect(await keys.find('rotated', 'ES256')).toHaveLength(1)
  })

  it('[JWKS-03] [C-17] during an outage fetches no oftener than the back-off allows, and refuses nobody as a bad token', async () => {
    const world = simulatedIssuer('known')
    const keys = await warmKeySet(world)
    await world.advance(5 * second)
    world.fail()
    const outcomes = new Set<string>()
    for (let index = 0; index < 400; index++) {
      await Promise.resolve(keys.find(`invented-${index}`, 'ES256')).catch((error) => outcomes.add(error.code))
      expectKnownKidAtOnce(keys)
    }
    expect(outcomes).toEqual(new Set(['ERR_KEYS_UNAVAILABLE']))
    expect(world.requests).toHaveLength(1)
  })

  it('[JOSE-15] finds nothing under the names of prototype members', async () => {
    const world = simulatedIssuer('known')
    const keys = await warmKeySet(world)
    for (const kid of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '', '../jwks', "' OR 1=1 --"]) {
      await world.advance(10 * second)
      expect(await keys.find(kid, 'ES256'), kid).toEqual([])
    }
  })
})
