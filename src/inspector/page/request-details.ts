/** Everything about one request. */
import type { EventRow, Member, ReportLines, RequestRow } from '../wire.js'
import { asCurl, asIssue } from './copied-text.js'
import { el, table, timeOf } from './dom.js'

/** A report: what became of it, why, step by step, and the token. */
export function reportView(report: ReportLines): HTMLElement {
  const { outcome, status, code, sentence, steps, token } = report
  const verdict = [outcome, ...(status === undefined ? [] : [String(status)]), ...(code === undefined ? [] : [code])]
  return el(
    'div',
    {},
    el('p', { class: `verdict ${outcome}` }, verdict.join(' ')),
    ...(sentence === undefined ? [] : [el('p', { class: 'sentence' }, sentence)]),
    stepsView(steps),
    ...(token === undefined
      ? []
      : [table(`Token of ${token.length} characters: header`, token.header), table('Claims', token.claims.map(dated))]),
  )
}

function stepsView(steps: ReportLines['steps']): Node | string {
  const looked = steps.filter(([, outcome]) => outcome !== 'not_checked')
  if (looked.length === 0) return ''
  const list = looked.map(([name, outcome, expected = '', received = '', rule = '']) =>
    el(
      'li',
      { class: `step ${outcome}` },
      el('span', { class: 'mark', 'aria-hidden': 'true' }, marks[outcome] ?? '·'),
      el('strong', {}, name),
      el('span', { class: 'quiet' }, ` ${outcome}${rule === '' ? '' : ` · ${rule}`}`),
      ...(received === '' ? [] : [el('div', { class: 'value' }, `received ${received}`)]),
      ...(expected === '' ? [] : [el('div', { class: 'value' }, `expected ${expected}`)]),
    ),
  )
  return el('ol', { class: 'steps', 'aria-label': 'Steps' }, ...list)
}

const marks: Readonly<Record<string, string>> = { passed: '✓', failed: '✗', warned: '!', skipped: '–' }
const times: readonly string[] = ['exp', 'nbf', 'iat', 'auth_time']

function dated([name, text]: Member): Member {
  const seconds = Number(text)
  const isTime = times.includes(name) && Number.isFinite(seconds) && Math.abs(seconds) < 8.64e12
  return isTime ? [name, `${text} (${new Date(seconds * 1000).toISOString()})`] : [name, text]
}

/** All of a request. `events` are those with its correlation id. */
export function requestView(row: RequestRow, events: readonly EventRow[], copy: (text: string) => void): HTMLElement {
  const curl = el('button', { type: 'button' }, 'Copy as curl')
  const issue = el('button', { type: 'button' }, 'Copy for an issue')
  curl.addEventListener('click', () => copy(asCurl(row)))
  issue.addEventListener('click', () => copy(asIssue(row, events)))
  return el(
    'article',
    {},
    el('h2', {}, titleOf(row)),
    el('p', { class: 'actions' }, curl, issue),
    reportView(row),
    ...row.challenges.map(({ scheme, parameters }) => table(`Challenge: ${scheme}`, parameters)),
    table('Further fields of the answer', row.fields),
    table('Request', aboutOf(row)),
    ...events.map(({ type, members }) => table(`Event: ${type}`, members)),
  )
}

/** A request in a few words. */
export function titleOf({ method, target, phase }: RequestRow): string {
  if (target !== undefined) return `${method ?? ''} ${target}`
  return phase === 'token' ? 'server.verify' : 'a check of a caller let through before'
}

function aboutOf(row: RequestRow): readonly Member[] {
  const lines: readonly (readonly [string, string | undefined])[] = [
    ['time', timeOf(row.atMs)],
    ['took', row.durationMs === undefined ? undefined : `${row.durationMs} ms`],
    ['asked at', row.phase],
    ['route', row.route],
    ['scheme', row.scheme],
    ['resource', row.resource],
    ['issuer', row.issuer],
    ['correlation id', row.correlationId],
    ['request id', row.requestId],
  ]
  return lines.filter((line): line is Member => line[1] !== undefined)
}
