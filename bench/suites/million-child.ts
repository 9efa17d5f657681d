/*
 * Verifies very many distinct tokens one after another, and prints the longest time that one of them held the event loop.
 * A process of its own signs them meanwhile, so that its garbage does not count: node million-child.mjs mint 1000000.
 * `node million-child.mjs pass 1000000 bare` checks nothing but signatures: what the machine itself does to such a loop.
 */
import { spawn } from 'node:child_process'
import { createPublicKey, type JsonWebKey, verify as verifySignature } from 'node:crypto'
import { once } from 'node:events'
import { PerformanceObserver } from 'node:perf_hooks'
import { createInterface } from 'node:readline'
import { quantile } from '../measure/statistics.js'
import { createResourceServer } from '../package-under-test.js'
import { audience, createBenchIssuer, mintToken, publicKeyOf } from '../set-up/issuer.js'

type Verifier = (token: string) => unknown

const [role = 'mint', count = '1000000', cacheEntries = ''] = process.argv.slice(2)

if (role === 'mint') await mint(Number(count))
else await pass(Number(count), (key) => verifierOf(key, cacheEntries))
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

async function pass(tokens: number, createVerifier: (key: JsonWebKey) => Verifier): Promise<void> {
  const minter = spawn(process.execPath, [process.argv[1] as string, 'mint', String(tokens)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const collections: PerformanceEntry[] = []
  const observer = new PerformanceObserver((list) => void collections.push(...list.getEntries()))
  observer.observe({ entryTypes: ['gc'] })
  const times = new Float64Array(tokens)
  const starts = new Float64Array(tokens)
  let at = -1
  let verify: Verifier | undefined
  for await (const line of createInterface({ input: minter.stdout })) {
    if (verify === undefined) {
      verify = createVerifier(JSON.parse(line))
      continue
    }
    starts[++at] = performance.now()
    times[at] = await timeOf(verify, line)
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

function verifierOf(key: JsonWebKey, entries: string): Verifier {
  if (entries === 'bare') return bareVerifier(key)
  const tokenCacheEntries = entries === '' ? undefined : Number(entries)
  const issuer = { issuer: 'https://login.example.com', keys: [key] }
  const server = createResourceServer({ resource: audience, issuer, tokenCacheEntries })
  return (token) => server.verify(token)
}

function bareVerifier(jwk: JsonWebKey): Verifier {
  const key = createPublicKey({ key: jwk, format: 'jwk' })
  return (token) => {
    const end = token.lastIndexOf('.')
    const isGood = verifySignature(
      null,
      Buffer.from(token.slice(0, end)),
      key,
      Buffer.from(token.slice(end + 1), 'base64url'),
    )
    if (!isGood) throw new Error('A token of the bench was refused.')
  }
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
async function timeOf(verify: Verifier, token: string): Promise<number> {
  const startedAt = performance.now()
  const before = process.cpuUsage()
  await verify(token)
  const { user, system } = process.cpuUsage(before)
  return Math.min(performance.now() - startedAt, (user + system) / 1000)
}
