import type { ClientErrorCode } from '../../errors/index.js'
import { FetchFailure, type FetchFailureReason } from '../../kit/fetch/fetch-failure.js'
import { isTimeLimit } from '../../kit/time-limit.js'
import {
  ClientAuthenticationError,
  ClientCallError,
  ClientConfigurationError,
  type ClientErrorOptions,
  DpopError,
  HttpResponseError,
  isOAuthClientError,
  NetworkError,
  OAuthClientError,
  OAuthResponseError,
  RateLimitedError,
  RequestTimeoutError,
  ResponseError,
  TokenExchangeError,
} from '../errors.js'
import { createRedact, type Redact, redactedCause, secretsOf } from '../redaction.js'
import type { Answer, Attempt } from './attempt.js'
import { isQuota, isUnconnected, type OAuthErrorBody, readOAuthError, redactOAuthError } from './oauth-errors.js'

/** What is known of the call that failed. */
export interface FailedCall {
  /** What goes into the error unchanged. */
  readonly context: ClientErrorOptions
  /** The attempt, where one was made. */
  readonly attempt: Attempt | undefined
  /** Ends the call: the caller's own, its time limit included. */
  readonly signal?: AbortSignal | undefined
}

interface Failure extends FailedCall {
  /** The failure with the wrappers of `openid-client` taken off. */
  readonly error: unknown
  /** The `code` of an `openid-client` or `oauth4webapi` error. */
  readonly libraryCode: unknown
  readonly answer: Answer | undefined
  readonly refusal: OAuthErrorBody | undefined
}

interface Row {
  /** Names the row, for its test. */
  readonly name: string
  applies(failure: Failure): boolean
  toError(failure: Failure): OAuthClientError
}

const transportCodes: Readonly<Partial<Record<FetchFailureReason, ClientErrorCode>>> = {
  network: 'ERR_NETWORK',
  redirect: 'ERR_REDIRECT_REFUSED',
  insecure_url: 'ERR_INSECURE_URL',
  private_address: 'ERR_PRIVATE_ADDRESS',
}

const isNotConform = ({ libraryCode }: Failure) => libraryCode === 'OAUTH_RESPONSE_IS_NOT_CONFORM'

const is =
  (...codes: readonly string[]) =>
  ({ libraryCode }: Failure) =>
    codes.includes(libraryCode as string)

/**
 * The one table from what goes wrong underneath to the errors of this client. The first row that applies decides.
 *
 * @internal
 */
export const errorTable: readonly Row[] = [
  { name: 'own error', applies: ({ error }) => isOAuthClientError(error), toError: ownError },
  {
    name: 'aborted by the caller',
    applies: ({ signal }) => signal?.aborted === true && !isTimeLimit(signal),
    toError: ({ context }) => new OAuthClientError('ERR_ABORTED', context),
  },
  {
    name: 'timeout',
    applies: ({ error, libraryCode, signal }) =>
      (error instanceof FetchFailure && error.reason === 'timeout') ||
      signal?.aborted === true ||
      libraryCode === 'OAUTH_TIMEOUT' ||
      libraryCode === 'OAUTH_ABORT',
    toError: ({ context }) => new RequestTimeoutError('ERR_TIMEOUT', context),
  },
  {
    name: 'no connection, redirect, or a URL or host that is refused',
    applies: ({ error }) => error instanceof FetchFailure && error.reason in transportCodes,
    toError: (failure) => {
      const { reason } = failure.error as FetchFailure
      const about = withCause(failure)
      const { code } = about.cause as { readonly code?: unknown }
      if (reason === 'network' && isUnconnected(code)) return new NetworkError('ERR_CONNECTION', about)
      return new NetworkError(transportCodes[reason] as ClientErrorCode, about)
    },
  },
  {
    name: 'answer too large',
    applies: ({ error }) => error instanceof FetchFailure && error.reason === 'too_large',
    toError: ({ context }) => new ResponseError('ERR_RESPONSE_TOO_LARGE', context),
  },
  {
    name: 'used up quota',
    applies: ({ answer }) => answer?.status === 429 && isQuota(answer),
    toError: (failure) => new RateLimitedError('ERR_QUOTA_EXCEEDED', httpContext(failure)),
  },
  {
    name: '429',
    applies: ({ answer }) => answer?.status === 429,
    toError: (failure) => new RateLimitedError('ERR_RATE_LIMITED', httpContext(failure)),
  },
  {
    name: '503',
    applies: ({ answer }) => answer?.status === 503,
    toError: (failure) => new HttpResponseError('ERR_UNAVAILABLE', httpContext(failure)),
  },
  {
    name: '5xx',
    applies: ({ answer }) => answer !== undefined && answer.status >= 500,
    toError: (failure) => new HttpResponseError('ERR_SERVER_FAILURE', httpContext(failure)),
  },
  {
    name: 'DPoP refusal',
    applies: ({ refusal }) => refusal?.code === 'ERR_DPOP_PROOF' || refusal?.code === 'ERR_DPOP_NONCE',
    toError: ({ refusal, context }) => new DpopError((refusal as OAuthErrorBody).code, context),
  },
  {
    name: 'failed client authentication',
    applies: ({ refusal, answer }) =>
      refusal?.code === 'ERR_INVALID_CLIENT' || (refusal?.code === 'ERR_UNAUTHORIZED_CLIENT' && answer?.status === 401),
    toError: (failure) => new ClientAuthenticationError('ERR_INVALID_CLIENT', oauthContext(failure)),
  },
  {
    name: 'refused token exchange',
    applies: ({ refusal, context }) => refusal !== undefined && context.operation === 'exchangeToken',
    toError: (failure) => new TokenExchangeError((failure.refusal as OAuthErrorBody).code, oauthContext(failure)),
  },
  {
    name: 'protocol error in the body',
    applies: ({ refusal }) => refusal !== undefined,
    toError: (failure) => new OAuthResponseError((failure.refusal as OAuthErrorBody).code, oauthContext(failure)),
  },
  {
    name: '401 without a protocol error',
    applies: ({ answer }) => answer?.status === 401,
    toError: (failure) => {
      const byToken = ['readRegistration', 'updateRegistration', 'deleteRegistration', 'userInfo']
      const isToken = byToken.includes(String(failure.context.operation))
      return new HttpResponseError(isToken ? 'ERR_INVALID_TOKEN' : 'ERR_INVALID_CLIENT', httpContext(failure))
    },
  },
  {
    name: 'unexpected status',
    applies: (failure) =>
      (failure.answer?.status ?? 0) >= 400 || (failure.answer !== undefined && isNotConform(failure)),
    toError: (failure) => new HttpResponseError('ERR_HTTP_STATUS', httpContext(failure)),
  },
  {
    name: 'unknown token type',
    applies: ({ answer, libraryCode }) => answer !== undefined && libraryCode === 'OAUTH_UNSUPPORTED_OPERATION',
    toError: ({ context }) => new ResponseError('ERR_TOKEN_TYPE_UNUSABLE', context),
  },
  {
    name: 'unusable answer',
    applies: ({ error, answer }) => answer !== undefined || error instanceof FetchFailure,
    toError: (failure) => new ResponseError('ERR_RESPONSE_MALFORMED', withCause(failure)),
  },
  {
    name: 'missing endpoint',
    applies: is('OAUTH_MISSING_SERVER_METADATA', 'OAUTH_INVALID_SERVER_METADATA'),
    toError: ({ context }) => new ClientConfigurationError('ERR_ENDPOINT_MISSING', context),
  },
  {
    name: 'endpoint that is not https',
    applies: is('OAUTH_HTTP_REQUEST_FORBIDDEN', 'OAUTH_REQUEST_PROTOCOL_FORBIDDEN'),
    toError: ({ context }) => new NetworkError('ERR_INSECURE_URL', context),
  },
  {
    name: 'unusable argument',
    applies: is('ERR_INVALID_ARG_VALUE', 'ERR_INVALID_ARG_TYPE', 'OAUTH_UNSUPPORTED_OPERATION'),
    toError: (failure) => new ClientCallError('ERR_CLIENT_ARGUMENT', withCause(failure)),
  },
  {
    name: 'anything else',
    applies: () => true,
    toError: (failure) => new OAuthClientError('ERR_UNEXPECTED', withCause(failure)),
  },
]

