/** Logout tokens an issuer sends (OpenID Connect Back-Channel Logout). Does NOT end a session of the application. */
import { sha256Base64url } from '#crypto'
import {
  type AuthError,
  ConfigurationError,
  copyError,
  InternalError,
  InvalidTokenError,
  isAuthError,
  UnavailableError,
} from '../../errors/index.js'
import type { HttpAnswer } from '../../http/http-answer.js'
import type { RequestFacts } from '../../http/request-facts.js'
import { type CompactJws, readCompactJws } from '../../jws/compact-jws.js'
import { emit } from '../../kit/event-sink.js'
import { failureCode } from '../../kit/failure-code.js'
import { isJsonObject, isStringArray, type JsonObject, ownMember } from '../../kit/json.js'
import type { Surroundings } from '../../kit/surroundings.js'
import { inTime } from '../../kit/time-limit.js'
import type { ReplayStore } from '../../stores/contract.js'
import { invalidClaim, missingClaim, numericDate, textClaim } from '../token/read-claims.js'
import { isForm } from '../token/read-credentials.js'
import { checkTokenSize, type Issuer, type IssuerRegistry } from '../token/token-verifier.js'
import { type JwtSettings, readJoseHeader, verifySignature } from '../token/verify-jwt.js'
import type { RevocationList } from './revocation.js'

/** What back-channel logout is made of. */
export interface BackchannelLogoutSettings {
  readonly issuers: IssuerRegistry
  readonly revocations: RevocationList
  readonly replayStore: ReplayStore
  readonly surroundings: Surroundings
}

const longestReservationMs = 86_400_000

/**
 * Makes the endpoint that authorization servers call when a session ends (OpenID Connect Back-Channel Logout 1.0): a
 * verified logout token revokes the tokens of its session or subject issued until then. 200, 400 for a bad token, 405 for
 * another method than POST, 503 where a store or the issuer's keys fail. Rejects with a fault of the application alone,
 * status 500 with its `cause`: a form that nothing parsed, a bug.
 */
export function createBackchannelLogout(
  parts: BackchannelLogoutSettings,
): (request: RequestFacts) => Promise<HttpAnswer> {
  const { issuers, revocations } = parts
  const { clock, onEvent } = parts.surroundings

  async function accept(request: RequestFacts): Promise<void> {
    const jws = readCompactJws(readToken(request))
    const iss = jws && ownMember(jws.payload, 'iss')
    const issuer = typeof iss === 'string' ? await issuers.find(iss) : undefined
    if (jws === undefined || issuer === undefined) throw new InvalidTokenError('ERR_TOKEN_ISSUER')
    const { logoutAudiences, optionalLogoutClaims } = issuer.settings
    if (logoutAudiences.length === 0) throw new InvalidTokenError('ERR_TOKEN_AUDIENCE', { detail: 'no logoutAudience' })
    const rules = { ...issuer, audiences: logoutAudiences, expMayLack: optionalLogoutClaims.includes('exp') }
    const token = await verifyLogoutToken(jws, rules, clock())
    await revoke(issuer, token)
    emit(onEvent, { type: 'logout.accepted', issuer: issuer.issuer })
  }

  /**
   * Revoking comes first: doing it twice changes nothing, while a token used up before its revocation was stored could
   * not be sent again after a failure.
   */
  async function revoke({ issuer }: Issuer, { jti, sub, sid, issuedAt, validUntilMs }: LogoutToken): Promise<void> {
    await revocations.revoke({ issuer, sub, sid, atSeconds: issuedAt })
    const key = await sha256Base64url(JSON.stringify(['logout', issuer, jti]))
    const owner = await sha256Base64url(JSON.stringify(['logout of', issuer, sub ?? null]))
    if (await reserve(parts, key, Math.min(validUntilMs - clock(), longestReservationMs), owner)) return
    throw new InvalidTokenError('ERR_TOKEN_CLAIM_INVALID', { detail: 'jti was used before' })
  }

  return async (request) => {
    if (request.method !== 'POST') return { status: 405, headers: { ...noStore, Allow: 'POST' }, body: '' }
    try {
      await accept(request)
      return { status: 200, headers: noStore, body: '' }
    } catch (thrown) {
      const error = isAuthError(thrown) ? copyError(thrown) : new InternalError(thrown)
      emit(onEvent, { type: 'logout.refused', code: error.code, detail: error.detail })
      if (error.status !== 500) return refusal(error)
      const errorName = failureCode(thrown)
      emit(onEvent, { type: 'application.failed', callback: undefined, errorName, correlationId: undefined })
      throw error
    }
  }
}

const noStore = Object.freeze({ 'Cache-Control': 'no-store' })

const unparsedForm =
  'Nothing parsed the form of a request to `backchannelLogout`: mount a body parser for application/x-www-form-urlencoded before it, or give `formBody`.'

function readToken(request: RequestFacts): string {
  const form: unknown = request.formBody?.()
  if (!isJsonObject(form) && isForm(request)) throw new ConfigurationError(unparsedForm)
  const token = isJsonObject(form) ? ownMember(form, 'logout_token') : undefined
  if (typeof token !== 'string') throw new InvalidTokenError('ERR_TOKEN_MALFORMED', { detail: 'no logout_token' })
  checkTokenSize(token)
  return token
}

