/*
 * The one `fetch` that carries a token, behind `createAuthenticatedFetch` and behind `access.fetch` of the grants. Does not
 * get tokens, and does not know whose they are.
 */
import type { BoundedCache } from '../kit/bounded-cache.js'
import { FetchFailure } from '../kit/fetch/fetch-failure.js'
import { guardedStream } from '../kit/fetch/guarded-fetch.js'
import type { DpopProofs } from './calls/dpop.js'
import { readChallenges } from './challenges.js'

/** A token as it goes into a request. */
export interface SendableToken {
  readonly accessToken: string
  readonly tokenType: 'Bearer' | 'DPoP' | 'N_A'
}

/** How tokens are got, and where they may go. */
export interface TokenFetchSettings<Token extends SendableToken> {
  /** Gets the token; another one than `rejected`, where given and where there is one to be had. */
  readonly acquire: (rejected: Token | undefined, init: RequestInit) => Promise<Token>
  readonly proofs: () => DpopProofs | undefined
  /** What relative URLs are resolved against. */
  readonly baseUrl: string | undefined
  readonly allowedOrigins: ReadonlySet<string>
  readonly maxRedirects: number
  readonly retriesOn401: boolean
  /** The error of a request that cannot be right. */
  readonly misuse: (detail: string) => Error
  readonly fetch: typeof globalThis.fetch
  readonly timeoutMs: number
  /** Ends every request when it aborts. */
  readonly closing?: AbortSignal | undefined
  /** The newest nonce of each origin (RFC 9449 §8.2). */
  readonly nonces: BoundedCache<string>
}

/** A `fetch` for URLs and texts. Follows redirects only as its settings say, whatever `init` says. */
export type TokenFetch = (input: string | URL, init?: RequestInit) => Promise<Response>

/** What a 401 blames, by a challenge of the scheme the token went by, and a second attempt can mend. */
type Blame = 'token' | 'nonce'

interface Outgoing {
  readonly url: URL
  readonly init: RequestInit
}

/**
 * Makes a `fetch` that carries a token: to allowed origins only, each attempt limited in time. An `Authorization` field of
 * the caller is replaced. After a 401 that blames the token it gets another one and tries once more, likewise where the
 * service wants a nonce in the proof; neither with a body that cannot be sent twice. Where no other token is to be had, the
 * 401 stands. Follows redirects within the allowed origins, where at all; any other is handed over as it came. Does not
 * limit the size of the answer, and judges no address: `allowedOrigins` names all there are.
 */