/** Turns whatever a call failed with into an {@link OAuthClientError}. Never throws. */
export function mapError(thrown: unknown, call: FailedCall): OAuthClientError {
  const error = unwrap(thrown)
  const answer = call.attempt?.answer
  const failure: Failure = { ...call, error, libraryCode: codeOf(error), answer, refusal: readOAuthError(answer?.json) }
  return (errorTable.find((row) => row.applies(failure)) as Row).toError(failure)
}

/** `openid-client` wraps what it does not know; its own errors keep their own meaning. */
function unwrap(thrown: unknown): unknown {
  if (isOAuthClientError(thrown)) return thrown
  const cause = thrown instanceof Error ? thrown.cause : undefined
  return isOAuthClientError(cause) || cause instanceof FetchFailure ? cause : thrown
}

function codeOf(error: unknown): unknown {
  return (error as { readonly code?: unknown } | null | undefined)?.code
}

/** What a credential or a key says of itself knows no call: it is given the context here. */
function ownError({ error, context }: Failure): OAuthClientError {
  const own = error as OAuthClientError
  return own.operation === undefined ? OAuthClientError.forCall(own, context) : own
}

/** Made where something failed, and not for each request. */
function redactFor(attempt: Attempt | undefined): Redact {
  const { headers = {}, body = '' } = attempt?.sent ?? {}
  return createRedact(secretsOf(headers, body))
}

function withCause({ error, context, attempt }: Failure): ClientErrorOptions {
  return { ...context, cause: redactedCause(error, redactFor(attempt)) }
}

const toldHeaders: readonly string[] = ['content-type', 'retry-after', 'date', 'server', 'x-request-id', 'traceparent']

function httpContext({ context, answer, attempt }: Failure) {
  const { status, headers, retryAfterMs, text, mediaType } = answer as Answer
  const redact = redactFor(attempt)
  const told = toldHeaders.flatMap((name) => {
    const value = headers.get(name)
    return value === null ? [] : [[name, redact(value)]]
  })
  // An answer that looks like a success, or like data, may hold what was issued.
  const bodySnippet = status < 400 || mediaType.includes('json') ? '' : redact(text)
  return { ...context, status, retryAfterMs, bodySnippet, headers: Object.fromEntries(told) }
}

function oauthContext({ context, answer, attempt, refusal }: Failure) {
  const { status, retryAfterMs } = answer as Answer
  return {
    ...context,
    status,
    retryAfterMs,
    ...redactOAuthError(refusal as OAuthErrorBody, redactFor(attempt)),
  }
}