async function reserve(parts: BackchannelLogoutSettings, key: string, ttlMs: number, owner: string): Promise<boolean> {
  const { replayStore, surroundings } = parts
  try {
    const reserved: unknown = await inTime(() => replayStore.reserve(key, ttlMs, owner))
    if (typeof reserved === 'boolean') return reserved
    throw new TypeError('the replay store answered neither true nor false')
  } catch (cause) {
    const reason = failureCode(cause)
    emit(surroundings.onEvent, { type: 'store.failed', store: 'replay', reason, failedOpen: false })
    throw new UnavailableError('ERR_STORE_UNAVAILABLE', { detail: 'replay store', cause })
  }
}

function refusal(error: AuthError): HttpAnswer {
  if (error instanceof UnavailableError) {
    const headers = { ...noStore, 'Retry-After': String(error.retryAfterSeconds) }
    return jsonAnswer(503, headers, { error: 'temporarily_unavailable' })
  }
  return jsonAnswer(400, noStore, { error: 'invalid_request', error_description: 'The logout token is not valid' })
}

function jsonAnswer(status: number, headers: HttpAnswer['headers'], body: object): HttpAnswer {
  return { status, headers: { ...headers, 'Content-Type': 'application/json' }, body: JSON.stringify(body) }
}

/** A verified logout token. At least one of `sub` and `sid` is there. */
export interface LogoutToken {
  readonly jti: string
  readonly sub: string | undefined
  readonly sid: string | undefined
  /** In seconds. */
  readonly issuedAt: number
  /** Refused from then on, leeway included. */
  readonly validUntilMs: number
}

/** What a logout token must be. */
export interface LogoutTokenSettings extends Pick<JwtSettings, 'algorithms' | 'keys' | 'clockToleranceMs'> {
  /** What `aud` must name one of: the client identifiers of this server. */
  readonly audiences: readonly string[]
  /** Whether `exp` may be absent: the token is then good for 2 minutes after its `iat`. */
  readonly expMayLack: boolean
}

const maxAgeWithoutExpMs = 120_000

const logoutEvent = 'http://schemas.openid.net/event/backchannel-logout'

const acceptedTypes: ReadonlySet<string | null> = new Set(['logout+jwt', 'jwt', null])

/**
 * Verifies a logout token (OpenID Connect Back-Channel Logout 1.0 §2.4 and §2.6): type (absent and `JWT` tolerated),
 * algorithm, signature by a key of the issuer, `aud`, `iat`, `exp` (the age, where it may be absent), `jti`, `sub` or
 * `sid`, the logout event, no `nonce`. The caller has compared `iss`, and still has to see to it that no token is used
 * twice.
 *
 * @throws {@link InvalidTokenError} with the code of the first rule that fails.
 * @throws {@link UnavailableError} when the issuer's keys cannot be had.
 */
async function verifyLogoutToken(jws: CompactJws, rules: LogoutTokenSettings, nowMs: number): Promise<LogoutToken> {
  const header = readJoseHeader(jws.headerSegment)
  if (!acceptedTypes.has(header.typ)) throw new InvalidTokenError('ERR_TOKEN_TYPE')
  if (!rules.algorithms.has(header.alg)) throw new InvalidTokenError('ERR_TOKEN_ALGORITHM')
  await verifySignature(jws, header, rules.keys)
  return readLogoutClaims(jws.payload, rules, nowMs)
}

function readLogoutClaims(claims: JsonObject, rules: LogoutTokenSettings, nowMs: number): LogoutToken {
  checkLogoutKind(claims)
  checkLogoutAudience(ownMember(claims, 'aud'), rules.audiences)
  const { clockToleranceMs } = rules
  const issuedAt = numericDate(claims, 'iat') ?? missingClaim('iat')
  const validUntilMs = readEnd(claims, issuedAt, rules)
  if (nowMs < issuedAt * 1000 - clockToleranceMs) throw new InvalidTokenError('ERR_TOKEN_NOT_YET_VALID')
  if (nowMs >= validUntilMs) throw new InvalidTokenError('ERR_TOKEN_EXPIRED')
  const jti = textClaim(claims, 'jti') ?? missingClaim('jti')
  const sub = textClaim(claims, 'sub')
  const sid = textClaim(claims, 'sid')
  if (sub === undefined && sid === undefined) missingClaim('sub or sid')
  return { jti, sub, sid, issuedAt, validUntilMs }
}

/** Without `exp` there is no leeway at the end. An age of exactly 2 minutes is still accepted. */
function readEnd(claims: JsonObject, issuedAt: number, { expMayLack, clockToleranceMs }: LogoutTokenSettings): number {
  const exp = numericDate(claims, 'exp')
  if (exp !== undefined) return exp * 1000 + clockToleranceMs
  return expMayLack ? issuedAt * 1000 + maxAgeWithoutExpMs + 1 : missingClaim('exp')
}

/** Nothing but a logout token has the event, and an ID token has a `nonce`. */
function checkLogoutKind(claims: JsonObject): void {
  const events = ownMember(claims, 'events') ?? missingClaim('events')
  if (!isJsonObject(events) || !isJsonObject(ownMember(events, logoutEvent))) invalidClaim('events')
  if (Object.hasOwn(claims, 'nonce')) invalidClaim('nonce')
}

function checkLogoutAudience(aud: unknown, accepted: readonly string[]): void {
  const named = typeof aud === 'string' ? [aud] : aud
  if (!isStringArray(named) || !named.some((one) => accepted.includes(one))) {
    throw new InvalidTokenError('ERR_TOKEN_AUDIENCE')
  }
}
