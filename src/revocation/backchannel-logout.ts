/** Logout tokens an issuer sends (OpenID Connect Back-Channel Logout 1.0), put to effect. Does NOT verify them. */
import { sha256Base64url } from '#crypto'
import {
  type AuthError,
  copyError,
  InternalError,
  InvalidTokenError,
  isAuthError,
  UnavailableError,
} from '../errors/index.js'
import type { HttpAnswer } from '../http/http-answer.js'
import type { LogoutToken } from '../issuer/logout-token.js'
import type { Clock } from '../kit/clock.js'
import { emit } from '../kit/event-sink.js'
import type { EventListener } from '../kit/events.js'
import { failureCode } from '../kit/failure-code.js'
import { inTime } from '../kit/time-limit.js'
import type { ReplayStore } from '../stores/contract.js'
import { createStoreWatch, type StoreWatch } from '../stores/store-watch.js'
import type { RevocationList } from './revocation.js'

/** What back-channel logout is made of. */
export interface BackchannelLogoutSettings {
  readonly revocations: Pick<RevocationList, 'revoke'>
  readonly replayStore: ReplayStore
  /** Default: one of its own. */
  readonly replayWatch?: StoreWatch | undefined
  readonly clock: Clock
  readonly onEvent: EventListener | undefined
}

const longestReservationMs = 86_400_000

/**
 * Makes what answers a logout token, once `verify` has found it good: what its session or subject has is revoked as of
 * its `iat`. 200, 400 for a bad token, 503 where a store or the issuer's keys fail. Rejects with a fault of the
 * application alone, status 500 with its `cause`.
 */
export function createBackchannelLogout(
  settings: BackchannelLogoutSettings,
): (verify: () => Promise<LogoutToken>) => Promise<HttpAnswer> {
  const { revocations, clock, onEvent } = settings
  const { replayWatch = createStoreWatch('replay', true, onEvent) } = settings

  /**
   * Revoking comes first: doing it twice changes nothing, while a token used up before its revocation was stored could
   * not be sent again after a failure.
   */
  async function accept({ issuer, jti, sub, sid, issuedAt, validUntilMs }: LogoutToken): Promise<void> {
    await revocations.revoke({ issuer, sub, sid, atSeconds: issuedAt })
    const key = await sha256Base64url(JSON.stringify(['logout', issuer, jti]))
    const owner = await sha256Base64url(JSON.stringify(['logout of', issuer, sub ?? null]))
    if (
      !(await reserve({ ...settings, replayWatch }, key, Math.min(validUntilMs - clock(), longestReservationMs), owner))
    ) {
      throw new InvalidTokenError('ERR_TOKEN_CLAIM_INVALID', { detail: 'jti was used before' })
    }
    emit(onEvent, { type: 'logout.accepted', issuer, kind: sid === undefined ? 'subject' : 'session' })
  }

  return async (verify) => {
    try {
      await accept(await verify())
      return { status: 200, headers: noStore, body: '' }
    } catch (thrown) {
      const error = isAuthError(thrown) ? copyError(thrown) : new InternalError(thrown)
      emit(onEvent, { type: 'logout.refused', code: error.code, status: error.status, detail: error.detail })
      if (error.status !== 500) return refusal(error)
      const errorName = failureCode(thrown)
      emit(onEvent, { type: 'application.failed', callback: undefined, errorName, correlationId: undefined })
      throw error
    }
  }
}

const noStore = Object.freeze({ 'Cache-Control': 'no-store' })

async function reserve(
  { replayStore, replayWatch }: BackchannelLogoutSettings & { readonly replayWatch: StoreWatch },
  key: string,
  ttlMs: number,
  owner: string,
): Promise<boolean> {
  try {
    const reserved: unknown = await inTime(() => replayStore.reserve(key, ttlMs, owner))
    if (typeof reserved !== 'boolean') throw new TypeError('the replay store answered neither true nor false')
    replayWatch.answered()
    return reserved
  } catch (cause) {
    replayWatch.failed(cause, false)
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
