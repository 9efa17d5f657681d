import { describe, expect, it } from 'vitest'
import { createTally } from '../../../src/inspector/tally.js'
import type { PortcullisEvent } from '../../../src/kit/events.js'

describe('what events add up to', () => {
  it('is fifty lines of each kind, and takes what comes after as well', () => {
    const tally = createTally(() => 7)
    for (let at = 0; at < 60; at += 1) {
      const of = { issuer: `https://${at}.example`, resource: `https://${at}.example` }
      tally.add({ type: 'grant.reused', ...of, correlationId: 'c', source: 'cache' })
      tally.add({ type: 'client.breaker', ...of, circuit: 'token', state: 'open' })
      tally.add({ type: `other.${at}` } as unknown as PortcullisEvent)
    }
    tally.add({ type: 'client.breaker', issuer: 'https://49.example', circuit: 'token', state: 'closed' })
    const { grants, circuits, events } = tally.read()
    expect([grants.length, circuits.length, events.length]).toEqual([50, 50, 50])
    expect(grants.at(-1)).toMatchObject({ resource: 'https://49.example', reused: 1 })
    expect(circuits.at(-1)).toEqual({ issuer: 'https://49.example', circuit: 'token', state: 'closed', sinceMs: 7 })
    expect(events[0]).toEqual({ name: 'grant.reused', count: 60, lastAtMs: 7 })
  })
})
