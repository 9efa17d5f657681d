import { createTestIssuer } from 'portcullis/testing'
import { describe, expect, it } from 'vitest'
import { expectComeAgain, type FaultyApi, faultyApi, fetchLimitMs } from './api.js'
import type { Fault } from './tcp-proxy.js'

const hour = 3_600_000

/** The keys are known, and due to be fetched anew. */
async function withDueKeys(): Promise<FaultyApi> {
  const api = await faultyApi()
  expect((await api.get()).status).toBe(200)
  api.clock.advance(hour - 1000)
  return api
}

const faults: readonly (readonly [name: string, fault: Fault, reason: string])[] = [
  ['is slower than the time limit', { kind: 'slow', delayMs: 2 * fetchLimitMs }, 'timeout'],
  ['is cut off in the middle of its answer', { kind: 'cut', afterBytes: 300 }, 'network'],
  ['stalls in the middle of its answer', { kind: 'stalled', afterBytes: 300 }, 'timeout'],
  ['accepts connections and never answers', { kind: 'half-open' }, 'timeout'],
  ['resets connections', { kind: 'reset' }, 'network'],
  ['trickles its answer for longer than the time limit', { kind: 'trickle', intervalMs: 5 }, 'timeout'],
  ['sends its bytes in the wrong order', { kind: 'reordered' }, 'network'],
]

describe('a key server', () => {
  it.each(faults)('that %s means 503 with Retry-After while no keys are known', async (_, fault, reason) => {
    const { proxy, get, reasons } = await faultyApi()
    proxy.fault = fault
    expectComeAgain(await get())
    expect(reasons('keys.failed')).toEqual([reason])
  })

  it.each(faults)('that %s is not noticed by users while keys are known', async (_, fault, reason) => {
    const { proxy, get, reasons, events } = await withDueKeys()
    proxy.fault = fault
    const seen = await get()
    expect([seen.status, seen.tookMs < 1000]).toEqual([200, true])
    await expect.poll(() => reasons('keys.failed')).toEqual([reason])
    expect(events.at(-1)).toMatchObject({ type: 'keys.failed', stale: true })
  })

  it('that trickles its answer in time is waited for', async () => {
    const { proxy, get } = await faultyApi((origin, issuer) => ({
      issuer: { issuer: issuer.issuer, jwksUri: `${origin}/jwks`, keyCache: { timeoutMs: 5000 } },
    }))
    proxy.fault = { kind: 'trickle', intervalMs: 1 }
    expect((await get()).status).toBe(200)
  })

  it('that is back is asked again after the pause, and users pass', async () => {
    const { proxy, get, clock, events } = await faultyApi()
    proxy.fault = { kind: 'reset' }
    expectComeAgain(await get())
    proxy.fault = { kind: 'none' }
    expectComeAgain(await get())
    clock.advance(1000)
    expect((await get()).status).toBe(200)
    expect(events.filter(({ type }) => type === 'keys.refreshed').at(-1)).toMatchObject({ failuresBefore: 1 })
  })

  it("that serves another's keys means 401 for good tokens, an event that says so, and 200 once it serves its own", async () => {
    const other = createTestIssuer()
    const { issuer, get, server, clock, events } = await faultyApi()
    const token = issuer.mintToken()
    expect((await get(token)).status).toBe(200)
    issuer.override('jwks', {
      kind: 'answer',
      body: { keys: other.publishedKeys().map((key) => ({ ...key, kid: 'other' })) },
    })
    server.invalidate()
    await get(token)
    await expect.poll(() => events.at(-1)?.type).toBe('keys.refreshed')
    expect(events.at(-1)).toMatchObject({ added: 1, withdrawn: 1 })
    const refused = await get(token)
    expect(refused).toMatchObject({ status: 401, error: 'invalid_token' })
    const forged = other.mintToken(
      { iss: issuer.issuer, aud: 'https://elsewhere.example.com' },
      { header: { kid: 'other' } },
    )
    expect((await get(forged)).status).toBe(401)
    issuer.restore('jwks')
    clock.advance(20_000)
    expect((await get(token)).status).toBe(200)
  })

  it("that is found by another issuer's metadata means 503, and its keys are not asked for", async () => {
    const { issuer, get, reasons } = await faultyApi(() => ({}))
    issuer.override(['oauthMetadata', 'openidConfiguration'], {
      kind: 'answer',
      body: { issuer: 'https://other.example.com', jwks_uri: `${issuer.issuer}/jwks` },
    })
    expectComeAgain(await get(), 3000)
    expect(reasons('discovery.failed')).toEqual(['issuer_mismatch'])
    expect(issuer.requestCount('jwks')).toBe(0)
  })
})
