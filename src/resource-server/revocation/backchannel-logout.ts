import { sha256Base64url } from '#crypto'
import { InternalError, InvalidTokenError, isAuthError, UnavailableError } from '../../errors/index.js'
import type { HttpAnswer } from '../../http/http-answer.js'
import type { RequestFacts } from '../../http/request-facts.js'
import { readCompactJws } from '../../jws/compact-jws.js'
import { emit } from '../../kit/events.js'
import { failureCode } from '../../kit/failure-code.js'
import { ownMember } from '../../kit/json.js'
import type { Surroundings } from '../../kit/surroundings.js'
import { inTime } from '../../kit/time-limit.js'
import type { ReplayStore } from '../../stores/contract.js'
import type { Issuer, IssuerRegistry } from '../issuers.js'
import { checkTokenSize } from '../token/token-verifier.js'
import { type LogoutToken, verifyLogoutToken } from './logout-token.js'
import type { RevocationList } from './revocation.js'

/** What back-channel logout is made of. */
export interface BackchannelLogoutParts {
  readonly issuers: IssuerRegistry
  readonly revocations: RevocationList
  readonly replayStore: ReplayStore
  readonly surroundings: Surroundings
}

const longestReservationMs = 86_400_000

/**
 * Makes the endpoint that authorization servers call when a session ends (OpenID Connect Back-Channel Logout 1.0): a
 * verified logout token revokes the tokens of its session or subject issued until then. Never rejects: 200, 400 for a
 * bad token, 405 for another method than POST, 503 where a store or the issuer's keys fail, 500 for a bug.
 */
export function createBackchannelLogout(parts: BackchannelLogoutParts): (request: RequestFacts) => Promise<HttpAnswer> {
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
      const { code, status, detail } = isAuthError(thrown) ? thrown : new InternalError(thrown)
      emit(onEvent, { type: 'logout.refused', code, detail })
      return refusal(status, thrown)
    }
  }
}

const noStore = Object.freeze({ 'Cache-Control': 'no-store' })

function readToken(request: RequestFacts): string {
  const token = ownMember(request.formBody?.() ?? {}, 'logout_token')
  if (typeof token !== 'string') throw new InvalidTokenError('ERR_TOKEN_MALFORMED', { detail: 'no logout_token' })
  checkTokenSize(token)
  return token
}

async function reserve(parts: BackchannelLogoutParts, key: string, ttlMs: number, owner: string): Promise<boolean> {
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

function refusal(status: number, error: unknown): HttpAnswer {
  if (error instanceof UnavailableError) {
    const headers = { ...noStore, 'Retry-After': String(error.retryAfterSeconds) }
    return jsonAnswer(503, headers, { error: 'temporarily_unavailable' })
  }
  if (status === 500) return { status, headers: noStore, body: '' }
  return jsonAnswer(400, noStore, { error: 'invalid_request', error_description: 'The logout token is not valid' })
}

function jsonAnswer(status: number, headers: HttpAnswer['headers'], body: object): HttpAnswer {
  return { status, headers: { ...headers, 'Content-Type': 'application/json' }, body: JSON.stringify(body) }
}
