import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { UnavailableError } from '../../src/errors/index.js'
import type { KeySource } from '../../src/issuer/key-source.js'
import { createRemoteKeys } from '../../src/issuer/remote-keys.js'
import type { VerificationKey } from '../../src/jws/verification-key.js'
import { type SimulatedIssuer, settle, simulatedIssuer } from '../support/simulated-issuer.js'

const second = 1000
const lifetimeMs = 3600 * second
const refreshAfterMs = lifetimeMs - 300 * second
const staleMs = 3600 * second

/** What the cache is meant to do, in the fewest words. */
interface Model {
  nowMs: number
  published: readonly string[]
  down: boolean
  held: { kids: readonly string[]; atMs: number } | undefined
  invalidated: boolean
  failures: number
  retryAtMs: number
  bucketMs: number
  bucketAtMs: number
  fetches: number
}

interface Real {
  readonly world: SimulatedIssuer
  readonly keys: KeySource
  /** The object last seen for each kid that is still published. */
  readonly live: Map<string, VerificationKey>
  readonly gone: Set<VerificationKey>
}

type Outcome = 'found' | 'none' | 'unavailable'

const isUsable = ({ held, failures, nowMs }: Model): boolean =>
  held !== undefined && nowMs < held.atMs + lifetimeMs + (failures > 0 ? staleMs : 0)

const isFresh = ({ held, invalidated, nowMs }: Model): boolean =>
  held !== undefined && !invalidated && nowMs < held.atMs + refreshAfterMs

/** Fetches unless backing off; tells whether it did. */
function attempt(model: Model): boolean {
  if (model.failures > 0 && model.nowMs < model.retryAtMs) return false
  model.fetches += 1
  if (model.down) {
    model.failures += 1
    model.retryAtMs = model.nowMs + Math.min(30 * second, second * 2 ** (model.failures - 1)) / 2
  } else {
    model.held = { kids: model.published, atMs: model.nowMs }
    model.failures = 0
    model.invalidated = false
  }
  return true
}

function takeToken(model: Model): boolean {
  model.bucketMs = Math.min(30 * second, model.bucketMs + model.nowMs - model.bucketAtMs)
  model.bucketAtMs = model.nowMs
  if (model.bucketMs < 10 * second) return false
  model.bucketMs -= 10 * second
  return true
}

function look(model: Model, kid: string): Outcome {
  if (isUsable(model) && model.held?.kids.includes(kid) === true) return 'found'
  return model.failures > 0 || !isUsable(model) ? 'unavailable' : 'none'
}

function expected(model: Model, kid: string): { outcome: Outcome; atOnce: boolean } {
  if (!isUsable(model)) {
    attempt(model)
    return { outcome: look(model, kid), atOnce: false }
  }
  const isKnown = model.held?.kids.includes(kid) === true
  const isAsking = !isFresh(model) && attempt(model)
  if (isKnown) return { outcome: 'found', atOnce: true }
  if (isAsking || model.nowMs < model.retryAtMs) return { outcome: look(model, kid), atOnce: false }
  if (!takeToken(model)) return { outcome: 'unavailable', atOnce: false }
  attempt(model)
  return { outcome: look(model, kid), atOnce: false }
}

/** Compares what is observable after every command. */
function compare(model: Model, { world, keys, live, gone }: Real): void {
  expect(world.requests).toHaveLength(model.fetches)
  for (const [kid, key] of live) {
    if (model.held?.kids.includes(kid) === true) continue
    live.delete(kid)
    gone.add(key)
  }
  for (const key of live.values()) expect(key.withdrawn).toBe(false)
  for (const key of gone) expect(key.withdrawn).toBe(true)
  const health = keys.health()
  expect(health.fetchedAtMs).toBe(model.held?.atMs)
  expect(health.lastFailure).toBe(model.failures > 0 ? 'status' : undefined)
  expect(['fresh', 'due', 'stale'].includes(health.state)).toBe(
    isUsable(model) || (model.held !== undefined && model.failures === 0),
  )
}

abstract class Command implements fc.AsyncCommand<Model, Real> {
  check(): boolean {
    return true
  }

  abstract step(model: Model, real: Real): void | Promise<void>

  async run(model: Model, real: Real): Promise<void> {
    await this.step(model, real)
    await settle()
    compare(model, real)
  }

  toString(): string {
    return `${this.constructor.name}(${Object.values(this).join(',')})`
  }
}

