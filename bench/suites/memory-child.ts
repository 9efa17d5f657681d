/* Prints how many bytes of heap each remembered token takes. Run in a process of its own, with --expose-gc. */
import { createResourceServer } from '../package-under-test.js'
import { type Algorithm, audience, createBenchIssuer, mintToken } from '../set-up/issuer.js'

const [algorithm = 'RS256', size = '20000'] = process.argv.slice(2) as [Algorithm, string]
const count = Number(size)
const issuer = createBenchIssuer()
const settings = { resource: audience, issuer: issuer.issuer, fetch: issuer.fetch }
const sample = mintToken(issuer, algorithm)

// Code compiled, and everything else made at first use, must not count as memory of tokens: another server pays for it.
let warming: ReturnType<typeof createResourceServer> | undefined = createResourceServer(settings)
for (let n = 0; n < 3000; n++) await warming.verify(mintToken(issuer, algorithm))
warming = undefined

const server = createResourceServer({ ...settings, tokenCacheEntries: count * 4 })
await server.verify(sample)
const before = memoryUsed()
for (let n = 0; n < count; n++) await server.verify(mintToken(issuer, algorithm))
const bytes = (memoryUsed() - before) / count
await server.verify(sample)
process.stdout.write(JSON.stringify({ bytes, characters: sample.length, count }))

function memoryUsed(): number {
  for (let n = 0; n < 4; n++) globalThis.gc?.()
  const { heapUsed: heap, external } = process.memoryUsage()
  return heap + external
}
