import { isOAuthClientError, type OAuthResponseError } from '../client/errors.js'
import type { ClientErrorCode } from '../errors/index.js'
import {
  type AuthError,
  type AuthErrorCode,
  InternalError,
  InvalidTokenError,
  isAuthError,
  ResourceAccessError,
  type StepUpDemand,
  StepUpRequiredError,
} from '../errors/index.js'
import { FetchFailure } from '../kit/fetch/fetch-failure.js'

/** A token that came back from an exchange and is not what was asked for. Says which check failed, and nothing more. */
export class UnusableTokenError extends Error {}

/**
 * Answers a refused exchange in the application's own way; `undefined` leaves it at the default. `refusal.reason` is the
 * `error` the authorization server gave.
 *
 * @group Grants
 */
export type MapRefusal = (refusal: ResourceAccessError) => AuthError | undefined

/** What a failed exchange means: `docs/delegation.md` has the table. */
type Kind =
  /** It could not be asked, or asks to come back later. */
  | 'unavailable'
  /** The caller's token or session is over: signing in again helps. */
  | 'session'
  /** The caller must authenticate again, in the way the server says. */
  | 'stepUp'
  /** This caller may not reach that service. */
  | 'denied'
  /** No token for that service, or none that can be used. */
  | 'refused'
  /** Somebody must change the configuration of this service. */
  | 'configuration'

/** What a code of the client means; `refused` where it is not listed. Retryable ones are `unavailable`. */
const kinds: Readonly<Partial<Record<ClientErrorCode, Kind>>> = {
  ERR_INVALID_GRANT: 'session',
  ERR_INVALID_TOKEN: 'session',
  ERR_INTERACTION_REQUIRED: 'stepUp',
  ERR_INVALID_CLIENT: 'configuration',
  ERR_UNSUPPORTED_GRANT_TYPE: 'configuration',
  ERR_UNSUPPORTED_TOKEN_TYPE: 'configuration',
  ERR_DPOP_PROOF: 'configuration',
  ERR_CLIENT_ARGUMENT: 'configuration',
  ERR_CREDENTIAL_ISSUER: 'configuration',
  ERR_ENDPOINT_MISSING: 'configuration',
  ERR_INSECURE_URL: 'configuration',
  ERR_PRIVATE_ADDRESS: 'configuration',
  ERR_DISCOVERY_ISSUER: 'configuration',
  ERR_CREDENTIAL_UNAVAILABLE: 'unavailable',
  ERR_CREDENTIAL_EXPIRED: 'unavailable',
  ERR_CLIENT_CLOSED: 'unavailable',
  ERR_ABORTED: 'unavailable',
}

const codes = {
  unavailable: 'ERR_GRANT_UNAVAILABLE',
  session: 'ERR_TOKEN_REFUSED',
  stepUp: 'ERR_STEP_UP_REQUIRED',
  denied: 'ERR_GRANT_DENIED',
  refused: 'ERR_GRANT_REFUSED',
  configuration: 'ERR_GRANT_CONFIGURATION',
} as const satisfies Record<Kind, AuthErrorCode>

const defaultRetryAfterMs = 5000

/** A failed exchange, as an event tells of it: what it means, and the server's own words, redacted by the client. */
export interface GrantFailure {
  readonly code: AuthErrorCode
  /** Whether the server said no, or issued what was not asked for: asking again will not help. */
  readonly refused: boolean
  readonly detail: string | undefined
  readonly error: string | undefined
  readonly errorDescription: string | undefined
}

/** See {@link GrantFailure}. */
export function describeFailure(thrown: unknown): GrantFailure {
  const { error, errorDescription } = serverWords(thrown)
  return { code: codes[kindOf(thrown)], refused: isRefusal(thrown), detail: detailOf(thrown), error, errorDescription }
}

/** What a failed exchange means for the request at hand: the error that is answered. */
export function toGrantError(resource: string, thrown: unknown, mapRefusal: MapRefusal | undefined): AuthError {
  const kind = kindOf(thrown)
  const refusal = accessError(resource, thrown, kind)
  const mapped = isRefusal(thrown) && mapRefusal ? askMapRefusal(mapRefusal, refusal) : undefined
  if (mapped !== undefined) return mapped
  if (kind === 'session') return new InvalidTokenError(codes.session, { cause: refusal, detail: refusal.detail })
  return kind === 'stepUp' ? new StepUpRequiredError(demandOf(thrown), { cause: refusal }) : refusal
}

