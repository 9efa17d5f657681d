/* Prints how many bytes of heap each remembered token takes. Run in a process of its own, with --expose-gc. */
import { createResourceServer } from '../package-under-test.js'
import { type Algorithm, audience, createBenchIssuer, mintToken } from '../set-up/issuer.js'

const [algorithm = 'RS256', size = '20000'] = process.argv.slice(2)
const count = Number(size)
const issuer = createBenchIssuer()
const server = createResourceServer({
  resource: audience,
  issuer: issuer.issuer,
  fetch: issuer.fetch,
  tokenCacheEntries: count * 4,
})
const sample = mintToken(issuer, algorithm as Algorithm)
await fill(Math.min(1000, count / 10))
const before = heapUsed()
await fill(count)
const bytes = (heapUsed() - before) / count
process.stdout.write(JSON.stringify({ bytes, characters: sample.length, count }))

async function fill(tokens: number): Promise<void> {
  for (let n = 0; n < tokens; n++) await server.verify(mintToken(issuer, algorithm as Algorithm))
}

function heapUsed(): number {
  for (let n = 0; n < 4; n++) globalThis.gc?.()
  const { heapUsed: heap, external } = process.memoryUsage()
  return heap + external
}
