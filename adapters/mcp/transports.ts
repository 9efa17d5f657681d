import {
  ConfigurationError,
  earlierIn,
  fetchRequestFacts,
  InvalidRequestError,
  type NodeRequest,
  nodeRequestFacts,
  sendNodeAnswer,
  sendReply,
  setAuth,
  setFetchHeaders,
  setNodeHeaders,
  toFetchResponse,
  withFetchHeaders,
} from '../../src/adapter.js'
import type { Auth } from '../../src/index.js'
import { type AuthInfo, withEarlier } from './auth-info.js'
import type { Judge } from './endpoint-judge.js'
import type { McpGate, McpGateOptions } from './mcp-gate.js'

/** What the guards of every framework are made of. */
export interface Endpoint<Claims> {
  readonly judge: Judge<Claims>
  describe(auth: Auth<Claims>): AuthInfo
  /** Whether the body has a say. */
  readonly readsBody: boolean
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

/** Makes the hook for Fastify. What the SDK writes goes past the reply, so the fields are set on the raw response. */
export function fastifyGuard<Claims>({ judge, describe }: Endpoint<Claims>): ReturnType<McpGate['forFastify']> {
  return async (request, reply) => {
    const { raw } = request
    const earlier = earlierIn(request) ?? earlierIn(raw)
    setAuth(raw, undefined)
    const result = await judge(nodeRequestFacts(raw, request), request.body)
    if (!result.ok) return sendReply(reply, result.answer)
    setNodeHeaders(reply.raw, result.headers)
    return setAuth(raw, describe(withEarlier(result.auth, earlier)))
  }
}

/** Makes the middleware for Koa, which writes nothing itself once we, or the SDK, have the response. */
export function koaGuard<Claims>({ judge, describe }: Endpoint<Claims>): ReturnType<McpGate['forKoa']> {
  return async (ctx, next) => {
    const { req, res, state, request } = ctx
    const earlier = earlierIn(state)
    setAuth(req, undefined)
    setAuth(state, undefined)
    const result = await judge(nodeRequestFacts(req, request), request.body)
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

type Handler = Parameters<McpGate['forFetch']>[0]

const bodyLimitBytes = 4_194_304

/** Makes the Fetch handler around the SDK's. */
export function fetchHandler<Claims>(
  { judge, describe, readsBody }: Endpoint<Claims>,
  handler: Handler,
  connection: McpGateOptions['connection'],
): (request: Request) => Promise<Response> {
  return async (request) => {
    let parsedBody: unknown
    const result = await judge(fetchRequestFacts(request, connection?.(request)), async () => {
      parsedBody = await readJson(request)
      return parsedBody
    })
    if (!result.ok) return toFetchResponse(result.answer)
    const options = { authInfo: describe(result.auth), ...(readsBody && { parsedBody }) }
    const fields = new Headers()
    setFetchHeaders(fields, result.headers)
    return withFetchHeaders(await handler(request, options), fields)
  }
}

/** @throws {@link InvalidRequestError} for what is no JSON, or larger than the SDK takes. */
async function readJson(request: Request): Promise<unknown> {
  const decoder = new TextDecoder()
  let text = ''
  let size = 0
  for await (const chunk of (request.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength
    if (size > bodyLimitBytes)
      throw new InvalidRequestError('ERR_REQUEST_MALFORMED', { detail: 'the body is too large' })
    text += decoder.decode(chunk, { stream: true })
  }
  try {
    return JSON.parse(text + decoder.decode())
  } catch (cause) {
    throw new InvalidRequestError('ERR_REQUEST_MALFORMED', { detail: 'the body is no JSON', cause })
  }
}

/** Makes FastMCP's `authenticate`. FastMCP calls it twice for one request, and a DPoP proof is good for one use only. */
export function authenticator<Claims>({
  judge,
  describe,
  readsBody,
}: Endpoint<Claims>): ReturnType<McpGate['forFastMcp']> {
  if (readsBody) {
    throw new ConfigurationError('FastMCP shows no body to tell tools by: declare what they demand by `gate.tool`.')
  }
  const known = new WeakMap<NodeRequest, Promise<AuthInfo>>()

  async function authenticate(request: NodeRequest): Promise<AuthInfo> {
    const result = await judge(nodeRequestFacts(request), undefined)
    if (result.ok) return describe(result.auth)
    throw toFetchResponse(result.answer)
  }

  return async (request) => {
    if (request === undefined) throw new ConfigurationError('There are no tokens on stdio: guard the HTTP transport.')
    const authenticated = known.get(request) ?? authenticate(request)
    known.set(request, authenticated)
    return authenticated
  }
}
