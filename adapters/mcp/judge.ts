import { isPreflight, preflightAnswer } from '../../src/adapter.js'
import {
  type Auth,
  type AuthResult,
  type HttpAnswer,
  mergeRequirements,
  type Refused,
  type RequestFacts,
  type Requirement,
  type ResourceServer,
} from '../../src/index.js'
import { calledTools } from './called-tools.js'
import { createOriginCheck } from './origin.js'
import type { McpGateOptions } from './types.js'

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
  const checkOrigin = createOriginCheck({ origins: allowedOrigins ?? ownOrigins, hosts: allowedHosts })

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
