import { mergeField, type NodeRequest, nodeRequestFacts, sendNodeAnswer, setNodeHeaders } from '../../src/adapter.js'
import type { HttpAnswer, RequestFacts } from '../../src/index.js'
import { withEarlier } from './auth-info.js'
import type { Endpoint } from './endpoint.js'
import type { McpFastifyReply, McpFastifyRequest, McpGate } from './types.js'

/** Not writable, so that no later middleware replaces it by accident; a second guard still can. */
function setAuth(target: object, value: unknown): void {
  Object.defineProperty(target, 'auth', { value, writable: false, enumerable: true, configurable: true })
}

/** What an earlier guard, of ours or of others, has left. */
function earlierIn(target: object): unknown {
  return (target as { readonly auth?: unknown }).auth
}

/** Makes the guard for Express and Connect. */
export function expressGuard<Claims>({ judge, describe }: Endpoint<Claims>): ReturnType<McpGate['forExpress']> {
  return (req, res, next) => {
    const earlier = earlierIn(req)
    setAuth(req, undefined)
    judge(nodeRequestFacts(req), req.body).then((result) => {
      if (!result.ok) return sendNodeAnswer(res, result.answer)
      setNodeHeaders(res, result.headers)
      setAuth(req, describe(withEarlier(result.auth, earlier)))
      next()
    }, next)
  }
}

/** The facts of a request that a framework wraps. */
function factsOf({ method, headers, rawHeaders, socket }: NodeRequest, url: string): RequestFacts {
  return nodeRequestFacts({ method, url, headers, rawHeaders, socket })
}

/** Makes the hook for Fastify. What the SDK writes goes past the reply, so the fields are set on the raw response. */
export function fastifyGuard<Claims>({ judge, describe }: Endpoint<Claims>): ReturnType<McpGate['forFastify']> {
  return async (request: McpFastifyRequest, reply) => {
    const { raw, originalUrl, body } = request
    const earlier = earlierIn(request) ?? earlierIn(raw)
    setAuth(raw, undefined)
    const result = await judge(factsOf(raw, originalUrl), body)
    if (!result.ok) return sendReply(reply, result.answer)
    setNodeHeaders(reply.raw, result.headers)
    return setAuth(raw, describe(withEarlier(result.auth, earlier)))
  }
}

/** As bytes, since Fastify adds a charset to JSON that is a string. */
function sendReply(reply: McpFastifyReply, { status, headers, body }: HttpAnswer): unknown {
  for (const [name, value] of Object.entries(headers)) {
    reply.header(name, mergeField(name, reply.getHeader(name), value))
  }
  return reply.code(status).send(body === '' ? undefined : new TextEncoder().encode(body))
}

/** Makes the middleware for Koa, which writes nothing itself once we, or the SDK, have the response. */
export function koaGuard<Claims>({ judge, describe }: Endpoint<Claims>): ReturnType<McpGate['forKoa']> {
  return async (ctx, next) => {
    const { req, res, state, request } = ctx
    const earlier = earlierIn(state)
    setAuth(req, undefined)
    setAuth(state, undefined)
    const result = await judge(factsOf(req, ctx.originalUrl), (request as { body?: unknown }).body)
    if (!result.ok) {
      ctx.respond = false
      return sendNodeAnswer(res, result.answer)
    }
    setNodeHeaders(res, result.headers)
    const auth = withEarlier(result.auth, earlier)
    setAuth(req, describe(auth))
    setAuth(state, auth)
    return next()
  }
}
