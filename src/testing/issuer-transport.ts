import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Fetch, FetchInit } from '../kit/fetch/platform-fetch.js'
import type { IssuerAnswer, Outcome } from './endpoint-controls.js'
import type { EndpointRequest } from './issuer-endpoints.js'

/**
 * A {@link Fetch} that hands requests to `handle` without a socket. Anything but `origin` is a host that does not
 * exist.
 */
export function createInProcessFetch(
  origin: () => string,
  handle: (request: EndpointRequest) => Promise<Outcome>,
): Fetch {
  return async (url, init) => {
    init.signal.throwIfAborted()
    const target = new URL(url)
    if (target.origin !== origin()) throw networkError(`getaddrinfo ENOTFOUND ${target.hostname}`)
    const outcome = await untilAborted(handle(toRequest(target, init)).then(unlessHanging), init.signal)
    init.signal.throwIfAborted()
    if (outcome.kind === 'down') throw networkError(`connect ECONNREFUSED ${target.host}`)
    return toResponse(outcome.answer, outcome.pace, init.signal)
  }
}

function networkError(reason: string): TypeError {
  return new TypeError('fetch failed', { cause: new Error(reason) })
}

function toRequest(target: URL, init: FetchInit): EndpointRequest {
  const headers = Object.fromEntries(Object.entries(init.headers).map(([name, value]) => [name.toLowerCase(), value]))
  return { method: init.method, url: target.href, headers, body: init.body ?? '' }
}

type Settled = Exclude<Outcome, { kind: 'hang' }>

function unlessHanging(outcome: Outcome): Settled | Promise<Settled> {
  return outcome.kind === 'hang' ? new Promise(() => {}) : outcome
}

function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    signal.addEventListener('abort', abort)
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

function toResponse(answer: IssuerAnswer, pace: 'whole' | 'half' | number, signal: AbortSignal): Response {
  const init = { status: answer.status, headers: answer.headers }
  if (pace === 'whole') return new Response(answer.body === '' ? null : answer.body, init)
  const bytes = new TextEncoder().encode(answer.body)
  return new Response(pace === 'half' ? halfOf(bytes, signal) : dripping(bytes, pace, signal), init)
}

function halfOf(bytes: Uint8Array, signal: AbortSignal): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      controller.enqueue(bytes.subarray(0, bytes.length / 2))
      signal.addEventListener('abort', () => controller.error(signal.reason))
    },
  })
}

function dripping(bytes: Uint8Array, intervalMs: number, signal: AbortSignal): ReadableStream<Uint8Array> {
  let timer: NodeJS.Timeout | undefined
  return new ReadableStream({
    start(controller) {
      let sent = 0
      timer = setInterval(() => {
        controller.enqueue(bytes.subarray(sent, sent + 1))
        sent += 1
        if (sent < bytes.length) return
        clearInterval(timer)
        controller.close()
      }, intervalMs).unref()
      signal.addEventListener('abort', () => {
        clearInterval(timer)
        controller.error(signal.reason)
      })
    },
    cancel() {
      clearInterval(timer)
    },
  })
}

/** A listening server. */
export interface LoopbackServer {
  readonly origin: string
  close(): Promise<void>
}

/** Serves `handle` over HTTP on 127.0.0.1; port 0 picks a free one. */
export async function startLoopbackServer(
  handle: (request: EndpointRequest) => Promise<Outcome>,
  port: number,
): Promise<LoopbackServer> {
  const server = createServer()
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  server.on('request', (req, res) => {
    receivedRequest(req, origin)
      .then(handle)
      .then((outcome) => send(res, outcome))
      .catch(() => res.destroy())
  })
  return {
    origin,
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

async function receivedRequest(req: IncomingMessage, origin: string): Promise<EndpointRequest> {
  const headers = Object.fromEntries(Object.entries(req.headers).map(([name, value]) => [name, String(value)]))
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk)
  return {
    method: req.method as string,
    url: `${origin}${req.url}`,
    headers,
    body: Buffer.concat(chunks).toString(),
  }
}

function send(res: ServerResponse, outcome: Outcome): void {
  if (outcome.kind === 'hang') return
  if (outcome.kind === 'down') {
    res.destroy()
    return
  }
  const { answer, pace } = outcome
  const body = Buffer.from(answer.body)
  res.writeHead(answer.status, { 'content-length': body.length, ...answer.headers })
  if (pace === 'whole') res.end(body)
  else if (pace === 'half') res.write(body.subarray(0, body.length / 2))
  else drip(res, body, pace)
}

function drip(res: ServerResponse, body: Buffer, intervalMs: number): void {
  let sent = 0
  const timer = setInterval(() => {
    res.write(body.subarray(sent, sent + 1))
    sent += 1
    if (sent < body.length) return
    clearInterval(timer)
    res.end()
  }, intervalMs).unref()
  res.on('close', () => clearInterval(timer))
}

/**
 * One {@link Fetch} for several issuers: each request goes to the issuer of its origin, any other host fails as a
 * network error.
 *
 * @example
 * ```ts
 * const server = createResourceServer({ resource, issuer: [a.issuer, b.issuer], fetch: mergeFetch(a, b) })
 * ```
 * @group Testing
 */
export function mergeFetch(...issuers: readonly { readonly issuer: string; readonly fetch: Fetch }[]): Fetch {
  return async (url, init) => {
    const { origin } = new URL(url)
    const owner = issuers.find(({ issuer }) => new URL(issuer).origin === origin)
    if (owner === undefined)
      throw new TypeError('fetch failed', { cause: new Error(`getaddrinfo ENOTFOUND ${origin}`) })
    return owner.fetch(url, init)
  }
}
