/*
 * What a token endpoint answered, and small questions about it. Does not verify tokens.
 */
import type { Clock } from '../kit/clock.js'
import { hideSecrets } from '../kit/hidden.js'
import { type JsonObject, ownMember } from '../kit/json.js'
import { ClientCallError } from './errors.js'

/**
 * What a token endpoint answered. Frozen. The tokens are readable as members and show up neither in `util.inspect` nor
 * in `JSON.stringify`.
 *
 * @group Tokens
 */
export interface TokenSet {
  /** The issued token, whatever its type. Hidden. */
  readonly accessToken: string
  /** An `N_A` token is not an access token: it must never go into an `Authorization` field (RFC 8693 §2.2.1). */
  readonly tokenType: 'Bearer' | 'DPoP' | 'N_A'
  /**
   * When it expires, in seconds since the Unix epoch like `Auth.expiresAt`; counted from the local time of receipt.
   * `undefined` when the server did not say: treat such a token as good for the moment only.
   */
  readonly expiresAt: number | undefined
  /** When it was received, in seconds since the Unix epoch, by the local clock. */
  readonly issuedAt: number
  /**
   * When the refresh token expires, in seconds since the Unix epoch; `undefined` where the server did not say, or says
   * that it does not (`refresh_expires_in: 0` of Keycloak's offline tokens).
   */
  readonly refreshExpiresAt: number | undefined
  /** The granted scopes; those requested where the server named none (RFC 6749 §5.1). */
  readonly scope: readonly string[]
  /** Of a token exchange (RFC 8693 §2.2.1). */
  readonly issuedTokenType: string | undefined
  /** Hidden. After a refresh: the new one, or the old one where the server issued none. */
  readonly refreshToken: string | undefined
  /**
   * The ID token of a login, verified. Hidden. After a refresh: the new one, or the old one where none came. Other grants
   * have none.
   */
  readonly idToken: string | undefined
  /** The members of the answer that no specification names, such as the user's address at a vendor. Hidden. */
  readonly metadata: JsonObject
  /** The whole answer, member for member. Hidden. */
  readonly raw: JsonObject
}

const spellings = { bearer: 'Bearer', dpop: 'DPoP', n_a: 'N_A' } as const

/** What a {@link TokenSet} is made of. */
export interface TokenAnswer {
  readonly raw: JsonObject
  readonly clock: Clock
  readonly requestedScope: readonly string[]
  /** Verified by the caller. */
  readonly idToken?: string | undefined
  /** What stays where the answer is silent. */
  readonly previous?: PreviousTokens | undefined
}

/** What a refreshed {@link TokenSet} keeps of the one before, where the server issued nothing new. */
export type PreviousTokens = Partial<Pick<TokenSet, 'refreshToken' | 'refreshExpiresAt' | 'idToken' | 'scope'>>

const knownMembers: ReadonlySet<string> = new Set([
  'access_token',
  'token_type',
  'expires_in',
  'scope',
  'refresh_token',
  'refresh_expires_in',
  'refresh_token_expires_in',
  'id_token',
  'issued_token_type',
])

/** Builds a {@link TokenSet} from an answer whose members, `token_type` first of all, were checked before. */
export function createTokenSet({ raw, clock, requestedScope, idToken, previous = {} }: TokenAnswer): TokenSet {
  const spelling = String(raw['token_type']).toLowerCase() as keyof typeof spellings
  const issued = raw['refresh_token'] as string | undefined
  const kept = issued === undefined ? previous.refreshExpiresAt : undefined
  const shown = {
    tokenType: spellings[spelling],
    expiresAt: expiryOf(raw['expires_in'], clock),
    issuedAt: Math.floor(clock() / 1000),
    refreshExpiresAt: refreshExpiryOf(raw, clock) ?? kept,
    scope: Object.freeze(scopesOf(raw['scope'], requestedScope.length > 0 ? requestedScope : (previous.scope ?? []))),
    issuedTokenType: raw['issued_token_type'] as string | undefined,
  }
  return hideSecrets(shown, {
    accessToken: raw['access_token'] as string,
    refreshToken: issued ?? previous.refreshToken,
    idToken: idToken ?? previous.idToken,
    metadata: Object.freeze(Object.fromEntries(Object.entries(raw).filter(([name]) => !knownMembers.has(name)))),
    raw: Object.freeze({ ...raw }),
  })
}

/** 0 stands for a token that does not expire. */
function refreshExpiryOf(raw: JsonObject, clock: Clock): number | undefined {
  const lifetime = ownMember(raw, 'refresh_expires_in') ?? ownMember(raw, 'refresh_token_expires_in')
  return Number(lifetime) > 0 ? expiryOf(lifetime, clock) : undefined
}

function scopesOf(scope: unknown, requested: readonly string[]): readonly string[] {
  return typeof scope === 'string' ? scope.split(' ').filter((item) => item !== '') : [...requested]
}

function expiryOf(expiresIn: unknown, clock: Clock): number | undefined {
  const seconds = typeof expiresIn === 'string' ? Number.parseFloat(expiresIn) : expiresIn
  return typeof seconds === 'number' ? Math.floor(clock() / 1000 + seconds) : undefined
}

/**
 * The value of an `Authorization` field that carries this token as a bearer token (RFC 6750 §2.1).
 *
 * @throws {@link ClientCallError} `ERR_TOKEN_TYPE_UNUSABLE` for `N_A` tokens, and for DPoP-bound ones, which
 * need a proof beside them.
 * @group Tokens
 */
export function bearerAuthorization(tokens: TokenSet): string {
  if (tokens.tokenType === 'Bearer') return `Bearer ${tokens.accessToken}`
  throw new ClientCallError('ERR_TOKEN_TYPE_UNUSABLE')
}

/**
 * Whether a token has expired, or will within `marginSeconds`, 30 by default. A token whose expiry is unknown counts as
 * expired: ask for a new one. Does NOT ask the server: a token that was revoked may still be within its time.
 *
 * @group Tokens
 */
export function isExpired(
  tokens: Pick<TokenSet, 'expiresAt'>,
  { nowMs = Date.now(), marginSeconds = 30 }: { readonly nowMs?: number; readonly marginSeconds?: number } = {},
): boolean {
  return tokens.expiresAt === undefined || nowMs / 1000 >= tokens.expiresAt - marginSeconds
}
