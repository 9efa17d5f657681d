/** The deny list of tokens and sessions. Does NOT ask the issuer. */
import { sha256Base64url } from '#crypto'
import { ConfigurationError, InvalidTokenError, UnavailableError } from '../errors/index.js'
import type { Clock } from '../kit/clock.js'
import { emit } from '../kit/event-sink.js'
import type { EventListener } from '../kit/events.js'
import { type JsonObject, ownMember } from '../kit/json.js'
import { type MaybePromise, whenReady } from '../kit/maybe-promise.js'
import { inTime } from '../kit/time-limit.js'
import type { RevocationStore } from '../stores/contract.js'
import { createStoreWatch, type StoreWatch } from '../stores/store-watch.js'

/**
 * What `server.revoke` shall refuse from now on: one token by `jti`, or all tokens of a user or a session that were
 * issued so far.
 *
 * @group Revocation
 */
export interface Revocation {
  /** Whose tokens: one of the server's issuers. */
  readonly issuer: string
  /** The one token with this `jti`. Takes no other member beside it. */
  readonly jti?: string | undefined
  /** By itself: every token of this subject. With `sid`: see there. */
  readonly sub?: string | undefined
  /** Every token of this session; together with `sub` also the tokens of that subject that name no session. */
  readonly sid?: string | undefined
  /**
   * Tokens of `sub` and `sid` are revoked when their `iat` is not later than this time, in seconds since the Unix epoch
   * by the issuer's clock; tokens without `iat` always are. Default: now, and the issuer's `clockToleranceSeconds` ahead,
   * since a token from a clock that runs ahead by as much is accepted.
   */
  readonly atSeconds?: number | undefined
}

/** The tokens an application no longer wants, though their issuer still calls them good. */
export interface RevocationList {
  /**
   * Refuses the tokens named from now on.
   *
   * @throws {@link ConfigurationError} for a revocation that does not say what to revoke.
   * @throws {@link UnavailableError} `ERR_STORE_UNAVAILABLE` when it could not be stored.
   */
  revoke(revocation: Revocation): Promise<void>
  /** True while nothing can have been revoked: {@link RevocationList.check} need not be asked then. */
  readonly isEmpty: boolean
  /**
   * Refuses a verified token that was revoked. Throws synchronously or rejects.
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
  /** Default: one of its own. */
  readonly watch?: StoreWatch | undefined
  /** How long a revocation is kept: at least as long as the longest-lived token. */
  readonly ttlSeconds: number
  /** How far ahead the `iat` of an issuer's tokens may lie and be accepted. */
  readonly leewayMsOf: (issuer: string) => number
  readonly clock: Clock
  readonly onEvent: EventListener | undefined
}

