/*
 * The tokens of one key, and the entry in which a store keeps them. Calls no store.
 */

import { canRefresh, expiresInSeconds } from '../client/token-lifetime.js'
import type { TokenSet } from '../client/token-set.js'
import { parseTokenSet, serializeTokenSet } from '../client/token-set-text.js'
import { TokenStoreError } from '../errors/index.js'
import { type JsonObject, parseJsonObject } from '../kit/json.js'
import type { StoredTokens, TokenLifetime } from '../stores/contract.js'
import type { ReauthenticationReason } from './reauthentication-required-error.js'
import type { TokenProvider } from './token-provider.js'

/** An entry of a store, read. */
export interface KeptTokens {
  readonly tokens: TokenSet
  readonly version: string
  readonly account: StoredTokens['account']
  /** The server that gave them; see {@link TokenProvider.serverId}. */
  readonly serverId: string | undefined
  /** The refresh token was sent, and no answer is known: it may be spent. */
  readonly sent: Sent | undefined
}

/** How a refresh token was sent. */
export interface Sent {
  /** When, or when the answer was given up. In milliseconds. */
  readonly atMs: number
  /** How long from then on whoever sent it may get the answer and write it. `undefined` once that was given up. */
  readonly withinMs: number | undefined
}

/** Whether another server gave what is kept. */
export function isForeign(kept: Pick<KeptTokens, 'serverId'>, serverId: string | undefined): boolean {
  return kept.serverId !== undefined && serverId !== undefined && kept.serverId !== serverId
}

/** The tokens of an entry. @throws {@link TokenStoreError} where it holds none that this version can read. */
export function readEntry({ tokens: text, version, account }: StoredTokens): KeptTokens {
  try {
    const members = parseJsonObject(text) as JsonObject
    const { serverId = account?.issuer } = members
    const isKnown = serverId === undefined || typeof serverId === 'string'
    if (isKnown) return { tokens: parseTokenSet(text), version, account, serverId, sent: readSent(members) }
  } catch {
    // Told below.
  }
  throw new TokenStoreError('ERR_TOKEN_STORE_CORRUPT', 'An entry holds no token set that this version can read.')
}

function readSent({ unansweredAtMs: atMs, answerWithinMs: withinMs }: JsonObject): Sent | undefined {
  if (typeof atMs !== 'number') return undefined
  return { atMs, withinMs: typeof withinMs === 'number' ? withinMs : undefined }
}

/** Tokens under a new version. */
export function newVersion(kept: Omit<KeptTokens, 'version'>): KeptTokens {
  return { ...kept, version: crypto.randomUUID() }
}

/** The entry of {@link KeptTokens}, as a store takes it, and how long it is worth keeping. */
export function toEntry(
  { tokens, version, account, serverId, sent }: KeptTokens,
  nowMs: number,
): readonly [StoredTokens, TokenLifetime] {
  const members = parseJsonObject(serializeTokenSet(tokens)) as JsonObject
  const marks = { serverId, unansweredAtMs: sent?.atMs, answerWithinMs: sent?.withinMs }
  const entry = {
    v: 1,
    version,
    tokens: JSON.stringify({ ...members, ...marks }),
    account,
    savedAt: Math.floor(nowMs / 1000),
  } as const
  return [entry, lifetimeOf(tokens, nowMs)]
}

/** A refresh token may be under way when it ends, and what it was exchanged for may wait for the store to take it. */
const marginMs = 3_600_000

/** An hour longer than both tokens live; where the end of the refresh token is not known, as long as the store likes. */
function lifetimeOf(tokens: TokenSet, nowMs: number): TokenLifetime {
  const { refreshToken, refreshExpiresAt } = tokens
  if (refreshToken === undefined || refreshExpiresAt === undefined) return {}
  const accessMs = expiresInSeconds(tokens, { nowMs }) * 1000
  return { ttlMs: Math.max(0, accessMs, refreshExpiresAt * 1000 - nowMs) + marginMs }
}

/** Why tokens cannot be renewed; `undefined` where they can. */
export function whyNotRenewable(tokens: TokenSet, nowMs: number): ReauthenticationReason | undefined {
  if (canRefresh(tokens, { nowMs })) return undefined
  return tokens.refreshToken === undefined ? 'no_refresh_token' : 'refresh_expired'
}
