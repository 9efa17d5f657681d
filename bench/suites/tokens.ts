import {
  fastJwtVerifier,
  limitVerifier,
  peerVerifiers,
  portcullisVerifier,
  type TokenVerifier,
} from '../contenders/token-verifiers.js'
import { aroundCheck } from '../measure/around-check.js'
import { type Contender, compare, type Measured, speedRatio } from '../measure/compare.js'
import { type Algorithm, algorithms, createBenchIssuer, mintTokens } from '../set-up/issuer.js'
import { type BenchRequest, requestWith } from '../set-up/requests.js'
import type { Suite, Table, Verdict } from './suite.js'

const freshTokens = 512

/** Verifying a token nobody has seen, and one that was seen before, by algorithm. */
export const tokens: Suite = async ({ pace, quick }) => {
  const issuer = createBenchIssuer()
  const tables: Table[] = []
  const verdicts: Verdict[] = []
  for (const algorithm of quick ? (['RS256', 'ES256'] as const) : algorithms) {
    const requests = freshRequests(issuer, algorithm)
    const peers = await peerVerifiers(issuer, algorithm)
    const contenders = [...ownContenders(issuer, algorithm), ...peers.map((peer) => toContender(peer, requests))]
    const fresh = await compare(contenders, pace)
    tables.push(tableOf(`new-${algorithm}`, `New token, ${algorithm}`, fresh, 'limit'))
    const around = aroundCheck(algorithm, pace)
    tables.push(
      tableOf(`around-${algorithm}`, `New token, ${algorithm}, without the check of its signature`, around, 'limit'),
    )
    verdicts.push(...freshVerdicts(algorithm, fresh))
    if (algorithm !== 'RS256') continue
    const again = await compare(await repeatedContenders(issuer, algorithm, requests.slice(0, 1)), pace)
    tables.push(tableOf('repeated', 'The same token again, RS256', again, 'limit'))
    verdicts.push(...repeatedVerdicts(again))
  }
  return { tables, verdicts }
}

function freshRequests(issuer: ReturnType<typeof createBenchIssuer>, algorithm: Algorithm): readonly BenchRequest[] {
  return mintTokens(issuer, algorithm, freshTokens).map((token) => requestWith(token))
}

/**
 * With the cache on, every token still is a new one: the cache holds a quarter of those that go round. Hashing and
 * remembering are paid for then, which the limit does not do unless it has a cache too.
 */
export function ownContenders(
  issuer: ReturnType<typeof createBenchIssuer>,
  algorithm: Algorithm,
): readonly Contender[] {
  const requests = freshRequests(issuer, algorithm)
  return [
    limitVerifier(issuer, algorithm, 0),
    limitVerifier(issuer, algorithm, freshTokens / 4, 'limit, with a cache'),
    portcullisVerifier(issuer, 0, 'portcullis, cache off'),
    portcullisVerifier(issuer, freshTokens / 4),
  ].map((verifier) => toContender(verifier, requests))
}

async function repeatedContenders(
  issuer: ReturnType<typeof createBenchIssuer>,
  algorithm: Algorithm,
  requests: readonly BenchRequest[],
): Promise<readonly Contender[]> {
  const verifiers = [
    limitVerifier(issuer, algorithm, 1000),
    portcullisVerifier(issuer, 1000),
    await fastJwtVerifier(issuer, algorithm, 1000),
  ]
  return verifiers.map((verifier) => toContender(verifier, requests))
}

/** A verifier at work on requests in turn. */
export function toContender({ name, isAsync, verify }: TokenVerifier, requests: readonly BenchRequest[]): Contender {
  return { name, isAsync, run: (turn) => verify(requests[turn % requests.length] as BenchRequest) }
}

/** A table of contenders, each with its speed as a share of that of `reference`. */
export function tableOf(id: string, title: string, measured: readonly Measured[], reference: string): Table {
  const rows = measured.map(({ name, spread }) => ({
    name,
    figure: spread,
    cells: [speedRatio(measured, name, reference).median.toFixed(2)],
  }))
  return { id, title, unit: 'µs', columns: [`speed, ${reference} = 1`], rows, chart: true }
}

function freshVerdicts(algorithm: Algorithm, measured: readonly Measured[]): readonly Verdict[] {
  const ratio = (one: string, other: string) => speedRatio(measured, one, other).median
  const cold = `New ${algorithm} token`
  const shared: readonly Verdict[] = [
    {
      target: `${cold}, cache off, to the limit`,
      figure: ratio('portcullis, cache off', 'limit'),
      unit: '×',
      atLeast: 0.95,
    },
    {
      target: `${cold}, to the limit with a cache`,
      figure: ratio('portcullis', 'limit, with a cache'),
      unit: '×',
      atLeast: 0.95,
    },
    {
      target: `${cold}, to fast-jwt with a fixed key`,
      figure: ratio('portcullis, cache off', 'fast-jwt'),
      unit: '×',
      atLeast: 1,
    },
  ]
  const jose: Verdict = { target: `${cold}, to jose`, figure: ratio('portcullis', 'jose'), unit: '×', atLeast: 4 }
  return algorithm === 'RS256' ? [...shared, jose] : shared
}

function repeatedVerdicts(measured: readonly Measured[]): readonly Verdict[] {
  const ratio = (other: string) => speedRatio(measured, 'portcullis', other).median
  return [
    { target: 'Repeated token, to fast-jwt with its cache', figure: ratio('fast-jwt, cached'), unit: '×', atLeast: 2 },
    { target: 'Repeated token, to the limit', figure: ratio('limit'), unit: '×', atLeast: 0.7 },
  ]
}
