import type { Fetch, FetchInit } from '../../src/kit/fetch/platform-fetch.js'

/** One request the fake received. */
export interface ReceivedRequest {
  readonly url: string
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** The body as form fields. */
  readonly form: URLSearchParams
}

/** What the fake does with one request. */
export type Behaviour = (request: ReceivedRequest, signal: AbortSignal) => Response | Promise<Response>

/** An authorization server without a socket. */
export interface FakeAuthorizationServer {
  readonly issuer: string
  readonly fetch: Fetch
  /** Everything received, discovery included. */
  readonly requests: ReceivedRequest[]
  /** What was received at a path. */
  at(path: string): ReceivedRequest[]
  /** Sets what the next requests to an endpoint meet, one by one; the last one stays. */
  script(path: string, ...behaviours: Behaviour[]): void
  /** Members that replace those of the metadata document; `undefined` removes one. */
  metadata: Record<string, unknown>
}

/** A JSON answer. */
export function answer(body: unknown, status = 200, headers: Record<string, string> = {}): Behaviour {
  return () =>
    new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json', ...headers } })
}

/** A token answer of RFC 6749 §5.1; members given replace, `undefined` removes. */
export function tokens(members: Record<string, unknown> = {}): Behaviour {
  return answer({ access_token: 'issued-access-token', token_type: 'Bearer', expires_in: 3600, ...members })
}

/** A protocol error of RFC 6749 §5.2. */
export function refusal(
  error: string,
  description?: string,
  status = 400,
  headers?: Record<string, string>,
): Behaviour {
  return answer({ error, error_description: description }, status, headers)
}

/** 429 with `Retry-After`. */
export function rateLimited(retryAfter?: string): Behaviour {
  return answer({ error: 'slow_down' }, 429, retryAfter === undefined ? {} : { 'retry-after': retryAfter })
}

/** What a load balancer says when nothing stands behind it. */
export function html503(headers: Record<string, string> = {}): Behaviour {
  return () =>
    new Response('<html><h1>503 Service Unavailable</h1></html>', {
      status: 503,
      headers: { 'content-type': 'text/html', ...headers },
    })
}

/** A connection that breaks before an answer. */
export function reset(): Behaviour {
  return () =>
    Promise.reject(
      new TypeError('fetch failed', { cause: Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }) }),
    )
}

/** A connection that breaks in the middle of the body. */
export function cutOff(): Behaviour {
  return () =>
    new Response(
      new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode('{"access_token":"half'))
          controller.error(new TypeError('terminated'))
        },
      }),
      { headers: { 'content-type': 'application/json' } },
    )
}

/** Never answers; gives up when told to. */
export function silent(): Behaviour {
  return (_request, signal) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))
}

/** Any body with any type. */
export function plain(text: string, contentType = 'application/json', status = 200): Behaviour {
  return () => new Response(text, { status, headers: { 'content-type': contentType } })
}

/** Refresh tokens that rotate: each is good once, and a second use ends the whole family. */
export function rotating(first: string): Behaviour {
  let current: string | undefined = first
  let count = 0
  return (request, signal) => {
    if (current === undefined || request.form.get('refresh_token') !== current) {
      current = undefined
      return refusal('invalid_grant')(request, signal)
    }
    count += 1
    current = `rotated-${count}`
    return tokens({ access_token: `access-${count}`, refresh_token: current })(request, signal)
  }
}

/** See {@link FakeAuthorizationServer}. Every endpoint answers with a token until it is scripted. */
export function fakeAuthorizationServer(issuer = 'https://as.example'): FakeAuthorizationServer {
  const requests: ReceivedRequest[] = []
  const scripts = new Map<string, Behaviour[]>()
  const { origin } = new URL(issuer)

  const document = () => {
    const members = {
      issuer,
      token_endpoint: `${origin}/token`,
      introspection_endpoint: `${origin}/introspect`,
      revocation_endpoint: `${origin}/revoke`,
      registration_endpoint: `${origin}/register`,
      pushed_authorization_request_endpoint: `${origin}/par`,
      authorization_endpoint: `${origin}/authorize`,
      ...fake.metadata,
    }
    return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined))
  }

  const fake: FakeAuthorizationServer = {
    issuer,
    requests,
    metadata: {},
    at: (path) => requests.filter((request) => new URL(request.url).pathname === path),
    script: (path, ...behaviours) => void scripts.set(path, behaviours),
    async fetch(url: string, init: FetchInit) {
      const body = init.body ?? ''
      const request = { url, method: init.method, headers: init.headers, body, form: new URLSearchParams(body) }
      requests.push(request)
      const { pathname } = new URL(url)
      const script = scripts.get(pathname)
      const behaviour = script !== undefined && script.length > 1 ? script.shift() : script?.[0]
      if (behaviour !== undefined) return behaviour(request, init.signal)
      return pathname.includes('/.well-known/')
        ? answer(document())(request, init.signal)
        : tokens()(request, init.signal)
    },
  }
  return fake
}
