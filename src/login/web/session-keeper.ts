/*
 * What keeps the sessions of browsers: cookies, or a store.
 */
import type { RequestFacts } from '../../http/request-facts.js'
import type { MaybePromise } from '../../kit/maybe-promise.js'
import type { SessionRecord } from './login-session.js'

/** A session as a request brought it. */
export interface KeptSession {
  readonly key: string
  readonly record: SessionRecord
  /** The id that the browser has. */
  readonly id: string
}

/** Where sessions are. Every function throws, or rejects with, an `UnavailableError` where a store fails. */
export interface SessionKeeper {
  read(facts: RequestFacts): MaybePromise<KeptSession | undefined>
  /** Notes that a session is in use. The cookies to set; `undefined` where it ended meanwhile. */
  touch(kept: KeptSession, secondsLeft: (record: SessionRecord) => number): MaybePromise<readonly string[] | undefined>
  /** @throws `LoginError` `ERR_SESSION_TOO_LARGE` */
  begin(record: SessionRecord, secondsLeft: number): Promise<readonly string[]>
  /** Forgets one; `isMarked` where a logout elsewhere has ended it. True for one of several calls. */
  end(kept: KeptSession, isMarked: boolean): Promise<boolean>
  /** The fields that take the cookies away. */
  readonly endCookies: readonly string[]
}

/** Of a request whose session is written nowhere. */
export const noCookies: readonly string[] = Object.freeze([])
