import { type JsonObject, ownMember } from '../../lib/json.js'
import { type ClientErrorContext, ResponseError } from '../errors.js'
import { hideSecrets } from '../hidden.js'

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

const secretMembers: readonly string[] = ['client_secret', 'registration_access_token']

/**
 * Brings back a registration that was stored.
 *
 * @throws {@link ResponseError} `ERR_RESPONSE_MALFORMED` when `raw` is no registration.
 * @group Registration
 */
export function restoreRegistration(stored: { readonly issuer: string; readonly raw: JsonObject }): RegisteredClient {
  return toRegisteredClient(stored.issuer, stored.raw, { issuer: stored.issuer })
}

/** @throws {@link ResponseError} when a member has the wrong type. */
export function toRegisteredClient(issuer: string, raw: JsonObject, context: ClientErrorContext): RegisteredClient {
  const text = (name: string): string | undefined => member(raw, name, 'string', context) as string | undefined
  const number = (name: string): number | undefined => member(raw, name, 'number', context) as number | undefined
  const clientId = text('client_id')
  if (clientId === undefined || clientId === '') throw new ResponseError('ERR_RESPONSE_MALFORMED', context)
  const shown = {
    issuer,
    clientId,
    clientIdIssuedAt: number('client_id_issued_at'),
    clientSecretExpiresAt: number('client_secret_expires_at'),
    registrationClientUri: text('registration_client_uri'),
    metadata: Object.freeze(Object.fromEntries(Object.entries(raw).filter(([name]) => !secretMembers.includes(name)))),
  }
  return hideSecrets(shown, {
    clientSecret: text('client_secret'),
    registrationAccessToken: text('registration_access_token'),
    raw: Object.freeze({ ...raw }),
  })
}

function member(raw: JsonObject, name: string, type: 'string' | 'number', context: ClientErrorContext): unknown {
  const value = ownMember(raw, name)
  if (value === undefined || typeof value === type) return value
  throw new ResponseError('ERR_RESPONSE_MALFORMED', context)
}
