import { verify } from 'node:crypto'
import { promisify } from 'node:util'
import { peerVerifiers, portcullisVerifier, type TokenVerifier } from '../contenders/token-verifiers.js'
import { type Contender, compare, speedRatio } from '../measure/compare.js'
import { algorithms, createBenchIssuer, mintTokens, publicKeyOf } from '../set-up/issuer.js'
import { type BenchRequest, requestWith } from '../set-up/requests.js'
import type { Suite, Table } from './suite.js'
import { tableOf } from './tokens.js'

const inFlight = 64
const freshTokens = 512
const verifyInPool = promisify(verify)

/** New tokens, 64 at a time; and what handing the bare signature check to the thread pool would bring. */
export const concurrency: Suite = async ({ pace, quick }) => {
  const issuer = createBenchIssuer()
  const tables: Table[] = []
  for (const algorithm of quick ? (['ES256'] as const) : algorithms) {
    const requests = mintTokens(issuer, algorithm, freshTokens).map((token) => requestWith(token))
    const verifiers = [portcullisVerifier(issuer, freshTokens / 4), ...(await peerVerifiers(issuer, algorithm))]
    const together = await compare(
      verifiers.map((verifier) => manyAtOnce(verifier, requests)),
      pace,
    )
    tables.push(tableOf(`many-${algorithm}`, `New token, ${algorithm}, ${inFlight} in flight`, together, 'portcullis'))
  }
  const pool = []
  for (const algorithm of ['RS256', 'ES256', 'EdDSA'] as const) {
    const { key } = publicKeyOf(issuer, algorithm)
    const checks = mintTokens(issuer, algorithm, inFlight).map((token) => signedParts(token, algorithm))
    const here = await compare(poolContenders(checks, key, algorithm), pace)
    const gain = speedRatio(here, `${algorithm}, thread pool`, `${algorithm}, at once`)
    const alone = speedRatio(here, `${algorithm}, thread pool, one in flight`, `${algorithm}, at once`)
    pool.push(
      { name: `${algorithm}, ${inFlight} in flight`, figure: gain },
      { name: `${algorithm}, one in flight`, figure: alone },
    )
  }
  tables.push({
    id: 'thread-pool',
    title: 'Bare signature check in the thread pool: speed, synchronous = 1',
    unit: '×',
    rows: pool,
  })
  return { tables, verdicts: [] }
}

function manyAtOnce({ name, verify: verifyOne }: TokenVerifier, requests: readonly BenchRequest[]): Contender {
  return {
    name,
    isAsync: true,
    operations: inFlight,
    async run(turn) {
      const from = turn * inFlight
      await Promise.all(
        Array.from({ length: inFlight }, (_, n) => verifyOne(requests[(from + n) % requests.length] as BenchRequest)),
      )
    },
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
  const check = ({ digest, data, signature }: SignedParts) => {
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
      name: `${algorithm}, thread pool, one in flight`,
      isAsync: true,
      run: (turn) => checkInPool(checks[turn % checks.length] as SignedParts),
    },
  ]
}