export function createTokenFetch<Token extends SendableToken>(settings: TokenFetchSettings<Token>): TokenFetch {
  const { acquire, proofs, baseUrl, allowedOrigins, maxRedirects, retriesOn401, misuse, nonces } = settings
  const { fetch, timeoutMs, closing } = settings

  async function send({ url, init }: Outgoing, token: Token): Promise<Response> {
    const method = (init.method ?? 'GET').toUpperCase()
    const headers = new Headers(init.headers)
    headers.delete('DPoP')
    headers.set('Authorization', `${token.tokenType} ${token.accessToken}`)
    if (token.tokenType === 'DPoP') headers.set('DPoP', await proofFor(url, method, token))
    const rules = { fetch, timeoutMs, closing, insecureHosts: true, trustedHostnames: [url.hostname] }
    const response = await guardedStream(url.href, { ...init, method, headers }, rules).catch((error) => {
      throw error instanceof FetchFailure ? misuse(error.reason) : error
    })
    const nonce = response.headers.get('DPoP-Nonce')
    if (nonce !== null) nonces.set(url.origin, nonce)
    return response
  }

  async function proofFor(url: URL, method: string, { accessToken }: Token): Promise<string> {
    const signer = proofs()
    if (signer === undefined) throw misuse('a bound token without its key')
    return signer.proof({ method, url: url.href, accessToken, nonce: nonces.get(url.origin) })
  }

  /** What to try again with; `undefined` where nothing better is to be had. */
  async function mend(blame: Blame, token: Token, init: RequestInit, response: Response): Promise<Token | undefined> {
    if (blame === 'nonce') return token
    if (!retriesOn401) return undefined
    const next = await acquire(token, init).catch((error) => discard(response, error))
    return next.accessToken === token.accessToken ? undefined : next
  }

  /** One request, with what a second attempt can mend. */
  async function exchange(outgoing: Outgoing): Promise<Response> {
    const { init } = outgoing
    const mended = new Set<Blame>()
    let token = await acquire(undefined, init)
    for (;;) {
      if (token.tokenType === 'N_A') throw misuse('the token is no access token')
      const response = await send(outgoing, token)
      const blame = blameOf(response, token)
      if (blame === undefined || mended.has(blame) || !isReplayable(init.body)) return response
      mended.add(blame)
      const next = await mend(blame, token, init, response)
      if (next === undefined) return response
      await response.body?.cancel()
      token = next
    }
  }

  function destination(input: string | URL): URL {
    if (!URL.canParse(input, baseUrl)) throw misuse('no URL')
    const url = new URL(input, baseUrl)
    if (!allowedOrigins.has(url.origin)) throw misuse('the origin is not among allowedOrigins')
    return url
  }

  /** Where a redirect leads, where it may be followed. */
  function redirected({ status, headers }: Response, { url, init }: Outgoing): Outgoing | undefined {
    const location = headers.get('location')
    if (!redirects.has(status) || location === null || !URL.canParse(location, url)) return undefined
    const target = new URL(location, url)
    if (!allowedOrigins.has(target.origin)) return undefined
    if (becomesGet(status, init.method)) return { url: target, init: withoutBody(init) }
    return isReplayable(init.body) ? { url: target, init } : undefined
  }

  return async (input, init = {}) => {
    let outgoing: Outgoing = { url: destination(input), init }
    for (let followed = 0; ; followed += 1) {
      const response = await exchange(outgoing)
      const next = followed < maxRedirects ? redirected(response, outgoing) : undefined
      if (next === undefined) return response
      await response.body?.cancel()
      outgoing = next
    }
  }
}

const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

/** RFC 9110 §15.4, and what browsers do with a `POST` (Fetch §4.4). */
function becomesGet(status: number, method = 'GET'): boolean {
  const sent = method.toUpperCase()
  return (status === 303 && sent !== 'HEAD') || (status <= 302 && sent === 'POST')
}

function withoutBody({ body: _body, headers: given, ...init }: RequestInit): RequestInit {
  const headers = new Headers(given)
  for (const name of ['Content-Encoding', 'Content-Language', 'Content-Location', 'Content-Type']) headers.delete(name)
  return { ...init, headers, method: 'GET' }
}

/** A body that is not read holds its connection. */
async function discard(response: Response, error: unknown): Promise<never> {
  await response.body?.cancel()
  throw error
}

function blameOf({ status, headers }: Response, { tokenType }: SendableToken): Blame | undefined {
  if (status !== 401) return undefined
  const challenges = readChallenges(headers)
  const own = challenges.filter(({ scheme }) => scheme === tokenType.toLowerCase())
  if (own.length === 0 && challenges.length > 0) return undefined
  const error = own.find(({ parameters }) => parameters.has('error'))?.parameters.get('error')
  if (error === undefined || error === 'invalid_token') return 'token'
  return error === 'use_dpop_nonce' && tokenType === 'DPoP' && headers.has('DPoP-Nonce') ? 'nonce' : undefined
}

/** Whether a body can be sent a second time. */
export function isReplayable(body: RequestInit['body']): boolean {
  return (
    body === undefined ||
    body === null ||
    typeof body === 'string' ||
    body instanceof URLSearchParams ||
    body instanceof Blob ||
    body instanceof ArrayBuffer ||
    ArrayBuffer.isView(body) ||
    body instanceof FormData
  )
}
