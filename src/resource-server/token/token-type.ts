import { ConfigurationError } from '../../errors/index.js'
import { type CompactJws, comparableType, ownClaims, readJsonSegment } from '../../jws/compact-jws.js'
import { type JsonObject, ownMember } from '../../kit/json.js'

/** Types other specifications keep for other kinds of JWT; none may ever pass as an access token (RFC 8725 §3.12). */
export const foreignTokenTypes: ReadonlySet<string> = new Set([
  'dpop+jwt',
  'logout+jwt',
  'token-introspection+jwt',
  'secevent+jwt',
  'client-authentication+jwt',
  'oauth-authz-req+jwt',
  'oauth-id-jag+jwt',
  'txntoken+jwt',
  'id_token+jwt',
])

/** Whether a `typ` in comparable form, `null` when absent, says no more than that this is a JWT (RFC 7519 §5.1). */
export function isGenericType(typ: string | null): boolean {
  return typ === null || typ === 'jwt' || typ === 'jose'
}

const foreignClaims = ['events', 'token_introspection', 'htm', 'htu', 'at_hash', 'c_hash', 's_hash'] as const

/** Claims in which issuers name the kind of a token in the payload. */
const kindClaims = ['typ', 'token_use', 'token_type', 'tokenName'] as const

/** What they call other kinds there, in lower case; the last line is Keycloak's. */
const foreignKinds: ReadonlySet<string> = new Set([
  ...foreignTokenTypes,
  ...['id', 'id_token', 'id-token', 'id+jwt', 'refresh', 'refresh_token', 'refresh-token', 'refresh+jwt'],
  ...['logout', 'logout_token', 'logout-token'],
  ...['offline', 'serialized-id', 'registrationaccesstoken', 'initialaccesstoken'],
])

/** What they call access tokens there, in lower case. */
const accessKinds: ReadonlySet<unknown> = new Set([
  'access',
  'access_token',
  'access-token',
  'at+jwt',
  'bearer',
  'dpop',
])

/** Whether the payload names another kind than an access token, which decides whatever else is in the token. */
export function namesForeignKind(claims: JsonObject): boolean {
  const { typ, token_use, token_type, tokenName } = ownClaims(claims)
  return isForeignKind(typ) || isForeignKind(token_use) || isForeignKind(token_type) || isForeignKind(tokenName)
}

function isForeignKind(kind: unknown): boolean {
  return typeof kind === 'string' && foreignKinds.has(comparableType(kind))
}

/**
 * Whether a JWT whose `typ` does not name its kind carries a claim that only another kind has: a logout token, an
 * introspection answer, a DPoP proof, an ID token (RFC 8725 §3.12). A `nonce` counts unless the payload calls the token
 * an access token: some issuers copy it there.
 */
export function carriesForeignClaim(claims: JsonObject): boolean {
  return (
    foreignClaims.some((name) => Object.hasOwn(claims, name)) ||
    (Object.hasOwn(claims, 'nonce') && !namesAccessKind(claims))
  )
}

function namesAccessKind(claims: JsonObject): boolean {
  return accessKinds.has(comparableKind(claims, 'typ')) || accessKinds.has(comparableKind(claims, 'token_use'))
}

/** What a payload says of its kind, for the log of the server: `typ ID`, and the names of claims of other kinds. */
export function signsOfKind(claims: JsonObject): readonly string[] {
  const named = kindClaims.filter((name) => Object.hasOwn(claims, name))
  const foreign = [...foreignClaims, 'nonce'].filter((name) => Object.hasOwn(claims, name))
  const texts = named.map((name) => {
    const kind = ownMember(claims, name)
    return `${name} ${typeof kind === 'string' ? kind : `(${typeof kind})`}`
  })
  return [...texts, ...foreign]
}

function comparableKind(claims: JsonObject, name: string): string | undefined {
  const kind = ownMember(claims, name)
  return typeof kind === 'string' ? comparableType(kind) : undefined
}

/**
 * Whether a payload shows by itself that it is one of an access token: `typ` and `token_use`, where they are there, call
 * it one; where both are absent, it has `scope` or `scp`, which an ID token does not have. `client_id` shows nothing:
 * some issuers write it into ID tokens.
 */
export function showsAccessToken(claims: JsonObject): boolean {
  const named = ['typ', 'token_use'].filter((name) => Object.hasOwn(claims, name))
  if (named.length > 0) return named.every((name) => accessKinds.has(comparableKind(claims, name)))
  return isScopeClaim(ownMember(claims, 'scope')) || isScopeClaim(ownMember(claims, 'scp'))
}

function isScopeClaim(value: unknown): boolean {
  return typeof value === 'string' || Array.isArray(value)
}

/** Whether a JWT that nothing has been checked of yet shows itself to be of another kind than an access token. */
export function isForeignJwt({ headerSegment, payload }: CompactJws): boolean {
  if (namesForeignKind(payload)) return true
  const typ = ownMember(readJsonSegment(headerSegment) ?? {}, 'typ')
  const comparable = typeof typ === 'string' ? comparableType(typ) : null
  return isGenericType(comparable) ? carriesForeignClaim(payload) : foreignTokenTypes.has(comparable as string)
}

/**
 * The accepted values of `typ`, `null` for an absent one. Default `at+jwt` (RFC 9068 §2.1).
 *
 * @throws {@link ConfigurationError}
 */
export function checkTokenTypes(given: readonly (string | null)[] | undefined): readonly (string | null)[] {
  if (given === undefined) return ['at+jwt']
  if (Array.isArray(given) && given.length > 0 && given.every(isTokenType)) return Object.freeze([...given])
  throw new ConfigurationError(
    "`tokenTypes` takes a non-empty array such as ['at+jwt', 'JWT'], null for an absent typ.",
  )
}

function isTokenType(type: unknown): boolean {
  return type === null || (typeof type === 'string' && type !== '')
}

/**
 * The same in comparable form.
 *
 * @throws {@link ConfigurationError} for a type that names another kind of JWT.
 */
export function acceptedTypes(given: readonly (string | null)[]): ReadonlySet<string | null> {
  const types = given.map((type) => (type === null ? null : comparableType(type)))
  const foreign = types.find((type) => type !== null && foreignTokenTypes.has(type))
  if (foreign === undefined) return new Set(types)
  throw new ConfigurationError(`\`tokenTypes\` holds ${foreign}, which names another kind of JWT than an access token.`)
}
