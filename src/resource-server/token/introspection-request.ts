/** How an introspection endpoint is asked. Does NOT look into the answer, nor decide how much is asked: see introspection-gate.ts. */
import { InvalidTokenError } from '../../errors/index.js'
import type { Discovery } from '../../issuer/discovery.js'
import type { CredentialFields } from '../../issuer/endpoint-credential.js'
import { FetchFailure } from '../../kit/fetch/fetch-failure.js'
import { type FetchedAnswer, type GuardedFetchOptions, guardedFetch } from '../../kit/fetch/guarded-fetch.js'
import type { Surroundings } from '../../kit/surroundings.js'
import { withTimeLimit } from '../../kit/time-limit.js'
import { introspectionFailure } from './introspection-failure.js'
import type { Attempt } from './introspection-gate.js'
import type { IntrospectionSettings } from './introspection-options.js'

/** What introspection requests to one issuer are made of. */
export interface IntrospectionRequestSettings {
  readonly introspection: IntrospectionSettings
  readonly discovery: Discovery
  readonly surroundings: Surroundings
}

/** Media types of introspection answers: plain (RFC 7662 §2.2) and signed (RFC 9701 §4). */
export const introspectionMediaTypes = {
  plain: 'application/json',
  signed: 'application/token-introspection+jwt',
} as const

const maxBytes = 256 * 1024

/**
 * Makes the request of RFC 7662 §2.1: a POST form with the token, authenticated by the issuer's credential, which is
 * asked anew each time; or that of `tokenCheck`. The answer has status 200; nothing else about it is checked.
 *
 * @throws {@link InvalidTokenError} `ERR_TOKEN_INACTIVE` where the status of a `tokenCheck` says so.
 * @throws `UnavailableError` `ERR_INTROSPECTION_UNAVAILABLE` or `ERR_ISSUER_UNAVAILABLE`; a 401 is one too: it
 * speaks of our credentials, not of the token (RFC 7662 §2.3).
 */
export function createIntrospectionRequest(
  settings: IntrospectionRequestSettings,
): (token: string, attempt: Attempt) => Promise<FetchedAnswer> {
  const { introspection, discovery, surroundings } = settings
  const { issuer } = discovery
  const { fetch, insecureHosts } = surroundings
  const { credential, timeoutMs, tokenCheck } = introspection
  const accept = introspectionMediaTypes[introspection.signedResponse ? 'signed' : 'plain']
  const trustedHostnames = [issuer, introspection.endpoint ?? issuer].map((url) => new URL(url).hostname)

  const toForm = (token: string, { headers, form }: CredentialFields) => ({
    headers: { ...headers, accept, 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ ...form, token, token_type_hint: 'access_token' }).toString(),
  })

  async function findEndpoint(): Promise<string> {
    if (introspection.endpoint !== undefined) return introspection.endpoint
    const { introspection_endpoint: endpoint } = await discovery.metadata()
    if (endpoint === undefined) throw introspectionFailure('endpoint_missing')
    return endpoint
  }

  async function authenticate(endpoint: string): Promise<CredentialFields> {
    try {
      const { headers = {}, form = {} } = await withTimeLimit(timeoutMs, async () =>
        credential.authenticate({ issuer, endpoint }),
      )
      return { headers, form }
    } catch (cause) {
      throw introspectionFailure('credential_unavailable', { cause })
    }
  }

  return async (token, attempt) => {
    const endpoint = await findEndpoint()
    const credentialFields = await authenticate(endpoint)
    const answer = await sendAttempt(attempt, endpoint, {
      fetch,
      method: 'POST',
      ...(tokenCheck === undefined ? toForm(token, credentialFields) : tokenCheck.toRequest(token, credentialFields)),
      timeoutMs,
      maxBytes,
      insecureHosts,
      trustedHostnames,
    })
    if (answer.status === 200) return answer
    if (tokenCheck?.inactiveStatuses.includes(answer.status)) {
      throw new InvalidTokenError('ERR_TOKEN_INACTIVE', { expected: 'active', received: answer.status })
    }
    const reason = answer.status === 401 ? 'credential_refused' : 'status'
    throw introspectionFailure(reason, { expected: 200, received: answer.status })
  }
}

async function sendAttempt(attempt: Attempt, endpoint: string, options: GuardedFetchOptions): Promise<FetchedAnswer> {
  try {
    return await attempt(() => guardedFetch(endpoint, options))
  } catch (error) {
    throw error instanceof FetchFailure ? introspectionFailure(error.reason, { cause: error }) : error
  }
}
