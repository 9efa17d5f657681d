/*
 * A client as a server registered it (RFC 7591 §3.2.1), how it is restored from a store, and the credential it stands
 * for.
 */
import { ConfigurationError } from '../../errors/index.js'
import { hideSecrets } from '../../kit/hidden.js'
import { type JsonObject, ownMember } from '../../kit/json.js'
import { checkOptions, choice, object, type Rules, required, takes, text } from '../../kit/options.js'
import type { ClientAuthMethod, ClientCredential } from '../credentials/client-credential.js'
import { publicClient, tlsClientAuth } from '../credentials/client-credential.js'
import { clientSecretBasic, clientSecretPost } from '../credentials/client-secret.js'
import { privateKeyJwt } from '../credentials/private-key-jwt.js'
import type { SigningKey } from '../credentials/signer.js'
import { type ClientErrorOptions, ResponseError } from '../errors.js'

/** Client metadata by its names in RFC 7591 §2. No member has a default here: only what you give is sent. @group Registration */
export interface ClientMetadata {
  readonly redirect_uris?: readonly string[] | undefined
  readonly token_endpoint_auth_method?: string | undefined
  readonly grant_types?: readonly string[] | undefined
  readonly response_types?: readonly string[] | undefined
  readonly client_name?: string | undefined
  readonly client_uri?: string | undefined
  readonly logo_uri?: string | undefined
  readonly scope?: string | undefined
  readonly contacts?: readonly string[] | undefined
  readonly tos_uri?: string | undefined
  readonly policy_uri?: string | undefined
  readonly jwks_uri?: string | undefined
  readonly jwks?: JsonObject | undefined
  readonly software_id?: string | undefined
  readonly software_version?: string | undefined
  readonly software_statement?: string | undefined
  /** `native` for loopback and custom-scheme redirect URIs; servers take an absent one for `web`. */
  readonly application_type?: 'web' | 'native' | undefined
  readonly dpop_bound_access_tokens?: boolean | undefined
  readonly require_pushed_authorization_requests?: boolean | undefined
  readonly [member: string]: unknown
}

/**
 * A client as the server registered it: its values win over the requested ones. Frozen. The secrets are readable as
 * members and show up neither in `util.inspect` nor in `JSON.stringify`; to keep a registration, store `issuer` and
 * `raw` (encrypted) and bring it back with {@link restoreRegistration}.
 *
 * @group Registration
 */
export interface RegisteredClient {
  /** The server it is good for, and no other. */
  readonly issuer: string
  readonly clientId: string
  /** Seconds since the Unix epoch. */
  readonly clientIdIssuedAt: number | undefined
  /** Seconds since the Unix epoch; 0 for never. */
  readonly clientSecretExpiresAt: number | undefined
  /** Where the registration is managed (RFC 7592). */
  readonly registrationClientUri: string | undefined
  /** What was registered, without secrets. */
  readonly metadata: JsonObject
  /** Hidden. */
  readonly clientSecret: string | undefined
  /** Hidden. */
  readonly registrationAccessToken: string | undefined
  /** The whole answer. Hidden. */
  readonly raw: JsonObject
}

const storedRules: Rules<StoredRegistration> = { issuer: required(text), raw: required(object) }
const secretMembers: readonly string[] = ['client_secret', 'registration_access_token']

/** What to keep of a {@link RegisteredClient}; a registered client is one. Holds secrets: encrypt it. @group Registration */
export interface StoredRegistration {
  readonly issuer: string
  /** The whole answer of the server. */
  readonly raw: JsonObject
}

/**
 * Brings back a registration that was stored.
 *
 * @throws `ConfigurationError` when `stored` has another shape.
 * @throws {@link ResponseError} `ERR_RESPONSE_MALFORMED` when `raw` is not a registration.
 * @group Registration
 */
export function restoreRegistration(stored: StoredRegistration): RegisteredClient {
  checkOptions('restoreRegistration', { issuer: stored?.issuer, raw: stored?.raw }, storedRules)
  return toRegisteredClient(stored.issuer, stored.raw, { issuer: stored.issuer })
}

/** @throws {@link ResponseError} when a member has the wrong type. */
export function toRegisteredClient(issuer: string, raw: JsonObject, context: ClientErrorOptions): RegisteredClient {
  const string = (name: string): string | undefined => member(raw, name, 'string', context) as string | undefined
  const number = (name: string): number | undefined => member(raw, name, 'number', context) as number | undefined
  const clientId = string('client_id')
  if (clientId === undefined || clientId === '') throw new ResponseError('ERR_RESPONSE_MALFORMED', context)
  const shown = {
    issuer,
    clientId,
    clientIdIssuedAt: number('client_id_issued_at'),
    clientSecretExpiresAt: number('client_secret_expires_at'),
    registrationClientUri: string('registration_client_uri'),
    metadata: Object.freeze(Object.fromEntries(Object.entries(raw).filter(([name]) => !secretMembers.includes(name)))),
  }
  return hideSecrets(shown, {
    clientSecret: string('client_secret'),
    registrationAccessToken: string('registration_access_token'),
    raw: Object.freeze({ ...raw }),
  })
}

function member(raw: JsonObject, name: string, type: 'string' | 'number', context: ClientErrorOptions): unknown {
  const value = ownMember(raw, name)
  if (value === undefined || typeof value === type) return value
  throw new ResponseError('ERR_RESPONSE_MALFORMED', context)
}

/** What {@link credentialOf} takes beside the registration. @group Credentials */
export interface CredentialOfOptions {
  /** The keys of `private_key_jwt`; see {@link privateKeyJwt}. */
  readonly keys?: readonly SigningKey[] | undefined
  /** The method to use where the registration names none. Default `client_secret_basic` (RFC 7591 §2). */
  readonly method?: ClientAuthMethod | undefined
}

const credentialRules: Rules<CredentialOfOptions> = {
  keys: takes(Array.isArray, 'an array of signing keys'),
  method: choice(
    'none',
    'client_secret_basic',
    'client_secret_post',
    'private_key_jwt',
    'tls_client_auth',
    'self_signed_tls_client_auth',
  ),
}

/**
 * The credential of a registered client, by its `token_endpoint_auth_method`: a secret in header or body, `none` for a
 * public client, TLS client authentication, or `private_key_jwt` with the keys you give. Does NOT look whether the secret
 * has expired: see `clientSecretExpiresAt`.
 *
 * @throws `ConfigurationError` for a method this library does not have, and where secret or keys are missing.
 * @group Credentials
 */
export function credentialOf(registered: RegisteredClient, options: CredentialOfOptions = {}): ClientCredential {
  checkOptions('credentialOf', options, credentialRules)
  const { clientId, clientSecret = '', metadata } = registered
  const method = metadata['token_endpoint_auth_method'] ?? options.method ?? 'client_secret_basic'
  if (method === 'none') return publicClient({ clientId })
  if (method === 'private_key_jwt') return privateKeyJwt({ clientId, keys: options.keys ?? [] })
  if (method === 'tls_client_auth') return tlsClientAuth({ clientId })
  if (method === 'self_signed_tls_client_auth') return tlsClientAuth({ clientId, selfSigned: true })
  if (method === 'client_secret_basic') return clientSecretBasic({ clientId, clientSecret })
  if (method === 'client_secret_post') return clientSecretPost({ clientId, clientSecret })
  throw new ConfigurationError('The registration names a `token_endpoint_auth_method` that this library does not have.')
}
