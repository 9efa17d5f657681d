/*
 * `npm run soak`: the figures that are promised of tokens of users, with real processes, real stores and a server that
 * takes each refresh token once. Exits with 1 where one of them does not hold. Takes about ten minutes; `npm run soak --
 * --kills=1000` sets how many processes are killed.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hasRedis, startRedis } from '../support/redis.js'
import { hasSecretService, startSecretService } from '../support/secret-service.js'
import { createAgeKey, hasSops } from '../support/sops.js'
import { runExpiries } from './expiries.js'
import { runKills } from './kills.js'
import type { World } from './open-tokens.js'
import { buildWorker } from './processes.js'
import { startTokenServer } from './token-server.js'

interface Place {
  readonly name: string
  readonly world: Omit<World, 'origin'>
  readonly env?: object
}

const kills = Number(/--kills=(\d+)/.exec(process.argv.join(' '))?.[1] ?? 1000)
const script = await buildWorker()
const server = await startTokenServer()
const folder = mkdtempSync(join(tmpdir(), 'portcullis-soak-'))
const stops: (() => unknown)[] = [() => server.close(), () => rmSync(folder, { recursive: true, force: true })]
const failures: string[] = []

function directory(name: string) {
  return { directory: join(folder, name), lockDirectory: join(folder, `${name}-locks`) }
}

async function findPlaces(): Promise<readonly Place[]> {
  const places: Place[] = []
  const { directory: files, lockDirectory: fileLocks } = directory('file')
  places.push({ name: 'file', world: { store: { kind: 'file', directory: files }, lockDirectory: fileLocks } })
  const { directory: sealed, lockDirectory: sealedLocks } = directory('encrypted')
  const encrypted = { kind: 'encrypted', directory: sealed }
  places.push({ name: 'encrypted file', world: { store: encrypted, lockDirectory: sealedLocks, seed: 5 } })
  if (hasSecretService('soak of the keyring')) {
    const service = await startSecretService('unlocked')
    stops.push(() => service.stop())
    const store = { kind: 'keyring', service: 'portcullis-soak', timeoutMs: 20_000 }
    const { lockDirectory } = directory('keyring')
    places.push({ name: 'keyring, file lock', world: { store, lockDirectory }, env: service.env })
  }
  if (hasSops('soak of SOPS')) {
    const age = createAgeKey()
    const { directory: secrets, lockDirectory } = directory('sops')
    const store = { kind: 'sops', directory: secrets, ageRecipients: age.recipient, env: age.env }
    places.push({ name: 'SOPS', world: { store, lockDirectory } })
  }
  if (hasRedis('soak of Redis')) {
    const redis = await startRedis()
    stops.push(() => redis.stop())
    places.push({ name: 'Redis', world: { store: { kind: 'redis' }, redisPort: redis.port, seed: 6 } })
  }
  return places
}

function check(what: string, holds: boolean, figures: object): void {
  console.log(`${holds ? 'ok  ' : 'FAIL'} ${what}: ${JSON.stringify(figures)}`)
  if (!holds) failures.push(what)
}

async function expiriesOf({ name, world, env }: Place, expiries: number, delayMs: number): Promise<void> {
  const plan = { script, world, env, processes: 4, callers: 50, expiries, delayMs }
  const startedMs = performance.now()
  const result = await runExpiries(server, plan)
  const { redemptions, reuses, foreign, unequal, answers, errors } = result
  const isExact = redemptions === 2 * expiries && reuses === 0 && answers === 50 * expiries
  const seconds = Math.round((performance.now() - startedMs) / 1000)
  const slow = delayMs === 0 ? '' : `, redemptions of ${delayMs / 1000} s`
  const what = `A1 A4 ${name}: 4 processes, 50 callers of 2 users, ${expiries} expiries${slow}`
  check(what, isExact && foreign === 0 && unequal === 0 && errors.length === 0, { ...result, seconds })
}

async function killsOf({ name, world }: Place, count: number, parallel: number): Promise<void> {
  const startedMs = performance.now()
  const result = await runKills(server, { script, world, kills: count, parallel })
  const { damaged, needless, slowestMs, errors } = result
  const holds = damaged === 0 && needless === 0 && errors.length === 0 && slowestMs < 35_000
  const seconds = Math.round((performance.now() - startedMs) / 1000)
  check(`A2 ${name}: ${count} processes killed at 12 points`, holds, { ...result, seconds })
}

function interleave(count: number): void {
  const env = { ...process.env, INTERLEAVINGS: String(count) }
  const test = ['node_modules/vitest/vitest.mjs', 'run', 'test/property/refresh-races.test.ts', '-t', 'A4']
  const { status } = spawnSync(process.execPath, test, { env, stdio: 'inherit' })
  check(`A4 in memory: ${count} interleavings of two users`, status === 0, { status })
}

interleave(10_000)
const places = await findPlaces()
for (const place of places) {
  await expiriesOf(place, 20, 0)
  await expiriesOf(place, 2, 12_000)
}
const file = places.find(({ name }) => name === 'file') as Place
await killsOf(file, kills, 4)
const redis = places.find(({ name }) => name === 'Redis')
if (redis !== undefined) await killsOf(redis, Math.ceil(kills / 10), 48)
for (const stop of stops.reverse()) await stop()
rmSync(script, { force: true })
console.log(failures.length === 0 ? 'everything holds' : `does not hold:\n${failures.join('\n')}`)
process.exit(failures.length === 0 ? 0 : 1)
