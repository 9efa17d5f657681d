import { ConfigurationError } from '../../errors/index.js'
import { checkIssuer, checkUrl } from '../../issuer/identifiers.js'
import type { KeySettings } from '../../issuer/key-table.js'
import { optionalLogoutClaims } from '../../issuer/logout-token.js'
import { type KeyCacheOptions, keyCacheRule, toKeyCacheSettings } from '../../issuer/remote-keys.js'
import { checkAlgorithms, defaultTokenAlgorithms, type SignatureAlgorithm } from '../../jws/algorithms.js'
import type { InsecureHosts } from '../../kit/fetch/secure-url.js'
import { isJsonObject, type JsonObject } from '../../kit/json.js'
import { anything, checkOptions, choice, integer, oneOrMore, type Rules, toList } from '../../kit/options.js'
import { type AudienceSettings, type AudienceStandIn, toAudiences, toStandIns } from './audience.js'
import { type ClaimConditions, type ClaimsTest, toClaimsTest } from './claim-conditions.js'
import { type ClaimProfile, type ClaimProfileSettings, toClaimProfileSettings } from './claim-profile.js'
import {
  type IntrospectionOptions,
  type IntrospectionSettings,
  toIntrospectionSettings,
} from './introspection-options.js'
import { checkTokenHeader } from './read-credentials.js'
import { checkTokenTypes, showsAccessToken } from './token-type.js'

/** One trusted authorization server. @group Resource server */
export interface IssuerOptions {
  /** The issuer identifier, compared code point by code point: a trailing slash counts. */
  readonly issuer: string
  /**
   * Accepted `aud` values; by resource identifier where the issuer may issue for several resources of this server, so
   * that no token of one passes at another. Default: the audiences of the resource the route belongs to.
   */
  readonly audience?: string | readonly string[] | Readonly<Record<string, string | readonly string[]>> | undefined
  /**
   * For an issuer whose tokens have no `aud`, or an empty one: what they must say instead. Of several, one suffices. A
   * token that has an `aud` is judged only by it. Default: a token without `aud` is refused.
   */
  readonly audienceFrom?: AudienceStandIn | readonly AudienceStandIn[] | undefined
  /** Accepted `alg` values. Default RS256 PS256 ES256 ES384 ES512 EdDSA Ed25519. */
  readonly algorithms?: readonly SignatureAlgorithm[] | undefined
  /** Where the keys are. Default: `jwks_uri` of the discovered metadata. */
  readonly jwksUri?: string | undefined
  /**
   * Static public keys, instead of a key set: no network at all. Each is a JWK, or a text in PEM: `PUBLIC KEY`,
   * `RSA PUBLIC KEY`, or `CERTIFICATE`, of which nothing but the key is used and no date is checked. A key without `kid` may
   * sign under any name that no other key here has.
   */
  readonly keys?: readonly (JsonObject | string)[] | undefined
  /** Key-cache settings. */
  readonly keyCache?: KeyCacheOptions | undefined
  /** Accepted `use` values of keys; a key without `use` is always accepted. Default `['sig']`. */
  readonly keyUses?: readonly string[] | undefined
  /**
   * What the members of a key must say beyond what every key must; of several, one suffices. For key sets that several
   * issuers share. Default none.
   */
  readonly keyConditions?: ClaimConditions | readonly ClaimConditions[] | undefined
  /** Accepted `typ` header values; `null` stands for an absent one. Default `['at+jwt']` (RFC 9068 §4). */
  readonly tokenTypes?: readonly (string | null)[] | undefined
  /**
   * What the header of a JWT must say beyond `alg`, `kid` and `typ`; of several, one suffices. Default none: other members are
   * ignored.
   */
  readonly headerConditions?: ClaimConditions | readonly ClaimConditions[] | undefined
  /**
   * The request header field this issuer's tokens come in, by itself and without a scheme: what a proxy in front writes. Then
   * `Authorization` is only looked at for a resource that has an issuer without such a field. Default: `Authorization`.
   */
  readonly tokenHeader?: string | undefined
  /**
   * For tokens whose header has the `typ` `JWT`, `JOSE` or none, which any JWT of the issuer may have: what in the payload
   * shows an access token. Of several, one suffices. Choose what no ID token and no refresh token of the issuer has.
   * Default: `typ` or `token_use` naming an access token; where both are absent, a `scope` or `scp`.
   */
  readonly accessTokenEvidence?: ClaimConditions | readonly ClaimConditions[] | undefined
  /** Where this issuer puts client id, scopes, roles and tenant. */
  readonly claimProfile?: ClaimProfile | undefined
  /** Claims of RFC 9068 §2.2 this issuer may leave out. Default none. */
  readonly optionalClaims?: readonly ('jti' | 'client_id' | 'iat')[] | undefined
  /** Leeway for `exp`, `nbf` and `iat`. 0 to 300, default 60. */
  readonly clockToleranceSeconds?: number | undefined
  /** The oldest acceptable `iat`, in seconds. Default: no limit but `exp`. */
  readonly maxTokenAgeSeconds?: number | undefined
  /** Opaque tokens of this issuer, by RFC 7662. */
  readonly introspection?: IntrospectionOptions | undefined
  /**
   * Accepted `aud` values of this issuer's logout tokens: the client identifiers this server is registered under.
   * Without them `server.backchannelLogout` refuses what this issuer sends.
   */
  readonly logoutAudience?: string | readonly string[] | undefined
  /** `['exp']` accepts logout tokens without `exp` for 2 minutes from their `iat`. Default none. */
  readonly optionalLogoutClaims?: readonly 'exp'[] | undefined
  /**
   * What becomes of a token whose `cnf` has only unknown members: `'ignore'` lets it pass as if unbound. Beside `jkt` or
   * `x5t#S256` unknown members are always ignored. Default `'refuse'`.
   */
  readonly dangerouslyUnknownConfirmation?: 'refuse' | 'ignore' | undefined
}

