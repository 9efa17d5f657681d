/** A request as text for a terminal or an issue. Holds no more than the line does: no token, no secret. */
import type { EventRow, ReportLines, RequestRow } from '../wire.js'

/** A word of a POSIX shell that means nothing but itself. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

/** The request as a `curl` line; token and proof come from variables. */
export function asCurl({ method = 'GET', origin, target, resource, scheme, hasProof }: RequestRow): string {
  const url = origin === undefined || target === undefined ? resource : `${origin}${target}`
  const token = scheme === undefined ? [] : [`-H "Authorization: ${scheme === 'DPoP' ? 'DPoP' : 'Bearer'} $TOKEN"`]
  const proof = hasProof ? ['-H "DPoP: $PROOF"'] : []
  return ['curl -i', ...(method === 'GET' ? [] : [`-X ${quoted(method)}`]), quoted(url), ...token, ...proof].join(' ')
}

/** The steps as lines. */
function stepsText({ steps }: ReportLines): string {
  return steps
    .filter(([, outcome]) => outcome !== 'not_checked' && outcome !== 'skipped')
    .map(([name, outcome, expected = '', received = '', rule = '']) => {
      const values = [
        ...(received === '' ? [] : [`received ${received}`]),
        ...(expected === '' ? [] : [`expected ${expected}`]),
      ]
      return `${outcome.padEnd(6)} ${name}${values.length === 0 ? '' : `: ${values.join(', ')}`}${rule === '' ? '' : ` (${rule})`}`
    })
    .join('\n')
}

/** Everything the page knows of a request, as Markdown. */
export function asIssue(row: RequestRow, events: readonly EventRow[]): string {
  const members = (lines: readonly (readonly [string, string])[]) => lines.map(([name, text]) => `${name}: ${text}`)
  const lines = [
    `${row.method ?? row.phase} ${row.target ?? ''} → ${row.outcome} ${row.status ?? ''} ${row.code ?? ''}`
      .replace(/ +/g, ' ')
      .trim(),
    ...(row.route === undefined ? [] : [`route: ${row.route}`]),
    `resource: ${row.resource}`,
    ...(row.sentence === undefined ? [] : ['', row.sentence]),
    '',
    stepsText(row),
    ...row.challenges.flatMap(({ scheme, parameters }) => ['', `WWW-Authenticate: ${scheme}`, ...members(parameters)]),
    ...(row.token === undefined
      ? []
      : ['', `token of ${row.token.length} characters`, ...members(row.token.header), ...members(row.token.claims)]),
    ...events.flatMap(({ type, members: its }) => ['', type, ...members(its)]),
  ]
  // What a sender wrote must not end the block.
  return `\`\`\`text\n${lines.join('\n').replaceAll('```', "'''")}\n\`\`\`\n`
}
