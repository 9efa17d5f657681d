import { channel } from 'node:diagnostics_channel'
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { EventListener } from '../../src/index.js'
import { type Contender, compare, type Measured, named } from '../measure/compare.js'
import { spreadOf } from '../measure/statistics.js'
import { createResourceServer, peer, requestFacts } from '../package-under-test.js'
import { compiled } from '../set-up/compiled.js'
import { audience, createBenchIssuer, mintToken } from '../set-up/issuer.js'
import type { Suite, Table } from './suite.js'
import { tableOf } from './tokens.js'

type Create = typeof createResourceServer

/** All that a guard does for events while there is no listener, as it stands in the build. */
const eventCode: readonly (readonly [written: string, instead: string])[] = [
  ['return onEvent.isHeard() ? monotonicClock() : void 0;', 'return void 0;'],
  ['if (judged.startedMs !== void 0) tell.accepted(auth, judged);', ''],
]
const kept = 'the gate as it is'
const cut = 'the gate without its event code'
const requests = 100

/** What a request with a token seen before costs by who listens; and what the code for events costs while nobody does. */
export const events: Suite = async ({ pace, quick }) => {
  const { openTelemetry } = await peer<typeof import('../../src/telemetry/index.js')>('portcullis/otel')
  const unheard = await compare(
    [judging(kept, await copyOfPackage('kept', [])), judging(cut, await copyOfPackage('cut', eventCode))],
    quick ? pace : { ...pace, rounds: 3 * pace.rounds },
  )
  const difference = spreadOf(differences(unheard))
  const listened = await compare(
    [
      judging('nobody', createResourceServer),
      judging('`onEvent`', createResourceServer, () => {}),
      judging('`openTelemetry()` without an SDK', createResourceServer, openTelemetry()),
    ],
    pace,
  )
  // Last of all: what has once seen a channel with subscribers is compiled for both kinds from then on.
  const channels = await compare([judging('no subscriber', createResourceServer), subscribed()], pace)
  return {
    tables: [
      tableOf('events', 'Repeated token, by who listens', listened, 'nobody'),
      tableOf('events-channel', 'Repeated token, with a subscriber of `portcullis:event`', channels, 'no subscriber'),
      unheardTable(unheard, difference),
    ],
    verdicts: [{ target: 'Events without a listener, a request', figure: difference.median, unit: 'µs', atMost: 0.1 }],
  }
}

function differences(measured: readonly Measured[]): readonly number[] {
  const without = named(measured, cut).rounds
  return named(measured, kept).rounds.map((time, round) => time - (without[round] as number))
}

function unheardTable(measured: readonly Measured[], difference: Table['rows'][number]['figure']): Table {
  const { rows, ...table } = tableOf('events-unheard', 'Repeated token, events without a listener', measured, kept)
  return {
    ...table,
    rows: [...rows, { name: 'the difference, by rounds', figure: difference, cells: [''] }],
    chart: false,
    notes: ['Both are copies of the build; from one of them the code for events was cut out of the guard.'],
  }
}

/** Imports the build once more, as modules of its own, with some of its code replaced. */
async function copyOfPackage(name: string, replaced: typeof eventCode): Promise<Create> {
  const root = join(compiled, '../../..')
  const copy = join(compiled, 'copies', name)
  rmSync(copy, { recursive: true, force: true })
  mkdirSync(copy, { recursive: true })
  cpSync(join(root, 'package.json'), join(copy, 'package.json'))
  cpSync(join(root, 'dist'), join(copy, 'dist'), { recursive: true })
  const files = readdirSync(join(copy, 'dist/src/chunks')).map((file) => join(copy, 'dist/src/chunks', file))
  for (const [written, instead] of replaced) {
    const holders = files.filter((file) => readFileSync(file, 'utf8').includes(written))
    const [holder, another] = holders
    if (holder === undefined || another !== undefined) throw new Error(`${holders.length} files have: ${written}`)
    writeFileSync(holder, readFileSync(holder, 'utf8').replace(written, instead))
  }
  const { href } = pathToFileURL(join(copy, 'dist/src/index.js'))
  return ((await import(href)) as { createResourceServer: Create }).createResourceServer
}

function guarding(create: Create, onEvent?: EventListener): () => Promise<void> {
  const issuer = createBenchIssuer()
  const server = create({ resource: audience, issuer: issuer.issuer, fetch: issuer.fetch, onEvent })
  const guard = server.guard()
  const facts = requestFacts({ url: '/me', headers: { authorization: `Bearer ${mintToken(issuer, 'RS256')}` } })
  return async () => {
    const result = await guard(facts)
    if (!result.ok) throw result.error
  }
}

function judging(name: string, create: Create, onEvent?: EventListener): Contender {
  return { name, isAsync: true, run: guarding(create, onEvent) }
}

/** A channel belongs to the process: there is a subscriber only while this contender has its turn. */
function subscribed(): Contender {
  const ask = guarding(createResourceServer)
  const told = channel('portcullis:event')
  const listen = () => {}
  return {
    name: 'a subscriber',
    isAsync: true,
    operations: requests,
    async run() {
      told.subscribe(listen)
      for (let request = 0; request < requests; request++) await ask()
      told.unsubscribe(listen)
    },
  }
}
