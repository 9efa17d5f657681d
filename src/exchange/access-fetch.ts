import type { AccessFetch, GrantedToken } from '../auth/access-context.js'
import { ResourceAccessError } from '../errors/index.js'
import type { ResolvedGrant } from './grant.js'
import type { GrantProofs } from './grant-client.js'

/** What an authenticated `fetch` takes. */
export interface AccessFetchParts {
  readonly grant: ResolvedGrant
  readonly proofs: () => GrantProofs | undefined
  readonly acquire: (fresh: boolean) => Promise<GrantedToken>
  readonly fetch: typeof globalThis.fetch
  readonly timeoutMs: number
}

/**
 * Makes a `fetch` that carries a downstream token: to allowed origins only, following no redirect, with an overall
 * timeout. After a 401 that blames the token it gets a new one and tries once more, where the body can be sent twice.
 * Does not limit the size of the answer: reading it is the caller's.
 */
export function createAccessFetch({ grant, proofs, acquire, fetch, timeoutMs }: AccessFetchParts): AccessFetch {
  const nonces = new Map<string, string>()

  async function send(url: URL, init: RequestInit, token: GrantedToken): Promise<Response> {
    const headers = new Headers(init.headers)
    if (token.tokenType === 'N_A') throw refused(grant, 'the token is no access token')
    headers.set('Authorization', `${token.tokenType} ${token.accessToken}`)
    if (token.tokenType === 'DPoP') headers.set('DPoP', await proofFor(url, init.method ?? 'GET', token))
    const signal = AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(init.signal ? [init.signal] : [])])
    const response = await fetch(url.href, { ...init, headers, redirect: 'manual', signal })
    const nonce = response.headers.get('DPoP-Nonce')
    if (nonce !== null) nonces.set(url.origin, nonce)
    return response
  }

  async function proofFor(url: URL, method: string, { accessToken }: GrantedToken): Promise<string> {
    const signer = proofs()
    if (signer === undefined) throw refused(grant, 'a DPoP-bound token without a proof key')
    return signer.proof({ method: method.toUpperCase(), url: url.href, accessToken, nonce: nonces.get(url.origin) })
  }

  return async (input, init = {}) => {
    const url = new URL(input, grant.resource)
    if (!grant.allowedOrigins.has(url.origin)) throw refused(grant, 'the origin is not among allowedOrigins')
    const token = await acquire(false)
    const response = await send(url, init, token)
    if (response.status !== 401 || !isReplayable(init.body)) return response
    const blame = blameOf(response.headers.get('WWW-Authenticate'))
    if (blame === 'other') return response
    await response.body?.cancel()
    return send(url, init, blame === 'nonce' ? token : await acquire(true))
  }
}

function refused({ resource }: ResolvedGrant, detail: string): ResourceAccessError {
  return new ResourceAccessError(resource, 'ERR_GRANT_REFUSED', { detail })
}

/** What a 401 blames: the token, the missing nonce of its proof, or something a new token would not mend. */
function blameOf(challenge: string | null): 'token' | 'nonce' | 'other' {
  const error = /\berror\s*=\s*"?([A-Za-z_]+)/.exec(challenge ?? '')?.[1]
  if (error === undefined || error === 'invalid_token') return 'token'
  return error === 'use_dpop_nonce' ? 'nonce' : 'other'
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
