import { ConfigurationError } from '../../errors/index.js'
import { checkIssuer, checkUrl } from '../../issuer/identifiers.js'
import type { KeyRules } from '../../issuer/key-table.js'
import { type KeyCacheOptions, resolveKeyCache } from '../../issuer/remote-keys.js'
import { defaultTokenAlgorithms, isSignatureAlgorithm, type SignatureAlgorithm } from '../../jws/algorithms.js'
import { checkNames, choiceOption, listOption, numberOption, textOption } from '../../kit/check.js'
import type { InsecureHosts } from '../../kit/fetch/secure-url.js'
import { isJsonObject, type JsonObject } from '../../kit/json.js'
import type { ClaimsTest, ResolvedClaimProfile } from '../token/claim-profile.js'
import { showsAccessToken } from '../token/token-type.js'
import {
  type ResolvedStandIn,
  resolveAudienceFrom,
  resolveClaimProfile,
  resolveConditions,
} from './resolve-claim-options.js'
import { type ResolvedIntrospection, resolveIntrospection } from './resolve-introspection.js'
import type { IssuerOptions } from './types.js'

/** An issuer's options, checked, with every simple default filled in. */
export interface ResolvedIssuer {
  readonly issuer: string
  /** For every resource, or by resource; `undefined`: the audiences of the resource. */
  readonly audiences: readonly string[] | ReadonlyMap<string, readonly string[]> | undefined
  /** What stands for `aud` where it is absent; `undefined`: nothing. */
  readonly audienceFrom: readonly ResolvedStandIn[] | undefined
  readonly algorithms: readonly SignatureAlgorithm[]
  readonly jwksUri: string | undefined
  readonly keys: readonly JsonObject[] | undefined
  readonly keyCache: Required<KeyCacheOptions>
  /** `undefined`: every signature key. */
  readonly keyRules: KeyRules | undefined
  readonly tokenTypes: readonly (string | null)[]
  /** `undefined`: nothing is demanded of other members. */
  readonly headerHolds: ClaimsTest | undefined
  /** In lower case; `undefined`: `Authorization`. */
  readonly tokenHeader: string | undefined
  readonly showsAccessToken: ClaimsTest
  readonly claimProfile: ResolvedClaimProfile
  readonly optionalClaims: readonly string[]
  readonly clockToleranceSeconds: number
  readonly maxTokenAgeSeconds: number | undefined
  readonly introspection: ResolvedIntrospection | undefined
  /** Empty: no logout token is accepted. */
  readonly logoutAudiences: readonly string[]
  readonly optionalLogoutClaims: readonly string[]
  readonly unknownConfirmation: 'refuse' | 'ignore'
}

const names = [
  'issuer',
  'audience',
  'audienceFrom',
  'algorithms',
  'jwksUri',
  'keys',
  'keyCache',
  'keyUses',
  'keyConditions',
  'tokenTypes',
  'headerConditions',
  'tokenHeader',
  'accessTokenEvidence',
  'claimProfile',
  'optionalClaims',
  'clockToleranceSeconds',
  'maxTokenAgeSeconds',
  'introspection',
  'logoutAudience',
  'optionalLogoutClaims',
  'dangerouslyUnknownConfirmation',
]
const relaxable = ['jti', 'client_id', 'iat']

/**
 * Checks one issuer completely and fills in its defaults.
 *
 * @throws {@link ConfigurationError}
 */
export function resolveIssuer(given: string | IssuerOptions, insecureHosts: InsecureHosts): ResolvedIssuer {
  const options = typeof given === 'string' ? { issuer: given } : given
  checkNames('An issuer', options, names)
  const issuer = checkIssuer('issuer', options.issuer, insecureHosts)
  if (options.jwksUri !== undefined) checkUrl('jwksUri', options.jwksUri, insecureHosts)
  return Object.freeze({
    issuer,
    audiences: resolveAudiences(options.audience),
    audienceFrom: resolveAudienceFrom(options.audienceFrom),
    algorithms: resolveAlgorithms('algorithms', options.algorithms, defaultTokenAlgorithms),
    jwksUri: options.jwksUri,
    keys: resolveKeys(options),
    keyCache: resolveKeyCache(options.keyCache),
    keyRules: resolveKeyRules(options),
    tokenTypes: resolveTokenTypes(options.tokenTypes),
    headerHolds: resolveConditions('headerConditions', options.headerConditions),
    tokenHeader: resolveTokenHeader(options.tokenHeader),
    showsAccessToken: resolveConditions('accessTokenEvidence', options.accessTokenEvidence) ?? showsAccessToken,
    claimProfile: resolveClaimProfile(options.claimProfile),
    optionalClaims: resolveOptional('optionalClaims', options.optionalClaims, relaxable, 'iss, aud, sub and exp'),
    clockToleranceSeconds: numberOption('clockToleranceSeconds', options.clockToleranceSeconds, {
      min: 0,
      max: 300,
      fallback: 60,
    }),
    maxTokenAgeSeconds: numberOption('maxTokenAgeSeconds', options.maxTokenAgeSeconds, {
      min: 1,
      max: 31_536_000,
      fallback: undefined,
    }),
    introspection: resolveIntrospection(options.introspection, insecureHosts),
    logoutAudiences: listOption('logoutAudience', options.logoutAudience, []),
    optionalLogoutClaims: resolveOptional(
      'optionalLogoutClaims',
      options.optionalLogoutClaims,
      ['exp'],
      'iss, aud, iat and jti',
    ),
    unknownConfirmation: choiceOption(
      'dangerouslyUnknownConfirmation',
      options.dangerouslyUnknownConfirmation,
      ['refuse', 'ignore'],
      'refuse',
    ),
  })
}

