/** Requests and answers of `node:http`, and of what extends it. Imports nothing of Node: the types say what is used. */
import { type FieldValue, type HttpAnswer, mergeField, noFields } from './http-answer.js'
import type { RequestFacts } from './request-facts.js'

/** What is read of a `node:http`, `node:https` or `node:http2` request, or of a framework's request that extends it. */
export interface NodeRequest {
  readonly method?: string | undefined
  readonly url?: string | undefined
  /** The untouched request target, where a framework rewrites `url` while routing (Express, Connect, Koa). */
  readonly originalUrl?: string | undefined
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly rawHeaders?: readonly string[] | undefined
  readonly socket?: NodeSocket | null | undefined
  /** What a body parser left. */
  readonly body?: unknown
}

/** What is read of a socket. */
export interface NodeSocket {
  readonly encrypted?: boolean | undefined
  readonly remoteAddress?: string | undefined
  /** The certificate the client showed in the TLS handshake, its DER bytes as `raw`. Sockets without TLS do not have it. */
  getPeerCertificate?(): { readonly raw?: Uint8Array | undefined } | null | undefined
}

/** What a framework knows of a request it wraps, as the requests of Fastify and Koa do. @group Adapters */
export interface RequestWrapper {
  /** The untouched request target. */
  readonly originalUrl?: string | undefined
  /** What a body parser left. */
  readonly body?: unknown
  /** What the log calls the request, in Fastify or by pino-http. */
  readonly id?: unknown
  /** The route it matched, in Express; below {@link RequestWrapper.baseUrl}. */
  readonly route?: { readonly path?: unknown } | undefined
  /** Where the router is mounted, in Express. */
  readonly baseUrl?: string | undefined
  /** The route it matched, in Fastify. */
  readonly routeOptions?: { readonly url?: string | undefined } | undefined
  /** Holds the route it matched as `_matchedRoute`, in Koa with @koa/router. */
  readonly ctx?: object | undefined
}

/**
 * The facts of a request that Node received. Copies nothing: fields, socket and body are looked at when asked for.
 *
 * Node keeps the first of several `Authorization` fields only, and joins several `DPoP` fields, so `rawHeaders` tells
 * how many came. Otherwise `headers` counts, so that an application may still take a field away from the gate, and
 * platforms that fill `headers` alone work too.
 *
 * @param wrapper - the framework's own request, where that is another object and has target and body.
 * @group Adapters
 */
export function nodeRequestFacts(request: NodeRequest, wrapper: RequestWrapper = request): RequestFacts {
  return new NodeRequestFacts(request, wrapper)
}

/** A class, since an object literal with getters takes forty times as long to make: as long as half the hash of a token. */
class NodeRequestFacts implements RequestFacts {
  readonly #request: NodeRequest
  readonly #wrapper: RequestWrapper

  constructor(request: NodeRequest, wrapper: RequestWrapper) {
    this.#request = request
    this.#wrapper = wrapper
  }

  get method(): string {
    return this.#request.method ?? 'GET'
  }

  get url(): string {
    return this.#wrapper.originalUrl ?? this.#request.url ?? '/'
  }

  /** Frameworks wrap the request in various ways; its fields are one object in all of them. */
  get request(): object {
    return this.#request.headers
  }

