import type { ClaimsSchema, ResourceServer, ResourceServerOptions } from 'portcullis'
import { createResourceServer } from 'portcullis'
import type { FrozenClock } from 'portcullis/testing'
import { beforeAll, describe, expect, it } from 'vitest'
import { exchange } from '../../support/http-exchange.js'
import { expectAnswer } from './expect-row.js'
import type { AdapterHarness } from './routes.js'
import { type ContractKit, resource } from './row.js'
import { contractScenarios } from './scenarios.js'
import { contractSettings } from './settings.js'

/** What the contract of one framework is driven with. */
export interface ContractDriver extends ContractKit {
  readonly harness: AdapterHarness
  readonly clock: FrozenClock
  /** Starts the application around a server; resolves to its origin. */
  startWith(server: ResourceServer): Promise<string>
}

/** Holds an adapter to the parts of the contract that need a server with settings of their own. */
export function describeSettings({ harness, clock, issuer, client, startWith }: ContractDriver): void {
  const kit = { issuer, client }

  function start(options: Partial<ResourceServerOptions<ClaimsSchema>>): Promise<string> {
    const server = createResourceServer({
      resource,
      issuer: issuer.issuer,
      dpop: { algorithms: ['ES256', 'PS256'] },
      fetch: issuer.fetch,
      clock: clock.now,
      ...options,
    })
    return startWith(server as ResourceServer)
  }

  describe.each(contractSettings.map((settings) => [settings.name, settings] as const))(
    'on a server that %s',
    (_name, { options, rows }) => {
      let origin = ''
      beforeAll(async () => {
        origin = await start(options(issuer))
      })
      it.each(rows.map((row) => [row.title, row] as const))('%s', async (_title, row) => {
        expectAnswer(await exchange(origin, row.request(kit)), row, harness)
      })
    },
  )

  it.each(contractScenarios.map((scenario) => [scenario.title, scenario] as const))('%s', async (_title, scenario) => {
    const origin = await start(scenario.options?.(kit) ?? {})
    expect.hasAssertions()
    await scenario.play({
      ...kit,
      ask: (request) => exchange(origin, request),
      expectAnswer: (response, expected) => expectAnswer(response, expected, harness),
      passTime: (seconds) => clock.advance(seconds * 1000),
    })
  })
}