function askMapRefusal(mapRefusal: MapRefusal, refusal: ResourceAccessError): AuthError | undefined {
  try {
    const mapped: unknown = mapRefusal(refusal)
    if (mapped === undefined || isAuthError(mapped)) return mapped
    if (mapped instanceof Promise) mapped.catch(() => undefined)
    throw new TypeError('`mapRefusal` must return an AuthError or undefined, and no promise.')
  } catch (thrown) {
    return new InternalError(thrown, 'mapRefusal')
  }
}

/**
 * What it means that the token of the actor could not be had. Whatever a server said about that token says nothing about
 * the caller's, so that it is never answered by 401.
 */
export function toActorError(resource: string, thrown: unknown): AuthError {
  const isClients = isOAuthClientError(thrown) || thrown instanceof FetchFailure
  if (!isClients) return new InternalError(thrown, 'actor')
  return accessError(resource, thrown, kindOf(thrown) === 'unavailable' ? 'unavailable' : 'configuration')
}

function accessError(resource: string, thrown: unknown, kind: Kind): ResourceAccessError {
  const about = { cause: thrown, detail: detailOf(thrown), reason: serverWords(thrown).error }
  if (kind !== 'unavailable') {
    return new ResourceAccessError(
      resource,
      kind === 'session' || kind === 'stepUp' ? codes.refused : codes[kind],
      about,
    )
  }
  const waitMs = (isOAuthClientError(thrown) ? thrown.retryAfterMs : undefined) ?? defaultRetryAfterMs
  return new ResourceAccessError(resource, codes.unavailable, {
    ...about,
    retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)),
  })
}

/** Whether the answer is worth remembering. A client whose own authentication is refused counts too. */
function isRefusal(thrown: unknown): boolean {
  if (thrown instanceof UnusableTokenError) return true
  if (!isOAuthClientError(thrown) || thrown.retryable) return false
  return thrown.category === 'auth' || thrown.category === 'dpop' || serverWords(thrown).error !== undefined
}

function kindOf(thrown: unknown): Kind {
  if (thrown instanceof UnusableTokenError) return 'refused'
  if (!isOAuthClientError(thrown) || thrown.retryable) return 'unavailable'
  const { error, errorDescription } = serverWords(thrown)
  if (error === 'access_denied') return 'denied'
  if (error === 'invalid_request' && blamesSubject(errorDescription)) return 'session'
  return kinds[thrown.code] ?? 'refused'
}

const subject = /token|assertion|session/i
const over = /invalid|expired|revoked|inactive|not active|not valid|not found|unknown|fail/i
const anythingElse = /actor|type|client|audience|resource|scope|parameter|missing|required|support/i

/**
 * RFC 8693 §2.2.2 has servers say `invalid_request` of a subject token that is not good, and of a request that is wrong.
 * Their description is all that tells one from the other; where it leaves a doubt, the caller is not sent to sign in.
 */
function blamesSubject(description = ''): boolean {
  return subject.test(description) && over.test(description) && !anythingElse.test(description)
}

type ServerWords = Partial<Pick<OAuthResponseError, 'error' | 'errorDescription' | 'stepUp'>>

/** What the server said in a protocol error (RFC 6749 §5.2). */
function serverWords(thrown: unknown): ServerWords {
  return isOAuthClientError(thrown) && 'error' in thrown ? (thrown as ServerWords) : {}
}

function detailOf(thrown: unknown): string | undefined {
  if (thrown instanceof UnusableTokenError) return thrown.message
  if (thrown instanceof FetchFailure) return thrown.reason
  return isOAuthClientError(thrown) ? thrown.code : undefined
}

/** What the authorization server says would do, where it says so. */
function demandOf(thrown: unknown): StepUpDemand {
  const { stepUp } = serverWords(thrown)
  return stepUp === undefined ? {} : { ...stepUp, scope: stepUp.scope.join(' ') || undefined }
}
