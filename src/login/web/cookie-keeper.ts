/*
 * Sessions that the cookies of the browser hold whole, sealed, where there is no store. Measured, so that no browser drops
 * one without a word.
 */
import { constantTimeEqual, encodeBase64url } from '#crypto'
import { LoginError } from '../../client/login-errors.js'
import { readCookies, setCookie } from '../../http/cookies.js'
import { createBoundedCache } from '../../kit/bounded-cache.js'
import { type MaybePromise, whenReady } from '../../kit/maybe-promise.js'
import { createSealer } from '../../stores/sealer.js'
import type { CookieSessions } from './cookie-sessions.js'
import { parseRecord, type SessionRecord } from './login-session.js'
import type { LoginSettings } from './login-settings.js'
import { createRecentRecords } from './recent-records.js'
import { noCookies, type SessionKeeper } from './session-keeper.js'
import { parseTrace, writeTrace } from './session-trace.js'

/** What browsers take: the whole `Set-Cookie` field, name and attributes included. */
const maxLineLength = 4096

/** How many cookies may hold one session, as the first of them says it. */
const counts = '123'

/** How many ended sessions are remembered, so that each is told of once. */
const maxEnded = 10_000

/**
 * Keeps sessions in cookies. One cookie more has a random id of the login: it is set by a login and taken away by a logout,
 * never written again, and the others open with it alone. So the late answer to a request of an older session, which
 * writes its cookies again, brings back neither that session nor one that the user has left.
 */
export function createCookieKeeper(
  { keys, secure, idleSeconds, absoluteSeconds, revocations, clock }: LoginSettings,
  { maxChunks }: CookieSessions,
): SessionKeeper {
  const prefix = secure ? '__Host-pc_session' : 'pc_session'
  const idName = `${prefix}.id`
  const names = Array.from({ length: maxChunks }, (_, index) => `${prefix}.${index}`)
  const placeOf = (id: string) => `login-session:${prefix}.${id}`
  const sealer = createSealer(keys)
  const ended = createBoundedCache<true>(maxEnded)
  // Who knows the id of a login must not learn by the time it takes how much of a guessed cookie is right.
  const recent = createRecentRecords(clock, constantTimeEqual)

  const field = (name: string, value: string, maxAgeSeconds: number) =>
    setCookie(name, value, { secure, sameSite: 'Lax', maxAgeSeconds })

  /** Every cookie anew, those that are not needed any more taken away; `undefined` where they do not hold it. */
  function write(id: string, record: SessionRecord, secondsLeft: number): MaybePromise<readonly string[] | undefined> {
    const sealed = sealer.seal(JSON.stringify(record), placeOf(id))
    return whenReady(sealed, (text) => linesOf(text, secondsLeft))
  }

  function linesOf(sealed: string, secondsLeft: number): readonly string[] | undefined {
    let rest = sealed
    const parts: string[] = []
    for (const [index, name] of names.entries()) {
      // The first one says how many there are, so that one from before is not taken for a part.
      const room = maxLineLength - field(name, index === 0 ? 'n.' : '', secondsLeft).length
      parts.push(rest.slice(0, room))
      rest = rest.slice(room)
    }
    if (rest !== '') return undefined
    const count = parts.filter((part) => part !== '').length
    return names.map((name, index) => {
      const part = parts[index] as string
      if (part === '') return field(name, '', 0)
      return field(name, index === 0 ? `${count}.${part}` : part, secondsLeft)
    })
  }

  return {
    read(facts) {
      const cookies = readCookies(facts)
      const first = cookies.get(names[0] as string) ?? ''
      const id = cookies.get(idName)
      const count = first.charAt(1) === '.' ? counts.indexOf(first.charAt(0)) + 1 : 0
      if (count === 0 || id === undefined) return undefined
      let sealed = first.slice(2)
      for (const name of names.slice(1, count)) sealed += cookies.get(name) ?? ''
      const known = recent.get(id, sealed)
      if (known !== undefined) return { key: known.tokensKey, record: known, id }
      return whenReady(sealer.open(sealed, placeOf(id)), (text) => {
        const record = text === undefined ? undefined : parseRecord(text)
        if (record === undefined) return undefined
        recent.set(id, sealed, record)
        return { key: record.tokensKey, record, id }
      })
    },
    touch({ record, id }, secondsLeft) {
      const now = Math.floor(clock() / 1000)
      if (now - record.sentAt < idleSeconds / 10) return noCookies
      const next = { ...record, seenAt: now, sentAt: now }
      return whenReady(write(id, next, secondsLeft(next)), (lines = noCookies) => lines)
    },
    async begin({ idToken: _tooLong, ...record }, secondsLeft) {
      const id = encodeBase64url(crypto.getRandomValues(new Uint8Array(16)))
      const lines = await write(id, { ...record, idToken: undefined }, secondsLeft)
      if (lines === undefined) throw new LoginError('ERR_SESSION_TOO_LARGE')
      return [...lines, field(idName, id, absoluteSeconds)]
    },
    note: ({ record }) => writeTrace(record),
    recall(note) {
      const record = parseTrace(note)
      return record && { key: record.tokensKey, record }
    },
    async end({ key, record, id }, isMarked) {
      if (id !== undefined) recent.forget(id)
      const isFirst = ended.get(key) === undefined
      ended.set(key, true)
      if (!isMarked) await revocations?.revoke({ issuer: record.account.issuer, jti: key })
      return isFirst
    },
    endCookies: [...names, idName].map((name) => field(name, '', 0)),
  }
}
