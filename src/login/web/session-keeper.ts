/*
 * What keeps the sessions of browsers: cookies, or a store.
 */
import type { RequestFacts } from '../../http/request-facts.js'
import type { MaybePromise } from '../../kit/maybe-promise.js'
import type { SessionRecord } from './login-session.js'
import type { SessionTrace } from './session-trace.js'

/** A session that can be ended. */
export interface KnownSession {
  readonly key: string
  readonly record: SessionTrace
  /** The id that the browser has; `undefined` where a request came without. */
  readonly id?: string | undefined
}

/** A session as a request brought it. */
export interface KeptSession extends KnownSession {
  readonly record: SessionRecord
  readonly id: string
}

/** Where sessions are. Every function throws, or rejects with, an `UnavailableError` where a store fails. */
export interface SessionKeeper {
  read(facts: RequestFacts): MaybePromise<KeptSession | undefined>
  /** Notes that a session is in use. The cookies to set; `undefined` where it ended meanwhile. */
  touch(kept: KeptSession, secondsLeft: (record: SessionRecord) => number): MaybePromise<readonly string[] | undefined>
  /** @throws `LoginError` `ERR_SESSION_TOO_LARGE` */
  begin(record: SessionRecord, secondsLeft: number): Promise<readonly string[]>
  /** What finds a session again without its cookies: for the cookie of a login under way, sealed. */
  note(kept: KeptSession): string
  /** The session of a note, or as much of it as a note holds; `undefined` where it is known to be gone. */
  recall(note: string): MaybePromise<KnownSession | undefined>
  /** Forgets one; `isMarked` where a logout elsewhere has ended it. True for one of several calls. */
  end(known: KnownSession, isMarked: boolean): Promise<boolean>
  /** The fields that take the cookies away. */
  readonly endCookies: readonly string[]
}

/** Of a request whose session is written nowhere. */
export const noCookies: readonly string[] = Object.freeze([])
