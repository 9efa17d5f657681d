import { ConfigurationError, InvalidTokenError, UnavailableError } from '../../errors/index.js'
import type { Clock } from '../../kit/clock.js'
import { type EventListener, emit } from '../../kit/events.js'
import { failureCode } from '../../kit/failure-code.js'
import { ownMember } from '../../kit/json.js'
import { type MaybePromise, whenReady } from '../../kit/maybe-promise.js'
import { inTime } from '../../kit/time-limit.js'
import type { RevocationStore } from '../../stores/contract.js'
import { type RevocableToken, type Revocation, revocationMarks, type TokenKeys, tokenKeys } from './revocation-keys.js'

/** The tokens an application no longer wants, though their issuer still calls them good. */
export interface RevocationList {
  /**
   * Refuses the tokens named from now on.
   *
   * @throws {@link ConfigurationError} for a revocation that does not say what to revoke.
   * @throws {@link UnavailableError} `ERR_STORE_UNAVAILABLE` when it could not be stored.
   */
  revoke(revocation: Revocation): Promise<void>
  /**
   * Refuses a verified token that was revoked. `undefined` at once where nothing can have been revoked. Throws
   * synchronously or rejects.
   *
   * @throws {@link InvalidTokenError} `ERR_TOKEN_REVOKED`
   * @throws {@link UnavailableError} `ERR_STORE_UNAVAILABLE` when the store does not tell.
   */
  check(token: RevocableToken): MaybePromise<void>
}

/** What a {@link RevocationList} is made of. */
export interface RevocationListSettings {
  readonly store: RevocationStore
  /** Whether others write to the store too. If not, it is asked only once something was revoked here. */
  readonly isShared: boolean
  /** How long a revocation is kept: at least as long as the longest-lived token. */
  readonly ttlSeconds: number
  /** How far ahead the `iat` of an issuer's tokens may lie and be accepted. */
  readonly leewayMsOf: (issuer: string) => number
  readonly clock: Clock
  readonly onEvent: EventListener | undefined
}

/** Makes the revocation list of one server. */
export function createRevocationList(settings: RevocationListSettings): RevocationList {
  const { store, ttlSeconds, leewayMsOf, clock, onEvent } = settings
  const keysOf = new WeakMap<RevocableToken, TokenKeys>()
  let mayHoldSome = settings.isShared

  function fail(cause: unknown): UnavailableError {
    emit(onEvent, { type: 'store.failed', store: 'revocation', reason: failureCode(cause), failedOpen: false })
    return new UnavailableError('ERR_STORE_UNAVAILABLE', { detail: 'revocation store', cause })
  }

  function settle(token: RevocableToken, { keys, exact }: TokenKeys, times: unknown): void {
    if (!isAnswer(times, keys.length)) throw fail(new TypeError('the revocation store gave an unusable answer'))
    const iat = ownMember(token.tokenClaims, 'iat')
    const issuedAtMs = typeof iat === 'number' ? iat * 1000 : 0
    const revoked = times.some((atMs, index) => typeof atMs === 'number' && (index < exact || issuedAtMs <= atMs))
    if (revoked) throw new InvalidTokenError('ERR_TOKEN_REVOKED')
  }

  function ask(token: RevocableToken, tokenKeys: TokenKeys): MaybePromise<void> {
    keysOf.set(token, tokenKeys)
    let times: ReturnType<RevocationStore['revokedAt']>
    try {
      times = store.revokedAt(tokenKeys.keys)
    } catch (error) {
      throw fail(error)
    }
    if (!(times instanceof Promise)) return settle(token, tokenKeys, times)
    return inTime(() => times).then(
      (found) => settle(token, tokenKeys, found),
      (error) => {
        throw fail(error)
      },
    )
  }

  return {
    async revoke(revocation) {
      const atMs = readTime(revocation.atSeconds) ?? clock() + leewayMsOf(revocation.issuer)
      const { keys, widerKey } = await revocationMarks(revocation)
      mayHoldSome = true
      try {
        await inTime(() => Promise.all(keys.map(async (key) => store.revoke(key, atMs, ttlSeconds * 1000, widerKey))))
      } catch (error) {
        throw fail(error)
      }
    },
    check(token) {
      if (!mayHoldSome) return undefined
      return whenReady(keysOf.get(token) ?? tokenKeys(token), (keys) => ask(token, keys))
    },
  }
}

function readTime(atSeconds: number | undefined): number | undefined {
  if (atSeconds === undefined) return undefined
  if (Number.isFinite(atSeconds) && atSeconds >= 0) return atSeconds * 1000
  throw new ConfigurationError('`atSeconds` takes seconds since the Unix epoch.')
}

function isAnswer(times: unknown, length: number): times is readonly (number | undefined | null)[] {
  return Array.isArray(times) && times.length === length && times.every(isTime)
}

function isTime(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === 'number' && Number.isFinite(value))
}
