import { type Clock, systemClock } from './clock.js'
import { createEventSink, type EventSink } from './event-sink.js'
import type { EventListener } from './events.js'
import type { Fetch } from './fetch/platform-fetch.js'
import { platformFetch } from './fetch/platform-fetch.js'
import type { InsecureHosts } from './fetch/secure-url.js'
import { flag, func, type Rules, takes } from './options.js'

/** The options that say how the outside is reached: every factory that goes over the network has them. */
export interface SurroundingsOptions {
  readonly allowInsecureLoopback?: boolean | undefined
  readonly dangerouslyAllowInsecureHosts?: readonly string[] | undefined
  readonly fetch?: Fetch | undefined
  readonly clock?: Clock | undefined
  readonly onEvent?: EventListener | undefined
}

/** What every part that talks to the outside shares. Complete and frozen. */
export interface Surroundings {
  readonly fetch: Fetch
  readonly clock: Clock
  readonly onEvent: EventListener | undefined
  /** Hosts that may be reached over http, and off the public internet. */
  readonly insecureHosts: InsecureHosts
}

/** A host as it stands in a URL: a name or address, with or without a port. */
function isHost(value: unknown): boolean {
  const isHostLike = typeof value === 'string' && /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d+)?$/i.test(value)
  return isHostLike && URL.canParse(`http://${value}`)
}

/** The rules of {@link SurroundingsOptions}, for the factories that have them. */
export const surroundingsRules: Rules<SurroundingsOptions> = {
  allowInsecureLoopback: flag,
  dangerouslyAllowInsecureHosts: takes(
    (value) => Array.isArray(value) && value.length > 0 && value.every(isHost),
    "a non-empty array of hosts such as 'keycloak:8080', without a scheme and a path",
  ),
  fetch: func,
  clock: func,
  onEvent: func,
}

/**
 * Fills in the defaults of the options that say how the outside is reached. They were checked by
 * {@link surroundingsRules}.
 */
export function toSurroundings(options: SurroundingsOptions): Surroundings & { readonly onEvent: EventSink } {
  return Object.freeze({
    fetch: options.fetch ?? platformFetch,
    clock: options.clock ?? systemClock,
    onEvent: createEventSink(options.onEvent),
    insecureHosts: toInsecureHosts(options),
  })
}

function toInsecureHosts({
  allowInsecureLoopback = false,
  dangerouslyAllowInsecureHosts,
}: SurroundingsOptions): InsecureHosts {
  if (dangerouslyAllowInsecureHosts === undefined) return allowInsecureLoopback
  return new Set(dangerouslyAllowInsecureHosts.map((host) => new URL(`http://${host}`).host))
}
