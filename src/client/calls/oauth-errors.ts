import type { ClientErrorCode } from '../../errors/index.js'
import { type JsonObject, ownMember } from '../../kit/json.js'
import { type StepUp, stepUpFrom } from '../challenges.js'
import type { Redact } from '../redaction.js'
import type { Answer } from './attempt.js'

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
  ['temporarily_unavailable', 'ERR_UNAVAILABLE'],
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

const challengeText = /^[\x20-\x21\x23-\x5B\x5D-\x7E]{1,1024}$/

/** A protocol error in the body of an answer. */
export interface OAuthErrorBody {
  readonly code: ClientErrorCode
  readonly error: string
  readonly errorDescription: string | undefined
  readonly errorUri: string | undefined
  /** What would do, where the user is needed. */
  readonly stepUp: StepUp | undefined
}

/**
 * Reads a protocol error out of an answer or a callback, whatever its status: some servers report errors with 200. `undefined` when
 * there is none. The texts are the server's: not redacted yet.
 */
export function readOAuthError(answer: JsonObject | undefined): OAuthErrorBody | undefined {
  const error = text(answer, 'error')
  if (error === undefined || error === '') return undefined
  const code = codes.get(error) ?? 'ERR_REFUSED'
  return {
    code,
    error,
    errorDescription: text(answer, 'error_description'),
    errorUri: text(answer, 'error_uri'),
    stepUp: code === 'ERR_INTERACTION_REQUIRED' ? stepUpFrom((name) => parameter(answer, name)) : undefined,
  }
}

/** The texts of a protocol error without what the request must not find again; of a step-up only what is public. */
export function redactOAuthError({ error, errorDescription, errorUri, stepUp }: OAuthErrorBody, redact: Redact) {
  const isPublic = (word: string) => redact(word) === word
  return {
    error: redact(error),
    errorDescription: errorDescription === undefined ? undefined : redact(errorDescription),
    errorUri: errorUri === undefined ? undefined : redact(errorUri),
    stepUp: stepUp && {
      ...stepUp,
      acrValues: stepUp.acrValues.filter(isPublic),
      scope: stepUp.scope.filter(isPublic),
    },
  }
}

function text(answer: JsonObject | undefined, name: string): string | undefined {
  const value = member(answer, name)
  return typeof value === 'string' ? value : undefined
}

/** A member that may go into a challenge: of moderate length, and of characters that RFC 6750 §3 allows in one. */
function parameter(answer: JsonObject | undefined, name: string): string | undefined {
  const value = member(answer, name)
  const given = typeof value === 'number' ? String(value) : value
  return typeof given === 'string' && challengeText.test(given) ? given : undefined
}

function member(answer: JsonObject | undefined, name: string): unknown {
  return answer === undefined ? undefined : ownMember(answer, name)
}

/** What Node says where no connection came about: name, address, TLS. */
const unconnected: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
])

/** Whether the code of a failed `fetch` says that no connection came about. */
export function isUnconnected(code: unknown): boolean {
  return unconnected.has(code)
}

/** Whether a 429 is about a quota: `quota_exceeded`, or the problem type of draft-ietf-httpapi-ratelimit-headers. */
export function isQuota({ json }: Answer): boolean {
  if (json === undefined) return false
  const type = ownMember(json, 'type')
  return ownMember(json, 'error') === 'quota_exceeded' || (typeof type === 'string' && type.endsWith('#quota-exceeded'))
}
