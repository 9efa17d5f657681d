/*
 * Sessions behind a random id: the browser holds the id, a store everything else, under the digest of the id.
 */
import { encodeBase64url, sha256Base64url } from '#crypto'
import { LoginError } from '../../client/login-errors.js'
import { UnavailableError } from '../../errors/index.js'
import { readCookies, setCookie } from '../../http/cookies.js'
import { emit } from '../../kit/event-sink.js'
import { failureCode } from '../../kit/failure-code.js'
import { isThenable, type MaybePromise, whenReady } from '../../kit/maybe-promise.js'
import { inTime } from '../../kit/time-limit.js'
import type { SessionStore } from '../../stores/contract.js'
import { parseRecord, type SessionRecord } from './login-session.js'
import type { LoginSettings } from './login-settings.js'
import { createRecentRecords } from './recent-records.js'
import { noCookies, type SessionKeeper } from './session-keeper.js'

/** How often at most a session is written because it was used. */
const touchSeconds = 60
/** Longer records are a mistake in what `onLogin` gives, or a provider that tells too much. */
const maxRecordLength = 65_536

/**
 * Keeps sessions in a store, which ends them. The cookie lasts as long as a session may, and a login alone sets it: a late
 * answer to a request of an older session, which wrote it again, could bring back a session that nothing has ended since.
 */
export function createStoreKeeper(
  { secure, absoluteSeconds, clock, onEvent }: LoginSettings,
  store: SessionStore,
): SessionKeeper {
  const name = secure ? '__Host-pc_session' : 'pc_session'
  // Both texts are the store's: how long it takes to compare them tells a stranger nothing.
  const recent = createRecentRecords(clock, (text, last) => text === last)

  function cookieOf(id: string, maxAgeSeconds: number): string {
    return setCookie(name, id, { secure, sameSite: 'Lax', maxAgeSeconds })
  }

  /** What the store gave for `key`. */
  function recordOf(key: string, text: string | undefined): SessionRecord | undefined {
    if (text === undefined) return undefined
    const known = recent.get(key, text)
    if (known !== undefined) return known
    const record = parseRecord(text)
    if (record !== undefined) recent.set(key, text, record)
    return record
  }

  function find(key: string): MaybePromise<SessionRecord | undefined> {
    const text = ask(() => store.get(key))
    return whenReady(text, (found) => recordOf(key, found))
  }

  function fail(cause: unknown): never {
    emit(onEvent, { type: 'store.failed', store: 'sessions', reason: failureCode(cause), failedOpen: false })
    throw new UnavailableError('ERR_STORE_UNAVAILABLE', { detail: 'session store', cause })
  }

  function ask<T>(work: () => MaybePromise<T>): MaybePromise<T> {
    try {
      const answer = work()
      return isThenable(answer) ? inTime(() => answer as Promise<T>).catch(fail) : answer
    } catch (cause) {
      return fail(cause)
    }
  }

  return {
    read(facts) {
      const id = readCookies(facts).get(name)
      if (id === undefined || !/^[\w-]{43}$/.test(id)) return undefined
      return whenReady(sha256Base64url(id), (key) => whenReady(find(key), (record) => record && { key, record, id }))
    },
    touch({ key, record }, secondsLeft) {
      const now = Math.floor(clock() / 1000)
      if (now - record.seenAt < touchSeconds) return noCookies
      const next = { ...record, seenAt: now }
      const touched = ask(() => store.touch(key, JSON.stringify(next), secondsLeft(next) * 1000))
      return whenReady(touched, (isKept) => (isKept ? noCookies : undefined))
    },
    async begin(record, secondsLeft) {
      const text = JSON.stringify(record)
      if (text.length > maxRecordLength) throw new LoginError('ERR_SESSION_TOO_LARGE')
      const id = encodeBase64url(crypto.getRandomValues(new Uint8Array(32)))
      const key = await sha256Base64url(id)
      await ask(() => store.set(key, text, secondsLeft * 1000))
      return [cookieOf(id, absoluteSeconds)]
    },
    note: ({ key }) => key,
    recall: (key) => whenReady(find(key), (record) => record && { key, record }),
    async end({ key }) {
      recent.forget(key)
      return ask(() => store.delete(key))
    },
    endCookies: [cookieOf('', 0)],
  }
}
