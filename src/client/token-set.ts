/*
 * What a token endpoint answered. Does not verify tokens, and does not judge how long they serve.
 */
import { type Clock, systemClock } from '../kit/clock.js'
import { hideSecrets } from '../kit/hidden.js'
import { isJsonObject, type JsonObject, ownMember } from '../kit/json.js'
import { ClientCallError, ResponseError } from './errors.js'

/**
 * What a token endpoint answered. Frozen. The tokens are readable as members and show up neither in `util.inspect` nor
 * in `JSON.stringify`; {@link serializeTokenSet} makes text of them.
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
   * `undefined` when the server did not say: see {@link isExpired}.
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
  /** Verified by the caller, or as it came. */
  readonly idToken?: string | undefined
  /** What stands between two scopes. Default: a space (RFC 6749 §3.3). */
  readonly scopeSeparator?: string | undefined
  /** What stays where the answer is silent. */
  readonly previous?: PreviousTokens | undefined
}

/** What a refreshed {@link TokenSet} keeps of the one before, where the server issued nothing new. @group Tokens */
export type PreviousTokens = {
  readonly [Name in 'refreshToken' | 'refreshExpiresAt' | 'idToken' | 'scope']?: TokenSet[Name] | undefined
}

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
export function createTokenSet(answer: TokenAnswer): TokenSet {
  const { raw, clock, requestedScope, scopeSeparator = ' ', previous = {} } = answer
  const spelling = String(raw['token_type']).toLowerCase() as keyof typeof spellings
  const issued = raw['refresh_token'] as string | undefined
  const silentScope = requestedScope.length > 0 ? requestedScope : (previous.scope ?? [])
  const kept = issued === undefined ? previous.refreshExpiresAt : undefined
  return freezeTokenSet({
    tokenType: spellings[spelling],
    expiresAt: expiryOf(raw['expires_in'], clock),
    issuedAt: Math.floor(clock() / 1000),
    refreshExpiresAt: refreshExpiryOf(raw, clock) ?? kept,
    scope: scopesOf(raw['scope'], scopeSeparator) ?? silentScope,
    issuedTokenType: raw['issued_token_type'] as string | undefined,
    accessToken: raw['access_token'] as string,
    refreshToken: issued ?? previous.refreshToken,
    idToken: answer.idToken ?? previous.idToken,
    raw,
  })
}

/** A {@link TokenSet} of its members, the hidden ones hidden. */
export function freezeTokenSet(members: Omit<TokenSet, 'metadata'>): TokenSet {
  const { accessToken, refreshToken, idToken, raw, scope, ...shown } = members
  const metadata = Object.fromEntries(Object.entries(raw).filter(([name]) => !knownMembers.has(name)))
  return hideSecrets(
    { ...shown, scope: Object.freeze([...scope]) },
    { accessToken, refreshToken, idToken, metadata: Object.freeze(metadata), raw: Object.freeze({ ...raw }) },
  )
}

/** The same tokens with the ID token that came with them, verified. */
export function identifiedTokens(tokens: TokenSet, idToken: string): TokenSet {
  const { accessToken, refreshToken, raw } = tokens
  return freezeTokenSet({ ...tokens, accessToken, refreshToken, idToken, raw })
}

/** 0 stands for a token that does not expire. */
function refreshExpiryOf(raw: JsonObject, clock: Clock): number | undefined {
  const lifetime = ownMember(raw, 'refresh_expires_in') ?? ownMember(raw, 'refresh_token_expires_in')
  return Number(lifetime) > 0 ? expiryOf(lifetime, clock) : undefined
}

function scopesOf(scope: unknown, separator: string): readonly string[] | undefined {
  return typeof scope === 'string' ? scope.split(separator).filter((item) => item !== '') : undefined
}

function expiryOf(expiresIn: unknown, clock: Clock): number | undefined {
  const seconds = typeof expiresIn === 'string' ? Number.parseFloat(expiresIn) : expiresIn
  return Number.isFinite(seconds) ? Math.floor(clock() / 1000 + Number(seconds)) : undefined
}

/**
 * Makes a {@link TokenSet} of an answer of a token endpoint that another client received (RFC 6749 §5.1). Checks its
 * form alone; does NOT verify a token, the ID token least of all.
 *
 * @param data - the members as the server wrote them.
 * @param options - `clock` tells when it was received, default now; `scope` what was asked for.
 * @throws {@link ResponseError} `ERR_RESPONSE_MALFORMED` for a missing or malformed member, `ERR_TOKEN_TYPE_UNUSABLE` for
 * a token type other than `Bearer`, `DPoP` and `N_A`.
 * @group Tokens
 */
export function tokenSetFromResponse(
  data: unknown,
  { clock = systemClock, scope = [] }: { readonly clock?: Clock; readonly scope?: readonly string[] } = {},
): TokenSet {
  const isLife = (value: unknown) =>
    value === undefined || (Number(value) >= 0 && /^(number|string)$/.test(typeof value))
  const lives = ['expires_in', 'refresh_expires_in', 'refresh_token_expires_in']
  const texts = ['scope', 'refresh_token', 'id_token', 'issued_token_type']
  const isRight =
    isJsonObject(data) &&
    isText(data['access_token']) &&
    isText(data['token_type']) &&
    texts.every((name) => data[name] === undefined || typeof data[name] === 'string') &&
    lives.every((name) => isLife(data[name]))
  if (!isRight) throw new ResponseError('ERR_RESPONSE_MALFORMED')
  if (!Object.hasOwn(spellings, String(data['token_type']).toLowerCase()))
    throw new ResponseError('ERR_TOKEN_TYPE_UNUSABLE')
  return createTokenSet({ raw: data, clock, requestedScope: scope, idToken: data['id_token'] as string | undefined })
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
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
