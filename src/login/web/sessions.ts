/*
 * Sessions of browsers: how long they last, what ends them, whose tokens they have. Signs no user in.
 */
import { isOAuthClientError } from '../../client/errors.js'
import { isAuthError } from '../../errors/index.js'
import type { RequestFacts } from '../../http/request-facts.js'
import { emit } from '../../kit/event-sink.js'
import { type MaybePromise, whenReady } from '../../kit/maybe-promise.js'
import type { Provider } from '../provider.js'
import { createUserTokens, type UserTokens } from '../user-tokens.js'
import { createCookieKeeper } from './cookie-keeper.js'
import { type LoginSession, type SessionRecord, sessionOf } from './login-session.js'
import type { LoginSettings } from './login-settings.js'
import { type KeptSession, type KnownSession, noCookies } from './session-keeper.js'
import { isWhole, type SessionTrace } from './session-trace.js'
import { createStoreKeeper } from './stored-sessions.js'

/** The session before a login. */
export interface PreviousSession extends KnownSession {
  /** `undefined` where only so much is known of it that it can be ended. */
  readonly session: LoginSession | undefined
}

/** A session that a request brought, and that lasts. */
export interface FoundSession extends KeptSession {
  readonly session: LoginSession
  /** To be set with the answer, where the browser should keep the cookie for longer. */
  readonly cookies: readonly string[]
}

/** The sessions of one application. Every function throws, or rejects with, an `UnavailableError` where a store fails. */
export interface Sessions {
  /** The session of a request; `undefined` for a cookie that is none of ours, or no longer one. At once where nothing waits. */
  find(facts: RequestFacts): MaybePromise<FoundSession | undefined>
  /** What a login keeps of the session before it, for an answer that may come without the cookies of that. */
  note(found: FoundSession): string
  /** The session of a note; `undefined` where it has ended meanwhile. */
  recall(note: string): MaybePromise<PreviousSession | undefined>
  /**
   * Begins one, under a new id. The fields that set its cookies.
   *
   * @throws `LoginError` `ERR_SESSION_TOO_LARGE`
   */
  begin(record: SessionRecord): Promise<readonly string[]>
  /** Ends one. Its tokens are deleted, and revoked with `revoke`, which takes 3 s at most. */
  end(known: KnownSession, reason: 'logout' | 'replaced', revoke: boolean): Promise<void>
  /** The fields that take the cookies away. */
  readonly endCookies: readonly string[]
  /** The owner of the tokens of a session; `undefined` where none are kept. */
  tokensOf(record: SessionTrace): UserTokens | undefined
}

/** See {@link Sessions}. */
export function createSessions(settings: LoginSettings): Sessions {
  const { store, tokens, revocations, idleSeconds, rolling, providers, clock, onEvent } = settings
  const keeper = 'kind' in store ? createCookieKeeper(settings, store) : createStoreKeeper(settings, store)

  function secondsLeft({ seenAt, absoluteUntil }: SessionRecord): number {
    return Math.min(seenAt + idleSeconds, absoluteUntil) - Math.floor(clock() / 1000)
  }

  /** Of a session that is not whole it is not known when it was used last. */
  function isOver(record: SessionTrace): boolean {
    return (isWhole(record) ? secondsLeft(record) : record.absoluteUntil - Math.floor(clock() / 1000)) <= 0
  }

  function tokensOf({ provider, tokensKey }: SessionTrace): UserTokens | undefined {
    if (tokens === false) return undefined
    return createUserTokens({
      provider: providers.get(provider) as Provider,
      ...tokens,
      key: tokensKey,
      onEvent,
      clock,
    })
  }

  // A store that needs a lock says so now, and not to the first user.
  for (const provider of providers.values()) {
    if (tokens !== false) createUserTokens({ provider, ...tokens, key: 'session:' })
  }

  /** Whether a logout, elsewhere or of the very session, was marked. */
  function isRevoked({ account, sid, issuedAt, tokensKey }: SessionTrace): MaybePromise<boolean> {
    if (revocations === undefined || revocations.isEmpty) return false
    const { issuer, subject } = account
    try {
      const checked = revocations.check({ issuer, subject, tokenClaims: { iat: issuedAt, sid, jti: tokensKey } })
      return checked instanceof Promise ? checked.then(() => false, isMark) : false
    } catch (error) {
      return isMark(error)
    }
  }

  /** Its tokens are revoked behind the answer: the request has no session, whatever becomes of them. */
  async function drop(known: KnownSession): Promise<undefined> {
    if (!(await keeper.end(known, true))) return
    emit(onEvent, { type: 'session.ended', provider: known.record.provider, reason: 'revoked' })
    tokensOf(known.record)
      ?.logout()
      .catch(() => undefined)
  }

  function use(kept: KeptSession): MaybePromise<FoundSession | undefined> {
    const { key, record, id } = kept
    return whenReady(rolling ? keeper.touch(kept, secondsLeft) : noCookies, (cookies) => {
      return cookies && { key, record, id, session: sessionOf(record, tokensOf), cookies }
    })
  }

  /** What `take` makes of a session that lasts. */
  function living<Known extends KnownSession, Found>(
    known: Known | undefined,
    take: (known: Known) => MaybePromise<Found | undefined>,
  ): MaybePromise<Found | undefined> {
    if (known === undefined || isOver(known.record) || !providers.has(known.record.provider)) return undefined
    return whenReady(isRevoked(known.record), (revoked) => (revoked ? drop(known) : take(known)))
  }

  function previousOf(known: KnownSession): PreviousSession {
    const { record } = known
    return { ...known, session: isWhole(record) ? sessionOf(record, tokensOf) : undefined }
  }

  return {
    find: (facts) => whenReady(keeper.read(facts), (kept) => living(kept, use)),
    note: keeper.note,
    recall: (note) => whenReady(keeper.recall(note), (known) => living(known, previousOf)),
    async begin(record) {
      const { provider, account } = record
      try {
        const cookies = await keeper.begin(record, secondsLeft(record))
        emit(onEvent, { type: 'session.created', provider })
        return cookies
      } catch (error) {
        if (isOAuthClientError(error)) {
          emit(onEvent, { type: 'login.failed', provider, issuer: account.issuer, code: error.code })
        }
        throw error
      }
    },
    async end(known, reason, revoke) {
      await keeper.end(known, false)
      const { record } = known
      emit(onEvent, { type: 'session.ended', provider: record.provider, reason })
      // The session is over; tokens that stay behind in a failing store are never found again.
      await tokensOf(record)
        ?.logout({ revoke })
        .catch(() => undefined)
    },
    endCookies: keeper.endCookies,
    tokensOf,
  }
}

/** @throws what is no such mark: a store that did not answer. */
function isMark(error: unknown): boolean {
  if (isAuthError(error) && error.code === 'ERR_TOKEN_REVOKED') return true
  throw error
}
