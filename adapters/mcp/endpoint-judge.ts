import {
  AccessDeniedError,
  ConfigurationError,
  InvalidRequestError,
  isPreflight,
  mergeRequirements,
  preflightAnswer,
} from '../../src/adapter.js'
import type {
  Auth,
  AuthResult,
  HttpAnswer,
  Refused,
  RequestFacts,
  Requirement,
  ResourceServer,
} from '../../src/index.js'
import type { McpGateOptions } from './mcp-gate.js'

/** Who calls, or what to answer. */
export type Judged<Claims> =
  | Extract<AuthResult<Claims>, { readonly ok: true }>
  | { readonly ok: false; readonly answer: HttpAnswer }

/**
 * Judges a request to the endpoint, with its parsed body or a function that reads it. Rejects with a fault of the
 * application, for the framework's own error channel.
 */
export type Judge<Claims> = (facts: RequestFacts, body: unknown) => Promise<Judged<Claims>>

/** Makes the judge of an endpoint. @throws {@link ConfigurationError} for an option that cannot be right. */
export function createJudge<Claims>(server: ResourceServer<Claims>, options: McpGateOptions<Claims>): Judge<Claims> {
  const { resource, requirement, tools, allowedOrigins, allowedHosts } = options
  const base = mergeRequirements({ resource }, requirement)
  const guard = server.guard(base)
  const demands = new Map(Object.entries(tools ?? {}).map(([name, own]) => [name, mergeRequirements(base, own)]))
  for (const demand of demands.values()) server.guard(demand)
  const ownOrigins = [resource ?? server.resources].flat().map((identifier) => new URL(identifier).origin)
  const checkOrigin = createOriginCheck(allowedOrigins ?? ownOrigins, allowedHosts)

  /** Every call of a batch has to pass by itself; the scopes of all are in each demand, so that one challenge names them. */
  function demandsOf(names: readonly string[]): readonly Requirement<Claims>[] {
    const called = [...new Set(names.flatMap((name) => demands.get(name) ?? []))]
    if (called.length < 2) return called
    const scopes = called.map(({ scope }) => ({ scope }))
    return called.map((demand) => mergeRequirements(...scopes, demand))
  }

  /** Who calls, held against the tools the body calls. */
  async function judgeCalls(auth: Auth<Claims>, facts: RequestFacts, body: unknown): Promise<Refused | undefined> {
    try {
      for (const demand of demandsOf(calledTools(facts, await read(body)))) await server.checkAsync(auth, demand)
      return undefined
    } catch (error) {
      return refused(server.refuse(error, auth))
    }
  }

  return async (facts, body) => {
    try {
      checkOrigin(facts)
    } catch (error) {
      return refused(server.refuse(error))
    }
    if (isPreflight(facts)) return { ok: false, answer: preflightAnswer }
    const admitted = await guard(facts)
    if (!admitted.ok) return refused(admitted)
    if (tools === undefined || facts.method !== 'POST') return admitted
    return (await judgeCalls(admitted.auth, facts, body)) ?? admitted
  }
}

function refused(refusal: Refused): Refused {
  if (refusal.fault) throw refusal.error
  return refusal
}

function read(body: unknown): unknown {
  return typeof body === 'function' ? body() : body
}

/**
 * The tools a JSON-RPC message calls, or a batch of messages.
 *
 * @throws {@link InvalidRequestError} for a body that is not said to be JSON, which no SDK would read, and for JSON that is
 * no message.
 * @throws {@link ConfigurationError} for JSON that was not parsed.
 */
function calledTools(facts: RequestFacts, body: unknown): readonly string[] {
  const [contentType = ''] = facts.headerValues('content-type')
  if (!/^application\/json\s*(;|$)/i.test(contentType)) {
    throw new InvalidRequestError('ERR_REQUEST_MALFORMED', { detail: 'the body is no JSON' })
  }
  if (body === undefined || ArrayBuffer.isView(body)) {
    throw new ConfigurationError('`tools` needs the parsed body: mount a JSON parser before the MCP gate.')
  }
  if (typeof body !== 'object')
    throw new InvalidRequestError('ERR_REQUEST_MALFORMED', { detail: 'no JSON-RPC message' })
  return [body].flat().flatMap((message) => calledTool(message) ?? [])
}

function calledTool(message: unknown): string | undefined {
  const { method, params } = (message ?? {}) as { method?: unknown; params?: { name?: unknown } | null }
  return method === 'tools/call' && typeof params?.name === 'string' ? params.name : undefined
}

/**
 * Makes the check against DNS rebinding: a browser names the page that sends a request, and the host it thinks it speaks
 * to. Compares whole values, in lower case.
 *
 * @throws {@link ConfigurationError}
 */
function createOriginCheck(
  origins: readonly string[],
  hosts: readonly string[] | undefined,
): (facts: RequestFacts) => void {
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
  if (URL.canParse(origin) && new URL(origin).origin === origin) return origin
  throw new ConfigurationError('`allowedOrigins` takes origins, such as `https://app.example.com`.')
}

function checkHost(host: string): string {
  const url = `http://${host}`
  if (typeof host === 'string' && URL.canParse(url) && new URL(url).href === `${url.toLowerCase()}/`)
    return host.toLowerCase()
  throw new ConfigurationError('`allowedHosts` takes hosts with their port, such as `mcp.example.com:8080`.')
}
