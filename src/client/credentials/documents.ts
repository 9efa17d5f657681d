/*
 * Documents a client publishes about itself: its JWK Set, and its metadata (CIMD). Never a private key or secret.
 */
import type { JWK } from 'jose'
import { ConfigurationError } from '../../errors/index.js'
import type { HttpAnswer } from '../../http/http-answer.js'
import { isJsonObject, type JsonObject } from '../../kit/json.js'
import {
  checkOptions,
  choice,
  func,
  integer,
  object,
  type Rules,
  required,
  takes,
  text,
  texts,
} from '../../kit/options.js'
import type { PrivateKeyJwtCredential } from './private-key-jwt.js'

/** A public document, and the answer that serves it. @group Credentials */
export interface PublicDocument {
  readonly document: JsonObject
  readonly answer: HttpAnswer
}

const maxAgeSeconds = integer(0, 31_536_000)
const privateMembers: readonly string[] = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

/**
 * The JWK Set of a {@link privateKeyJwt} credential, to serve at the `jwks_uri` of this client: all its public keys, so
 * that a server that knows it follows a rotation by itself.
 *
 * @throws `ConfigurationError` when no key has a public JWK, or one holds a private member.
 * @group Credentials
 */
export function jwksDocument(
  credential: Pick<PrivateKeyJwtCredential, 'publicJwks'>,
  options: { readonly maxAgeSeconds?: number | undefined } = {},
): PublicDocument {
  checkOptions('jwksDocument', options, { maxAgeSeconds })
  checkOptions('jwksDocument', { publicJwks: credential?.publicJwks }, { publicJwks: required(func) })
  const keys = credential.publicJwks()
  if (keys.length === 0)
    throw new ConfigurationError('No key of this credential has a public JWK: give `publicJwk` with the key.')
  refusePrivateKeys(keys)
  return serve({ keys }, 'application/jwk-set+json', options.maxAgeSeconds ?? 300)
}

/** What a client-metadata document says. Further members of RFC 7591 §2 go in `metadata`. @group Credentials */
export interface ClientMetadataDocumentOptions {
  /** The https URL the document is served at: it is the `client_id`, character by character. */
  readonly clientId: string
  readonly clientName: string
  readonly redirectUris: readonly string[]
  /** Default `['authorization_code', 'refresh_token']`. */
  readonly grantTypes?: readonly string[] | undefined
  /** Default `['code']`. */
  readonly responseTypes?: readonly string[] | undefined
  /** Default `none`; with it, no key. `private_key_jwt` needs `jwksUri` or `jwks`. */
  readonly tokenEndpointAuthMethod?: 'none' | 'private_key_jwt' | undefined
  readonly jwksUri?: string | undefined
  readonly jwks?: readonly JWK[] | undefined
  readonly metadata?: JsonObject | undefined
  /** Default 3600. */
  readonly maxAgeSeconds?: number | undefined
}

/** Each option of {@link clientMetadataDocument} with its check. */
export const documentRules: Rules<ClientMetadataDocumentOptions> = {
  clientId: required(text),
  clientName: required(text),
  redirectUris: required(texts),
  grantTypes: texts,
  responseTypes: texts,
  tokenEndpointAuthMethod: choice('none', 'private_key_jwt'),
  jwksUri: text,
  jwks: takes((value) => Array.isArray(value) && value.every(isJsonObject), 'an array of JWKs'),
  metadata: object,
  maxAgeSeconds,
}

/**
 * A client-metadata document (CIMD): who this client is, served at the URL that is its `client_id`, so that it needs no
 * registration. Use it at servers whose metadata says so: {@link acceptsClientMetadataDocument}.
 *
 * @throws `ConfigurationError` for an unusable URL, a secret or private key, contradicting key members, or
 * more than 5 KB.
 * @group Credentials
 */
export function clientMetadataDocument(options: ClientMetadataDocumentOptions): PublicDocument {
  checkOptions('clientMetadataDocument', options, documentRules)
  checkClientIdUrl(options.clientId)
  const { tokenEndpointAuthMethod: method = 'none', jwksUri, jwks, metadata = {} } = options
  const keyed = Number(jwksUri !== undefined) + Number(jwks !== undefined)
  if (keyed !== (method === 'none' ? 0 : 1)) {
    throw new ConfigurationError('`private_key_jwt` takes exactly one of `jwksUri` and `jwks`; `none` takes neither.')
  }
  refuseSecrets(metadata)
  refusePrivateKeys(jwks ?? [])
  const document = {
    ...metadata,
    client_id: options.clientId,
    client_name: options.clientName,
    redirect_uris: options.redirectUris,
    grant_types: options.grantTypes ?? ['authorization_code', 'refresh_token'],
    response_types: options.responseTypes ?? ['code'],
    token_endpoint_auth_method: method,
    ...(jwksUri === undefined ? {} : { jwks_uri: jwksUri }),
    ...(jwks === undefined ? {} : { jwks: { keys: jwks } }),
  }
  const served = serve(document, 'application/json', options.maxAgeSeconds ?? 3600)
  if (new TextEncoder().encode(served.answer.body).length <= 5120) return served
  throw new ConfigurationError(
    'A client-metadata document must not be larger than 5 KB: publish keys through `jwksUri`.',
  )
}

/** Whether a server takes client-metadata documents (CIMD §6). @group Credentials */
export function acceptsClientMetadataDocument(metadata: { readonly [member: string]: unknown }): boolean {
  return metadata['client_id_metadata_document_supported'] === true
}

/** CIMD §3: https, a path that is more than `/`, no user information, fragment, query or dot segments. */
function checkClientIdUrl(clientId: string): void {
  const url = URL.canParse(clientId) ? new URL(clientId) : undefined
  const plain = /^https:\/\/[^/@?#]+\/[^?#]+$/.test(clientId) && !/\/(\.|%2e){1,2}(\/|$)/i.test(clientId)
  if (url === undefined || !plain) {
    throw new ConfigurationError(
      '`clientId` takes an https URL with a path, without user information, query, fragment and dot segments.',
    )
  }
}

function refuseSecrets(metadata: JsonObject): void {
  if (['client_secret', 'client_secret_expires_at', 'jwks', 'jwks_uri'].some((member) => member in metadata)) {
    throw new ConfigurationError(
      '`metadata` must hold no client secret; keys go in `jwks` or `jwksUri` of the options.',
    )
  }
}

function refusePrivateKeys(keys: readonly JWK[]): void {
  if (keys.some((key) => privateMembers.some((member) => member in key))) {
    throw new ConfigurationError('A public document must hold no private or symmetric key.')
  }
}

function serve(document: JsonObject, contentType: string, maxAgeSeconds: number): PublicDocument {
  const headers = { 'Content-Type': contentType, 'Cache-Control': `public, max-age=${maxAgeSeconds}` }
  return { document, answer: { status: 200, headers, body: JSON.stringify(document) } }
}
