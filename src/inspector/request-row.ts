/** A judgement as a line of the page. Holds no token, proof, nonce, cookie, or value of a query. */
import { shownText } from '../errors/index.js'
import type { HttpAnswer } from '../http/http-answer.js'
import type { RequestFacts } from '../http/request-facts.js'
import type { Explanation } from '../resource-server/explain.js'
import type { Judgement } from '../resource-server/insight.js'
import { maskedToken, textOf } from './masked-members.js'
import type { ChallengeLine, Member, Outcome, ReportLines, RequestRow, StepLine } from './wire.js'

/** The line of a judgement. Facts may throw, and then they say nothing. */
export function toRequestRow(judgement: Judgement, report: Explanation, atMs: number): RequestRow {
  const { facts, answer, issuer, durationMs, scheme } = judgement
  return {
    kind: 'request',
    atMs,
    phase: judgement.phase,
    ...placeOf(facts),
    correlationId: judgement.correlationId,
    durationMs: durationMs === undefined ? undefined : Math.round(durationMs * 1000) / 1000,
    scheme,
    resource: shownText(judgement.resource),
    issuer: issuer === undefined ? undefined : shownText(issuer),
    ...toReportLines(report, judgement.token),
    outcome: outcomeOf(judgement),
    fields: fieldsOf(answer),
    challenges: challengesOf(answer),
  }
}

/** A report and the token it is about, in the form of the page. */
export function toReportLines(report: Explanation, token: string | undefined): ReportLines {
  const { code, status, failed, sentence, steps } = report
  const outcome = status === undefined ? 'accepted' : refusalOf(status)
  return { outcome, code, status, failed, sentence, steps: steps.map(lineOf), token: maskedToken(token) }
}

function lineOf({ name, outcome, expected, received, rule }: Explanation['steps'][number]): StepLine {
  if (outcome === 'skipped' || outcome === 'not_checked') return [name, outcome]
  return [
    name,
    outcome,
    expected === undefined ? '' : textOf(expected),
    received === undefined ? '' : textOf(received),
    rule ?? '',
  ]
}

/** What became of a caller. */
export function outcomeOf({ error, token }: Pick<Judgement, 'error' | 'token'>): Outcome {
  if (error !== undefined) return refusalOf(error.status)
  return token === undefined ? 'anonymous' : 'accepted'
}

function refusalOf(status: number): Outcome {
  return status >= 500 ? 'failed' : 'refused'
}

type Place = Pick<RequestRow, 'method' | 'target' | 'origin' | 'route' | 'requestId' | 'hasProof'>

const nowhere: Place = {
  method: undefined,
  target: undefined,
  origin: undefined,
  route: undefined,
  requestId: undefined,
  hasProof: false,
}

function placeOf(facts: RequestFacts | undefined): Place {
  if (facts === undefined) return nowhere
  try {
    const [host] = facts.headerValues('host')
    const url = new URL(facts.url, `${facts.secure === true ? 'https' : 'http'}://${host ?? 'localhost'}`)
    return {
      method: shownText(facts.method),
      target: targetOf(url),
      origin: shownText(url.origin),
      route: textIn(facts.route?.()),
      requestId: textIn(facts.requestId?.()),
      hasProof: facts.headerValues('dpop').length > 0,
    }
  } catch {
    return nowhere
  }
}

function textIn(value: unknown): string | undefined {
  return typeof value === 'string' ? shownText(value) : undefined
}

/** A link to set a password anew holds its secret in the path: what looks like one is masked, unless it is a UUID. */
const secretSegment = /(?<=\/)(?![\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}(?:\/|$))[\w~.%+=-]{24,}(?=\/|$)/gi

function targetOf({ pathname, searchParams }: URL): string {
  const path = shownText(pathname.replace(secretSegment, '(masked)'))
  const names = [...new Set(searchParams.keys())].slice(0, 16).map((name) => `${shownText(name)}=…`)
  return names.length === 0 ? path : `${path}?${names.join('&')}`
}

const maskedFields: ReadonlySet<string> = new Set(['dpop-nonce', 'set-cookie'])

function fieldsOf(answer: HttpAnswer | undefined): readonly Member[] {
  return Object.entries(answer?.headers ?? {})
    .filter(([name]) => name.toLowerCase() !== 'www-authenticate')
    .map(([name, value]) => [
      name,
      maskedFields.has(name.toLowerCase()) ? '(masked)' : shownText([value].flat().join(', ')),
    ])
}

const parameter = /([\w-]+)="((?:[^"\\]|\\.)*)"/g

/** Of challenges that `challenge/` wrote: one a field, every value quoted. */
function challengesOf(answer: HttpAnswer | undefined): readonly ChallengeLine[] {
  return [answer?.headers['WWW-Authenticate'] ?? []].flat().map((text) => ({
    scheme: text.split(' ', 1)[0] as string,
    parameters: [...text.matchAll(parameter)].map(
      ([, name = '', value = '']): Member => [
        name,
        name === 'nonce' ? '(masked)' : shownText(value.replace(/\\(.)/g, '$1')),
      ],
    ),
  }))
}
