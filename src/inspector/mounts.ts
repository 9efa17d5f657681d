/** The page in the forms of Node's frameworks and of Fetch. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline, Readable } from 'node:stream'
import type { createRoutes, PageAnswer } from './routes.js'
import type { Visit } from './visit.js'

/** What is read of Koa's context. */
export interface KoaContext {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  /** Koa leaves the answer alone where it is false. */
  respond?: boolean
}

/** What is used of a Fastify instance. */
export interface FastifyHost {
  /** Adds a hook. */
  addHook(
    name: 'onRequest',
    hook: (
      request: { readonly raw: IncomingMessage },
      reply: { readonly raw: ServerResponse; hijack(): unknown },
      done: (error?: Error) => void,
    ) => void,
  ): unknown
}

/** The forms of one page. */
export interface Mounts {
  connect(request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void): void
  koa(context: KoaContext, next: () => Promise<unknown>): Promise<unknown>
  fastify(instance: FastifyHost, options: unknown, done: () => void): void
  fetch(request: Request, connection: { readonly remoteAddress?: string | undefined }): Promise<Response | undefined>
}

type Routes = ReturnType<typeof createRoutes>

const maxBodyBytes = 32_768

/** Makes the forms of one page, which is at `path`. */
export function createMounts(path: string, routes: Routes): Mounts {
  function answerNode(request: IncomingMessage): ReturnType<Routes> {
    const [target = '', query = ''] = (request.url ?? '').split(/\?(.*)/s, 2)
    return target.startsWith(path) ? routes(nodeVisit(request, target.slice(path.length), query)) : undefined
  }

  function connect(request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void): void {
    const answer = answerNode(request)
    if (answer === undefined) next()
    else Promise.resolve(answer).then((ready) => (ready === undefined ? next() : send(response, ready)), next)
  }

  return {
    connect,
    async koa(context, next) {
      const answer = await answerNode(context.req)
      if (answer === undefined) return next()
      context.respond = false
      return send(context.res, answer)
    },
    fastify: Object.assign(
      (instance: FastifyHost, _options: unknown, done: () => void) => {
        instance.addHook('onRequest', ({ raw }, reply, next) => {
          const go = (answer: PageAnswer | undefined): void => {
            if (answer === undefined) {
              next()
              return
            }
            reply.hijack()
            send(reply.raw, answer)
          }
          Promise.resolve(answerNode(raw)).then(go, next)
        })
        done()
      },
      { [Symbol.for('skip-override')]: true, [Symbol.for('fastify.display-name')]: 'portcullis-inspector' },
    ),
    async fetch(request, { remoteAddress }) {
      const url = new URL(request.url)
      if (!url.pathname.startsWith(path)) return undefined
      const answer = await routes(fetchVisit(request, url, url.pathname.slice(path.length), remoteAddress))
      return answer && toResponse(answer)
    },
  }
}

function nodeVisit(request: IncomingMessage, name: string, query: string): Visit {
  const { rawHeaders, headers, socket } = request
  const fields = new Headers()
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const field = rawHeaders[at] as string
    if (!field.startsWith(':')) fields.append(field, rawHeaders[at + 1] as string)
  }
  return {
    method: String(request.method),
    name,
    query: new URLSearchParams(query),
    headers: fields,
    host: [fields.get('host'), headers[':authority']].find((value) => typeof value === 'string'),
    secure: 'encrypted' in socket && socket.encrypted === true,
    remoteAddress: socket.remoteAddress,
    readJson: () => readNodeJson(request),
  }
}

/** A parser before this one leaves what it made of the body. */
async function readNodeJson(request: IncomingMessage & { readonly body?: unknown }): Promise<unknown> {
  return request.readableDidRead ? request.body : readJson(request)
}

function fetchVisit(request: Request, url: URL, name: string, remoteAddress: string | undefined): Visit {
  return {
    method: request.method,
    name,
    query: url.searchParams,
    headers: request.headers,
    host: request.headers.get('host') ?? url.host,
    secure: url.protocol === 'https:',
    remoteAddress,
    readJson: () => readJson(Readable.fromWeb(request.body as Parameters<typeof Readable.fromWeb>[0])),
  }
}

async function readJson(chunks: AsyncIterable<Uint8Array>): Promise<unknown> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of chunks) {
    length += part.length
    if (length > maxBodyBytes) throw new RangeError('too long')
    parts.push(part)
  }
  return JSON.parse(Buffer.concat(parts).toString('utf8'))
}

/** Takes back what CORS middleware before it allowed: this page is for no other site. */
function send(response: ServerResponse, { status, headers, body }: PageAnswer): void {
  for (const name of response.getHeaderNames()) if (/^access-control-/i.test(name)) response.removeHeader(name)
  response.statusCode = status
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  if (typeof body === 'string') {
    response.end(body)
    return
  }
  response.flushHeaders()
  // Whichever of both is over ends the other.
  pipeline(body, response, () => {})
}

function toResponse({ status, headers, body }: PageAnswer): Response {
  const content = typeof body === 'string' ? body : (Readable.toWeb(body) as ReadableStream<Uint8Array>)
  return new Response(content, { status, headers: { ...headers } })
}