/** An issuer's options, checked, with every simple default filled in. */
export interface IssuerSettings extends AudienceSettings {
  readonly algorithms: readonly SignatureAlgorithm[]
  readonly jwksUri: string | undefined
  readonly keys: readonly (JsonObject | string)[] | undefined
  readonly keyCache: Required<KeyCacheOptions>
  /** `undefined`: every signature key. */
  readonly keyRules: KeySettings | undefined
  readonly tokenTypes: readonly (string | null)[]
  /** `undefined`: nothing is demanded of other members. */
  readonly headerHolds: ClaimsTest | undefined
  /** In lower case; `undefined`: `Authorization`. */
  readonly tokenHeader: string | undefined
  readonly showsAccessToken: ClaimsTest
  readonly claimProfile: ClaimProfileSettings
  readonly optionalClaims: readonly string[]
  readonly clockToleranceSeconds: number
  readonly maxTokenAgeSeconds: number | undefined
  readonly introspection: IntrospectionSettings | undefined
  /** Empty: no logout token is accepted. */
  readonly logoutAudiences: readonly string[]
  readonly optionalLogoutClaims: readonly string[]
  readonly unknownConfirmation: 'refuse' | 'ignore'
}

const rules: Rules<IssuerOptions> = {
  issuer: anything,
  audience: anything,
  audienceFrom: anything,
  algorithms: anything,
  jwksUri: anything,
  keys: anything,
  keyCache: keyCacheRule,
  keyUses: oneOrMore,
  keyConditions: anything,
  tokenTypes: anything,
  headerConditions: anything,
  tokenHeader: anything,
  accessTokenEvidence: anything,
  claimProfile: anything,
  optionalClaims: anything,
  clockToleranceSeconds: integer(0, 300),
  maxTokenAgeSeconds: integer(1, 31_536_000),
  introspection: anything,
  logoutAudience: oneOrMore,
  optionalLogoutClaims,
  dangerouslyUnknownConfirmation: choice('refuse', 'ignore'),
}

const relaxable = ['jti', 'client_id', 'iat']

/**
 * Checks one issuer completely and fills in its defaults.
 *
 * @throws {@link ConfigurationError}
 */
export function toIssuerSettings(given: string | IssuerOptions, insecureHosts: InsecureHosts): IssuerSettings {
  const options: IssuerOptions = typeof given === 'string' ? { issuer: given } : given
  checkOptions<IssuerOptions>('An issuer', options, rules)
  const issuer = checkIssuer('issuer', options.issuer, insecureHosts)
  if (options.jwksUri !== undefined) checkUrl('jwksUri', options.jwksUri, insecureHosts)
  return Object.freeze({
    issuer,
    audiences: toAudiences(options.audience),
    audienceFrom: toStandIns(options.audienceFrom),
    algorithms: checkAlgorithms('algorithms', options.algorithms, defaultTokenAlgorithms),
    jwksUri: options.jwksUri,
    keys: checkKeys(options),
    keyCache: toKeyCacheSettings(options.keyCache),
    keyRules: toKeySettings(options),
    tokenTypes: checkTokenTypes(options.tokenTypes),
    headerHolds: toClaimsTest('headerConditions', options.headerConditions),
    tokenHeader: checkTokenHeader(options.tokenHeader),
    showsAccessToken: toClaimsTest('accessTokenEvidence', options.accessTokenEvidence) ?? showsAccessToken,
    claimProfile: toClaimProfileSettings(options.claimProfile),
    optionalClaims: checkOptional(options.optionalClaims),
    clockToleranceSeconds: options.clockToleranceSeconds ?? 60,
    maxTokenAgeSeconds: options.maxTokenAgeSeconds,
    introspection: toIntrospectionSettings(options.introspection, insecureHosts),
    logoutAudiences: toList(options.logoutAudience ?? []),
    optionalLogoutClaims: Object.freeze([...(options.optionalLogoutClaims ?? [])]),
    unknownConfirmation: options.dangerouslyUnknownConfirmation ?? 'refuse',
  })
}

function checkKeys({ keys, jwksUri }: IssuerOptions): IssuerSettings['keys'] {
  if (keys === undefined) return undefined
  if (!Array.isArray(keys) || keys.length === 0 || !keys.every((key) => typeof key === 'string' || isJsonObject(key))) {
    throw new ConfigurationError('`keys` takes a non-empty array of public keys, as JWKs or as texts in PEM.')
  }
  if (keys.some((key) => typeof key !== 'string' && key['kty'] === 'oct')) {
    throw new ConfigurationError('`keys` holds a symmetric key (kty oct). Give public RSA, EC or OKP keys only.')
  }
  if (jwksUri !== undefined) throw new ConfigurationError('Give either `keys` or `jwksUri`, not both.')
  return keys
}

function toKeySettings({ keyUses, keyConditions }: IssuerOptions): KeySettings | undefined {
  const accepts = toClaimsTest('keyConditions', keyConditions)
  if (keyUses === undefined && accepts === undefined) return undefined
  return Object.freeze({ uses: toList(keyUses ?? ['sig']), accepts: accepts ?? (() => true) })
}

function checkOptional(given: readonly string[] = []): readonly string[] {
  if (Array.isArray(given) && given.every((claim) => relaxable.includes(claim))) return Object.freeze([...given])
  throw new ConfigurationError(
    `\`optionalClaims\` takes a list of ${relaxable.join(', ')} only: a token without iss, aud, sub or exp is never accepted.`,
  )
}
