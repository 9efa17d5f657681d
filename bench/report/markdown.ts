import { isMet, type Table, type Verdict } from '../suites/suite.js'
import { cellsOf, verdictCells, verdictsOf } from './print.js'
import type { RunResult } from './run-result.js'
import { show } from './show.js'

/** The page: targets of every Node side by side, then every table of every Node, with the charts of the first. */
export function performancePage(runs: readonly RunResult[], chartPath: (table: Table) => string): string {
  return `${[introduction, targets(runs), reading, method(runs), ...runs.map((run, index) => figures(run, index === 0, chartPath))].join('\n\n')}\n`
}

const introduction = `# Performance

Every figure on this page comes from one command, \`npm run bench\`, which writes the page. Figures are compared within
one run only: what counts is the ratio, the microseconds belong to the machine.

The *limit* is \`bench/limit.ts\`: what one would write by hand for one issuer, one key and one algorithm, with the same
checks, in straight lines. Peers come at the versions of \`bench/package-lock.json\`.`

function targets(runs: readonly RunResult[]): string {
  const [first] = runs
  if (first === undefined) throw new Error('no run')
  const columns = runs.map(({ machine }) => `Node ${machine.node}`)
  const lines = verdictsOf(first).map((verdict) => {
    const [target = '', wanted = ''] = verdictCells([verdict])[1] ?? []
    return [target, wanted, ...runs.map((run) => outcome(sameTarget(run, verdict)))]
  })
  return `## Targets\n\n${table([['target', 'wanted', ...columns], ...lines])}`
}

function sameTarget(run: RunResult, { target }: Verdict): Verdict | undefined {
  return verdictsOf(run).find((verdict) => verdict.target === target)
}

function outcome(verdict: Verdict | undefined): string {
  if (verdict === undefined) return '–'
  const figure = `${show(verdict.figure)} ${verdict.unit}`
  return isMet(verdict) ? figure : `**${figure}, missed**`
}

const reading = `## Reading the targets

**New tokens signed with RSA.** A check of an RSA signature takes 17 of 22 µs, so that 5 % is one microsecond. Beyond the
limit Portcullis spends between 1.2 and 2 µs on every token, whatever its algorithm: measured with the check itself taken
out, 5.0 µs against 3.8. No part of it stands out. By samples of the processor, of these 5.0 µs \`JSON.parse\` has 15 %,
the hash of the token 14 %, looking for foreign characters 8 %, look-ups by issuer, header, token and scope list 5 %,
collecting garbage 4 %, base64url 3 %, and the rest is spread over forty functions with less than 3 % each: promises,
facts of a request that can count repeated fields, claims read by a profile, a frozen \`auth\`. Taking out any one of
freezing, own-property checks, UTF-8 checks or promises brings 0.1 to 0.2 µs.

**New tokens in a server.** Where HTTP is handled between two tokens, the same 1.2 to 2 µs become 3 to 8. A sampled profile
of the server shows the difference in no function of the library: those of Node's streams and of the framework, too, take
up to twice as long beside it as beside the limit. More code runs for a request than the processor keeps at hand. A
repeated token, which runs little of it, costs what it costs alone.

**Express, one token.** The target is closer to the bare framework than the limit comes: the middleware layer itself takes
about two thirds of the difference.

**fast-jwt with a fixed key** checks less, and is ahead by what that costs: it knows no scopes, no binding, no refusal with
a challenge, and cannot rotate its key. With a function for the key, as a key set needs it, it takes five times as long.

**A repeated token, against fast-jwt's own cache.** Both hash the token, which takes 0.7 µs here, half of all that
Portcullis does then. Twice the speed of fast-jwt would leave 0.2 µs for everything else. Only a cache that keeps raw
tokens as its keys could do without the hash, and this one keeps none.

**The thread pool.** A signature on a curve takes long enough to hand over: with 64 in flight, ES256 and EdDSA are 1.3 to
1.5 times as fast as at once. With one in flight the pool costs as much again, so only what comes beyond the fourth check
in one turn of the event loop goes there, at most 32 at a time, and not where checks wait for one another. RSA stays on
the main thread: its gain at 64 is 1.3 at best, and below that it loses.`

function method(runs: readonly RunResult[]): string {
  const machines = runs.map(({ machine: { node, openssl, cpu, cores, memoryGib, load, date } }) => [
    node,
    openssl,
    `${cores} × ${cpu}`,
    `${memoryGib} GiB`,
    load.toFixed(1),
    date,
  ])
  return `## Method

- The package is measured as it ships: built, imported through its own \`exports\`, with its defaults; the bench is
  compiled to plain JavaScript, so that no loader stands in between.
- Contenders take turns within one process: each round gives every one of them a slice of about 30 ms, in an order that
  rotates, after a collection of young garbage. Ratios are taken within a round; tables give medians of 21 rounds and the
  middle half of them.
- Portcullis takes its keys from a live key set, the fast peers from a variable. Tokens are of real size: 918 characters
  with RS256. *New* tokens go round in a number four times as large as the cache, so that each is verified and remembered.
- HTTP: server, load generator (autocannon, 10 connections) and key server are processes of their own. On two cores the
  load generator is the bottleneck, so that processor time per request of the server process is compared, with the bare
  framework in the same round.
- Sessions: as HTTP, the servers of all frameworks in one run. 1,000 users signed in before, and send their cookies in turn;
  every contender keeps the same profile of them.
- Start-up, memory and tail latency are measured in fresh processes.

${table([['Node', 'OpenSSL', 'processor', 'memory', 'load at the end', 'date'], ...machines])}`
}

function figures(run: RunResult, withCharts: boolean, chartPath: (table: Table) => string): string {
  const all = Object.values(run.results).flatMap(({ tables }) => tables)
  const parts = all.map((one) => {
    const chart = withCharts && one.chart === true ? `\n\n![${one.title}](${chartPath(one)})` : ''
    const notes = one.notes === undefined ? '' : `\n\n${one.notes.map((note) => `- ${note}`).join('\n')}`
    return `### ${one.title}\n\n${table(cellsOf(one))}${notes}${chart}`
  })
  return `## Figures, Node ${run.machine.node}\n\n${parts.join('\n\n')}`
}

function table(lines: readonly (readonly string[])[]): string {
  const [header = [], ...rest] = lines
  const row = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  const rule = header.map((_, column) => (column === 0 ? '---' : '---:'))
  return [row(header), row(rule), ...rest.map(row)].join('\n')
}
