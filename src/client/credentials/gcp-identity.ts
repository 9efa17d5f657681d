import { guardedFetch } from '../../kit/fetch/guarded-fetch.js'
import { type Fetch, platformFetch } from '../../kit/fetch/platform-fetch.js'
import { checkOptions, func, integer, type Rules, required, text } from '../../kit/options.js'
import { CredentialError } from '../errors.js'

/** @group Credentials */
export interface GcpIdentityOptions {
  /** The `aud` the assertion is to carry: what your authorization server expects. */
  readonly audience: string
  /** Default: the platform's `fetch`. */
  readonly fetch?: Fetch | undefined
  /** Default 3000. */
  readonly timeoutMs?: number | undefined
}

const host = 'metadata.google.internal'
const path = '/computeMetadata/v1/instance/service-accounts/default/identity'

const rules: Rules<GcpIdentityOptions> = { audience: required(text), fetch: func, timeoutMs: integer(1) }

/**
 * A source for {@link federatedAssertion}: the identity token of the machine's service account, from the metadata server
 * of Google Cloud. That server speaks http on the machine's own link only, which is why this one call is not https.
 *
 * @group Credentials
 */
export function gcpIdentity(options: GcpIdentityOptions): () => Promise<string> {
  checkOptions('gcpIdentity', options, rules)
  const { audience, fetch = platformFetch, timeoutMs = 3000 } = options
  const url = `http://${host}${path}?audience=${encodeURIComponent(audience)}&format=full`
  const request = {
    fetch,
    headers: { 'metadata-flavor': 'Google' },
    timeoutMs,
    maxBytes: 64 * 1024,
    allowInsecureLoopback: new Set([host]),
    trustedHostnames: [host],
  }
  return async () => {
    const answer = await guardedFetch(url, request).catch(() => undefined)
    if (answer?.status === 200) return answer.text.trim()
    throw new CredentialError('ERR_CREDENTIAL_UNAVAILABLE', {
      message: 'The metadata server of Google Cloud gave no identity token',
    })
  }
}
