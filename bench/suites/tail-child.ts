/* Load in open loop on one verifier: a key server that fails in some way, or bursts. Prints latencies and the event-loop delay. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { joseVerifier, limitVerifier } from '../contenders/token-verifiers.js'
import { quantile } from '../measure/statistics.js'
import { createResourceServer, nodeRequestFacts } from '../package-under-test.js'
import { audience, createBenchIssuer, mintTokens, scope } from '../set-up/issuer.js'
import { type BenchRequest, requestWith } from '../set-up/requests.js'

const [kind = 'steady', seconds = '4', who = 'portcullis'] = process.argv.slice(2)
const perMillisecond = 2
const burst = { size: 64, everyMs: 25 }
const cacheEntries = 200
const issuer = createBenchIssuer()
await issuer.listen()
let aheadMs = 0
const requests = mintTokens(issuer, 'RS256', 800).map((token) => requestWith(token))
const verifyOne = await verifier()

const latencies: number[] = []
let turn = 0
let failed = 0
const delay = monitorEventLoopDelay({ resolution: 1 })

async function verifier(): Promise<(request: BenchRequest) => unknown> {
  if (who === 'jose') return (await joseVerifier(issuer, 'RS256')).verify
  if (who === 'limit') return limitVerifier(issuer, 'RS256', cacheEntries).verify
  const server = createResourceServer({
    resource: audience,
    issuer: issuer.issuer,
    allowInsecureLoopback: true,
    tokenCacheEntries: cacheEntries,
    clock: () => Date.now() + aheadMs,
  })
  const requirement = { scope }
  await server.warmUp()
  return async (request) => {
    const result = await server.authenticate(nodeRequestFacts(request), requirement)
    if (!result.ok) throw result.error
  }
}

/** @param dueMs - when it came in; what it waited for others before its turn counts. */
async function once(dueMs: number | undefined): Promise<void> {
  try {
    await verifyOne(requests[turn++ % requests.length] as BenchRequest)
  } catch {
    failed++
  }
  if (dueMs !== undefined) latencies.push(performance.now() - dueMs)
}

async function run(ms: number): Promise<void> {
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
}

await run(500)
latencies.length = 0
const requestsBefore = issuer.requestCount('jwks')
delay.enable()
const hold = kind === 'slow' ? issuer.hold('jwks') : undefined
if (kind === 'hangs') issuer.override('jwks', { kind: 'hang' })
if (kind === 'slow' || kind === 'hangs') aheadMs = 3_400_000
if (hold !== undefined) setTimeout(() => hold.release(), 500)
await run(Number(seconds) * 1000)
delay.disable()
process.stdout.write(
  JSON.stringify({
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    p999: quantile(latencies, 0.999),
    count: latencies.length,
    failed,
    keyRequests: issuer.requestCount('jwks') - requestsBefore,
    loopDelayMs: [0.5, 0.99, 0.999].map((share) => delay.percentile(share * 100) / 1e6),
  }),
)
process.exit(0)
