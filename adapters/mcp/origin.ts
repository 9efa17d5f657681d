import { AccessDeniedError, ConfigurationError, type RequestFacts } from '../../src/index.js'

/** Which requests may come at all, whoever sends them. */
export interface OriginSettings {
  readonly origins: readonly string[]
  readonly hosts: readonly string[] | undefined
}

/**
 * Makes the check against DNS rebinding: a browser names the page that sends a request, and the host it thinks it speaks
 * to. Compares whole values, in lower case.
 *
 * @throws {@link ConfigurationError}
 */
export function createOriginCheck({ origins, hosts }: OriginSettings): (facts: RequestFacts) => void {
  const allowedOrigins = new Set(origins.map(checkOrigin))
  const allowedHosts = hosts && new Set(hosts.map(checkHost))
  return (facts) => {
    for (const origin of facts.headerValues('origin')) {
      if (!allowedOrigins.has(origin.toLowerCase())) throw new AccessDeniedError('ERR_ORIGIN_FORBIDDEN')
    }
    if (allowedHosts === undefined) return
    const named = hostsOf(facts)
    if (named.length > 0 && named.every((host) => allowedHosts.has(host.toLowerCase()))) return
    throw new AccessDeniedError('ERR_HOST_FORBIDDEN')
  }
}

/** Fetch keeps the host in the URL alone, and HTTP/2 has a pseudo field instead. */
function hostsOf(facts: RequestFacts): readonly string[] {
  const named = facts.headerValues('host')
  if (named.length > 0) return named
  return URL.canParse(facts.url) ? [new URL(facts.url).host] : facts.headerValues(':authority')
}

function checkOrigin(origin: string): string {
  if (typeof origin === 'string' && URL.canParse(origin) && new URL(origin).origin === origin) return origin
  throw new ConfigurationError('`allowedOrigins` takes origins, such as `https://app.example.com`.')
}

function checkHost(host: string): string {
  const url = `http://${host}`
  if (typeof host === 'string' && URL.canParse(url) && new URL(url).href === `${url.toLowerCase()}/`)
    return host.toLowerCase()
  throw new ConfigurationError('`allowedHosts` takes hosts with their port, such as `mcp.example.com:8080`.')
}
