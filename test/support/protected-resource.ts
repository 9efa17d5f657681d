import type { SignIn } from 'portcullis/login'
import type { JsonObject } from '../../src/kit/json.js'

/** One request to the simulated network. */
export interface SeenRequest {
  readonly method: string
  readonly url: string
  readonly path: string
  readonly headers: Headers
  readonly form: URLSearchParams
  readonly body: string
}

/** A network of a protected resource and of authorization servers, without sockets. */
export interface SimulatedNetwork {
  fetch: typeof globalThis.fetch
  readonly requests: SeenRequest[]
  /** Documents by URL; `undefined` answers 404. */
  readonly documents: Map<string, JsonObject | undefined>
  /** What the resource answers; by default 401 without one of `issued`, else 200. */
  resource: (request: SeenRequest) => Response | undefined
  /** Tokens by value, with their scopes and the server that issued them. */
  readonly issued: Map<string, { readonly scope: string; readonly issuer: string }>
  /** The clients that each server knows. */
  readonly clients: Set<string>
  /** Whether a token request is answered with `invalid_grant`. */
  refuses: (request: SeenRequest) => boolean
  /** What a request to revoke is answered with. */
  revocation: (request: SeenRequest) => Response
  /** Members of every token answer. */
  tokenAnswer: JsonObject
  at(url: string): readonly SeenRequest[]
}

export const resourceUrl = 'https://api.example/mcp'
export const metadataUrl = 'https://api.example/.well-known/oauth-protected-resource/mcp'
export const issuer = 'https://as.example'

/** The metadata of a server with all endpoints. */
export function serverMetadata(of = issuer, members: JsonObject = {}): JsonObject {
  return {
    issuer: of,
    authorization_endpoint: `${of}/authorize`,
    token_endpoint: `${of}/token`,
    registration_endpoint: `${of}/register`,
    revocation_endpoint: `${of}/revoke`,
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: ['none', 'client_secret_basic', 'private_key_jwt'],
    ...members,
  }
}

/** The well-known address of a server's metadata. */
export const discoveryUrl = (of = issuer): string => `${of}/.well-known/oauth-authorization-server`

/** A 401 or 403 with a challenge. */
export function refusal(challenge: string, status = 401): Response {
  return new Response(null, { status, headers: { 'WWW-Authenticate': challenge } })
}

/** Makes the network: one resource that names one server, which registers clients and signs everybody in. */
export function simulateNetwork(): SimulatedNetwork {
  const requests: SeenRequest[] = []
  let pendingScope = ''
  let count = 0
  const documents = new Map<string, JsonObject | undefined>([
    [metadataUrl, { resource: resourceUrl, authorization_servers: [issuer] }],
    [discoveryUrl(), serverMetadata()],
  ])
  const network: SimulatedNetwork = {
    requests,
    documents,
    issued: new Map(),
    clients: new Set(),
    refuses: () => false,
    revocation: () => new Response(null, { status: 200 }),
    tokenAnswer: {},
    resource: () => undefined,
    at: (url) => requests.filter((request) => request.url === url),
    async fetch(input, init = {}) {
      const request = read(String(input), init)
      requests.push(request)
      return answer(request)
    },
  }

  function answer(request: SeenRequest): Response {
    const { origin } = new URL(request.url)
    if (request.path.includes('/.well-known/')) {
      const document = documents.get(request.url)
      return document === undefined ? new Response(null, { status: 404 }) : Response.json(document)
    }
    if (request.path === '/register') return register()
    if (request.path === '/token') return issue(request, origin)
    if (request.path === '/revoke') return network.revocation(request)
    return network.resource(request) ?? guarded(request)
  }

  function guarded({ headers }: SeenRequest): Response {
    const [, token = ''] = (headers.get('authorization') ?? '').split(' ')
    return network.issued.has(token) ? Response.json({ token }) : refusal(`Bearer resource_metadata="${metadataUrl}"`)
  }

  function register(): Response {
    const clientId = `client-${network.clients.size + 1}`
    network.clients.add(clientId)
    const sent = JSON.parse(requests.at(-1)?.body ?? '{}')
    return Response.json({ ...sent, client_id: clientId }, { status: 201 })
  }

  function issue(request: SeenRequest, of: string): Response {
    const { form, headers } = request
    const clientId = form.get('client_id')
    if (clientId?.startsWith('client-') === true && !network.clients.has(clientId)) {
      return Response.json({ error: 'invalid_client' }, { status: 401 })
    }
    if (network.refuses(request)) return Response.json({ error: 'invalid_grant' }, { status: 400 })
    count += 1
    const token = `${new URL(of).hostname}-${count}`
    const scope = form.get('scope') ?? pendingScope
    network.issued.set(token, { scope, issuer: of })
    const bound = headers.has('DPoP') ? 'DPoP' : 'Bearer'
    return Response.json({
      ...{ access_token: token, token_type: bound, expires_in: 3600, refresh_token: `refresh-${token}` },
      ...(scope === '' ? {} : { scope }),
      ...network.tokenAnswer,
    })
  }

  Object.defineProperty(network, 'authorized', { value: (scope: string) => (pendingScope = scope) })
  return network
}

function read(url: string, init: RequestInit): SeenRequest {
  const body = String(init.body ?? '')
  const headers = new Headers(init.headers)
  return {
    ...{ method: init.method ?? 'GET', url, path: new URL(url).pathname, headers, body },
    form: new URLSearchParams(headers.get('content-type')?.includes('json') ? '' : body),
  }
}

/** A way to sign in by a code whose user agrees at once. Tells the authorization requests. */
export function agreeingUser(network: SimulatedNetwork): SignIn & { readonly asked: URLSearchParams[] } {
  const asked: URLSearchParams[] = []
  return {
    asked,
    metadata: {
      application_type: 'native',
      redirect_uris: ['http://127.0.0.1/callback'],
      grant_types: ['authorization_code', 'refresh_token'],
    },
    async getTokens({ provider }) {
      const { url, transaction } = await provider.authorizationRequest({ redirectUri: 'http://127.0.0.1:7/callback' })
      const { searchParams } = new URL(url)
      asked.push(searchParams)
      Reflect.get(network, 'authorized')(searchParams.get('scope') ?? '')
      const callback = new URLSearchParams({ code: 'code', state: transaction.state })
      return (await provider.redeem(callback, transaction)).tokens
    },
  }
}
