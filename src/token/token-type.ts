import { type CompactJws, readJsonSegment } from '../lib/compact-jws.js'
import { ownMember } from '../lib/json.js'

/**
 * The comparable form of a `typ` header value: media types compare without regard to case, and a value without `/`
 * stands for `application/` plus the value (RFC 7515 §4.1.9). `at+jwt`, `AT+JWT` and `application/at+jwt` are one.
 */
export function comparableType(typ: string): string {
  const lower = typ.toLowerCase()
  if (!lower.startsWith('application/')) return lower
  const rest = lower.slice('application/'.length)
  return rest.includes('/') ? lower : rest
}

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

const foreignClaims = ['events', 'token_introspection', 'htm', 'htu', 'at_hash', 'c_hash', 's_hash'] as const

/**
 * Whether a JWT whose `typ` does not name its kind carries a claim that only another kind has: a logout token, an
 * introspection answer, a DPoP proof, an ID token (RFC 8725 §3.12).
 */
export function carriesForeignClaim(claims: object): boolean {
  return foreignClaims.some((name) => Object.hasOwn(claims, name))
}

/** Whether a JWT that nothing has been checked of yet shows itself to be of another kind than an access token. */
export function isForeignJwt({ headerSegment, payload }: CompactJws): boolean {
  const typ = ownMember(readJsonSegment(headerSegment) ?? {}, 'typ')
  if (typeof typ !== 'string' || comparableType(typ) === 'jwt') return carriesForeignClaim(payload)
  return foreignTokenTypes.has(comparableType(typ))
}
