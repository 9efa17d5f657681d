/*
 * `npm run soak`: the figures that are promised of tokens of users, with real processes, real stores and a server that
 * takes each refresh token once. Exits with 1 where one of them does not hold. `npm run soak -- <run…> <store…>` does
 * some of it; `--kills=`, `--expiries=` and `--interleavings=` say how much.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { bundledScript } from '../support/bundled-script.js'
import { runExpiries } from './expiries.js'
import { runInterleavings } from './interleavings.js'
import { runKills } from './kills.js'
import { openParts, type Parts } from './open-tokens.js'
import { type Place, places } from './places.js'
import { startTokenServer } from './token-server.js'

const runs = {
  memory: async () => interleaveInTest('memory', 'refresh-races'),
  sessions: async () => interleaveSessions(),
  interleavings: (place: Place) => interleavingsOf(place, count('interleavings') ?? place.interleavings),
  expiries: (place: Place) => expiriesOf(place, count('expiries') ?? 20, 0),
  slow: (place: Place) => expiriesOf(place, count('expiries') ?? 20, 12_000),
  kills: (place: Place) => killsOf(place, count('kills') ?? 1000),
}

const number = { type: 'string' } as const
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { kills: number, expiries: number, interleavings: number },
})
const known = [...Object.keys(runs), ...Object.keys(places)]
const unknown = positionals.find((word) => !known.includes(word))
if (unknown !== undefined) throw new Error(`There is no ${unknown}. There are ${known.join(', ')}.`)

function count(name: keyof typeof values): number | undefined {
  return values[name] === undefined ? undefined : Number(values[name])
}

/** Those that were asked for; all where none was. */
function chosen<Name extends string>(all: Readonly<Record<Name, unknown>>): readonly Name[] {
  const names = Object.keys(all) as Name[]
  const asked = names.filter((name) => positionals.includes(name))
  return asked.length === 0 ? names : asked
}

const script = await bundledScript('soak/worker')
const server = await startTokenServer()
const folder = mkdtempSync(join(tmpdir(), 'portcullis-soak-'))
const failures: string[] = []

/** `work` gives figures, and whether they hold. */
async function check(what: string, work: () => Promise<readonly [holds: boolean, figures: object]>): Promise<void> {
  const startedMs = performance.now()
  const [holds, figures] = await work()
  const seconds = Math.round((performance.now() - startedMs) / 1000)
  console.log(`${holds ? 'ok  ' : 'FAIL'} ${what}: ${JSON.stringify({ ...figures, seconds })}`)
  if (!holds) failures.push(what)
}

/** Long runs say where they are. */
function tell(figures: object): void {
  console.log(`...  ${JSON.stringify(figures)}`)
}

/** What a test does in small. */
async function interleaveInTest(what: string, file: string, further: Record<string, string> = {}): Promise<void> {
  const interleavings = count('interleavings') ?? 10_000
  await check(`A4 ${what}: ${interleavings} interleavings of two users`, async () => {
    const env = { ...process.env, INTERLEAVINGS: String(interleavings), ...further }
    const test = ['node_modules/vitest/vitest.mjs', 'run', `test/property/${file}.test.ts`, '-t', 'A4']
    const [status] = await once(spawn(process.execPath, test, { env, stdio: 'inherit' }), 'close')
    return [status === 0, { status }]
  })
}

/** Each mode of sessions in a process of its own, as many at a time as there are processors; the longest begins first. */
async function interleaveSessions(): Promise<void> {
  const modes = ['Redis', 'a store that processes share', 'one process, in memory', 'cookies']
  async function lane(): Promise<void> {
    for (let mode = modes.shift(); mode !== undefined; mode = modes.shift()) {
      await interleaveInTest(`sessions, ${mode}`, 'login-sessions', { SESSION_MODE: mode })
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, lane))
}

async function interleavingsOf({ name, world, parallel }: Place, interleavings: number): Promise<void> {
  await check(`A4 ${name}: ${interleavings} interleavings of two users`, async () => {
    const parts = [openParts({ ...world, origin: server.origin }), openParts({ ...world, origin: server.origin })]
    const stores = parts.map(({ store }) => store)
    const { lock } = parts[0] as Parts
    const result = await runInterleavings({ stores, lock, interleavings, parallel, tell })
    for (const { close } of parts) close()
    const { own, foreign, reuses, errors } = result
    return [own === 8 * interleavings && foreign === 0 && reuses === 0 && errors.length === 0, result]
  })
}

async function expiriesOf({ name, world }: Place, expiries: number, delayMs: number): Promise<void> {
  const slow = delayMs === 0 ? '' : `, redemptions of ${delayMs / 1000} s`
  await check(`A1 A4 ${name}: 4 processes, 50 callers of 2 users, ${expiries} expiries${slow}`, async () => {
    const result = await runExpiries(server, { script, world, processes: 4, callers: 50, expiries, delayMs })
    const { redemptions, reuses, foreign, unequal, answers, errors } = result
    const isExact = redemptions === 2 * expiries && reuses === 0 && answers === 50 * expiries
    return [isExact && foreign === 0 && unequal === 0 && errors.length === 0, result]
  })
}

async function killsOf({ name, world, kills: parallel }: Place, kills: number): Promise<void> {
  await check(`A2 ${name}: ${kills} processes killed at 12 points`, async () => {
    const result = await runKills(server, { script, world, kills, parallel, tell })
    const { damaged, needless, slowestMs, errors } = result
    return [damaged === 0 && needless === 0 && errors.length === 0 && slowestMs < 35_000, result]
  })
}

const { memory, sessions, ...shared } = runs
const names = chosen(runs).filter((name) => name !== 'memory' && name !== 'sessions')
const namesPlace = Object.keys(places).some((name) => positionals.includes(name))
if (positionals.length === 0 || positionals.includes('memory')) await memory()
if (positionals.length === 0 || positionals.includes('sessions')) await sessions()
else if (positionals.includes('interleavings') && !namesPlace) await sessions()
for (const placeName of names.length > 0 ? chosen(places) : []) {
  const place = await places[placeName]?.(join(folder, placeName))
  if (place === undefined) continue
  for (const name of names) await shared[name](place)
  await place.stop?.()
}
await server.close()
rmSync(folder, { recursive: true, force: true })
console.log(failures.length === 0 ? 'everything holds' : `does not hold:\n${failures.join('\n')}`)
process.exit(failures.length === 0 ? 0 : 1)
