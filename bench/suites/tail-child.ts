/*
 * Load in open loop on one verifier, in windows of a second: nothing else happens, or keys are due and their server fails in
 * some way, or bursts come. Kinds of windows take turns. Prints latencies and the event-loop delay of each window.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { joseVerifier, limitVerifier } from '../contenders/token-verifiers.js'
import { quantile } from '../measure/statistics.js'
import { createResourceServer, nodeRequestFacts } from '../package-under-test.js'
import { audience, createBenchIssuer, mintTokens, scope } from '../set-up/issuer.js'
import { type BenchRequest, requestWith } from '../set-up/requests.js'
import type { TailFigure, WindowKind } from './tail.js'

type Verify = (request: BenchRequest) => unknown

const [kinds = 'steady', rounds = '3', who = 'portcullis'] = process.argv.slice(2)
const windowMs = 1000
const perMillisecond = 2
const burst = { size: 64, everyMs: 25 }
const cacheEntries = 200
const issuer = createBenchIssuer()
await issuer.listen()
const requests = mintTokens(issuer, 'RS256', 800).map((token) => requestWith(token))
let turn = 0

/** Of each window its own, so that what one does to the keys does not reach the next. */
async function createVerifier(clock: () => number): Promise<Verify> {
  if (who === 'jose') return (await joseVerifier(issuer, 'RS256')).verify
  if (who === 'limit') return limitVerifier(issuer, 'RS256', cacheEntries).verify
  const server = createResourceServer({
    resource: audience,
    issuer: issuer.issuer,
    allowInsecureLoopback: true,
    tokenCacheEntries: cacheEntries,
    clock,
  })
  const requirement = { scope }
  await server.warmUp()
  return async (request) => {
    const result = await server.authenticate(nodeRequestFacts(request), requirement)
    if (!result.ok) throw result.error
  }
}

async function run(verifyOne: Verify, kind: WindowKind, ms: number) {
  const latencies: number[] = []
  let failed = 0
  /** @param dueMs - when it came in; what it waited for others before its turn counts. */
  async function once(dueMs: number | undefined): Promise<void> {
    try {
      await verifyOne(requests[turn++ % requests.length] as BenchRequest)
    } catch {
      failed++
    }
    if (dueMs !== undefined) latencies.push(performance.now() - dueMs)
  }
  const endAt = performance.now() + ms
  let due = performance.now()
  let burstDue = due + burst.everyMs
  while (performance.now() < endAt) {
    if (kind === 'burst' && burstDue < performance.now()) {
      for (let n = 0; n < burst.size; n++) void once(undefined)
      burstDue += burst.everyMs
    }
    for (; due < performance.now(); due += 1 / perMillisecond) void once(due)
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { latencies, failed }
}

async function measure(kind: WindowKind): Promise<TailFigure> {
  let aheadMs = 0
  const verifyOne = await createVerifier(() => Date.now() + aheadMs)
  await run(verifyOne, kind, windowMs / 5)
  const requestsBefore = issuer.requestCount('jwks')
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const hold = kind === 'slow' ? issuer.hold('jwks') : undefined
  if (kind === 'hangs') issuer.override('jwks', { kind: 'hang' })
  if (kind === 'slow' || kind === 'hangs') aheadMs = 3_400_000
  if (hold !== undefined) setTimeout(() => hold.release(), windowMs / 2)
  const { latencies, failed } = await run(verifyOne, kind, windowMs)
  delay.disable()
  issuer.restore()
  return {
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    p999: quantile(latencies, 0.999),
    failed,
    keyRequests: issuer.requestCount('jwks') - requestsBefore,
    loopDelayMs: [0.5, 0.99, 0.999].map((share) => delay.percentile(share * 100) / 1e6),
  }
}

const found: Record<string, TailFigure[]> = {}
const order = kinds.split(',') as WindowKind[]
for (let round = -1; round < Number(rounds); round++) {
  for (let place = 0; place < order.length; place++) {
    const kind = order[(round + 1 + place) % order.length] as WindowKind
    const figure = await measure(kind)
    if (round >= 0) found[kind] = [...(found[kind] ?? []), figure]
  }
}
process.stdout.write(JSON.stringify(found))
process.exit(0)
