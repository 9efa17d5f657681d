import { markdownTable } from './figure-pages.js'
import type { RunResult } from './run-result.js'

/** How figures come about, and on what machine, when and how thoroughly each suite was measured. */
export function methodPage(runs: readonly RunResult[]): string {
  return `# How it is measured

\`npm run bench\` measures everything and writes these pages; \`--brief\` does so within some ten minutes for each Node,
\`--quick\` within four, with fewer rows. \`--only tokens,http\` measures some suites anew, \`--write\` writes the pages.

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
- Sessions: as HTTP, the servers of all frameworks in one run. Users signed in before, and send their cookies in turn;
  every contender keeps the same profile of them.
- Start-up, memory and tail latency are measured in fresh processes. Memory: another server is filled and thrown away
  first, so that compiled code does not count.
- Peers come at the versions of \`bench/package-lock.json\`.

| Node | OpenSSL | processor | memory |
| --- | ---: | ---: | ---: |
${runs.map(machineRow).join('\n')}

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
  return `## Runs on Node ${machine.node}\n\n${markdownTable([['suite', 'run', 'date', 'load at the end', 'seconds'], ...lines])}`
}
