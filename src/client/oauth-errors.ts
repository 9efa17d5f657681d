import { ownMember } from '../lib/json.js'
import type { ClientErrorCode } from './error-codes.js'
import type { Answer } from './guarded-response.js'

/** Error codes of RFC 6749 §5.2 and the specifications that extend it. Any other is `ERR_REFUSED`. */
const codes: ReadonlyMap<string, ClientErrorCode> = new Map<string, ClientErrorCode>([
  ['invalid_request', 'ERR_INVALID_REQUEST'],
  ['invalid_client', 'ERR_INVALID_CLIENT'],
  ['invalid_grant', 'ERR_INVALID_GRANT'],
  ['unauthorized_client', 'ERR_UNAUTHORIZED_CLIENT'],
  ['unsupported_grant_type', 'ERR_UNSUPPORTED_GRANT_TYPE'],
  ['invalid_scope', 'ERR_INVALID_SCOPE'],
  ['invalid_target', 'ERR_INVALID_TARGET'],
  ['invalid_token', 'ERR_INVALID_TOKEN'],
  ['unsupported_token_type', 'ERR_UNSUPPORTED_TOKEN_TYPE'],
  ['server_error', 'ERR_SERVER_FAILURE'],
  ['temporarily_unavailable', 'ERR_SERVER_FAILURE'],
  ['interaction_required', 'ERR_INTERACTION_REQUIRED'],
  ['login_required', 'ERR_INTERACTION_REQUIRED'],
  ['consent_required', 'ERR_INTERACTION_REQUIRED'],
  ['account_selection_required', 'ERR_INTERACTION_REQUIRED'],
  ['insufficient_user_authentication', 'ERR_INTERACTION_REQUIRED'],
  ['unmet_authentication_requirements', 'ERR_INTERACTION_REQUIRED'],
  ['invalid_redirect_uri', 'ERR_INVALID_REDIRECT_URI'],
  ['invalid_client_metadata', 'ERR_INVALID_CLIENT_METADATA'],
  ['invalid_software_statement', 'ERR_INVALID_SOFTWARE_STATEMENT'],
  ['unapproved_software_statement', 'ERR_UNAPPROVED_SOFTWARE_STATEMENT'],
  ['invalid_dpop_proof', 'ERR_DPOP_PROOF'],
  ['use_dpop_nonce', 'ERR_DPOP_NONCE'],
])

/** A protocol error in the body of an answer. */
export interface OAuthErrorBody {
  readonly code: ClientErrorCode
  readonly error: string
  readonly errorDescription: string | undefined
  readonly errorUri: string | undefined
}

/**
 * Reads a protocol error out of an answer, whatever its status: some servers report errors with 200. `undefined` when
 * there is none. The texts are the server's: not redacted yet.
 */
export function readOAuthError(answer: Answer | undefined): OAuthErrorBody | undefined {
  const error = text(answer, 'error')
  if (error === undefined || error === '') return undefined
  return {
    code: codes.get(error) ?? 'ERR_REFUSED',
    error,
    errorDescription: text(answer, 'error_description'),
    errorUri: text(answer, 'error_uri'),
  }
}

function text(answer: Answer | undefined, name: string): string | undefined {
  const value = answer?.json === undefined ? undefined : ownMember(answer.json, name)
  return typeof value === 'string' ? value : undefined
}
