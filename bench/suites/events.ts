import { channel } from 'node:diagnostics_channel'
import type { EventListener } from '../../src/index.js'
import { type Contender, compare, named } from '../measure/compare.js'
import { createResourceServer, peer, requestFacts } from '../package-under-test.js'
import { audience, createBenchIssuer, mintToken } from '../set-up/issuer.js'
import type { Suite } from './suite.js'
import { tableOf } from './tokens.js'

const requests = 1000

/** What a request with a token seen before costs by who listens; and what it costs to find that nobody does. */
export const events: Suite = async ({ pace }) => {
  const measured = await compare(await contenders(), pace)
  const unheard = await compare([asking()], pace)
  const nobody = named(unheard, 'asking twice whether somebody listens').spread.median
  return {
    tables: [
      tableOf('events', 'Repeated token, by who listens', measured, 'nobody'),
      tableOf('events-unheard', 'Events that nobody hears', unheard, 'asking twice whether somebody listens'),
    ],
    verdicts: [{ target: 'Events that nobody hears, a request', figure: nobody, unit: 'µs', atMost: 0.1 }],
  }
}

/** The whole of what a guard does for events while nobody listens: before its judgement, and where it tells. */
function asking(): Contender {
  const told = channel('portcullis:event')
  const listeners = new Set<EventListener>()
  const isHeard = () => listeners.size > 0 || told.hasSubscribers
  let heard = 0
  return {
    name: 'asking twice whether somebody listens',
    operations: requests,
    run() {
      for (let request = 0; request < requests; request++) {
        if (isHeard()) heard += 1
        if (isHeard()) heard += 1
      }
      if (heard > 0) throw new Error('somebody listens')
    },
  }
}

async function contenders(): Promise<readonly Contender[]> {
  const { openTelemetry } = await peer<typeof import('../../src/telemetry/index.js')>('portcullis/otel')
  return [
    judging('nobody', undefined),
    judging('`onEvent`', () => {}),
    judging('`openTelemetry()` without an SDK', openTelemetry()),
  ]
}

function judging(name: string, onEvent: EventListener | undefined): Contender {
  const issuer = createBenchIssuer()
  const server = createResourceServer({ resource: audience, issuer: issuer.issuer, fetch: issuer.fetch, onEvent })
  const guard = server.guard()
  const facts = requestFacts({ url: '/me', headers: { authorization: `Bearer ${mintToken(issuer, 'RS256')}` } })
  return {
    name,
    isAsync: true,
    async run() {
      const result = await guard(facts)
      if (!result.ok) throw result.error
    },
  }
}
