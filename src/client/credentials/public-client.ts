import { requireText } from './checks.js'
import type { ClientCredential } from './contract.js'

/**
 * `none`: a public client, which only names itself. Never the default: a client without credential has to say so.
 * Grants that need a confidential client (client credentials, token exchange) refuse it.
 *
 * @group Credentials
 */
export function none({ clientId }: { readonly clientId: string }): ClientCredential {
  requireText('clientId', clientId)
  return { method: 'none', clientId, authenticate: () => ({ form: { client_id: clientId } }) }
}

/**
 * `tls_client_auth` or `self_signed_tls_client_auth` (RFC 8705 §2): the TLS connection authenticates. The certificate is
 * not handled here: give `createOAuthClient` a `fetch` that presents it. Endpoints are taken from
 * `mtls_endpoint_aliases` where the server publishes them.
 *
 * @group Credentials
 */
export function tlsClientAuth({
  clientId,
  selfSigned = false,
}: {
  readonly clientId: string
  readonly selfSigned?: boolean | undefined
}): ClientCredential {
  requireText('clientId', clientId)
  const method = selfSigned ? 'self_signed_tls_client_auth' : 'tls_client_auth'
  return { method, clientId, authenticate: () => ({ form: { client_id: clientId } }) }
}
