import { inspect } from 'node:util'
import { contractRoutes, createAdapterContract } from 'portcullis/adapter-testing'
import { describe, expect, it } from 'vitest'
import { fetchHarness } from '../../adapters/fetch-harness.js'
import { type ContractObserver, observed } from '../../support/observed-contract.js'

async function record(part: 'asks' | 'notices'): Promise<string> {
  const observer: ContractObserver = observed(fetchHarness)
  const { cases, close } = createAdapterContract(observer.harness)
  const lines: string[] = []
  for (const one of cases) lines.push(...(await observer[part](one)), '')
  await close()
  return lines.join('\n')
}

/** What `npx vitest run test/unit/testing/adapter-contract-record.test.ts -u` writes anew. */
describe('the record of the contract of adapters', () => {
  it('has every route, and what each demands', async () => {
    const text = contractRoutes.map((route) => inspect(route, { depth: 9, breakLength: 100 })).join('\n')
    await expect(text).toMatchFileSnapshot(`${import.meta.dirname}/adapter-contract-routes.txt`)
  })

  it('has every request of every case', async () => {
    await expect(await record('asks')).toMatchFileSnapshot(`${import.meta.dirname}/adapter-contract-asks.txt`)
  }, 60_000)

  it('has what each case notices where an answer of a good adapter is changed', async () => {
    await expect(await record('notices')).toMatchFileSnapshot(`${import.meta.dirname}/adapter-contract-notices.txt`)
  }, 60_000)
})
