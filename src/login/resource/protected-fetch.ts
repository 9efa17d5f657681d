/*
 * A `fetch` for one protected resource that needs only its URL: what the resource refuses says where tokens are to be had.
 */
import { ClientCallError, isOAuthClientError } from '../../client/errors.js'
import { createTokenFetch, isReplayable } from '../../client/token-fetch.js'
import type { TokenSet } from '../../client/token-set.js'
import { TokenStoreError } from '../../errors/index.js'
import { createBoundedCache, createShortMemory } from '../../kit/bounded-cache.js'
import { guardedStream } from '../../kit/fetch/guarded-fetch.js'
import { untilAborted } from '../../kit/time-limit.js'
import { ReauthenticationRequiredError } from '../reauthentication-required-error.js'
import type { LogoutOutcome } from '../user-tokens.js'
import { isWithin } from './find-resource.js'
import { type ProtectedFetchOptions, type ProtectedSettings, toProtectedSettings } from './protected-options.js'
import { createProtectedTokens, type ResourceProfile, type UsableTokens } from './protected-tokens.js'
import { asksForToken, isPointless, operationOf, type Refusal, toRefusal } from './resource-refusal.js'

/**
 * A `fetch` for one protected resource. Rejects as `fetch` does where the resource cannot be reached, as the way to sign in
 * does, and with an {@link OAuthClientError} where no token is to be had. Functions can be taken off the object.
 *
 * @group Protected resources
 */
export interface ProtectedFetch extends AsyncDisposable {
  (input: string | URL, init?: RequestInit): Promise<Response>
  /**
   * Signs in before the first request: asks the resource without a token, and follows its challenge. Where there are
   * tokens that still serve it does nothing.
   */
  signIn(options?: { readonly signal?: AbortSignal | undefined }): Promise<void>
  /** A token that has not expired, for what sends it itself; `undefined` where nobody has signed in. */
  token(): Promise<TokenSet | undefined>
  /** Forgets the tokens, and revokes them. The registration stays. */
  signOut(): Promise<LogoutOutcome>
  /** Aborts what is under way, and refuses further calls. The tokens stay. */
  close(): Promise<void>
}

const maxNonces = 10
const maxStepUps = 2
const maxFailures = 1000
/** How long a step-up that did not help is left alone. */
const failureMs = 600_000

const anyResource: ResourceProfile = {
  allowsParent: false,
  asksSupportedScopes: false,
  needsPkce: false,
  asksOffline: false,
  assumesOrigin: false,
}

/**
 * Makes a `fetch` for a protected resource. A request goes out with the token that is known, else without one. After a 401
 * it renews the token or signs in where the resource says: it reads its metadata (RFC 9728), refuses one of another
 * resource, chooses the authorization server, becomes known there, signs in by `signIn` and tries once more. Where the
 * resource wants more scopes or a better login (RFC 9470) it signs in anew, twice at most; what did not help is left alone
 * for 10 minutes.
 *
 * The token goes to the resource and below it, and to no other origin: redirects are handed over as they came. A body that
 * cannot be sent twice is not: call `signIn` first. Does NOT limit the size of an answer.
 *
 * @throws `ConfigurationError` for an option that is wrong or unknown.
 * @group Protected resources
 * @see {@link https://www.rfc-editor.org/rfc/rfc9728#section-5 | RFC 9728 §5}
 */
export function createProtectedFetch(options: ProtectedFetchOptions): ProtectedFetch {
  return protectedFetchWith(toProtectedSettings('createProtectedFetch', options), anyResource)
}

/** One answer, and the tokens that went out with the request. */
interface Sent {
  readonly response: Response
  readonly by: UsableTokens | undefined
  readonly tokens: TokenSet | undefined
}

/** What one request has been through. */
interface Progress {
  hasRenewed: boolean
  hasSignedIn: boolean
  stepUps: number
}

