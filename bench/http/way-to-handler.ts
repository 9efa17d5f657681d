/* How long a request takes from the parser of Node to the handler: the framework and its guard, without the answer. */
import { subscribe } from 'node:diagnostics_channel'
import type { IncomingMessage } from 'node:http'
import { median } from '../measure/statistics.js'

const begunAt = Symbol('begunAt')
type Timed = IncomingMessage & { [begunAt]: number }
let millis: number[] = []

/** Notes when each request begins. */
export function watchRequests(): void {
  subscribe('http.server.request.start', (message) => {
    const { request } = message as { request: Timed }
    request[begunAt] = performance.now()
  })
}

/** To be called by each handler first. */
export function reachHandler(request: IncomingMessage): void {
  millis.push(performance.now() - (request as Timed)[begunAt])
}

/** The median of the requests since the last call; `undefined` for none. */
export function takeMedianMicros(): number | undefined {
  const taken = millis
  millis = []
  return taken.length === 0 ? undefined : median(taken) * 1000
}
