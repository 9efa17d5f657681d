import type { Fetch } from 'portcullis'
import { describe, expect, it } from 'vitest'
import { introspectingServer, outcomeOfResult } from '../../../support/introspecting-server.js'

const inactive = '401 ERR_TOKEN_INACTIVE'
const unavailable = '503 ERR_INTROSPECTION_UNAVAILABLE'

describe('what introspection remembers', () => {
  it('[INTR-05] reuses a positive answer for 60 seconds, not a moment longer', async () => {
    const { issuer, outcome, clock } = introspectingServer()
    const token = issuer.mintOpaqueToken()
    expect(await outcome(token)).toBe('accepted')
    issuer.revoke(token)
    clock.advance(59_999)
    expect(await outcome(token)).toBe('accepted')
    clock.advance(1)
    expect(await outcome(token)).toBe(inactive)
    expect(issuer.requestCount('introspection')).toBe(2)
  })

  it('[INTR-04] [INTR-05] reuses no answer beyond exp, leeway or not', async () => {
    const { issuer, outcome, clock } = introspectingServer()
    const token = issuer.mintOpaqueToken({ exp: clock.now() / 1000 + 30 })
    expect(await outcome(token)).toBe('accepted')
    clock.advance(29_999)
    expect(await outcome(token)).toBe('accepted')
    expect(issuer.requestCount('introspection')).toBe(1)
    clock.advance(1)
    expect(await outcome(token)).toBe(inactive)
    expect(issuer.requestCount('introspection')).toBe(2)
  })

  it('[INTR-04] reuses no answer beyond the greatest age', async () => {
    const { issuer, outcome, clock } = introspectingServer({
      issuer: { maxTokenAgeSeconds: 20, clockToleranceSeconds: 0 },
    })
    const token = issuer.mintOpaqueToken()
    expect(await outcome(token)).toBe('accepted')
    clock.advance(20_000)
    expect(await outcome(token)).toBe('401 ERR_TOKEN_TOO_OLD')
  })

  it('[INTR-05] reuses a negative answer for 10 seconds', async () => {
    const { issuer, outcome, clock } = introspectingServer()
    const token = issuer.mintOpaqueToken({ active: false })
    expect(await outcome(token)).toBe(inactive)
    clock.advance(9_999)
    expect(await outcome(token)).toBe(inactive)
    expect(issuer.requestCount('introspection')).toBe(1)
    clock.advance(1)
    expect(await outcome(token)).toBe(inactive)
    expect(issuer.requestCount('introspection')).toBe(2)
  })

  it('[INTR-05] takes both lifetimes from the options, 0 for none', async () => {
    const never = introspectingServer({ introspection: { cacheSeconds: 0, negativeCacheSeconds: 0 } })
    for (const token of [never.issuer.mintOpaqueToken(), 'unknown']) {
      const first = await never.outcome(token)
      expect(await never.outcome(token)).toBe(first)
    }
    expect(never.issuer.requestCount('introspection')).toBe(4)
    const longer = introspectingServer({ introspection: { cacheSeconds: 200, negativeCacheSeconds: 200 } })
    for (const token of [longer.issuer.mintOpaqueToken(), 'unknown']) {
      const first = await longer.outcome(token)
      longer.clock.advance(190_000 / 2)
      expect(await longer.outcome(token)).toBe(first)
    }
    expect(longer.issuer.requestCount('introspection')).toBe(2)
  })

  it('[INTR-05] remembers no failure to tell', async () => {
    const { issuer, outcome } = introspectingServer()
    const token = issuer.mintOpaqueToken()
    for (const behaviour of [
      { kind: 'down' },
      { kind: 'status', status: 401 },
      { kind: 'answer', body: '{}' },
    ] as const) {
      issuer.override('introspection', behaviour, { times: 1 })
      expect(await outcome(token)).toBe(unavailable)
    }
    expect(await outcome(token)).toBe('accepted')
    expect(issuer.requestCount('introspection')).toBe(4)
  })

  it('[INTR-05] asks once for any number of concurrent requests, and shares the failure too', async () => {
    const { issuer, outcome } = introspectingServer()
    const token = issuer.mintOpaqueToken()
    const hold = issuer.hold('introspection')
    const outcomes = Array.from({ length: 20 }, () => outcome(token))
    await hold.arrived
    hold.release()
    expect(new Set(await Promise.all(outcomes))).toEqual(new Set(['accepted']))
    expect(issuer.requestCount('introspection')).toBe(1)
    issuer.override('introspection', { kind: 'down' })
    const failures = await Promise.all(Array.from({ length: 20 }, () => outcome('another')))
    expect(new Set(failures)).toEqual(new Set([unavailable]))
    expect(issuer.requestCount('introspection')).toBe(2)
  })

  it('[INTR-05] keeps good answers through a flood of invented tokens, and forgets the oldest of those', async () => {
    let asked = 0
    const answers: Fetch = (url, init) => {
      asked += 1
      if (!init.body?.includes('invented')) return issuer.fetch(url, init)
      return Promise.resolve(Response.json({ active: false }))
    }
    const { issuer, outcome } = introspectingServer({
      introspection: { endpoint: 'https://issuer.test/introspect', negativeCacheSeconds: 3600 },
      server: { fetch: answers, tokenCacheEntries: 100 },
    })
    const token = issuer.mintOpaqueToken()
    expect(await outcome(token)).toBe('accepted')
    for (let index = 0; index < 101; index += 1) await outcome(`invented-${index}`)
    expect(asked).toBe(102)
    expect(await outcome(token)).toBe('accepted')
    expect(asked).toBe(102)
    expect(await outcome('invented-0')).toBe(inactive)
    expect(asked).toBe(103)
  })

  it('[INTR-05] keeps two tokens apart, and a token from its prefix', async () => {
    const { issuer, call } = introspectingServer()
    const [ada, bob] = [issuer.mintOpaqueToken({ sub: 'ada' }), issuer.mintOpaqueToken({ sub: 'bob' })]
    const subjects = []
    for (const token of [ada, bob, ada, bob]) {
      const result = await call(token)
      subjects.push(result.ok && result.auth.subject)
    }
    expect(subjects).toEqual(['ada', 'bob', 'ada', 'bob'])
    expect(outcomeOfResult(await call(ada.slice(0, -1)))).toBe(inactive)
  })

  it('[INTR-05] judges scope, binding and audience of a remembered token on every request', async () => {
    const { issuer, outcome, clock } = introspectingServer()
    const token = issuer.mintOpaqueToken({ scope: 'read', auth_time: clock.now() / 1000 })
    expect(await outcome(token)).toBe('accepted')
    expect(await outcome(token, { scope: 'write' })).toBe('403 ERR_SCOPE_INSUFFICIENT')
    expect(await outcome(token, {}, 'DPoP')).toBe('401 ERR_TOKEN_UNBOUND')
    expect(await outcome(token, { dpop: 'required' })).toBe('401 ERR_TOKEN_UNBOUND')
    clock.advance(50_000)
    expect(await outcome(token, { maxAgeSeconds: 0 })).toBe('accepted')
    issuer.revoke(token)
    expect(await outcome(token, { acr: 'mfa' })).toBe('401 ERR_STEP_UP_REQUIRED')
    expect(issuer.requestCount('introspection')).toBe(1)
  })

  it('[INTR-05] is not outlived by the cache of verified tokens', async () => {
    const { issuer, outcome, clock } = introspectingServer({ introspection: { introspectJwts: true } })
    const token = issuer.mintToken()
    expect(await outcome(token)).toBe('accepted')
    issuer.revoke(token)
    expect(await outcome(token)).toBe('accepted')
    clock.advance(60_000)
    expect(await outcome(token)).toBe(inactive)
  })
})
