import { markdownTable } from './figure-pages.js'
import type { RunResult } from './run-result.js'

/** How figures come about, and on what machine, when and how thoroughly each suite was measured. */
export function methodPage(runs: readonly RunResult[]): string {
  return `# How it is measured

How the figures of these pages come about, and on what machine they were taken.

\`npm run bench\` measures everything and writes these pages; \`--brief\` does so within three quarters of an hour for each Node,
\`--quick\` within six minutes, with fewer rows. \`--only tokens,http\` measures some suites anew, \`--write\` writes the pages.

- The package is measured as it ships: built, imported through its own \`exports\`, with its defaults; the bench is
  compiled to plain JavaScript, so that no loader stands in between. Two things come from the source, where the package
  exports them not: the part that verifies DPoP proofs alone, and what asks whether anyone hears an event.
- Contenders take turns within one process: each round gives every one of them a slice of 10, 20 or 30 ms (quick, brief,
  full), in an order that rotates, after a collection of young garbage. Ratios are taken within a round; tables give
  medians of 7, 11 or 21 rounds, and the middle half of them.
- Portcullis takes its keys from a live key set, the fast peers from a variable. Tokens are of real size: 918 characters
  with RS256. *New* tokens go round in a number four times as large as the cache, so that each is verified and remembered.
- HTTP: server, load generator (autocannon, 10 connections) and key server are processes of their own. On two cores the
  load generator is the bottleneck, so that processor time per request of the server process is compared, with the bare
  framework in the same round.
- The load generator never sleeps while it sends. A server that answers a sleeping process on its own machine pays for
  waking it. The bare framework keeps the generator awake, so that any guard would seem to make each answer dearer.
- HTTP with one token and with new ones: two processes of one server differ by a tenth and more, so each server is started
  one, four or eight times, and measured in three rounds each time.
- HTTP: every server answers 50,000 requests before it is measured. While V8 still compiles, the one with more code pays more.
- What the first thread does: by a profile of two seconds after the last round, beside what the system says that the thread
  used meanwhile. What Node does while it reads from sockets counts as waiting in a profile.
- HTTP with 10,000 tokens: each of them is sent once before, so that what is measured is a cache that holds them.
- Many at once, in batches: a batch comes in one turn of the event loop, the next one in a later turn, as from sockets.
- Sessions: as HTTP, the servers of all frameworks in one run. Users signed in before, and send their cookies in turn;
  every contender keeps the same profile of them.
- Start-up, memory and tail latency are measured in fresh processes. Memory: another server is filled and thrown away
  first, so that compiled code does not count.
- A million tokens: two further passes, one without a cache and one that checks signatures alone, show what V8 and the
  machine do to such a loop anyway.
- Tail latency: kinds of windows take turns within one process, and one kind is there twice: what these two differ by is
  chance.
- workerd: the package is bundled with esbuild into one file, as those who deploy Workers do.
- Peers come at the versions of \`bench/package-lock.json\`.

## Instructions

\`npm run instructions\` counts the machine instructions of a request, which no other work disturbs; \`--parts new\` tells what
they are made of. In CI, \`--check\` fails where a figure is 3 % above its baseline. \`--busy\` adds a loop that does
nothing useful to each guarded request, to see that the check notices. This run failed, on Node 20 and the processor of the
baseline:

\`\`\`text
$ npm run instructions -- --check --busy 40
one request                                      instructions   bytes   to the baseline
repeated token at the gate                               5336     912            17.0 %
new RS256 token at the gate, less its signature         39553    3740             0.2 %
repeated token, Fastify                                 14052    1486             5.2 %
repeated token, Koa                                     15252     998             3.5 %
Up to 3 % more pass: the baseline is of this processor.
repeated token at the gate: 5336 instructions, more than 3 % above the 4561 of the baseline.
repeated token, Fastify: 14052 instructions, more than 3 % above the 13353 of the baseline.
repeated token, Koa: 15252 instructions, more than 3 % above the 14736 of the baseline.
Shorten the way, or renew the baseline and say why: npm run instructions -- --write.
\`\`\`

## Machine

| Node | OpenSSL | processor | memory |
| --- | ---: | ---: | ---: |
${runs.map(machineRow).join('\n')}

Each suite tells when it ended: \`--only\` measures some anew and keeps the others as they were.

${runs.map(suitesOf).join('\n\n')}
`
}

function machineRow({ machine: { node, openssl, cpu, cores, memoryGib } }: RunResult): string {
  return `| ${node} | ${openssl} | ${cores} × ${cpu} | ${memoryGib} GiB |`
}

function suitesOf({ machine, results }: RunResult): string {
  const lines = Object.entries(results).map(([name, { mode, date, load, seconds }]) => [
    name,
    mode,
    date,
    load.toFixed(1),
    `${seconds}`,
  ])
  const head = ['suite', 'run', 'ended, UTC', 'load at the end', 'seconds']
  return `## Runs on Node ${machine.node}\n\n${markdownTable([head, ...lines])}`
}