/** Makes the revocation list of one server. */
export function createRevocationList(settings: RevocationListSettings): RevocationList {
  const { store, isShared, ttlSeconds, leewayMsOf, clock, onEvent } = settings
  const { watch = createStoreWatch('revocation', isShared, onEvent) } = settings
  const keysOf = new WeakMap<RevocableToken, TokenKeys>()

  function fail(cause: unknown): UnavailableError {
    watch.failed(cause, false)
    return new UnavailableError('ERR_STORE_UNAVAILABLE', { detail: 'revocation store', cause })
  }

  function settle(token: RevocableToken, { keys, exact }: TokenKeys, times: unknown): void {
    if (!isAnswer(times, keys.length)) throw fail(new TypeError('the revocation store gave an unusable answer'))
    watch.answered()
    const iat = ownMember(token.tokenClaims, 'iat')
    const issuedAtMs = typeof iat === 'number' ? iat * 1000 : 0
    const index = times.findIndex((atMs, at) => typeof atMs === 'number' && (at < exact || issuedAtMs <= atMs))
    if (index < 0) return
    const received = index < exact ? 'jti' : index === exact ? 'sub' : 'sid'
    throw new InvalidTokenError('ERR_TOKEN_REVOKED', { expected: 'a token that was not revoked', received })
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

  const list = {
    isEmpty: !settings.isShared,
    async revoke(revocation: Revocation) {
      const atMs = readTime(revocation.atSeconds) ?? clock() + leewayMsOf(revocation.issuer)
      const { keys, widerKey } = await revocationMarks(revocation)
      list.isEmpty = false
      try {
        await inTime(() => Promise.all(keys.map(async (key) => store.revoke(key, atMs, ttlSeconds * 1000, widerKey))))
      } catch (error) {
        throw fail(error)
      }
      watch.answered()
      emit(onEvent, { type: 'revocation.added', issuer: revocation.issuer, kind: kindOf(revocation) })
    },
    check(token: RevocableToken) {
      return whenReady(keysOf.get(token) ?? tokenKeys(token), (keys) => ask(token, keys))
    },
  }
  return list
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

function kindOf({ jti, sid }: Revocation): 'token' | 'session' | 'subject' {
  if (jti !== undefined) return 'token'
  return sid === undefined ? 'subject' : 'session'
}

/** What of a verified token decides whether it is revoked. */
export interface RevocableToken {
  readonly issuer: string
  readonly subject: string
  readonly tokenClaims: JsonObject
}

/** The keys of a token in a revocation store: digests, so that no claim value is stored. The first may stand for `jti`. */
export interface TokenKeys {
  readonly keys: readonly string[]
  /** How many of the first keys revoke the token whenever it was issued. */
  readonly exact: number
}

/** What a revocation marks in a store. */
export interface RevocationMarks {
  readonly keys: readonly string[]
  /** The key of the subject, where the marks are those of one of its sessions. */
  readonly widerKey: string | undefined
}

type Kind = 'jti' | 'sub' | 'sid' | 'sub-without-sid'

/**
 * The keys under which a revocation is stored.
 *
 * @throws {@link ConfigurationError} when it does not say what to revoke, or says it twice.
 */
async function revocationMarks({ issuer, jti, sub, sid }: Revocation): Promise<RevocationMarks> {
  const named = [jti, sub, sid].filter((value) => value !== undefined)
  if (named.length === 0 || !named.every((value) => typeof value === 'string' && value !== '')) {
    throw new ConfigurationError('`revoke` takes `jti`, `sub` or `sid`: non-empty strings.')
  }
  if (jti !== undefined) {
    if (named.length > 1) throw new ConfigurationError('`revoke` takes either `jti`, or `sub` and `sid`.')
    return { keys: await digestAll(issuer, [['jti', jti]]), widerKey: undefined }
  }
  if (sid === undefined) return { keys: await digestAll(issuer, [['sub', sub as string]]), widerKey: undefined }
  if (sub === undefined) return { keys: await digestAll(issuer, [['sid', sid]]), widerKey: undefined }
  const marked = [
    ['sub', sub],
    ['sid', sid],
    ['sub-without-sid', sub],
  ] as const
  const [widerKey, ...keys] = await digestAll(issuer, marked)
  return { keys, widerKey }
}

/** The keys that revoke a token. */
function tokenKeys({ issuer, subject, tokenClaims }: RevocableToken): MaybePromise<TokenKeys> {
  const jti = ownMember(tokenClaims, 'jti')
  const sid = ownMember(tokenClaims, 'sid')
  const session = typeof sid === 'string' ? (['sid', sid] as const) : (['sub-without-sid', subject] as const)
  const named = typeof jti === 'string' ? ([['jti', jti]] as const) : []
  return whenReady(digestAll(issuer, [...named, ['sub', subject], session]), (keys) => ({ keys, exact: named.length }))
}

function digestAll(
  issuer: string,
  named: readonly (readonly [kind: Kind, value: string])[],
): MaybePromise<readonly string[]> {
  const digests = named.map(([kind, value]) => sha256Base64url(JSON.stringify([kind, issuer, value])))
  return digests.every((digest) => typeof digest === 'string') ? digests : Promise.all(digests)
}

/**
 * Checks that a store has the functions of its contract. Does NOT call them.
 *
 * @throws {@link ConfigurationError}
 */
export function checkRevocationStore(store: RevocationStore | undefined): RevocationStore | undefined {
  if (store === undefined) return undefined
  if (typeof store?.revoke === 'function' && typeof store.revokedAt === 'function') return store
  throw new ConfigurationError('`revocationStore` takes a RevocationStore, such as createRedisRevocationStore gives.')
}
