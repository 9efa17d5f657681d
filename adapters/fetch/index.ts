/**
 * Portcullis for the Fetch API: Next.js route handlers, Hono, Workers, Deno, Bun.
 *
 * @module
 */
import {
  adapterRules,
  checkOptions,
  createAdapterGate,
  type FetchConnection,
  fetchRequestFacts,
  func,
  type Judge,
  keepAccess,
  setFetchHeaders,
  toFetchResponse,
  withFetchHeaders,
} from '../../src/adapter.js'
import type { AccessTokenClaims, Auth, ResourceServer } from '../../src/index.js'
import type { FetchGate, FetchGuard, FetchOptions, RouteAuth } from './fetch-gate.js'

export type * from './fetch-gate.js'
export * from './fetch-login.js'

/**
 * Makes a gate for handlers made of `Request` and `Response`. Uses nothing but web standards.
 *
 * @group Fetch
 */
export function portcullis<Claims = AccessTokenClaims>(
  server: ResourceServer<Claims>,
  options: FetchOptions = {},
): FetchGate<Claims> {
  checkOptions<FetchOptions>('portcullis', options, { ...adapterRules, connection: func })
  const gate = createAdapterGate(server, options)
  const identities = new WeakMap<Request, Auth<Claims>>()

  const factsOf = (request: Request, known?: FetchConnection) =>
    fetchRequestFacts(request, { ...options.connection?.(request), ...known })

  function guarded<Identity>(judge: Judge<Claims>): FetchGuard<Identity> {
    return async (request, { headers = new Headers(), ...known } = {}) => {
      const earlier = identities.get(request)
      identities.delete(request)
      const result = await judge(factsOf(request, known), earlier)
      if (!result.ok) {
        if (result.fault) throw result.error
        return { ok: false, preflight: result.error === undefined, response: toFetchResponse(result.answer, headers) }
      }
      const auth = keepAccess(result.auth, earlier)
      if (auth !== undefined) identities.set(request, auth)
      setFetchHeaders(headers, result.headers)
      return { ok: true, auth: auth as Identity, headers }
    }
  }

  function requireToken({ grants, ...requirement }: RouteAuth<Claims> = {}): FetchGuard<Auth<Claims>> {
    return guarded(gate.requireToken(requirement, grants))
  }

  function refusal(error: unknown, request: Request, headers?: Headers): Response | undefined {
    const answer = gate.refusal(error, identities.get(request))
    return answer && toFetchResponse(answer, headers)
  }

  return {
    requireToken,
    optionalToken: (requirement) => guarded(gate.optionalToken(requirement)),
    grant: (...declared) => guarded(gate.grant(...declared)),
    withAuth(requirement, handler) {
      const guard = requireToken(requirement)
      return async (request, ...rest) => {
        const result = await guard(request)
        if (!result.ok) return result.response
        try {
          return withFetchHeaders(await handler(request, result.auth, ...rest), result.headers)
        } catch (error) {
          const response = refusal(error, request, result.headers)
          if (response === undefined) throw error
          return response
        }
      }
    },
    async metadata(request) {
      const answer = await server.metadata(factsOf(request))
      return answer && toFetchResponse(answer)
    },
    health(healthOptions) {
      const answer = gate.health(healthOptions)
      return () => toFetchResponse(answer())
    },
    refusal,
    authOf: (request) => identities.get(request),
  }
}
