import { type AdapterHarness, createAdapterContract } from 'portcullis/adapter-testing'
import { afterAll, describe, it } from 'vitest'

/**
 * Holds one framework's adapter to the contract, over real HTTP. Call it from a test file of the framework:
 *
 * ```ts
 * describeAdapterContract({ name: 'Express 5', start: (server) => … })
 * ```
 */
export function describeAdapterContract(harness: AdapterHarness): void {
  describe(`the ${harness.name} adapter`, () => {
    const { cases, close } = createAdapterContract(harness)
    afterAll(close)
    for (const server of new Set(cases.map((one) => one.server))) {
      const own = cases.filter((one) => one.server === server).map((one) => [one.title, one.run] as const)
      if (server === undefined) it.each(own)('%s', async (_title, run) => run())
      else describe(`on a server that ${server}`, () => void it.each(own)('%s', async (_title, run) => run()))
    }
  })
}
