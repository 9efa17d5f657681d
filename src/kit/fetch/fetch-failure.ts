/** Why an answer could not be had, or could not be used. @group Events */
export type FetchFailureReason =
  | 'insecure_url'
  | 'private_address'
  | 'network'
  | 'timeout'
  | 'redirect'
  | 'too_large'
  | 'not_utf8'
  | 'status'
  | 'media_type'
  | 'malformed'
  | 'issuer_mismatch'
  | 'jwks_uri_missing'
  | 'no_usable_key'

const messages: Readonly<Record<FetchFailureReason, string>> = {
  insecure_url: 'The URL is not an https URL without user information',
  private_address: 'A host named by a fetched document is not on the public internet',
  network: 'No connection, or it broke',
  timeout: 'The answer was not complete in time',
  redirect: 'The answer is a redirect, and none is followed',
  too_large: 'The answer is too large',
  not_utf8: 'The answer is not UTF-8 text',
  status: 'The answer has an unexpected status',
  media_type: 'The answer has an unexpected media type',
  malformed: 'The answer is malformed',
  issuer_mismatch: 'The metadata names another issuer',
  jwks_uri_missing: 'The metadata has no jwks_uri over https',
  no_usable_key: 'The key set has no usable key',
}

/** Whether a text is one of these reasons. */
export function isFetchFailureReason(text: string | undefined): text is FetchFailureReason {
  return text !== undefined && Object.hasOwn(messages, text)
}

/**
 * An outgoing call that brought nothing usable. Internal: callers turn it into an `UnavailableError`. Its message is a
 * fixed text; what was sent or received is never in it.
 */
export class FetchFailure extends Error {
  readonly reason: FetchFailureReason
  /** How long the server asked to be left alone, in milliseconds. */
  readonly retryAfterMs: number | undefined

  constructor(reason: FetchFailureReason, cause?: unknown, retryAfterMs?: number) {
    super(messages[reason], cause === undefined ? undefined : { cause })
    this.reason = reason
    this.retryAfterMs = retryAfterMs
  }

  override get name(): string {
    return 'FetchFailure'
  }
}
