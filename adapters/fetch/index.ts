/**
 * Portcullis for the Fetch API: Next.js route handlers, Hono, Workers, Deno, Bun.
 *
 * @module
 */
import {
  checkNames,
  createGrantGuard,
  type FetchConnection,
  fetchRequestFacts,
  isPreflight,
  keepAccess,
  preflightAnswer,
  setFetchHeaders,
  toFetchResponse,
} from '../../src/adapter.js'
import {
  type AccessTokenClaims,
  type Auth,
  isAuthError,
  type OptionalAuthResult,
  type Refused,
  type RequestFacts,
  type Requirement,
  type ResourceServer,
} from '../../src/index.js'
import { guardedHandler } from './guarded-handler.js'
import type { FetchGate, FetchGuard, FetchOptions, RouteAuth } from './types.js'

export type * from './types.js'

/**
 * Makes a gate for handlers made of `Request` and `Response`. Uses nothing but web standards.
 *
 * @group Fetch
 */
export function portcullis<Claims = AccessTokenClaims>(
  server: ResourceServer<Claims>,
  options: FetchOptions = {},
): FetchGate<Claims> {
  checkNames('portcullis', options, ['connection', 'grants', 'resource'] satisfies (keyof FetchOptions)[])
  const { resource, grants, connection } = options
  const identities = new WeakMap<Request, Auth<Claims>>()
  type Judge = (facts: RequestFacts) => Promise<OptionalAuthResult<Claims>>

  const factsOf = (request: Request, known?: FetchConnection) =>
    fetchRequestFacts(request, { ...connection?.(request), ...known })

  function guarded<Identity>(judge: Judge): FetchGuard<Identity> {
    return async (request, { headers = new Headers(), ...known } = {}) => {
      const earlier = identities.get(request)
      identities.delete(request)
      const facts = factsOf(request, known)
      if (isPreflight(facts)) {
        return { ok: false, preflight: true, response: toFetchResponse(preflightAnswer, headers) }
      }
      const result = await judge(facts)
      if (!result.ok) return { ok: false, preflight: false, response: responseOf(result, headers) }
      const auth = result.auth && keepAccess(result.auth, earlier)
      if (auth !== undefined) identities.set(request, auth)
      setFetchHeaders(headers, result.headers)
      return { ok: true, auth: auth as Identity, headers }
    }
  }

  function withDefaults(requirement: Requirement<Claims>): Requirement<Claims> {
    return resource === undefined ? requirement : { resource, ...requirement }
  }

  /** The guard of a route, with the grants it declares behind it. */
  function judgeOf({ grants: declared, ...requirement }: RouteAuth<Claims>): Judge {
    const guard = server.guard(withDefaults(requirement))
    if (declared === undefined) return guard
    const acquire = createGrantGuard(server, grants, declared)
    return async (facts) => {
      const result = await guard(facts)
      const acquired = result.ok ? await acquire(result.auth) : result
      return result.ok && acquired.ok ? { ...acquired, headers: result.headers } : acquired
    }
  }

  function refusal(error: unknown, request: Request, headers?: Headers): Response | undefined {
    if (!isAuthError(error)) return undefined
    const { fault, answer } = server.refuse(error, identities.get(request))
    return fault ? undefined : toFetchResponse(answer, headers)
  }

  const requireToken = (requirement: RouteAuth<Claims> = {}) => guarded<Auth<Claims>>(judgeOf(requirement))

  return {
    requireToken,
    optionalToken: (requirement = {}) => guarded(server.optionalGuard(withDefaults(requirement))),
    withAuth: (requirement, handler) => guardedHandler(requireToken(requirement), handler, refusal),
    async metadata(request) {
      const answer = await server.metadata(factsOf(request))
      return answer && toFetchResponse(answer)
    },
    refusal,
    authOf: (request) => identities.get(request),
  }
}

/** @throws the fault of the application, for whatever stands around the handler. */
function responseOf({ fault, error, answer }: Refused, headers: Headers): Response {
  if (fault) throw error
  return toFetchResponse(answer, headers)
}
