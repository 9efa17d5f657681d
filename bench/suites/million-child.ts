/*
 * Verifies very many distinct tokens one after another, and prints the longest time that one of them held the event loop.
 * A process of its own signs them meanwhile, so that its garbage does not count: node million-child.mjs mint 1000000.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { PerformanceObserver } from 'node:perf_hooks'
import { createInterface } from 'node:readline'
import { quantile } from '../measure/statistics.js'
import { createResourceServer } from '../package-under-test.js'
import { audience, createBenchIssuer, mintToken, publicKeyOf } from '../set-up/issuer.js'

const [role = 'mint', count = '1000000', cacheEntries = ''] = process.argv.slice(2)

if (role === 'mint') await mint(Number(count))
else await pass(Number(count), cacheEntries === '' ? undefined : Number(cacheEntries))
process.exit(0)

async function mint(tokens: number): Promise<void> {
  const issuer = createBenchIssuer()
  process.stdout.write(`${JSON.stringify(publicKeyOf(issuer, 'EdDSA').jwk)}\n`)
  for (let n = 0; n < tokens; n++) {
    if (!process.stdout.write(`${mintToken(issuer, 'EdDSA')}\n`)) await once(process.stdout, 'drain')
  }
  process.stdout.end()
  await once(process.stdout, 'finish')
}

async function pass(tokens: number, tokenCacheEntries: number | undefined): Promise<void> {
  const minter = spawn(process.execPath, [process.argv[1] as string, 'mint', String(tokens)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const collections: PerformanceEntry[] = []
  const observer = new PerformanceObserver((list) => void collections.push(...list.getEntries()))
  observer.observe({ entryTypes: ['gc'] })
  const times = new Float64Array(tokens)
  const starts = new Float64Array(tokens)
  let at = -1
  let server: ReturnType<typeof createResourceServer> | undefined
  for await (const line of createInterface({ input: minter.stdout })) {
    if (server === undefined) {
      const trusted = { issuer: 'https://login.example.com', keys: [JSON.parse(line)] }
      server = createResourceServer({ resource: audience, issuer: trusted, tokenCacheEntries })
      continue
    }
    starts[++at] = performance.now()
    times[at] = await timeOf(server, line)
  }
  collections.push(...observer.takeRecords())
  const longestMs = times.reduce((one, other) => Math.max(one, other))
  process.stdout.write(
    JSON.stringify({
      tokens: at + 1,
      longestMs,
      overFive: times.filter((ms) => ms > 5).length,
      rareMs: quantile([...times], 0.9999),
      longestCollectionMs: collections.reduce((longest, { duration }) => Math.max(longest, duration), 0),
      longestBesidesMs: longestBesides(collections, starts, times),
      heapMib: process.memoryUsage().heapUsed / 2 ** 20,
    }),
  )
}

/** The longest time of a token without that of the collections which fell into it. */
function longestBesides(collections: readonly PerformanceEntry[], starts: Float64Array, times: Float64Array): number {
  const besides = times.slice()
  let at = 0
  for (const { startTime, duration } of [...collections].sort((one, other) => one.startTime - other.startTime)) {
    while (at + 1 < starts.length && (starts[at + 1] as number) <= startTime) at++
    if (startTime < (starts[at] as number) + (times[at] as number)) besides[at] = (besides[at] as number) - duration
  }
  return besides.reduce((one, other) => Math.max(one, other))
}

/** Time on the clock, or processor time where that is less: what other processes took is no pause of this one. */
async function timeOf(server: ReturnType<typeof createResourceServer>, token: string): Promise<number> {
  const startedAt = performance.now()
  const before = process.cpuUsage()
  await server.verify(token)
  const { user, system } = process.cpuUsage(before)
  return Math.min(performance.now() - startedAt, (user + system) / 1000)
}
