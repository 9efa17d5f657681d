import type { AccessFetch, GrantedToken } from '../auth/access-context.js'
import { readChallenges } from '../client/challenges.js'
import { ResourceAccessError } from '../errors/index.js'
import type { BoundedCache } from '../kit/bounded-cache.js'
import { FetchFailure } from '../kit/fetch/fetch-failure.js'
import { guardedStream } from '../kit/fetch/guarded-fetch.js'
import type { GrantProofs } from './exchange.js'
import type { GrantSettings } from './grant.js'

/** What an authenticated `fetch` takes. */
export interface AccessFetchSettings {
  readonly grant: GrantSettings
  readonly proofs: () => GrantProofs | undefined
  /** Gets the token; another one than `rejected`, where given and where there is one to be had. */
  readonly acquire: (rejected?: GrantedToken) => Promise<GrantedToken>
  readonly fetch: typeof globalThis.fetch
  readonly timeoutMs: number
  /** The newest nonce of each origin (RFC 9449 §8.2). */
  readonly nonces: BoundedCache<string>
}

/** What a 401 blames, by a challenge of the scheme the token went by, and a second attempt can mend. */
type Blame = 'token' | 'nonce'

/**
 * Makes a `fetch` that carries a downstream token: to allowed origins only, following no redirect, each attempt limited
 * in time. After a 401 that blames the token it gets another one and tries once more, likewise where the service wants a
 * nonce in the proof; neither with a body that cannot be sent twice. Where no other token is to be had, the 401 stands.
 * Does not limit the size of the answer, and judges no address: `allowedOrigins` names all there are.
 */
export function createAccessFetch({
  grant,
  proofs,
  acquire,
  fetch,
  timeoutMs,
  nonces,
}: AccessFetchSettings): AccessFetch {
  async function send(url: URL, init: RequestInit, token: GrantedToken): Promise<Response> {
    const method = (init.method ?? 'GET').toUpperCase()
    const headers = new Headers(init.headers)
    headers.delete('DPoP')
    headers.set('Authorization', `${token.tokenType} ${token.accessToken}`)
    if (token.tokenType === 'DPoP') headers.set('DPoP', await proofFor(url, method, token))
    const rules = { fetch, timeoutMs, insecureHosts: true, trustedHostnames: [url.hostname] }
    const response = await guardedStream(url.href, { ...init, method, headers }, rules).catch((error) => {
      throw error instanceof FetchFailure ? misuse(grant, error.reason) : error
    })
    const nonce = response.headers.get('DPoP-Nonce')
    if (nonce !== null) nonces.set(url.origin, nonce)
    return response
  }

  async function proofFor(url: URL, method: string, { accessToken }: GrantedToken): Promise<string> {
    const signer = proofs()
    if (signer === undefined) throw misuse(grant, 'a bound token without its key')
    return signer.proof({ method, url: url.href, accessToken, nonce: nonces.get(url.origin) })
  }

  /** What to try again with; `undefined` where nothing better is to be had. */
  async function mend(blame: Blame, token: GrantedToken, response: Response): Promise<GrantedToken | undefined> {
    if (blame === 'nonce') return token
    const next = await acquire(token).catch((error) => discard(response, error))
    return next.accessToken === token.accessToken ? undefined : next
  }

  return async (input, init = {}) => {
    const url = destination(grant, input)
    const mended = new Set<Blame>()
    let token = await acquire()
    for (;;) {
      if (token.tokenType === 'N_A') throw misuse(grant, 'the token is no access token')
      const response = await send(url, init, token)
      const blame = blameOf(response, token)
      if (blame === undefined || mended.has(blame) || !isReplayable(init.body)) return response
      mended.add(blame)
      const next = await mend(blame, token, response)
      if (next === undefined) return response
      await response.body?.cancel()
      token = next
    }
  }
}

/** A body that is not read holds its connection. */
async function discard(response: Response, error: unknown): Promise<never> {
  await response.body?.cancel()
  throw error
}

function destination(grant: GrantSettings, input: string | URL): URL {
  if (!URL.canParse(input, grant.resource)) throw misuse(grant, 'no URL')
  const url = new URL(input, grant.resource)
  if (!grant.allowedOrigins.has(url.origin)) throw misuse(grant, 'the origin is not among allowedOrigins')
  return url
}

function misuse({ resource }: GrantSettings, detail: string): ResourceAccessError {
  return new ResourceAccessError(resource, 'ERR_GRANT_MISSING', { detail })
}

function blameOf({ status, headers }: Response, { tokenType }: GrantedToken): Blame | undefined {
  if (status !== 401) return undefined
  const challenges = readChallenges(headers)
  const own = challenges.filter(({ scheme }) => scheme === tokenType.toLowerCase())
  if (own.length === 0 && challenges.length > 0) return undefined
  const error = own.find(({ parameters }) => parameters.has('error'))?.parameters.get('error')
  if (error === undefined || error === 'invalid_token') return 'token'
  return error === 'use_dpop_nonce' && tokenType === 'DPoP' && headers.has('DPoP-Nonce') ? 'nonce' : undefined
}

function isReplayable(body: RequestInit['body']): boolean {
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
