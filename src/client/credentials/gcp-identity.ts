import type { Fetch } from '../../kit/fetch/fetch.js'
import { platformFetch } from '../../kit/fetch/platform-fetch.js'
import { readText } from '../../kit/fetch/read-text.js'
import { checkOptions, func, integer, type Rules, required, text } from '../../kit/options.js'
import { withTimeLimit } from '../../kit/time-limit.js'
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

const server = 'http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/identity'

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
  const url = `${server}?audience=${encodeURIComponent(audience)}&format=full`
  return async () => {
    try {
      return await withTimeLimit(timeoutMs, (signal) => ask(fetch, url, signal))
    } catch {
      throw new CredentialError('ERR_CREDENTIAL_UNAVAILABLE', {
        message: 'The metadata server of Google Cloud gave no identity token',
      })
    }
  }
}

async function ask(fetch: Fetch, url: string, signal: AbortSignal): Promise<string> {
  const headers = { 'metadata-flavor': 'Google' }
  const response = await fetch(url, { method: 'GET', headers, redirect: 'manual', signal })
  const text = await readText(response, 64 * 1024)
  if (response.status !== 200) throw new Error('unexpected status')
  return text.trim()
}
