import { spawnSync } from 'node:child_process'
import { verify } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { limitVerifier, peerVerifiers, portcullisVerifier, type TokenVerifier } from '../contenders/token-verifiers.js'
import { type Contender, compare, type Measured, named, speedRatio } from '../measure/compare.js'
import { spreadOf } from '../measure/statistics.js'
import { compiled } from '../set-up/compiled.js'
import { type Algorithm, algorithms, createBenchIssuer, mintTokens, publicKeyOf } from '../set-up/issuer.js'
import { type BenchRequest, requestWith } from '../set-up/requests.js'
import type { Row, Suite, Table, Thoroughness, Verdict } from './suite.js'
import { tableOf } from './tokens.js'

const inFlight = 64
const roundsOfEach = 4
const freshTokens = 512
const verifyInPool = promisify(verify)

/** New tokens, 64 at a time; under which conditions that helps; and what the thread pool brings to the bare check. */
export const concurrency: Suite = async (thoroughness) => {
  const issuer = createBenchIssuer()
  const tables: Table[] = []
  const verdicts: Verdict[] = []
  for (const algorithm of thoroughness.quick ? (['RS256', 'ES256'] as const) : algorithms) {
    const requests = mintTokens(issuer, algorithm, freshTokens).map((token) => requestWith(token))
    const verifiers = [
      limitVerifier(issuer, algorithm, freshTokens / 4, 'limit, with a cache'),
      portcullisVerifier(issuer, freshTokens / 4),
      ...(await peerVerifiers(issuer, algorithm)),
    ]
    const contenders = verifiers.map((verifier) => inBatches(verifier, requests, inFlight))
    await warmUp(contenders, thoroughness.quick)
    const batches = await compare(contenders, thoroughness.pace)
    const always = await compare(
      verifiers
        .slice(0, 2)
        .concat(verifiers.filter(isJose))
        .map((verifier) => allTheTime(verifier, requests)),
      thoroughness.pace,
    )
    const title = `New token, ${algorithm}, ${inFlight} in flight`
    tables.push(tableOf(`many-${algorithm}`, `${title}, in batches`, batches, 'portcullis'))
    tables.push({ ...tableOf(`always-${algorithm}`, `${title}, all the time`, always, 'portcullis'), chart: false })
    verdicts.push(verdictOf(`${title}, in batches`, batches), verdictOf(`${title}, all the time`, always))
  }
  tables.push(await byConditions(thoroughness), await bareChecks(thoroughness))
  return { tables, verdicts }
}

const isJose = ({ name }: TokenVerifier) => name === 'jose'

function verdictOf(title: string, measured: readonly Measured[]): Verdict {
  return { target: `${title}, to the better of jose and the limit`, figure: gainOf(measured), unit: '×', atLeast: 1.2 }
}

/** The speed of the library as a multiple of that of the faster of jose and the limit. */
function gainOf(measured: readonly Measured[]): number {
  const better = ['jose', 'limit, with a cache'].sort(
    (one, other) => named(measured, one).spread.median - named(measured, other).spread.median,
  )[0] as string
  return speedRatio(measured, 'portcullis', better).median
}

/**
 * As many as are in flight start together, in a turn of the event loop, as requests do that were there when it began; the
 * next ones when all of them are done, in a later turn.
 */
export function inBatches({ name, verify: verifyOne }: TokenVerifier, requests: readonly BenchRequest[], size: number) {
  return {
    name,
    isAsync: true,
    operations: size,
    async run(turn: number) {
      await new Promise((resolve) => setImmediate(resolve))
      const from = turn * size
      await Promise.all(
        Array.from({ length: size }, (_, n) => verifyOne(requests[(from + n) % requests.length] as BenchRequest)),
      )
    },
  } satisfies Contender
}

/** V8 compiles code anew while it is used, in threads that take a core from the thread pool. */
export async function warmUp(contenders: readonly ReturnType<typeof inBatches>[], isQuick: boolean): Promise<void> {
  for (const { operations, run } of contenders) {
    for (let turn = 0; turn < (isQuick ? 2000 : 16_000) / operations; turn++) await run(turn)
  }
}

/** As soon as one is done the next one starts, a turn of the event loop later, as the next request on a connection does. */
function allTheTime({ name, verify: verifyOne }: TokenVerifier, requests: readonly BenchRequest[]): Contender {
  let next = 0
  return {
    name,
    isAsync: true,
    operations: inFlight * roundsOfEach,
    async run() {
      const connections = Array.from({ length: inFlight }, async () => {
        for (let n = 0; n < roundsOfEach; n++) {
          await new Promise((resolve) => setImmediate(resolve))
          await verifyOne(requests[next++ % requests.length] as BenchRequest)
        }
      })
      await Promise.all(connections)
    },
  }
}

interface Condition {
  readonly algorithm: Algorithm
  readonly inFlight: number
  readonly cores: number
  readonly poolThreads: number
}

/** Wall-clock microseconds and processor microseconds by contender, as suites/many-child.ts prints them. */
export type ManyFigures = Readonly<Record<string, { readonly wall: readonly number[]; readonly cpu: number }>>

