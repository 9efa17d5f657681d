import type { ExecutionContext } from '@nestjs/common'
import {
  authIn,
  type NodeRequest,
  type NodeResponse,
  nodeRequestFacts,
  sendNodeAnswer,
  sendReply,
  setAuth,
  setNodeHeaders,
  setReplyHeaders,
  type WrappedReply,
} from '../../src/adapter.js'
import type { Auth, HttpAnswer, RequestFacts } from '../../src/index.js'

/** A request of either platform: Node's own under Express, one that wraps it under Fastify. */
export type PlatformRequest = NodeRequest & { readonly raw?: NodeRequest | undefined }

/** What is used of Fastify's reply. */
interface FastifyReply extends WrappedReply {
  readonly raw: { readonly destroyed: boolean }
}

/** A response of either platform. */
export type PlatformResponse = FastifyReply | (NodeResponse & { readonly destroyed: boolean; readonly raw?: undefined })

/** The facts of a request, with the URL the client asked for. */
function factsOf(request: PlatformRequest): RequestFacts {
  return nodeRequestFacts(request.raw ?? request, request)
}

/** Whether the client has gone. */
export function isGone(response: PlatformResponse): boolean {
  return (response.raw ?? response).destroyed
}

/** Sets fields, next to those the application set before. */
export function setFields(response: PlatformResponse, headers: HttpAnswer['headers']): void {
  if (response.raw === undefined) setNodeHeaders(response, headers)
  else setReplyHeaders(response, headers)
}

/** Sends a whole answer. As bytes under Fastify, which adds a charset to JSON that is a string. */
export function sendAnswer(response: PlatformResponse, answer: HttpAnswer): void {
  if (response.raw === undefined) sendNodeAnswer(response, answer)
  else sendReply(response, answer)
}

/** What is used of the context of a GraphQL request, as drivers make it: Apollo's and Mercurius's. */
interface GraphqlContext {
  readonly req?: PlatformRequest | undefined
  readonly res?: PlatformResponse | undefined
  readonly reply?: (PlatformResponse & { readonly request?: PlatformRequest }) | undefined
}

/** What is used of a Socket.IO client. */
interface SocketClient {
  readonly request?: NodeRequest | undefined
  readonly handshake?: { readonly auth?: { readonly token?: unknown } } | undefined
}

/** Callers by what stands for one call, where there is no request to put them on. */
const callers = new WeakMap<object, Auth>()
const handshakes = new WeakMap<object, RequestFacts>()

/** The request and the response behind a context, where it has them. */
export function httpOf(context: ExecutionContext): {
  readonly request: PlatformRequest | undefined
  readonly response: PlatformResponse | undefined
} {
  if (context.getType<string>() === 'graphql') {
    const { req, res, reply } = (context.getArgByIndex(2) ?? {}) as GraphqlContext
    return { request: req ?? reply?.request, response: res ?? reply }
  }
  const http = context.switchToHttp()
  return context.getType() === 'http'
    ? { request: http.getRequest(), response: http.getResponse() }
    : { request: undefined, response: undefined }
}

/** The facts of a call, whatever carried it; `undefined` where only the application can know. */
export function callFacts(context: ExecutionContext): RequestFacts | undefined {
  const { request } = httpOf(context)
  if (request?.headers !== undefined) return factsOf(request)
  return context.getType() === 'ws' ? handshakeFacts(context.switchToWs().getClient()) : undefined
}

/**
 * A Socket.IO client authenticates by the fields of its handshake or by `auth.token`, which browsers can set. Both at once
 * are two ways of sending a token (RFC 6750 §2), so they are shown as two fields.
 */
function handshakeFacts(client: SocketClient): RequestFacts | undefined {
  const { request, handshake } = client
  if (request?.headers === undefined) return undefined
  const facts = handshakes.get(client) ?? nodeRequestFacts(withToken(request, handshake?.auth?.token))
  handshakes.set(client, facts)
  return facts
}

/** The token stands beside a field that came, not in its place, so that two of them are refused. */
function withToken({ method, url, headers, rawHeaders, socket }: NodeRequest, token: unknown): NodeRequest {
  if (typeof token !== 'string') return { method, url, headers, rawHeaders, socket }
  const authorization = [headers['authorization'] ?? [], `Bearer ${token}`].flat()
  return { method, url, headers: { ...headers, authorization }, rawHeaders, socket }
}

/**
 * What stands for one call: of one field of a GraphQL operation, whose fields run side by side, of one message of a
 * microservice, of one message of a socket where its data is an object, else the socket itself.
 */
function callOf(context: ExecutionContext): object {
  const [first, second, , info] = context.getArgs<[object, object, unknown, object]>()
  if (context.getType<string>() === 'graphql') return info
  return second instanceof Object ? second : first
}

/** Remembers who calls. */
export function setCaller(context: ExecutionContext, auth: Auth | undefined): void {
  const { request } = httpOf(context)
  if (request !== undefined) setAuth(request, auth)
  if (context.getType() === 'http') return
  if (auth === undefined) callers.delete(callOf(context))
  else callers.set(callOf(context), auth)
}

/**
 * Who calls, as the guard has found out: for guards, interceptors and filters of the application, out of their context or
 * out of a request. `undefined` before the guard ran, on a public handler and for an anonymous caller.
 *
 * @group NestJS
 */
export function authOf(from: ExecutionContext | object): Auth | undefined {
  if (!isContext(from)) return authIn(from)
  return from.getType() === 'http' ? authIn(from.switchToHttp().getRequest<object>()) : callers.get(callOf(from))
}

function isContext(from: object): from is ExecutionContext {
  return 'switchToHttp' in from
}
