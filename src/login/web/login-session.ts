/*
 * What a browser's session holds on the server, as stores keep it and as handlers see it. Does not find or keep it.
 */
import {
  type AuthenticatedFetch,
  type AuthenticatedFetchOptions,
  createCheckedFetch,
} from '../../client/authenticated-fetch.js'
import { readChallenges, readStepUp } from '../../client/challenges.js'
import { ConfigurationError } from '../../errors/index.js'
import { isJsonObject, isStringArray, type JsonObject, ownMember, parseJsonObject } from '../../kit/json.js'
import type { LoginAccount, LoginResult } from '../login-result.js'
import { reauthenticationRequired } from '../reauthentication-required-error.js'
import type { LoginTransaction } from '../transaction.js'
import type { UserTokens } from '../user-tokens.js'

/**
 * A user who signed in, as the handlers of an application see it. Frozen. Shows no token, neither printed nor as JSON.
 *
 * @group Web login
 */
export interface LoginSession {
  /** Who the user is: the one thing to keep anything under. */
  readonly account: LoginAccount
  /** The name of the provider. */
  readonly provider: string
  /** Of the ID token of the login, the claims that `createLogin` was told to keep. */
  readonly claims: JsonObject
  /** Of userinfo, the same claims; empty where it was not asked. */
  readonly userInfo: JsonObject
  /** What `onLogin` gave. */
  readonly data: JsonObject
  /** How the user signed in, as the provider says it. */
  readonly acr: string | undefined
  readonly amr: readonly string[]
  /** When the user signed in at the provider, in seconds since the Unix epoch; `undefined` where it does not say. */
  readonly authTime: number | undefined
  /** When the session began, in seconds since the Unix epoch. */
  readonly createdAt: number
  /** When it ends, used or not, in seconds since the Unix epoch. */
  readonly expiresAt: number
  /** The tokens of this session, renewed when they have to be; hidden. `undefined` where `createLogin` keeps none. */
  readonly tokens: UserTokens | undefined
  /**
   * Makes a `fetch` that carries the access token of this session: to `allowedOrigins` alone, renewed when it has to be;
   * see `createAuthenticatedFetch`. Where a service wants the user to sign in again, or in another way (RFC 9470), and
   * where no token is to be had, calls reject with a {@link ReauthenticationRequiredError}: `loginRefusals` of the adapters
   * answers it. Hidden.
   *
   * @throws `ConfigurationError` for an option that is wrong or unknown, and where `createLogin` keeps no tokens.
   */
  fetch(options: AuthenticatedFetchOptions): AuthenticatedFetch
}

/** A session, as a store keeps it. Times in seconds. */
export interface SessionRecord {
  readonly v: 1
  readonly account: LoginAccount
  readonly provider: string
  readonly claims: JsonObject
  readonly userInfo: JsonObject
  readonly data: JsonObject
  readonly sid: string | undefined
  readonly acr: string | undefined
  readonly amr: readonly string[]
  readonly authTime: number | undefined
  /** What its login asked for. */
  readonly askedAcrValues: readonly string[] | undefined
  readonly askedMaxAgeSeconds: number | undefined
  readonly createdAt: number
  /** When the provider signed the ID token, by its clock: what logouts there are compared with. */
  readonly issuedAt: number
  readonly seenAt: number
  /** When the cookie was last sent. */
  readonly sentAt: number
  readonly absoluteUntil: number
  /** Where its tokens are. */
  readonly tokensKey: string
  /** For the logout at the provider. */
  readonly idToken: string | undefined
}

/** A record from the text that a store gave, its account frozen; `undefined` for anything else. */
export function parseRecord(text: string): SessionRecord | undefined {
  const record = parseJsonObject(text)
  if (record?.['v'] !== 1) return undefined
  const { account, provider, claims, userInfo, data, amr, tokensKey } = record
  const times = ['createdAt', 'issuedAt', 'seenAt', 'sentAt', 'absoluteUntil'].map((name) => record[name])
  const isWhole =
    isJsonObject(account) &&
    [account['issuer'], account['subject'], provider, tokensKey].every((part) => typeof part === 'string') &&
    [claims, userInfo, data].every(isJsonObject) &&
    isStringArray(amr) &&
    times.every(Number.isFinite)
  if (!isWhole) return undefined
  Object.freeze(account)
  return record as unknown as SessionRecord
}

