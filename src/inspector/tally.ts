/** What events add up to: grants, circuits, how often what happened. Bounded. Does NOT keep events. */
import type { Clock } from '../kit/clock.js'
import type { PortcullisEvent } from '../kit/events.js'
import type { State } from './wire.js'

/** Counts events. */
export interface Tally {
  add(event: PortcullisEvent): void
  read(): Pick<State, 'grants' | 'circuits' | 'events'>
}

type GrantEvent = Extract<PortcullisEvent, { readonly type: `grant.${string}` }>

const maxEntries = 50

/** Makes an empty tally. */
export function createTally(clock: Clock): Tally {
  const grants = new Map<
    string,
    { exchanged: number; reused: number; failed: number; lastFailure: string | undefined }
  >()
  const circuits = new Map<string, State['circuits'][number]>()
  const events = new Map<string, { count: number; lastAtMs: number }>()

  function addGrant(event: GrantEvent): void {
    const line = entryOf(grants, event.resource, () => ({ exchanged: 0, reused: 0, failed: 0, lastFailure: undefined }))
    if (line === undefined) return
    if (event.type === 'grant.exchanged') line.exchanged += 1
    else if (event.type === 'grant.reused') line.reused += 1
    else {
      line.failed += 1
      line.lastFailure = event.code
    }
  }

  function addCircuit(issuer: string, circuit: string, state: string): void {
    const key = `${issuer} ${circuit}`
    if (circuits.has(key) || circuits.size < maxEntries) circuits.set(key, { issuer, circuit, state, sinceMs: clock() })
  }

  return {
    add(event) {
      const counted = entryOf(events, event.type, () => ({ count: 0, lastAtMs: 0 }))
      if (counted !== undefined) Object.assign(counted, { count: counted.count + 1, lastAtMs: clock() })
      switch (event.type) {
        case 'grant.exchanged':
        case 'grant.reused':
        case 'grant.failed':
          return addGrant(event)
        case 'client.breaker':
          return addCircuit(event.issuer, event.circuit, event.state)
        case 'introspection.breaker':
          return addCircuit(event.issuer, 'introspection of callers', event.state)
      }
    },
    read: () => ({
      grants: [...grants].map(([resource, line]) => ({ resource, ...line })),
      circuits: [...circuits.values()],
      events: [...events].map(([name, line]) => ({ name, ...line })),
    }),
  }
}

function entryOf<V>(entries: Map<string, V>, key: string, make: () => V): V | undefined {
  const known = entries.get(key)
  if (known !== undefined || entries.size >= maxEntries) return known
  const made = make()
  entries.set(key, made)
  return made
}
