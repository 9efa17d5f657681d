import { ConfigurationError } from '../errors/index.js'
import { booleanOption, functionOption, listOption } from './check.js'
import { type Clock, systemClock } from './clock.js'
import type { EventListener } from './events.js'
import type { Fetch } from './fetch/platform-fetch.js'
import { platformFetch } from './fetch/platform-fetch.js'
import type { InsecureHosts } from './fetch/secure-url.js'

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

/**
 * Checks the options that say how the outside is reached, and fills in their defaults.
 *
 * @throws {@link ConfigurationError}
 */
export function toSurroundings(options: SurroundingsOptions): Surroundings {
  return Object.freeze({
    fetch: functionOption('fetch', options.fetch) ?? platformFetch,
    clock: functionOption('clock', options.clock) ?? systemClock,
    onEvent: functionOption('onEvent', options.onEvent),
    insecureHosts: toInsecureHosts(options),
  })
}

function toInsecureHosts(options: SurroundingsOptions): InsecureHosts {
  const loopback = booleanOption('allowInsecureLoopback', options.allowInsecureLoopback, false)
  const given = options.dangerouslyAllowInsecureHosts
  if (given === undefined) return loopback
  const name = 'dangerouslyAllowInsecureHosts'
  return new Set(listOption(name, given, []).map((host) => checkHost(name, host)))
}

/**
 * Checks a host as it stands in a URL, a name or address with or without a port, and gives it as `URL.host` writes it
 * over http: without the port 80.
 *
 * @throws {@link ConfigurationError}
 */
function checkHost(name: string, value: string): string {
  const url = `http://${value}`
  if (/^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d+)?$/i.test(value) && URL.canParse(url)) return new URL(url).host
  throw new ConfigurationError(`\`${name}\` takes hosts such as 'keycloak:8080', without a scheme and a path.`)
}
