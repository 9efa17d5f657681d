/*
 * Sessions that the cookies of the browser hold whole, sealed, where there is no store. Measured, so that no browser drops
 * one without a word.
 */
import { LoginError } from '../../client/login-errors.js'
import { readCookies, setCookie } from '../../http/cookies.js'
import { createBoundedCache } from '../../kit/bounded-cache.js'
import { createSealer } from '../../stores/sealer.js'
import type { CookieSessions } from './cookie-sessions.js'
import { parseRecord, type SessionRecord } from './login-session.js'
import type { LoginSettings } from './login-settings.js'
import type { SessionKeeper } from './session-keeper.js'

/** What browsers take: the whole `Set-Cookie` field, name and attributes included. */
const maxLineLength = 4096

/** How many ended sessions are remembered, so that each is told of once. */
const maxEnded = 10_000

/** A session, and how often it was written: no answer brings back what is older than its request. */
interface CookieRecord extends SessionRecord {
  readonly version: number
}

/** Keeps sessions in cookies. */
export function createCookieKeeper(
  { keys, secure, idleSeconds, revocations, clock }: LoginSettings,
  { maxChunks }: CookieSessions,
): SessionKeeper {
  const prefix = secure ? '__Host-pc_session' : 'pc_session'
  const names = Array.from({ length: maxChunks }, (_, index) => `${prefix}.${index}`)
  const place = `login-session:${prefix}`
  const sealer = createSealer(keys)
  const ended = createBoundedCache<true>(maxEnded)

  const field = (name: string, value: string, maxAgeSeconds: number) =>
    setCookie(name, value, { secure, sameSite: 'Lax', maxAgeSeconds })

  /** Every cookie anew, those that are not needed any more taken away; `undefined` where they do not hold it. */
  async function write(record: CookieRecord, secondsLeft: number): Promise<readonly string[] | undefined> {
    let rest = await sealer.seal(JSON.stringify(record), place)
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
    async read(facts) {
      const cookies = readCookies(facts)
      const [, count, first] = /^([1-3])\.(.+)$/.exec(cookies.get(names[0] as string) ?? '') ?? []
      if (first === undefined) return undefined
      const others = names.slice(1, Number(count)).map((name) => cookies.get(name))
      const record = parseRecord((await sealer.open([first, ...others].join(''), place)) ?? '')
      return record && { key: record.tokensKey, record }
    },
    async touch({ record }, secondsLeft) {
      const now = Math.floor(clock() / 1000)
      if (now - record.sentAt < idleSeconds / 10) return []
      const next = { ...record, seenAt: now, sentAt: now, version: (record as CookieRecord).version + 1 }
      return (await write(next, secondsLeft(next))) ?? []
    },
    async begin({ idToken: _tooLong, ...record }, secondsLeft, previous) {
      const version = ((previous?.record as CookieRecord | undefined)?.version ?? 0) + 1
      const lines = await write({ ...record, idToken: undefined, version }, secondsLeft)
      if (lines === undefined) throw new LoginError('ERR_SESSION_TOO_LARGE')
      return lines
    },
    async end({ key, record }, isMarked) {
      const isFirst = ended.get(key) === undefined
      ended.set(key, true)
      if (!isMarked) await revocations?.revoke({ issuer: record.account.issuer, jti: key })
      return isFirst
    },
    endCookies: names.map((name) => field(name, '', 0)),
  }
}
