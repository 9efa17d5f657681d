import { inspect } from 'node:util'
import { contractRoutes, createAdapterContract } from 'portcullis/adapter-testing'
import { createDpopClient, createFrozenClock, createTestIssuer, type TestIssuer } from 'portcullis/testing'
import { describe, expect, it } from 'vitest'
import { resource } from '../../../src/testing/adapter-contract/contract-row.js'
import { opaqueSettings } from '../../../src/testing/adapter-contract/opaque-rows.js'
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

const client = createDpopClient()

/** The answer of introspection, without what differs each time. */
async function introspected(issuer: TestIssuer, token: string): Promise<string> {
  const form = new URLSearchParams({ token, client_id: 'test-client', client_secret: 'test-secret' })
  const { signal } = new AbortController()
  const init = { method: 'POST', headers: {}, body: form.toString(), redirect: 'manual', signal } as const
  const { jti: _, ...claims } = await (await issuer.fetch(`${issuer.issuer}/introspect`, init)).json()
  return JSON.stringify(claims).replace(client.jkt, '(the key of the client)')
}

/** What `npx vitest run test/unit/testing/adapter-contract-record.test.ts -u` writes anew. */
describe('the record of the contract of adapters', () => {
  it('has every route, and what each demands', async () => {
    const text = contractRoutes.map((route) => inspect(route, { depth: 9, breakLength: 100 })).join('\n')
    await expect(text).toMatchFileSnapshot(`${import.meta.dirname}/adapter-contract-routes.txt`)
  })

  it('has what the issuer says of every opaque token', async () => {
    const kit = { issuer: createTestIssuer({ clock: createFrozenClock().now, audience: resource }), client }
    const lines: string[] = []
    for (const { title, request } of opaqueSettings.rows) {
      const token = request(kit).fields?.[0]?.[1].split(' ')[1] as string
      lines.push(title, `  ${await introspected(kit.issuer, token)}`, '')
    }
    const file = `${import.meta.dirname}/adapter-contract-opaque.txt`
    await expect(lines.join('\n')).toMatchFileSnapshot(file)
  })

  it('has every request of every case', async () => {
    await expect(await record('asks')).toMatchFileSnapshot(`${import.meta.dirname}/adapter-contract-asks.txt`)
  }, 60_000)

  it('has what each case notices where an answer of a good adapter is changed', async () => {
    await expect(await record('notices')).toMatchFileSnapshot(`${import.meta.dirname}/adapter-contract-notices.txt`)
  }, 60_000)
})
