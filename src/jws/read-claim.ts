/** Single claims of a JWT, by type. Judges no value. */
import { InvalidTokenError } from '../errors/index.js'
import { type JsonObject, ownMember } from '../kit/json.js'

/** Refuses the token for a claim of the wrong type or value. */
export function invalidClaim(name: string): never {
  throw new InvalidTokenError('ERR_TOKEN_CLAIM_INVALID', { detail: name })
}

/** Refuses the token for an absent claim. */
export function missingClaim(name: string): never {
  throw new InvalidTokenError('ERR_TOKEN_CLAIM_MISSING', { detail: name, expected: name })
}

/** A NumericDate claim in seconds, fractions allowed (RFC 7519 §2). A value of another type refuses the token. */
export function numericDate(claims: JsonObject, name: string): number | undefined {
  const value = ownMember(claims, name)
  if (value === undefined) return undefined
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : invalidClaim(name)
}

/** A claim that is a non-empty string. A value of another type refuses the token. */
export function textClaim(claims: JsonObject, name: string): string | undefined {
  const value = ownMember(claims, name)
  if (value === undefined) return undefined
  return typeof value === 'string' && value !== '' ? value : invalidClaim(name)
}
