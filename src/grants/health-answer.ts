/** The answer to a platform that asks how a server is. Does NOT ask anybody: it says what is known. */
import type { HttpAnswer } from '../http/http-answer.js'
import { checkOptions, choice, flag, type Rules } from '../kit/options.js'
import type { HealthStatus } from '../resource-server/health.js'
import type { ResourceServer } from '../resource-server/resource-server.js'
import type { Grants } from './grants.js'

/** Options of the `health` route of every adapter. @group Adapters */
export interface HealthOptions {
  /**
   * `ready`, the default: 503 while tokens of an issuer cannot be judged at all. `live`: 200 for as long as the process
   * answers, so that an outage elsewhere restarts nothing.
   */
  readonly probe?: 'ready' | 'live' | undefined
  /**
   * Adds what `server.health()` and `grants.health()` say: it names issuers, and no secret. For the platform alone. Default
   * false: the status in one word.
   */
  readonly details?: boolean | undefined
}

const rules: Rules<HealthOptions> = { probe: choice('ready', 'live'), details: flag }

/**
 * Makes the function that answers a probe. Grants never make a server `unavailable`: routes without them serve on.
 *
 * @throws `ConfigurationError`
 */
export function createHealthAnswer<Claims>(
  server: Pick<ResourceServer<Claims>, 'health'>,
  grants: Grants | undefined,
  options: HealthOptions = {},
): () => HttpAnswer {
  checkOptions<HealthOptions>('health', options, rules)
  const { probe, details = false } = options
  return () => {
    if (probe === 'live') return answerOf(200, { status: 'ok' })
    const own = server.health()
    const theirs = grants?.health()
    const status: HealthStatus = own.status === 'ok' && theirs !== undefined ? theirs.status : own.status
    return answerOf(own.ready ? 200 : 503, { status, ...(details && { server: own, grants: theirs }) })
  }
}

function answerOf(status: number, body: object): HttpAnswer {
  const headers = { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' }
  return { status, headers, body: JSON.stringify(body) }
}
