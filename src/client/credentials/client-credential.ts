/*
 * What a credential is, and those that hold no secret: of a public client, of a client certificate, and one per issuer.
 */
import { ConfigurationError } from '../../errors/index.js'
import type { CredentialFields, IntrospectionCredential } from '../../issuer/endpoint-credential.js'
import { isJsonObject } from '../../kit/json.js'
import { checkOptions, flag, required, text } from '../../kit/options.js'
import { CredentialError } from '../errors.js'

export type { CredentialFields } from '../../issuer/endpoint-credential.js'

/** Ways a client authenticates, by the names of the IANA registry (RFC 7591 §2, RFC 8705 §2). @group Credentials */
export type ClientAuthMethod =
  | 'none'
  | 'client_secret_basic'
  | 'client_secret_post'
  | 'private_key_jwt'
  | 'tls_client_auth'
  | 'self_signed_tls_client_auth'

/** Where an authenticated request goes. @group Credentials */
export interface CredentialTarget {
  readonly issuer: string
  readonly endpoint: string
  /** The token endpoint, where it is known. */
  readonly tokenEndpoint?: string | undefined
  /** `token_endpoint_auth_signing_alg_values_supported` of the issuer, where it publishes them; for `private_key_jwt`. */
  readonly signingAlgorithms?: readonly string[] | undefined
}

/**
 * How this process authenticates to authorization servers. The one credential interface of the library: it serves
 * `createOAuthClient`, grants, and as `IntrospectionOptions.credential`. Asked anew for every attempt of every request,
 * so that nothing stale is sent. To bring your own, implement `authenticate`.
 *
 * @group Credentials
 */
export interface ClientCredential extends IntrospectionCredential {
  readonly method: ClientAuthMethod
  /** The client identifier it stands for; `undefined` where only the assertion tells. */
  readonly clientId: string | undefined
  /**
   * Header fields or form parameters to add to one request.
   *
   * @throws {@link CredentialError} when the credential cannot be had: the request is then not sent.
   */
  authenticate(target: CredentialTarget): CredentialFields | Promise<CredentialFields>
}

/** Different credentials for different issuers; see {@link perIssuer}. @group Credentials */
export interface IssuerCredentials extends IntrospectionCredential {
  /** The issuers there are credentials for. */
  issuers(): readonly string[]
  /** Whether there is a credential for `issuer`, compared byte for byte. */
  has(issuer: string): boolean
  /** @throws {@link CredentialError} `ERR_CREDENTIAL_ISSUER` for any other issuer. */
  for(issuer: string): ClientCredential
}

/**
 * One credential per authorization server, keyed by issuer identifier, compared code point by code point. An issuer
 * that is not listed gets nothing: the call fails before anything is sent.
 *
 * @throws `ConfigurationError` for an empty map, a key that is not a URL, and a value that is not a credential.
 * @group Credentials
 */
export function perIssuer(credentials: Readonly<Record<string, ClientCredential>>): IssuerCredentials {
  const byIssuer = new Map(isJsonObject(credentials) ? Object.entries(credentials) : [])
  const isRight = ([issuer, credential]: readonly [string, unknown]): boolean =>
    URL.canParse(issuer) && isJsonObject(credential) && typeof credential['authenticate'] === 'function'
  if (byIssuer.size === 0 || ![...byIssuer].every(isRight)) {
    throw new ConfigurationError('`perIssuer` takes an object with one credential per issuer identifier.')
  }
  const find = (issuer: string): ClientCredential => {
    const credential = byIssuer.get(issuer)
    if (credential === undefined) throw new CredentialError('ERR_CREDENTIAL_ISSUER', { issuer })
    return credential
  }
  return {
    issuers: () => [...byIssuer.keys()],
    has: (issuer) => byIssuer.has(issuer),
    for: find,
    authenticate: (target) => find(target.issuer).authenticate(target),
  }
}

/** The form parameters of an assertion (RFC 7523 §2.2). */
export function assertionFields(assertion: string, clientId: string | undefined): CredentialFields {
  const form = {
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: assertion,
  }
  return { form: clientId === undefined ? form : { ...form, client_id: clientId } }
}

/**
 * A public client: it sends its identifier and no secret, the method `none` of RFC 7591 §2. Never the default: a client
 * without a credential has to say so. Grants that need a confidential client (client credentials, token exchange) refuse
 * it.
 *
 * @throws `ConfigurationError` without a `clientId`.
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
