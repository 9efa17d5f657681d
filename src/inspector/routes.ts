/** What the development page answers. Whatever is not for it, or not allowed, is left to the application. */
import type { Readable } from 'node:stream'
import { ConfigurationError } from '../errors/index.js'
import type { Clock } from '../kit/clock.js'
import { isJsonObject } from '../kit/json.js'
import { createTokenBucket } from '../kit/token-bucket.js'
import type { Insight } from '../resource-server/insight.js'
import type { LiveStreams } from './live-stream.js'
import { pageHtml, scriptHash, styleHash } from './page-file.js'
import type { Watched } from './recorder.js'
import { toReportLines } from './request-row.js'
import type { Doorkeeper, Visit } from './visit.js'

/** An answer of the page. */
export interface PageAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Readable
}

/** What the page is made of. */
export interface PageParts {
  readonly watched: readonly Watched[]
  readonly streams: LiveStreams
  readonly doorkeeper: Doorkeeper
  readonly clock: Clock
}

const everyHeader = {
  'Cache-Control': 'no-store, no-transform',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
}

/** Hashes and not 'self': the origin is that of the application, whose own scripts have no business here. */
const policy = [
  "default-src 'none'",
  `script-src '${scriptHash}'`,
  `style-src '${styleHash}'`,
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ')

const explanations = { capacity: 10, refillIntervalMs: 1000 }

/** Makes the function that answers; `undefined` is the application's 404. */
export function createRoutes({ watched, streams, doorkeeper, clock }: PageParts) {
  const bucket = createTokenBucket(explanations)

  function page({ headers }: Visit): PageAnswer | undefined {
    if (!['none', 'same-origin', null].includes(headers.get('sec-fetch-site'))) return undefined
    const own = {
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Security-Policy': policy,
      'X-Frame-Options': 'DENY',
    }
    return { status: 200, headers: { ...everyHeader, ...own }, body: pageHtml }
  }

  function stream({ query }: Visit): PageAnswer {
    const after = Number(query.get('after'))
    const body = streams.open(query.get('run'), Number.isSafeInteger(after) && after > 0 ? after : 0)
    if (body === undefined) return json(429, { error: 'Four of these pages are open. Close one.' })
    return { status: 200, headers: { ...everyHeader, 'Content-Type': 'text/event-stream' }, body }
  }

  async function explain(visit: Visit): Promise<PageAnswer | undefined> {
    if (visit.headers.get('content-type') !== 'application/json') return undefined
    if (!bucket.take(clock())) return json(429, { error: 'Ten tokens in a row; wait a second.' })
    const question = toQuestion(await visit.readJson().catch(() => undefined))
    const one = watched.find(({ insight }) => guards(insight, question?.resource))
    if (one === undefined || question === undefined) return json(400, { error: 'Not a question.' })
    const { token, ...requirement } = question
    try {
      return json(200, toReportLines(await one.server.explainToken(token, requirement), token))
    } catch (thrown) {
      if (thrown instanceof ConfigurationError) return json(400, { error: thrown.message })
      throw thrown
    }
  }

  const answers: ReadonlyMap<string, (visit: Visit) => Answered> = new Map<string, (visit: Visit) => Answered>([
    ['GET ', page],
    ['GET stream', (visit) => (doorkeeper.knows(visit) ? stream(visit) : undefined)],
    ['POST explain', (visit) => (doorkeeper.knows(visit) ? explain(visit) : undefined)],
  ])
  return (visit: Visit): Answered =>
    doorkeeper.isAtHome(visit) ? answers.get(`${visit.method} ${visit.name}`)?.(visit) : undefined
}

type Answered = PageAnswer | undefined | Promise<PageAnswer | undefined>

interface Question {
  readonly token: string
  readonly resource: string
  readonly scope?: string
}

function guards({ settings }: Insight, resource: string | undefined): boolean {
  return settings.resources.some((known) => known.resource === resource)
}

function toQuestion(asked: unknown): Question | undefined {
  if (!isJsonObject(asked)) return undefined
  const { token, resource, scope } = asked
  if (typeof token !== 'string' || typeof resource !== 'string') return undefined
  return { token, resource, ...(typeof scope === 'string' && scope !== '' && { scope }) }
}

function json(status: number, content: object): PageAnswer {
  return { status, headers: { ...everyHeader, 'Content-Type': 'application/json' }, body: JSON.stringify(content) }
}
