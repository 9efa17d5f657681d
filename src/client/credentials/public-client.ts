import { checkOptions, flag, required, text } from '../../kit/options.js'
import type { ClientCredential } from './client-credential.js'

/**
 * A public client: it sends its identifier and no secret, the method `none` of RFC 7591 §2. Never the default: a client
 * without a credential has to say so. Grants that need a confidential client (client credentials, token exchange) refuse
 * it.
 *
 * @throws {@link ConfigurationError} without a `clientId`.
 * @group Credentials
 */
export function publicClient(options: { readonly clientId: string }): ClientCredential {
  checkOptions('publicClient', options, { clientId: required(text) })
  const { clientId } = options
  return { method: 'none', clientId, authenticate: () => ({ form: { client_id: clientId } }) }
}

/**
 * `tls_client_auth` or `self_signed_tls_client_auth` (RFC 8705 §2): the TLS connection authenticates. The certificate is
 * not handled here: give `createOAuthClient` a `fetch` that presents it. Endpoints are taken from
 * `mtls_endpoint_aliases` where the server publishes them.
 *
 * @group Credentials
 */
export function tlsClientAuth(options: {
  readonly clientId: string
  readonly selfSigned?: boolean | undefined
}): ClientCredential {
  checkOptions('tlsClientAuth', options, { clientId: required(text), selfSigned: flag })
  const { clientId, selfSigned = false } = options
  const method = selfSigned ? 'self_signed_tls_client_auth' : 'tls_client_auth'
  return { method, clientId, authenticate: () => ({ form: { client_id: clientId } }) }
}
