import type { Discovery } from '../../issuer/discovery.js'
import { FetchFailure } from '../../kit/fetch/fetch-failure.js'
import { type FetchedAnswer, type GuardedFetchOptions, guardedFetch } from '../../kit/fetch/guarded-fetch.js'
import type { Surroundings } from '../../kit/surroundings.js'
import { withTimeLimit } from '../../kit/time-limit.js'
import type { ResolvedIntrospection } from '../options/resolve-introspection.js'
import type { CredentialFields } from '../options/types.js'
import { introspectionFailure } from './introspection-failure.js'
import type { Attempt } from './introspection-gate.js'

/** What introspection requests to one issuer are made of. */
export interface IntrospectionRequestSettings {
  readonly introspection: ResolvedIntrospection
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
 * asked anew each time. The answer has status 200; nothing else about it is checked.
 *
 * @throws {@link UnavailableError} `ERR_INTROSPECTION_UNAVAILABLE` or `ERR_DISCOVERY_UNAVAILABLE`; a 401 is one too: it
 * speaks of our credentials, not of the token (RFC 7662 §2.3).
 */
export function createIntrospectionRequest(
  settings: IntrospectionRequestSettings,
): (token: string, attempt: Attempt) => Promise<FetchedAnswer> {
  const { introspection, discovery, surroundings } = settings
  const { issuer } = discovery
  const { fetch, insecureHosts } = surroundings
  const { credential, timeoutMs } = introspection
  const accept = introspectionMediaTypes[introspection.signedResponse ? 'signed' : 'plain']
  const trustedHostnames = [issuer, introspection.endpoint ?? issuer].map((url) => new URL(url).hostname)

  async function findEndpoint(): Promise<string> {
    if (introspection.endpoint !== undefined) return introspection.endpoint
    const { introspection_endpoint: endpoint } = await discovery.metadata()
    if (endpoint === undefined) throw introspectionFailure('the metadata has no introspection_endpoint')
    return endpoint
  }

  async function authenticate(endpoint: string): Promise<CredentialFields> {
    try {
      const { headers = {}, form = {} } = await withTimeLimit(timeoutMs, async () =>
        credential.authenticate({ issuer, endpoint }),
      )
      return { headers, form }
    } catch (cause) {
      throw introspectionFailure('the credential cannot be had', cause)
    }
  }

  return async (token, attempt) => {
    const endpoint = await findEndpoint()
    const { headers, form } = await authenticate(endpoint)
    const answer = await send(attempt, endpoint, {
      fetch,
      method: 'POST',
      headers: { ...headers, accept, 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ ...form, token, token_type_hint: 'access_token' }).toString(),
      timeoutMs,
      maxBytes,
      allowInsecureLoopback: insecureHosts,
      trustedHostnames,
    })
    if (answer.status === 200) return answer
    throw introspectionFailure(answer.status === 401 ? 'our credentials were refused' : `status ${answer.status}`)
  }
}

async function send(attempt: Attempt, endpoint: string, options: GuardedFetchOptions): Promise<FetchedAnswer> {
  try {
    return await attempt(() => guardedFetch(endpoint, options))
  } catch (error) {
    throw error instanceof FetchFailure ? introspectionFailure(error.reason, error) : error
  }
}