/**
 * A list of asymmetric algorithms this library knows, or the default when absent.
 *
 * @throws {@link ConfigurationError} for `none`, `HS…`, anything unknown, or an empty list.
 */
export function resolveAlgorithms(
  name: string,
  given: unknown,
  fallback: readonly SignatureAlgorithm[],
): readonly SignatureAlgorithm[] {
  const algorithms = listOption(name, given, fallback)
  const unusable = algorithms.find((algorithm) => !isSignatureAlgorithm(algorithm))
  if (unusable !== undefined) {
    throw new ConfigurationError(
      `\`${name}\` holds ${unusable}. Only asymmetric algorithms are supported: RS, PS and ES with 256, 384 or 512, EdDSA, Ed25519.`,
    )
  }
  const edwards = algorithms.some((algorithm) => algorithm === 'EdDSA' || algorithm === 'Ed25519')
  return (edwards ? [...new Set([...algorithms, 'EdDSA', 'Ed25519'])] : algorithms) as readonly SignatureAlgorithm[]
}

function resolveKeys({ keys, jwksUri }: IssuerOptions): readonly JsonObject[] | undefined {
  if (keys === undefined) return undefined
  if (!Array.isArray(keys) || keys.length === 0 || !keys.every(isJsonObject)) {
    throw new ConfigurationError('`keys` takes a non-empty array of public JWKs.')
  }
  if (keys.some((key) => key['kty'] === 'oct')) {
    throw new ConfigurationError('`keys` holds a symmetric key (kty oct). Give public RSA, EC or OKP keys only.')
  }
  if (jwksUri !== undefined) throw new ConfigurationError('Give either `keys` or `jwksUri`, not both.')
  return keys
}

function resolveKeyRules({ keyUses, keyConditions }: IssuerOptions): KeyRules | undefined {
  const uses = listOption('keyUses', keyUses, ['sig'])
  const accepts = resolveConditions('keyConditions', keyConditions)
  if (keyUses === undefined && accepts === undefined) return undefined
  return Object.freeze({ uses, accepts: accepts ?? (() => true) })
}

const fieldName = /^[!#$%&'*+.^_`|~0-9a-z-]+$/

function resolveTokenHeader(given: unknown): string | undefined {
  const name = textOption('tokenHeader', given)?.toLowerCase()
  if (name === undefined || (fieldName.test(name) && !reservedFields.has(name))) return name
  throw new ConfigurationError(
    '`tokenHeader` takes the name of a header field that a proxy writes the token into, such as Cf-Access-Jwt-Assertion.',
  )
}

/** Fields that mean something else, or that browsers send by themselves. */
const reservedFields: ReadonlySet<string> = new Set(['authorization', 'proxy-authorization', 'dpop', 'cookie'])

function resolveTokenTypes(given: readonly (string | null)[] | undefined): readonly (string | null)[] {
  if (given === undefined) return ['at+jwt']
  if (Array.isArray(given) && given.length > 0 && given.every(isTokenType)) return Object.freeze([...given])
  throw new ConfigurationError(
    "`tokenTypes` takes a non-empty array such as ['at+jwt', 'JWT'], null for an absent typ.",
  )
}

function isTokenType(type: unknown): boolean {
  return type === null || (typeof type === 'string' && type !== '')
}

function resolveAudiences(given: IssuerOptions['audience']): ResolvedIssuer['audiences'] {
  if (given === undefined) return undefined
  if (!isJsonObject(given)) return listOption('audience', given, [])
  const entries = Object.entries(given).map(([resource, one]) => [resource, resolveAudience(resource, one)] as const)
  if (entries.length > 0) return new Map(entries)
  throw new ConfigurationError('`audience` names no resource; leave it out for the audiences of the resources.')
}

function resolveAudience(resource: string, given: unknown): readonly string[] {
  if (given !== undefined) return listOption(`audience.${resource}`, given, [])
  throw new ConfigurationError(`\`audience.${resource}\` is undefined; leave it out for the audiences of the resource.`)
}

function resolveOptional(
  name: string,
  given: readonly string[] = [],
  choices: readonly string[],
  others: string,
): readonly string[] {
  if (Array.isArray(given) && given.every((claim) => choices.includes(claim))) return Object.freeze([...given])
  throw new ConfigurationError(`\`${name}\` takes a list of ${choices.join(', ')} only: ${others} never lack.`)
}