class Request extends Command {
  readonly kid: string
  constructor(kid: string) {
    super()
    this.kid = kid
  }

  async step(model: Model, { keys, live }: Real): Promise<void> {
    const { outcome, atOnce } = expected(model, this.kid)
    const answer = keys.find(this.kid, 'ES256')
    expect(answer instanceof Promise).toBe(!atOnce)
    const found = await Promise.resolve(answer).catch((error: unknown) => error)
    if (outcome === 'unavailable') return void expect(found).toBeInstanceOf(UnavailableError)
    const [key] = found as readonly VerificationKey[]
    expect(key?.kid).toBe(outcome === 'found' ? this.kid : undefined)
    if (key === undefined) return
    expect(live.get(this.kid) ?? key).toBe(key)
    live.set(this.kid, key)
  }
}

class Hit extends Command {
  step(model: Model, { keys, world }: Real): void {
    const serving = isUsable(model)
    if (serving && !isFresh(model)) attempt(model)
    expect(keys.isServing(world.nowMs)).toBe(serving)
  }
}

class Pass extends Command {
  readonly ms: number
  constructor(ms: number) {
    super()
    this.ms = ms
  }

  step(model: Model, { world }: Real): void {
    model.nowMs += this.ms
    world.nowMs += this.ms
  }
}

class Rotate extends Command {
  readonly kids: readonly string[]
  constructor(kids: readonly string[]) {
    super()
    this.kids = kids
  }

  step(model: Model, { world }: Real): void {
    model.published = this.kids
    if (!model.down) world.publish(...this.kids)
  }
}

class Outage extends Command {
  readonly down: boolean
  constructor(down: boolean) {
    super()
    this.down = down
  }

  step(model: Model, { world }: Real): void {
    model.down = this.down
    if (this.down) world.fail()
    else world.publish(...model.published)
  }
}

class Invalidate extends Command {
  step(model: Model, { keys }: Real): void {
    model.invalidated = model.held !== undefined
    model.retryAtMs = Number.NEGATIVE_INFINITY
    keys.invalidate()
  }
}

class WarmUp extends Command {
  async step(model: Model, { keys }: Real): Promise<void> {
    if (!isFresh(model)) attempt(model)
    const outcome = await keys.warmUp().catch((error: unknown) => error)
    if (isUsable(model)) expect(outcome).toBeUndefined()
    else expect(outcome).toBeInstanceOf(UnavailableError)
  }
}

const kid = fc.constantFrom('a', 'b', 'c', 'invented')
const published = fc.subarray(['a', 'b', 'c'], { minLength: 1 })
const pass = fc.oneof(
  fc.integer({ min: 0, max: 2 * second }),
  fc.integer({ min: 0, max: 60 * second }),
  fc.constantFrom(second - 1, second, 10 * second, refreshAfterMs, lifetimeMs, lifetimeMs + staleMs, staleMs),
  fc.integer({ min: 0, max: 3 * lifetimeMs }),
)
const commands = fc.commands(
  [
    kid.map((one) => new Request(one)),
    kid.map((one) => new Request(one)),
    pass.map((ms) => new Pass(ms)),
    pass.map((ms) => new Pass(ms)),
    published.map((kids) => new Rotate(kids)),
    fc.boolean().map((down) => new Outage(down)),
    fc.constant(new Hit()),
    fc.constant(new WarmUp()),
    fc.constant(new Invalidate()),
  ],
  { maxCommands: 60, size: '+1' },
)

function setUp(): { model: Model; real: Real } {
  const world = simulatedIssuer('a')
  const { issuer, jwksUri, surroundings } = world
  const keys = createRemoteKeys({ issuer, jwksUri, options: {}, surroundings, random: () => 0 })
  return {
    model: {
      nowMs: world.nowMs,
      published: ['a'],
      down: false,
      held: undefined,
      invalidated: false,
      failures: 0,
      retryAtMs: Number.NEGATIVE_INFINITY,
      bucketMs: 30 * second,
      bucketAtMs: world.nowMs,
      fetches: 0,
    },
    real: { world, keys, live: new Map(), gone: new Set() },
  }
}

describe('the keys cache', () => {
  it('[JWKS-02] [JWKS-03] [JWKS-04] [JWKS-07] does what its model does over any sequence of time, traffic, rotations and faults', async () => {
    await fc.assert(
      fc.asyncProperty(commands, (sequence) => fc.asyncModelRun(setUp, sequence)),
      { numRuns: 250 },
    )
  })
})
