import { createAdapterContract } from 'portcullis/adapter-testing'
import { afterAll, describe, expect, it } from 'vitest'
import { fetchHarness } from '../../adapters/fetch-harness.js'
import { observed } from '../../support/observed-contract.js'

const observer = observed(fetchHarness)
const { cases, close } = createAdapterContract(observer.harness)
afterAll(close)

/** What `npx vitest run test/unit/testing/adapter-contract-record.test.ts -u` writes anew. */
describe('the record of the contract of adapters', () => {
  it('[ADP-07] has every request of every case', async () => {
    const lines: string[] = []
    for (const one of cases) lines.push(...(await observer.asks(one)), '')
    await expect(lines.join('\n')).toMatchFileSnapshot('adapter-contract-asks.txt')
  }, 60_000)

  it('[ADP-07] has what each case notices where an answer of a good adapter is changed', async () => {
    const lines: string[] = []
    for (const one of cases) lines.push(...(await observer.notices(one)), '')
    await expect(lines.join('\n')).toMatchFileSnapshot('adapter-contract-notices.txt')
  }, 60_000)
})
