/*
 * Sessions of browsers: a random id in a cookie, everything else in a store that knows the digest of the id alone. Signs no
 * user in.
 */
import { encodeBase64url, sha256Base64url } from '#crypto'
import { ConfigurationError, isAuthError, UnavailableError } from '../../errors/index.js'
import { readCookies, setCookie } from '../../http/cookies.js'
import type { RequestFacts } from '../../http/request-facts.js'
import { emit } from '../../kit/event-sink.js'
import { failureCode } from '../../kit/failure-code.js'
import { inTime } from '../../kit/time-limit.js'
import { createUserTokens, type UserTokens } from '../user-tokens.js'
import { type LoginSession, parseRecord, type SessionRecord, sessionOf } from './login-session.js'
import type { LoginSettings } from './login-settings.js'

/** A session that a request brought. */
export interface FoundSession {
  readonly key: string
  readonly record: SessionRecord
  readonly session: LoginSession
  /** To be set with the answer, where the browser should keep the cookie for longer. */
  readonly cookies: readonly string[]
}

/** The sessions of one application. Every function rejects with an {@link UnavailableError} where the store fails. */
export interface Sessions {
  /** The session of a request; `undefined` for a cookie that is none of ours, or no longer one. */
  find(facts: RequestFacts): Promise<FoundSession | undefined>
  /** Begins one under a new id. The field that sets its cookie. */
  begin(record: SessionRecord): Promise<string>
  /** Ends one. Its tokens are deleted, and revoked with `revoke`, which takes 3 s at most. */
  end(found: FoundSession, reason: 'logout' | 'replaced', revoke: boolean): Promise<void>
  /** The field that takes the cookie away. */
  readonly endCookie: string
  /** The owner of the tokens of a session; `undefined` where none are kept. */
  tokensOf(record: SessionRecord): UserTokens | undefined
}

/** How often at most a session is written because it was used. */
const touchSeconds = 60
/** Longer records are a mistake in what `onLogin` gives, or a provider that tells too much. */
const maxRecordLength = 65_536

/** See {@link Sessions}. */
export function createSessions(settings: LoginSettings): Sessions {
  const { store, tokens, revocations, secure, idleSeconds, rolling, providers, clock, onEvent } = settings
  const name = secure ? '__Host-pc_session' : 'pc_session'
  const nowSeconds = () => Math.floor(clock() / 1000)

  function cookieOf(id: string, maxAgeSeconds: number): string {
    return setCookie(name, id, { secure, sameSite: 'Lax', maxAgeSeconds })
  }

  function failed(cause: unknown): UnavailableError {
    emit(onEvent, { type: 'store.failed', store: 'sessions', reason: failureCode(cause), failedOpen: false })
    return new UnavailableError('ERR_STORE_UNAVAILABLE', { detail: 'session store', cause })
  }

  async function ask<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await inTime(work)
    } catch (error) {
      throw failed(error)
    }
  }

  function secondsLeft({ seenAt, absoluteUntil }: SessionRecord): number {
    return Math.min(seenAt + idleSeconds, absoluteUntil) - nowSeconds()
  }

  function tokensOf({ provider, tokensKey }: SessionRecord): UserTokens | undefined {
    const owner = providers.get(provider)
    if (tokens === false || owner === undefined) return undefined
    return createUserTokens({ provider: owner, ...tokens, key: tokensKey, onEvent, clock })
  }

  // A store that needs a lock says so now, and not to the first user.
  for (const provider of providers.values()) {
    if (tokens !== false) createUserTokens({ provider, ...tokens, key: 'session:' })
  }

  /** Whether a logout elsewhere has marked the session, its user, or both. */
  async function isRevoked({ account, sid, issuedAt }: SessionRecord): Promise<boolean> {
    const { issuer, subject } = account
    try {
      await revocations?.check({ issuer, subject, tokenClaims: { iat: issuedAt, sid } })
      return false
    } catch (error) {
      if (isAuthError(error) && error.code === 'ERR_TOKEN_REVOKED') return true
      throw error
    }
  }

  /** Its tokens are revoked behind the answer: the request has no session, whatever becomes of them. */
  async function drop(key: string, record: SessionRecord): Promise<undefined> {
    if (!(await ask(() => store.delete(key)))) return
    emit(onEvent, { type: 'session.ended', provider: record.provider, reason: 'revoked' })
    tokensOf(record)
      ?.logout()
      .catch(() => undefined)
  }

  /** Notes that a session is in use. `undefined` where it ended meanwhile. */
  async function touch(id: string, key: string, record: SessionRecord): Promise<readonly string[] | undefined> {
    const now = nowSeconds()
    if (!rolling || now - record.seenAt < touchSeconds) return []
    const isSent = now - record.sentAt >= idleSeconds / 10
    const next = { ...record, seenAt: now, sentAt: isSent ? now : record.sentAt }
    const left = secondsLeft(next)
    if (!(await ask(() => store.touch(key, JSON.stringify(next), left * 1000)))) return undefined
    return isSent ? [cookieOf(id, left)] : []
  }

  return {
    async find(facts) {
      const id = readCookies(facts).get(name)
      if (id === undefined || !/^[\w-]{43}$/.test(id)) return undefined
      const key = await sha256Base64url(id)
      const record = parseRecord((await ask(() => store.get(key))) ?? '')
      if (record === undefined || secondsLeft(record) <= 0 || !providers.has(record.provider)) return undefined
      if (await isRevoked(record)) return drop(key, record)
      const cookies = await touch(id, key, record)
      return cookies && { key, record, session: sessionOf(record, tokensOf(record)), cookies }
    },
    async begin(record) {
      const text = JSON.stringify(record)
      if (text.length > maxRecordLength) {
        throw new ConfigurationError('A session has at most 64 KiB: keep less in `data` or `claims` of createLogin.')
      }
      const id = encodeBase64url(crypto.getRandomValues(new Uint8Array(32)))
      const key = await sha256Base64url(id)
      const left = secondsLeft(record)
      await ask(() => store.set(key, text, left * 1000))
      emit(onEvent, { type: 'session.created', provider: record.provider })
      return cookieOf(id, left)
    },
    async end({ key, record }, reason, revoke) {
      await ask(() => store.delete(key))
      emit(onEvent, { type: 'session.ended', provider: record.provider, reason })
      // The session is over; tokens that stay behind in a failing store are never found again.
      await tokensOf(record)
        ?.logout({ revoke })
        .catch(() => undefined)
    },
    endCookie: setCookie(name, '', { secure, sameSite: 'Lax', maxAgeSeconds: 0 }),
    tokensOf,
  }
}
