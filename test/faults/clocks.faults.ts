import { describe, expect, it } from 'vitest'
import { expectComeAgain, faultyApi } from './api.js'

const minute = 60_000
const day = 24 * 60 * minute

describe('a clock', () => {
  it('that jumps a day ahead has keys fetched anew, and lets tokens pass that are good then', async () => {
    const { issuer, get, clock } = await faultyApi()
    const longLived = issuer.mintToken({}, { lifetimeSeconds: 172_800 })
    expect((await get(longLived)).status).toBe(200)
    clock.advance(day)
    expect((await get(longLived)).status).toBe(200)
    expect(issuer.requestCount('jwks')).toBe(2)
  })

  it('that jumps a day ahead while the key server is away means 503, not 401', async () => {
    const { issuer, get, clock, proxy } = await faultyApi()
    const longLived = issuer.mintToken({}, { lifetimeSeconds: 172_800 })
    expect((await get(longLived)).status).toBe(200)
    proxy.fault = { kind: 'reset' }
    clock.advance(day)
    expectComeAgain(await get(longLived))
  })

  it('that jumps ahead of the end of a token means 401 invalid_token, as for any expired one', async () => {
    const { issuer, get, clock } = await faultyApi()
    const token = issuer.mintToken()
    expect((await get(token)).status).toBe(200)
    clock.advance(3 * 60 * minute)
    expect(await get(token)).toMatchObject({ status: 401, error: 'invalid_token', retryAfter: null })
  })

  it('that jumps half an hour back keeps users in, whose tokens were issued before', async () => {
    const { issuer, get, clock } = await faultyApi()
    const token = issuer.mintToken({ iat: Math.floor(clock.now() / 1000) - 7200 })
    expect((await get(token)).status).toBe(200)
    clock.advance(-30 * minute)
    expect((await get(token)).status).toBe(200)
    expect((await get(issuer.mintToken())).status).toBe(200)
  })

  it('that jumps back during an outage does not lengthen it by the jump', async () => {
    const { get, clock, proxy } = await faultyApi()
    proxy.fault = { kind: 'reset' }
    expectComeAgain(await get())
    clock.advance(-day)
    proxy.fault = { kind: 'none' }
    expect((await get()).status).toBe(200)
  })
})
