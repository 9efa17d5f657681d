import {
  mergeField,
  type NodeRequest,
  type NodeResponse,
  nodeRequestFacts,
  sendNodeAnswer,
  setNodeHeaders,
} from '../../src/adapter.js'
import type { HttpAnswer, RequestFacts } from '../../src/index.js'

/** A request of either platform: Node's own under Express, one that wraps it under Fastify. */
export type PlatformRequest = NodeRequest & { readonly raw?: NodeRequest | undefined }

/** What is used of Fastify's reply. */
interface FastifyReply {
  readonly raw: { readonly destroyed: boolean }
  getHeader(name: string): string | number | string[] | undefined
  header(name: string, value: string | string[]): unknown
  code(status: number): { send(body: Uint8Array | undefined): unknown }
}

/** A response of either platform. */
export type PlatformResponse = FastifyReply | (NodeResponse & { readonly destroyed: boolean; readonly raw?: undefined })

/** The facts of a request, with the URL the client asked for. */
export function factsOf(request: PlatformRequest): RequestFacts {
  if (request.raw === undefined) return nodeRequestFacts(request)
  const { method, headers, rawHeaders, socket } = request.raw
  return nodeRequestFacts({ method, url: request.originalUrl, headers, rawHeaders, socket, body: request.body })
}

/** Whether the client has gone. */
export function isGone(response: PlatformResponse): boolean {
  return (response.raw ?? response).destroyed
}

/** Sets fields, next to those the application set before. */
export function setFields(response: PlatformResponse, headers: HttpAnswer['headers']): void {
  if (response.raw === undefined) setNodeHeaders(response, headers)
  else setReplyFields(response, headers)
}

function setReplyFields(reply: FastifyReply, headers: HttpAnswer['headers']): void {
  for (const [name, value] of Object.entries(headers)) {
    reply.header(name, mergeField(name, reply.getHeader(name), value))
  }
}

/** Sends a whole answer. As bytes under Fastify, which adds a charset to JSON that is a string. */
export function sendAnswer(response: PlatformResponse, answer: HttpAnswer): void {
  if (response.raw === undefined) sendNodeAnswer(response, answer)
  else sendReply(response, answer)
}

function sendReply(reply: FastifyReply, { status, headers, body }: HttpAnswer): void {
  setReplyFields(reply, headers)
  reply.code(status).send(body === '' ? undefined : new TextEncoder().encode(body))
}
