/* Load in open loop on one server whose key server fails in some way; prints latencies and the event-loop delay. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { quantile } from '../measure/statistics.js'
import { createResourceServer, nodeRequestFacts } from '../package-under-test.js'
import { audience, createBenchIssuer, mintTokens, scope } from '../set-up/issuer.js'
import { requestWith } from '../set-up/requests.js'

const [kind = 'steady', seconds = '4'] = process.argv.slice(2)
const perMillisecond = 2
const issuer = createBenchIssuer()
await issuer.listen()
let aheadMs = 0
const server = createResourceServer({
  resource: audience,
  issuer: issuer.issuer,
  allowInsecureLoopback: true,
  tokenCacheEntries: 200,
  clock: () => Date.now() + aheadMs,
})
const requests = mintTokens(issuer, 'RS256', 800).map((token) => requestWith(token))
const requirement = { scope }
await server.warmUp()

const latencies: number[] = []
let turn = 0
let failed = 0
const delay = monitorEventLoopDelay({ resolution: 1 })

async function once(): Promise<void> {
  const startedAt = performance.now()
  const request = requests[turn++ % requests.length] as (typeof requests)[number]
  const result = await server.authenticate(nodeRequestFacts(request), requirement)
  if (!result.ok) failed++
  latencies.push(performance.now() - startedAt)
}

async function run(ms: number): Promise<void> {
  const endAt = performance.now() + ms
  let due = performance.now()
  while (performance.now() < endAt) {
    for (; due < performance.now(); due += 1 / perMillisecond) void once()
    await new Promise((resolve) => setImmediate(resolve))
  }
}

await run(500)
latencies.length = 0
const requestsBefore = issuer.requestCount('jwks')
delay.enable()
const hold = kind === 'slow' ? issuer.hold('jwks') : undefined
if (kind === 'hangs') issuer.override('jwks', { kind: 'hang' })
if (kind !== 'steady') aheadMs = 3_400_000
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
