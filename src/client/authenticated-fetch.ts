import { ConfigurationError } from '../errors/index.js'
import { type BoundedCache, createBoundedCache } from '../kit/bounded-cache.js'
import { readSecureUrl } from '../kit/fetch/secure-url.js'
import type { MaybePromise } from '../kit/maybe-promise.js'
import {
  checkOptions,
  flag,
  func,
  integer,
  methods,
  oneOrMore,
  type Rules,
  required,
  text,
  toList,
} from '../kit/options.js'
import type { DpopProofs } from './calls/dpop.js'
import { ClientCallError } from './errors.js'
import { createTokenFetch } from './token-fetch.js'
import type { TokenSet } from './token-set.js'
import type { TokenSource } from './token-source.js'

/** Options of {@link createAuthenticatedFetch}. @group Tokens */
export interface AuthenticatedFetchOptions {
  /** The origins the token may go to: https, or http on a loopback host. */
  readonly allowedOrigins: string | readonly string[]
  /** What relative URLs are resolved against. Its origin is one of `allowedOrigins`. */
  readonly baseUrl?: string | undefined
  /** How long one attempt may take, the body of its answer included. 1 to 600,000, default 30,000. */
  readonly timeoutMs?: number | undefined
  /** Whether a token that has expired is renewed. Default true. */
  readonly autoRefresh?: boolean | undefined
  /** Whether a request that a service refuses for its token goes out once more with another one. Default true. */
  readonly retryOn401?: boolean | undefined
  /** How many redirects are followed, within `allowedOrigins` only. 0 to 5, default 0. */
  readonly maxRedirects?: number | undefined
  /** Default: the platform's `fetch`. */
  readonly fetch?: typeof globalThis.fetch | undefined
}

/** A call of an {@link AuthenticatedFetch}. @group Tokens */
export type AuthenticatedCall = (input: string | URL, init?: RequestInit) => Promise<Response>

/**
 * A `fetch` that carries a token, with a function for each method. Rejects as `fetch` does where the service cannot be
 * reached, as the source does where there is no token, and with a {@link ClientCallError} for a request that cannot be right.
 *
 * @group Tokens
 */
export interface AuthenticatedFetch extends AuthenticatedCall, AsyncDisposable {
  readonly get: AuthenticatedCall
  readonly post: AuthenticatedCall
  readonly put: AuthenticatedCall
  readonly patch: AuthenticatedCall
  readonly delete: AuthenticatedCall
  readonly head: AuthenticatedCall
  readonly options: AuthenticatedCall
  /** Aborts what is under way, and refuses further calls. Leaves the source as it is. */
  close(): Promise<void>
}

const rules: Rules<AuthenticatedFetchOptions> = {
  allowedOrigins: required(oneOrMore),
  baseUrl: text,
  timeoutMs: integer(1, 600_000),
  autoRefresh: flag,
  retryOn401: flag,
  maxRedirects: integer(0, 5),
  fetch: func,
}

const maxNonces = 1000

/** The nonces of services by the key that proves: they outlive a `fetch` that is made for one request of a user. */
const noncesByKey = new WeakMap<DpopProofs, BoundedCache<string>>()

function noncesOf(proofs: DpopProofs | undefined): BoundedCache<string> {
  const nonces = (proofs && noncesByKey.get(proofs)) ?? createBoundedCache<string>(maxNonces)
  if (proofs !== undefined) noncesByKey.set(proofs, nonces)
  return nonces
}

/**
 * Makes a `fetch` that carries the token of a source, with a DPoP proof where it is bound: to `allowedOrigins` and nowhere
 * else. After a 401 with `invalid_token`, or without a challenge, it gets another token and tries once more, where the body
 * can be sent twice; never after `insufficient_scope`. Where there is no token, nothing is sent.
 *
 * Does NOT limit the size of an answer, and does not turn a status into an error.
 *
 * @throws `ConfigurationError` for an option that is wrong or unknown.
 * @group Tokens
 */
export function createAuthenticatedFetch(source: TokenSource, options: AuthenticatedFetchOptions): AuthenticatedFetch {
  return createCheckedFetch(source, options, () => undefined)
}

/** {@link createAuthenticatedFetch} whose calls reject with what `check` throws for their answer. */
export function createCheckedFetch(
  source: TokenSource,
  options: AuthenticatedFetchOptions,
  check: (response: Response) => MaybePromise<undefined>,
): AuthenticatedFetch {
  checkOptions('createAuthenticatedFetch', options, rules)
  const fault = methods('getToken')('source', source)
  if (fault !== undefined) throw new ConfigurationError(fault)
  const { baseUrl, timeoutMs = 30_000, autoRefresh = true, retryOn401 = true, maxRedirects = 0 } = options
  const allowedOrigins = new Set(toList(options.allowedOrigins).map(toOrigin))
  if (baseUrl !== undefined && !(URL.canParse(baseUrl) && allowedOrigins.has(new URL(baseUrl).origin))) {
    throw new ConfigurationError('`baseUrl` takes a URL whose origin is among `allowedOrigins`.')
  }
  const closing = new AbortController()
  const send = createTokenFetch<TokenSet>({
    acquire: (rejected, { signal }) =>
      source.getToken({ autoRefresh, ...(rejected && { forceRefresh: true, rejected }), signal: signal ?? undefined }),
    proofs: () => source.dpop,
    ...{ baseUrl, allowedOrigins, maxRedirects, timeoutMs, misuse, closing: closing.signal },
    retriesOn401: retryOn401,
    fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    nonces: noncesOf(source.dpop),
  })

  const call: AuthenticatedCall = async (input, init = {}) => {
    if (closing.signal.aborted) throw new ClientCallError('ERR_CLIENT_CLOSED')
    if (new Headers(init.headers).has('Authorization')) throw misuse('`headers` must not have `Authorization`')
    const response = await send(input, init)
    await check(response)
    return response
  }
  const withMethod =
    (method: string): AuthenticatedCall =>
    (input, init) =>
      call(input, { ...init, method })

  async function close(): Promise<void> {
    closing.abort(new ClientCallError('ERR_CLIENT_CLOSED'))
  }

  const verbs = {
    get: withMethod('GET'),
    post: withMethod('POST'),
    put: withMethod('PUT'),
    patch: withMethod('PATCH'),
    delete: withMethod('DELETE'),
    head: withMethod('HEAD'),
    options: withMethod('OPTIONS'),
  }
  return Object.freeze(Object.assign(call, { ...verbs, close, [Symbol.asyncDispose]: close }))
}

function misuse(detail: string): ClientCallError {
  return new ClientCallError('ERR_CLIENT_ARGUMENT', { message: `The request cannot be sent: ${detail}.` })
}

function toOrigin(text: string): string {
  const url = readSecureUrl(text, true)
  if (url !== undefined && url.pathname === '/' && url.search === '') return url.origin
  throw new ConfigurationError('`allowedOrigins` takes origins: https, or http on a loopback host, without a path.')
}
