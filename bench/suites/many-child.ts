/* Prints what many new tokens at once cost library, limit and jose, under the cores and the pool of this process. */
import { joseVerifier, limitVerifier, portcullisVerifier } from '../contenders/token-verifiers.js'
import { compare } from '../measure/compare.js'
import { type Algorithm, createBenchIssuer, mintTokens } from '../set-up/issuer.js'
import { requestWith } from '../set-up/requests.js'
import { inBatches, type ManyFigures, warmUp } from './concurrency.js'

const [algorithm = 'RS256', size = '64', mode = 'full'] = process.argv.slice(2) as [Algorithm, string, string]
const freshTokens = 512
const rounds = mode === 'quick' ? 7 : 15
const issuer = createBenchIssuer()
const requests = mintTokens(issuer, algorithm, freshTokens).map((token) => requestWith(token))
const contenders = [
  limitVerifier(issuer, algorithm, freshTokens / 4, 'limit, with a cache'),
  portcullisVerifier(issuer, freshTokens / 4),
  await joseVerifier(issuer, algorithm),
].map((verifier) => inBatches(verifier, requests, Number(size)))

await warmUp(contenders, mode === 'quick')
const wall = await compare(contenders, { rounds, sliceMs: 20, clock: 'wall' })
const cpu = await compare(contenders, { rounds: 5, sliceMs: 20, clock: 'cpu' })
const figures: ManyFigures = Object.fromEntries(
  wall.map(({ name, rounds: micros }, index) => [name, { wall: micros, cpu: cpu[index]?.spread.median ?? 0 }]),
)
process.stdout.write(JSON.stringify(figures))
process.exit(0)