/** One condition at a time is another than 64 RS256 tokens on all cores with the pool as Node makes it. */
async function byConditions({ quick, mode }: Thoroughness): Promise<Table> {
  const cores = Math.min(4, availableParallelism())
  const usual: Condition = { algorithm: 'RS256', inFlight, cores, poolThreads: 4 }
  const sizes = quick ? [4, 16] : [1, 4, 8, 16, 32, 256]
  const conditions: Condition[] = [
    usual,
    ...sizes.map((size) => ({ ...usual, inFlight: size })),
    { ...usual, cores: 1 },
    ...[1, 2, 8].map((poolThreads) => ({ ...usual, poolThreads })),
    ...(quick ? [] : algorithms.slice(1).map((algorithm) => ({ ...usual, algorithm }))),
  ]
  const rows: Row[] = conditions.map((condition) => {
    const figures = measureUnder(condition, mode)
    const own = figures['portcullis']?.wall ?? []
    const others = ['limit, with a cache', 'jose'].map((name) => figures[name]?.wall ?? [])
    const gains = own.map((micros, round) => Math.min(...others.map((one) => one[round] as number)) / micros)
    const cells = ['portcullis', 'limit, with a cache', 'jose'].map((name) => {
      const { wall = [], cpu = 0 } = figures[name] ?? {}
      return `${spreadOf(wall).median.toFixed(1)} / ${cpu.toFixed(1)}`
    })
    const { algorithm, cores: onCores, poolThreads } = condition
    const name = `${algorithm}, ${condition.inFlight} in flight, ${onCores} cores, pool of ${poolThreads}`
    return { name, figure: spreadOf(gains), cells }
  })
  return {
    id: 'many-conditions',
    title: 'In batches, by conditions: speed, the better of jose and the limit = 1',
    unit: '×',
    columns: ['portcullis, µs / processor µs', 'limit', 'jose'],
    rows,
    notes: ['Each row in a process of its own. The pool is set by `UV_THREADPOOL_SIZE`, the cores by `taskset`.'],
  }
}

function measureUnder({ algorithm, inFlight: size, cores, poolThreads }: Condition, mode: string): ManyFigures {
  const script = join(compiled, 'suites', 'many-child.mjs')
  const command = [process.execPath, '--expose-gc', script, algorithm, `${size}`, mode]
  const places = `0-${cores - 1}`
  const env = { ...process.env, UV_THREADPOOL_SIZE: `${poolThreads}` }
  const { stdout, stderr } = spawnSync('taskset', ['-c', places, ...command], { encoding: 'utf8', env })
  if (!stdout) throw new Error(stderr)
  return JSON.parse(stdout) as ManyFigures
}

async function bareChecks({ pace }: Thoroughness): Promise<Table> {
  const issuer = createBenchIssuer()
  const rows: Row[] = []
  for (const algorithm of ['RS256', 'ES256', 'EdDSA'] as const) {
    const { key } = publicKeyOf(issuer, algorithm)
    const checks = mintTokens(issuer, algorithm, inFlight).map((token) => signedParts(token, algorithm))
    const here = await compare(poolContenders(checks, key, algorithm), pace)
    const gain = speedRatio(here, `${algorithm}, thread pool`, `${algorithm}, at once`)
    const both = speedRatio(here, `${algorithm}, thread pool and main thread`, `${algorithm}, at once`)
    const alone = speedRatio(here, `${algorithm}, thread pool, one in flight`, `${algorithm}, at once`)
    rows.push({ name: `${algorithm}, ${inFlight} in flight, all in the thread pool`, figure: gain })
    rows.push({ name: `${algorithm}, ${inFlight} in flight, every other on the main thread`, figure: both })
    rows.push({ name: `${algorithm}, one in flight, in the thread pool`, figure: alone })
  }
  return {
    id: 'thread-pool',
    title: 'Bare signature check, nothing around it: speed, synchronous = 1',
    unit: '×',
    rows,
  }
}

interface SignedParts {
  readonly digest: string | null
  readonly data: Buffer
  readonly signature: Buffer
}

function signedParts(token: string, algorithm: string): SignedParts {
  const dot = token.lastIndexOf('.')
  const signature = Buffer.from(token.slice(dot + 1), 'base64url')
  return { digest: algorithm === 'EdDSA' ? null : 'sha256', data: Buffer.from(token.slice(0, dot)), signature }
}

function poolContenders(
  checks: readonly SignedParts[],
  key: ReturnType<typeof publicKeyOf>['key'],
  algorithm: string,
): readonly Contender[] {
  const input = algorithm === 'ES256' ? { key, dsaEncoding: 'ieee-p1363' as const } : key
  const check = ({ digest, data, signature }: SignedParts): void => {
    if (!verify(digest, data, input, signature)) throw new Error('signature')
  }
  const checkInPool = async ({ digest, data, signature }: SignedParts) => {
    if (!(await verifyInPool(digest, data, input, signature))) throw new Error('signature')
  }
  return [
    { name: `${algorithm}, at once`, operations: checks.length, run: () => checks.forEach(check) },
    {
      name: `${algorithm}, thread pool`,
      operations: checks.length,
      isAsync: true,
      run: () => Promise.all(checks.map(checkInPool)),
    },
    {
      name: `${algorithm}, thread pool and main thread`,
      operations: checks.length,
      isAsync: true,
      run() {
        const pooled = checks.filter((_, index) => index % 2 === 0).map(checkInPool)
        for (let index = 1; index < checks.length; index += 2) check(checks[index] as SignedParts)
        return Promise.all(pooled)
      },
    },
    {
      name: `${algorithm}, thread pool, one in flight`,
      isAsync: true,
      run: (turn) => checkInPool(checks[turn % checks.length] as SignedParts),
    },
  ]
}
