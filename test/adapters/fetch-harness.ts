import { type AdapterHarness, type ContractRoute, contractRoutes, forged, probePaths } from 'portcullis/adapter-testing'
import { type FetchGate, portcullis } from 'portcullis/fetch'
import { connection, serveFetch } from '../support/serve-fetch.js'

type Handler = (request: Request) => Promise<Response>

/** The application of the contract, as Fetch handlers. */
export const fetchHarness: AdapterHarness = {
  name: 'Fetch',
  joinsFields: true,
  start(server, grants, { second, fault }) {
    const gate = portcullis(server, { grants, connection })
    const other = portcullis(second)
    const handlers = new Map(contractRoutes.map((route) => [route.path, handlerOf(route, gate)]))
    const [ready, live] = [gate.health(), gate.health({ probe: 'live' })]
    handlers.set(probePaths.ready, async () => ready()).set(probePaths.live, async () => live())
    const answer: Handler = async (request) => {
      const metadata = (await gate.metadata(request)) ?? (await other.metadata(request))
      const handle = handlers.get(new URL(request.url).pathname)
      return metadata ?? handle?.(request) ?? new Response(null, { status: 404 })
    }
    return serveFetch((request) =>
      answer(request).catch((error: unknown) => {
        fault(error)
        return new Response(null, { status: 500 })
      }),
    )
  },
}

/** Two ways to be guarded: by a wrapper where that is all there is to say, else by hand. */
function handlerOf(route: ContractRoute, gate: FetchGate): Handler {
  const { token = 'required', requirement, grants, before = {}, methods = [] } = route
  if (token === 'none') return async () => Response.json(route.respond(undefined))
  if (token === 'required' && methods.length === 0 && !route.before && !route.routerGrants) {
    return gate.withAuth({ ...requirement, grants }, (request, auth) => {
      if (route.overwrites) Reflect.set(auth, 'subject', forged.subject)
      return Response.json(route.respond(gate.authOf(request)))
    })
  }
  const guard = token === 'optional' ? gate.optionalToken(requirement) : gate.requireToken({ ...requirement, grants })
  const outer = gate.requireToken({ grants: route.routerGrants })
  return async (request) => {
    if (route.routerGrants) {
      const admitted = await outer(request)
      if (!admitted.ok) return admitted.response
    }
    const result = await guard(request, { headers: new Headers(before) })
    return result.ok ? Response.json(route.respond(result.auth), { headers: result.headers }) : result.response
  }
}