/** {@link createProtectedFetch} in the way of a profile. */
export function protectedFetchWith(settings: ProtectedSettings, profile: ResourceProfile): ProtectedFetch {
  const { resource, clock, timeoutMs } = settings
  const fetch = settings.fetch as typeof globalThis.fetch
  const { origin, hostname } = new URL(resource)
  const closing = new AbortController()
  const nonces = createBoundedCache<string>(maxNonces)
  const failures = createShortMemory<true>(maxFailures, failureMs, clock)
  const store = createProtectedTokens(settings, profile)

  function destination(input: string | URL, init: RequestInit): URL {
    if (closing.signal.aborted) throw new ClientCallError('ERR_CLIENT_CLOSED')
    if (new Headers(init.headers).has('Authorization')) throw misuse('`headers` must not have `Authorization`')
    if (!URL.canParse(input, resource)) throw misuse('no URL')
    const url = new URL(input, resource)
    if (url.username === '' && isWithin(url.href, withoutQuery(resource))) return url
    throw misuse('the URL is not that of the resource, or below it')
  }

  async function usable(): Promise<Pick<Sent, 'by' | 'tokens'>> {
    const by = await store.current()
    const tokens = await by?.source.getToken({ signal: closing.signal }).catch(ignoreReauthentication)
    return { by, tokens }
  }

  async function send(url: URL, init: RequestInit, held: Pick<Sent, 'by' | 'tokens'>): Promise<Sent> {
    const { by, tokens } = held
    if (tokens === undefined) {
      const rules = { fetch, timeoutMs, closing: closing.signal, insecureHosts: true, trustedHostnames: [hostname] }
      return { response: await guardedStream(url.href, init, rules), by: undefined, tokens }
    }
    const sendToken = createTokenFetch<TokenSet>({
      acquire: async () => tokens,
      proofs: () => by?.server.client.dpop,
      ...{ fetch, timeoutMs, nonces, misuse, closing: closing.signal },
      ...{ baseUrl: undefined, allowedOrigins: new Set([origin]), maxRedirects: 0, retriesOn401: false },
    })
    return { response: await sendToken(url, init), by, tokens }
  }

  /** Whether another attempt has better tokens. Signs in where it must. */
  async function mend(sent: Sent, url: URL, init: RequestInit, progress: Progress): Promise<boolean> {
    if (!asksForToken(sent.response)) return false
    const refusal = toRefusal(url, sent.response.headers)
    if (refusal.isStepUp) return stepUp(sent, refusal, init, progress)
    return sent.response.status === 401 && (await renew(sent, refusal, progress))
  }

  async function renew(sent: Sent, refusal: Refusal, progress: Progress): Promise<boolean> {
    if (!progress.hasRenewed) {
      progress.hasRenewed = true
      if (await hasOthers(sent)) return true
    }
    if (progress.hasSignedIn) return false
    progress.hasSignedIn = true
    await store.signIn(refusal, closing.signal)
    return true
  }

  /** Whether there are other tokens than those that were refused: got by another request, or renewed now. */
  async function hasOthers({ by, tokens }: Sent): Promise<boolean> {
    const current = by ?? (await store.current())
    const next = await current?.source.getToken({ rejected: tokens }).catch(ignoreReauthentication)
    return next !== undefined && next.accessToken !== tokens?.accessToken
  }

  async function stepUp(sent: Sent, refusal: Refusal, init: RequestInit, progress: Progress): Promise<boolean> {
    const operation = operationOf(refusal, init)
    if (failures.get(operation) === true) return false
    progress.stepUps += 1
    if (progress.stepUps > maxStepUps || isPointless(sent.tokens, refusal)) {
      failures.set(operation, true)
      return false
    }
    try {
      await store.signIn(refusal, closing.signal)
      return true
    } catch (error) {
      if (!closing.signal.aborted && !isPassing(error)) failures.set(operation, true)
      throw error
    }
  }

  async function call(input: string | URL, init: RequestInit = {}): Promise<Response> {
    const url = destination(input, init)
    const progress = { hasRenewed: false, hasSignedIn: false, stepUps: 0 }
    for (;;) {
      const sent = await send(url, init, await usable())
      if (!isReplayable(init.body)) return sent.response
      const { response } = sent
      const hasBetter = await waitFor(init.signal, () => mend(sent, url, init, progress)).catch(async (error) => {
        await response.body?.cancel()
        throw error
      })
      if (!hasBetter) return response
      await response.body?.cancel()
    }
  }

  async function signIn({ signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
    const url = destination(resource, {})
    const held = await usable()
    if (held.tokens !== undefined) return
    const init = { headers: { Accept: 'application/json, text/event-stream' }, signal: signal ?? null }
    const { response } = await send(url, init, held)
    await response.body?.cancel()
    await waitFor(signal, () => store.signIn(toRefusal(url, response.headers), closing.signal))
  }

  async function signOut(): Promise<LogoutOutcome> {
    return (await store.current())?.source.logout() ?? { revocation: 'nothing' }
  }

  async function close(): Promise<void> {
    closing.abort(new ClientCallError('ERR_CLIENT_CLOSED'))
  }

  const token = async () => (await usable()).tokens
  return Object.freeze(Object.assign(call, { signIn, token, signOut, close, [Symbol.asyncDispose]: close }))
}

function waitFor<T>(signal: AbortSignal | null | undefined, work: () => Promise<T>): Promise<T> {
  return signal === null || signal === undefined ? work() : untilAborted(signal, work)
}

function ignoreReauthentication(error: unknown): undefined {
  if (!(error instanceof ReauthenticationRequiredError)) throw error
}

/** Says nothing of what the user or the server wants: the same step-up may succeed at the next request. */
function isPassing(error: unknown): boolean {
  if (error instanceof TokenStoreError) return error.retryable
  return isOAuthClientError(error) && (error.retryable || error.code === 'ERR_ABORTED')
}

function withoutQuery(text: string): string {
  return text.split(/[?#]/)[0] as string
}

function misuse(detail: string): ClientCallError {
  return new ClientCallError('ERR_CLIENT_ARGUMENT', { message: `The request cannot be sent: ${detail}.` })
}