/** What a login leaves in its session. */
export function recordOf(
  provider: string,
  { account, claims, userInfo, tokens }: LoginResult,
  about: {
    readonly kept: readonly string[]
    readonly data: JsonObject
    readonly asked: Pick<LoginTransaction, 'acrValues' | 'maxAgeSeconds'>
    readonly nowSeconds: number
    readonly seconds: number
  },
): SessionRecord {
  const { kept, data, asked, nowSeconds, seconds } = about
  const { acr, amr, sid, auth_time: authTime } = (claims ?? {}) as JsonObject
  return {
    v: 1,
    account,
    provider,
    claims: pick(claims, kept),
    userInfo: pick(userInfo, kept),
    data,
    sid: textOf(sid),
    acr: textOf(acr),
    amr: isStringArray(amr) ? amr : [],
    authTime: typeof authTime === 'number' ? authTime : undefined,
    askedAcrValues: asked.acrValues,
    askedMaxAgeSeconds: asked.maxAgeSeconds,
    createdAt: nowSeconds,
    issuedAt: claims?.iat ?? nowSeconds,
    seenAt: nowSeconds,
    sentAt: nowSeconds,
    absoluteUntil: nowSeconds + seconds,
    tokensKey: `session:${crypto.randomUUID()}`,
    idToken: tokens.idToken,
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function pick(claims: JsonObject | undefined, names: readonly string[]): JsonObject {
  if (claims === undefined) return {}
  return Object.fromEntries(
    names.flatMap((name) => (Object.hasOwn(claims, name) ? [[name, ownMember(claims, name)]] : [])),
  )
}

/** What handlers see of a record. Who owns its tokens is found out where somebody asks. */
export function sessionOf(
  record: SessionRecord,
  tokensOf: (record: SessionRecord) => UserTokens | undefined,
): LoginSession {
  return new Session(record, tokensOf)
}

/** A class, since every request makes one: what it hides costs a definition each on a plain object. */
class Session implements LoginSession {
  readonly account: LoginAccount
  readonly provider: string
  readonly claims: JsonObject
  readonly userInfo: JsonObject
  readonly data: JsonObject
  readonly acr: string | undefined
  readonly amr: readonly string[]
  readonly authTime: number | undefined
  readonly createdAt: number
  readonly expiresAt: number
  readonly #record: SessionRecord
  readonly #tokensOf: (record: SessionRecord) => UserTokens | undefined
  #owner: { readonly tokens: UserTokens | undefined } | undefined

  constructor(record: SessionRecord, tokensOf: (record: SessionRecord) => UserTokens | undefined) {
    this.account = record.account
    this.provider = record.provider
    this.claims = record.claims
    this.userInfo = record.userInfo
    this.data = record.data
    this.acr = record.acr
    this.amr = record.amr
    this.authTime = record.authTime
    this.createdAt = record.createdAt
    this.expiresAt = record.absoluteUntil
    this.#record = record
    this.#tokensOf = tokensOf
    Object.freeze(this)
  }

  get tokens(): UserTokens | undefined {
    this.#owner ??= { tokens: this.#tokensOf(this.#record) }
    return this.#owner.tokens
  }

  get fetch(): LoginSession['fetch'] {
    return (options) => sessionFetch(this.#record, this.tokens, options)
  }
}

function sessionFetch(
  { account: { issuer } }: SessionRecord,
  tokens: UserTokens | undefined,
  options: AuthenticatedFetchOptions,
): AuthenticatedFetch {
  if (tokens === undefined) throw new ConfigurationError('`fetch` of a session needs `tokens` of createLogin.')
  return createCheckedFetch(tokens, options, async (response) => {
    const stepUp = response.status === 401 ? readStepUp(readChallenges(response.headers)) : undefined
    if (stepUp === undefined) return
    await response.body?.cancel()
    throw reauthenticationRequired({ issuer }, 'insufficient_user_authentication', stepUp)
  })
}