  headerValues(name: string): readonly string[] {
    return headerValues(this.#request, name)
  }

  get secure(): boolean {
    return this.#request.socket?.encrypted === true
  }

  get remoteAddress(): string | undefined {
    return this.#request.socket?.remoteAddress
  }

  clientCertificate(): Uint8Array | undefined {
    return this.#request.socket?.getPeerCertificate?.()?.raw
  }

  formBody(): Readonly<Record<string, unknown>> | undefined {
    return formBody(this.#request.headers, this.#wrapper.body)
  }

  route(): string | undefined {
    const { routeOptions, route, baseUrl = '', ctx } = this.#wrapper
    const ofExpress = typeof route?.path === 'string' ? `${baseUrl}${route.path}` : undefined
    const ofKoa: unknown = ctx && Reflect.get(ctx, '_matchedRoute')
    const found = routeOptions?.url ?? ofExpress ?? ofKoa
    return typeof found === 'string' ? found : undefined
  }

  requestId(): string | undefined {
    const { id } = this.#wrapper
    return typeof id === 'string' || typeof id === 'number' ? String(id) : undefined
  }
}

function headerValues({ headers, rawHeaders = [] }: NodeRequest, name: string): readonly string[] {
  const value = headers[name]
  if (value === undefined) return []
  let came = 0
  for (let index = 0; index < rawHeaders.length; index += 2) if (sameName(rawHeaders[index], name)) came += 1
  if (came > 1) return rawHeaders.filter((_, index) => index % 2 === 1 && sameName(rawHeaders[index - 1], name))
  return typeof value === 'string' ? [value] : value
}

function sameName(written: string | undefined, name: string): boolean {
  return written?.length === name.length && (written === name || written.toLowerCase() === name)
}

function formBody(headers: NodeRequest['headers'], body: unknown): Readonly<Record<string, unknown>> | undefined {
  const contentType = headers['content-type']
  if (typeof contentType !== 'string') return undefined
  const [mediaType = ''] = contentType.split(';')
  if (mediaType.trim().toLowerCase() !== 'application/x-www-form-urlencoded') return undefined
  if (isParsedForm(body)) return body
  return hasContent(headers) ? undefined : {}
}

/** RFC 9112 §6.3: a request without either field has no content. */
function hasContent(headers: NodeRequest['headers']): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'
}

/** What a parser makes of a form; a parser of raw bodies leaves bytes. */
function isParsedForm(body: unknown): body is Readonly<Record<string, unknown>> {
  return typeof body === 'object' && body !== null && !Array.isArray(body) && !ArrayBuffer.isView(body)
}

/** What is used of a `node:http`, `node:https` or `node:http2` response. */
export interface NodeResponse {
  statusCode: number
  readonly headersSent: boolean
  /** A field as it stands. */
  getHeader(name: string): FieldValue
  /** Sets a field; an array becomes one field per value. */
  setHeader(name: string, value: string | string[]): unknown
  /** Sends the answer with `body` as the whole of its content. */
  end(body: string): unknown
}

/**
 * Sets fields on an answer that the application goes on to write; see {@link mergeField} for those it set already. Does
 * nothing once the head is sent.
 *
 * @group Requests
 */
export function setNodeHeaders(response: NodeResponse, headers: HttpAnswer['headers']): void {
  if (headers === noFields || response.headersSent) return
  for (const [name, value] of Object.entries(headers)) {
    response.setHeader(name, mergeField(name, response.getHeader(name), value))
  }
}

/**
 * Sends a whole answer. Keeps what the application set before, CORS fields above all. Does nothing once the head is
 * sent.
 *
 * @group Requests
 */
export function sendNodeAnswer(response: NodeResponse, answer: HttpAnswer): void {
  if (response.headersSent) return
  response.statusCode = answer.status
  setNodeHeaders(response, answer.headers)
  response.end(answer.body)
}

/** What a {@link WrappedReply} is once its status is set. @group Adapters */
export interface ReplySender {
  /** Sends the answer. */
  send(body?: Uint8Array): unknown
}

/** What is used of a reply that wraps Node's response, as Fastify's does. @group Adapters */
export interface WrappedReply {
  /** A field as it stands. */
  getHeader(name: string): FieldValue
  /** Sets a field; an array becomes one field per value. */
  header(name: string, value: string | string[]): unknown
  /** Sets the status; what it returns sends. */
  code(status: number): ReplySender
}

/** Sets fields, next to those the application set before; see {@link mergeField}. @group Adapters */
export function setReplyHeaders(reply: WrappedReply, headers: HttpAnswer['headers']): void {
  if (headers === noFields) return
  for (const [name, value] of Object.entries(headers)) {
    reply.header(name, mergeField(name, reply.getHeader(name), value))
  }
}

/** Sends a whole answer. As bytes, since Fastify adds a charset to JSON that is a string. @group Adapters */
export function sendReply(reply: WrappedReply, { status, headers, body }: HttpAnswer): unknown {
  setReplyHeaders(reply, headers)
  return reply.code(status).send(body === '' ? undefined : new TextEncoder().encode(body))
}
