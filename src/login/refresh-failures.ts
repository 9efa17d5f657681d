/** What a failed refresh says of the refresh token, and of the session. */
import { type OAuthClientError, OAuthResponseError } from '../client/errors.js'
import type { ClientErrorCode } from '../errors/index.js'
import type { ReauthenticationReason } from './reauthentication-required-error.js'

/**
 * These say that the refresh token was not sent, or was refused and is as good as before. After any other failure nobody
 * knows whether it was spent.
 */
const unspent: ReadonlySet<ClientErrorCode> = new Set<ClientErrorCode>([
  'ERR_CLIENT_ARGUMENT',
  'ERR_CLIENT_CLOSED',
  'ERR_CREDENTIAL_UNAVAILABLE',
  'ERR_CREDENTIAL_EXPIRED',
  'ERR_CREDENTIAL_ISSUER',
  'ERR_ENDPOINT_MISSING',
  'ERR_CONNECTION',
  'ERR_INSECURE_URL',
  'ERR_PRIVATE_ADDRESS',
  'ERR_CIRCUIT_OPEN',
  'ERR_RATE_LIMITED',
  'ERR_QUOTA_EXCEEDED',
  'ERR_DISCOVERY_UNAVAILABLE',
  'ERR_DISCOVERY_INVALID',
  'ERR_DISCOVERY_ISSUER',
  'ERR_DPOP_PROOF',
  'ERR_DPOP_NONCE',
])

/** What ends the session of a user, by the code of the error. */
export const endings: ReadonlyMap<ClientErrorCode, ReauthenticationReason> = new Map<
  ClientErrorCode,
  ReauthenticationReason
>([
  ['ERR_INVALID_GRANT', 'invalid_grant'],
  ['ERR_ID_TOKEN_SUBJECT_CHANGED', 'subject_changed'],
])

/** Whether a refresh token may be spent although no answer came. */
export function maySpend(error: OAuthClientError): boolean {
  const isRefusal = error instanceof OAuthResponseError && error.status < 500
  return !isRefusal && !unspent.has(error.code)
}
