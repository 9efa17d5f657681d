import type { Fetch, FetchInit } from '../kit/fetch/fetch.js'
import type { IssuerAnswer, Outcome } from './behaviour.js'
import type { EndpointRequest } from './endpoint-request.js'

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
    signal.addEventListener('abort', abort, { once: true })
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
      signal.addEventListener('abort', () => controller.error(signal.reason), { once: true })
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
      signal.addEventListener(
        'abort',
        () => {
          clearInterval(timer)
          controller.error(signal.reason)
        },
        { once: true },
      )
    },
    cancel() {
      clearInterval(timer)
    },
  })
}
