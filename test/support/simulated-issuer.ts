import type { PortcullisEvent } from '../../src/kit/events.js'
import type { Fetch } from '../../src/kit/fetch/platform-fetch.js'
import type { Surroundings } from '../../src/kit/surroundings.js'
import { jwkSet } from './key-material.js'

/** What the issuer does with the next requests. */
export type Answer = (url: string, signal: AbortSignal) => Response | Promise<Response>

/** An issuer in simulated time: nothing moves but by {@link SimulatedIssuer.advance}. */
export interface SimulatedIssuer {
  readonly issuer: string
  readonly jwksUri: string
  readonly surroundings: Surroundings
  /** The URLs asked for, in order, with the time. */
  readonly requests: { url: string; atMs: number }[]
  readonly events: PortcullisEvent[]
  nowMs: number
  latencyMs: number
  answer: Answer
  publish(...kids: string[]): void
  fail(): void
  /** Lets time pass, handing out the answers that fall due, and everything that waits for them run. */
  advance(ms: number): Promise<void>
}

/** Lets everything run that waits for nothing but its turn. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** A JSON answer. */
export function json(body: unknown, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), { headers: { 'content-type': 'application/json', ...headers } })
}

/** See {@link SimulatedIssuer}. Starts at a fixed time and publishes `kids`. */
export function simulatedIssuer(...kids: string[]): SimulatedIssuer {
  const due: { atMs: number; release: () => void }[] = []
  const events: PortcullisEvent[] = []
  const requests: SimulatedIssuer['requests'] = []

  const fetch: Fetch = async (url, { signal }) => {
    requests.push({ url, atMs: world.nowMs })
    const { answer } = world
    if (world.latencyMs > 0) {
      await new Promise<void>((release) => due.push({ atMs: world.nowMs + world.latencyMs, release }))
    }
    return answer(url, signal)
  }

  const world: SimulatedIssuer = {
    issuer: 'https://issuer.example',
    jwksUri: 'https://issuer.example/jwks',
    surroundings: {
      fetch,
      clock: () => world.nowMs,
      onEvent: (event) => void events.push(event),
      insecureHosts: false,
    },
    requests,
    events,
    nowMs: 1_800_000_000_000,
    latencyMs: 0,
    answer: () => json(jwkSet(...kids)),
    publish(...next) {
      world.answer = () => json(jwkSet(...next))
    },
    fail() {
      world.answer = () => new Response('down', { status: 503 })
    },
    async advance(ms) {
      const untilMs = world.nowMs + ms
      for (;;) {
        await settle()
        due.sort((left, right) => left.atMs - right.atMs)
        const [next] = due
        if (next === undefined || next.atMs > untilMs) break
        due.shift()
        world.nowMs = Math.max(world.nowMs, next.atMs)
        next.release()
      }
      world.nowMs = untilMs
      await settle()
    },
  }
  return world
}
