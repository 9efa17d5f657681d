import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os'
import { join } from 'node:path'
import type { GateResult } from './gates.js'
import { barPicture, linePicture } from './pictures.js'
import type { GuardResult, RefreshResult, Spread } from './scenarios.js'

/** Where and when a part was measured. */
export interface Measured {
  readonly date: string
  readonly node: string
  readonly machine: string
  readonly processes: number
  /** How many programs wanted a processor at the end, ours among them. */
  readonly load: number
  readonly minutes: number
}

/** What the fleet showed. Each part may have been measured by itself. */
export interface FleetFigures {
  readonly gates: readonly GateResult[]
  readonly guards: readonly GuardResult[]
  readonly refreshes: readonly RefreshResult[]
  readonly measured: Readonly<Record<'gates' | 'guards' | 'refreshes', Measured>>
}

const folder = join(import.meta.dirname, '..', '..', 'docs', 'proof')

export function measuredNow(startedMs: number, processes: number): Measured {
  return {
    date: new Date().toISOString().slice(0, 10),
    node: process.version,
    machine: `${availableParallelism()} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    processes,
    load: Math.round(loadavg()[0] as number),
    minutes: Math.round((performance.now() - startedMs) / 6000) / 10,
  }
}

/** The figures as they stand on the page; none where there is no page yet. */
export function keptFigures(): Partial<FleetFigures> {
  const file = join(folder, 'fleet.json')
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as FleetFigures) : {}
}

/** Writes the figures as they came; and the page with its charts, once each part was measured. */
export function writeFigures(figures: Partial<FleetFigures>): void {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'fleet.json'), `${JSON.stringify(figures, rounded)}\n`)
  if (isWhole(figures)) writePage(figures)
}

function isWhole(figures: Partial<FleetFigures>): figures is FleetFigures {
  return figures.gates !== undefined && figures.guards !== undefined && figures.refreshes !== undefined
}

function writePage(figures: FleetFigures): void {
  for (const [name, picture] of Object.entries(picturesOf(figures))) writeFileSync(join(folder, `${name}.svg`), picture)
  writeFileSync(join(folder, 'fleet.md'), pageOf(figures))
}

function rounded(_: string, value: unknown): unknown {
  return typeof value === 'number' ? Math.round(value * 1000) / 1000 : value
}

function picturesOf({ gates, guards, refreshes }: FleetFigures): Readonly<Record<string, string>> {
  const largest = (kind: string) => gates.filter(({ plan }) => plan.kind === kind).at(-1) as GateResult
  const at = (minutes: readonly number[]) => minutes.map((count) => count / 60)
  const [jwt, opaque] = [largest('jwt'), largest('opaque')]
  const steady = gates.filter(({ plan }) => plan.instances >= 100)
  return {
    'fleet-keys': linePicture(
      `Keys and metadata: requests per second, ${jwt.plan.instances} instances`,
      at(jwt.minutes),
      {
        mean: jwt.steady.perSecond,
        marks: marksOf(jwt),
      },
    ),
    'fleet-introspection': linePicture(
      `Introspection: requests per second, ${opaque.plan.instances} instances`,
      at(opaque.minutes),
      { mean: opaque.steady.perSecond, marks: marksOf(opaque) },
    ),
    'fleet-peaks': barPicture(
      'Busiest span against the mean',
      'times',
      steady.map(({ plan, steady: { peakToMean } }) => [`${plan.instances} instances, ${plan.kind}`, peakToMean]),
    ),
    'fleet-requests': barPicture(
      'Requests per hour at the authorization server, in the quiet time',
      'an hour',
      gates.map(({ plan, steady: { perSecond: mean } }) => [`${plan.instances} instances, ${plan.kind}`, mean * 3600]),
    ),
    'fleet-lease-waits': barPicture(
      'Waiting for the lease of another instance, 99th percentile',
      'ms',
      refreshes.map(({ name, instances, users, leaseWaits }) => [
        `${name} (${instances}, ${users} users)`,
        leaseWaits.p99,
      ]),
    ),
    'fleet-latency': barPicture('99th percentile', 'ms', [
      ...guards.map(({ name, latency }): [string, number] => [name, latency.p99]),
      ...refreshes.map(({ name, instances, users, latency }): [string, number] => [
        `${name} (${instances}, ${users} users)`,
        latency.p99,
      ]),
    ]),
  }
}

function marksOf({ plan }: GateResult): readonly (readonly [minute: number, name: string])[] {
  const rotates = plan.steadySeconds / 60
  const fails = rotates + plan.rotationSeconds / 60
  const returns = fails + plan.outageSeconds / 60
  const marks = [
    [fails, 'outage'],
    [returns, 'it is back'],
  ] as const
  return plan.kind === 'jwt' ? [[rotates, 'rotation'], ...marks] : marks
}

function pageOf(figures: FleetFigures): string {
  const { gates, guards, refreshes, measured } = figures
  const { processes } = measured.refreshes
  const largest = Math.max(...gates.map(({ plan }) => plan.instances), ...refreshes.map(({ instances }) => instances))
  return `# A fleet

What up to ${largest} instances do to one authorization server and one Redis Cluster. \`npm run fleet\` makes the figures and
writes this page; \`npm run fleet -- gates\` measures one part again. All figures are in \`docs/proof/fleet.json\`. The command
fails where one of the promises does not hold.

${table(
  ['', 'measured', 'Node', 'machine', 'load at the end', 'minutes'],
  Object.entries(measured).map(([part, one]) => [
    part,
    one.date,
    one.node,
    one.machine,
    String(one.load),
    String(one.minutes),
  ]),
)}

Counts hold on any machine. Times are those of the machine named: the run's own processes share its processors and count in
the load.

## Gates

Each instance is a resource server of the product with caches of its own. They run in one process, on one virtual clock and
a network that answers at once, so that hours pass in seconds. **All start in the same second**, the worst case for
everything that is done again after a fixed time. Each is asked every 30 s. Keys are good for an hour, introspection answers
for 60 s at most. Then come a rotation that was not announced, and an outage of an hour.

Promised: a good token is never refused, no JWT gets 503, and with 100 instances or more the busiest span has less than twice
the mean. Of a few instances the busiest span is a matter of chance.

${table(
  ['', 'at the start', 'mean', 'busiest span', 'times the mean', 'outage', 'first 10 s after it'],
  gates.map(({ plan, storm, steady, outage, recovery }) => [
    `${plan.instances} × ${plan.kind}`,
    `${storm.requests} requests`,
    perSecond(steady.perSecond),
    `${perSecond(steady.peakPerSecond)} over ${steady.binSeconds} s`,
    show(steady.peakToMean),
    perSecond(outage.perSecond),
    perSecond(recovery.peakPerSecond),
  ]),
)}

${table(
  ['', 'requests', 'refused', '503 before', '503 in the outage', '503 in the 10 min after', 'requests for a new key'],
  gates.map(({ plan, outcomes, rotation }) => [
    `${plan.instances} × ${plan.kind}`,
    String(sum(Object.values(outcomes).map(({ accepted, refused, unavailable }) => accepted + refused + unavailable))),
    String(sum(Object.values(outcomes).map(({ refused }) => refused))),
    String(outcomes.steady.unavailable + outcomes.rotation.unavailable),
    String(outcomes.outage.unavailable),
    String(outcomes.recovery.unavailable),
    rotation === undefined ? '–' : `${show(rotation.perInstance)} each`,
  ]),
)}

![Requests per hour by the size of the fleet](fleet-requests.svg)

![Requests for keys over time](fleet-keys.svg)

![Requests for introspection over time](fleet-introspection.svg)

![The busiest span against the mean](fleet-peaks.svg)

Opaque tokens cannot be judged without the server: once an answer is over, they get 503 with \`Retry-After\` until it is
back. A rotation that is not announced costs one request per instance, at once, since users wait for it; one that is
announced an hour ahead costs none.

## Requests while something happens

${measured.guards.processes} processes, each with a gate, 100 requests a second each, over real HTTP to the server. The fault begins after a
third of the time.

${table(
  ['', 'answers', 'median', '99 %', 'longest'],
  guards.map(({ name, outcomes, latency }) => [name, countsOf(outcomes), ...spreadCells(latency)]),
)}

## Users whose tokens expire at once

Each user's token has expired, and three callers in different processes ask for a new one at the same time. The server takes each
refresh token once and ends the session at a second use. Instances beyond ${processes} share processes and connections; their
stores, locks and memories are their own. Tokens and leases are in a Redis Cluster of 3 masters and 3 replicas on loopback.
An hour without the server is passed in six seconds: the clock of tokens runs ahead. A master is killed as a crash does it
(SIGKILL), a replica takes its place, and the node comes back as replica.

${table(
  [
    '',
    'instances',
    'users',
    'redemptions',
    'doubled',
    'sessions lost',
    'per second',
    'busiest second',
    'no master for',
  ],
  refreshes.map((one) => [
    one.name,
    String(one.instances),
    String(one.users),
    String(one.redemptions),
    String(one.doubled),
    String(one.lost),
    show(one.perSecond),
    show(one.peakPerSecond),
    one.failoverMs === undefined ? '–' : `${show(one.failoverMs / 1000)} s`,
  ]),
)}

Until a caller had a token, told to come again (503) or not; and the calls that waited for the lease of another instance:

${table(
  [
    '',
    'instances',
    'median',
    '99 %',
    'longest',
    'told to come again',
    'waited for a lease',
    'median',
    '99 %',
    'longest',
  ],
  refreshes.map((one) => [
    one.name,
    String(one.instances),
    ...spreadCells(one.latency),
    String(one.repeats),
    String(one.leaseWaits.count),
    ...spreadCells(one.leaseWaits),
  ]),
)}

![Waiting for leases](fleet-lease-waits.svg)

![99th percentiles](fleet-latency.svg)

Some users wait half a minute. A refresh token that was sent without an answer is left alone for 30 s (\`ambiguousRetrySeconds\`), and
a lease that a failover left behind lasts as long. Callers get 503 until then.

## What this does not show

- \`npm run fleet\` goes up to 1,000 instances and 10,000 users. The tables say how far it has been run.
- Instances beyond ${processes} share a process and its connection to Redis: what a thousand connections cost is not measured.
- All runs on one machine: no network is slow, and a replica is behind its master by less than a millisecond. A failover
  between machines can lose the last writes; [user tokens](../user-tokens-refresh.md#what-is-guaranteed) says what follows.
`
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(header), line(header.map((_, index) => (index === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n')
}

function show(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(2).replace(/\.?0+$/, '')
}

function perSecond(value: number): string {
  return `${show(value)}/s`
}

function spreadCells({ p50, p99, max }: Spread): readonly string[] {
  return [p50, p99, max].map((value) => `${show(value)} ms`)
}

function countsOf(outcomes: Readonly<Record<string, number>>): string {
  return Object.entries(outcomes)
    .map(([name, count]) => `${count} × ${name}`)
    .join(', ')
}

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0)
}
