/** A compact JWS taken apart, and the claims in it by type. Checks neither signature nor value. */
import { decodeBase64url, decodeUtf8Base64url, encodeBase64url } from '#crypto'
import { InvalidTokenError } from '../errors/index.js'
import { createBoundedCache } from '../kit/bounded-cache.js'
import { freezeWithin, type JsonObject, ownMember, parseJsonObject } from '../kit/json.js'

/** A JWS in compact serialization, taken apart and not yet checked (RFC 7515 §7.1). */
export interface CompactJws {
  /** The first segment as it came. */
  readonly headerSegment: string
  /** The two first segments with their dot: what is signed. */
  readonly signingInput: string
  /** The third segment, canonical base64url. */
  readonly signature: string
  readonly payload: JsonObject
}

/** How deep JSON in a token may nest. */
export const maxJsonDepth = 32

/** The most characters of a token that is looked at. */
export const maxTokenLength = 16 * 1024

/** Looking for one character that must not be there takes half as long as matching all that may. */
const foreignCharacter = /[^\w.-]/

/**
 * Takes a compact JWS with a JSON object as payload apart. `undefined` for anything else: other characters, other than
 * three segments, padding, non-zero spare bits, no UTF-8, no JSON object, JSON deeper than 32 levels. The payload is
 * frozen. Never throws. Checks neither header nor signature.
 */
export function readCompactJws(text: string): CompactJws | undefined {
  const firstDot = text.indexOf('.')
  const secondDot = text.indexOf('.', firstDot + 1)
  if (firstDot < 1 || secondDot < 0 || secondDot === text.length - 1) return undefined
  if (text.includes('.', secondDot + 1) || foreignCharacter.test(text)) return undefined
  const headerSegment = text.slice(0, firstDot)
  const payloadSegment = text.slice(firstDot + 1, secondDot)
  const signature = text.slice(secondDot + 1)
  if (!hasCanonicalTail(headerSegment) || !hasCanonicalTail(payloadSegment) || !hasCanonicalTail(signature)) {
    return undefined
  }
  const payload = readJsonSegment(payloadSegment, useSharedTexts)
  return payload && { headerSegment, signingInput: text.slice(0, secondDot), signature, payload }
}

/**
 * Decodes one canonical base64url segment into a JSON object and freezes it; `undefined` when it is none, or nests deeper
 * than 32 levels. Never throws.
 *
 * @param change - done to the object before it is frozen.
 */
export function readJsonSegment(segment: string, change?: (value: JsonObject) => void): JsonObject | undefined {
  const json = decodeUtf8Base64url(segment)
  const value = json === undefined ? undefined : parseJsonObject(json)
  if (value !== undefined) change?.(value)
  return freezeWithin(value, maxJsonDepth) ? value : undefined
}

/** Claims whose text is the same in many tokens. */
const sharedClaims = ['iss', 'aud', 'scope'] as const
const maxSharedLength = 512

/** Each text once: a remembered token of common size takes 740 bytes so, and 880 with texts of its own. */
const sharedTexts = createBoundedCache<string>(1000)

function useSharedTexts(claims: Record<string, unknown>): void {
  for (const name of sharedClaims) {
    const text = claims[name]
    if (typeof text === 'string') claims[name] = sharedTexts.get(text) ?? text
  }
}

/** Has later tokens use the texts of these claims. For tokens that were accepted: no other may fill the memory for it. */
export function shareTexts(claims: JsonObject): void {
  for (const name of sharedClaims) {
    const text = claims[name]
    if (typeof text !== 'string' || text.length > maxSharedLength || sharedTexts.get(text) !== undefined) continue
    sharedTexts.set(text, text)
  }
}

/**
 * The same canonical segment in memory of its own. What {@link readCompactJws} gives are slices: to remember one of them
 * is to keep the whole token in memory.
 */
export function copySegment(segment: string): string {
  return encodeBase64url(decodeBase64url(segment))
}

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

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const canonical = /^[A-Za-z0-9_-]+$/

/**
 * Whether `text` is base64url without padding whose unused trailing bits are zero, so that exactly one string stands
 * for the bytes. `text` must already be known to hold only characters of the alphabet.
 * @internal
 */
export function hasCanonicalTail(text: string): boolean {
  const rest = text.length & 3
  if (rest === 0) return true
  if (rest === 1) return false
  const last = alphabet.indexOf(text.charAt(text.length - 1))
  return (last & (rest === 2 ? 15 : 3)) === 0
}

/** Whether `text` is non-empty, canonical base64url without padding (RFC 7515 §2). */
export function isBase64url(text: string): boolean {
  return canonical.test(text) && hasCanonicalTail(text)
}

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
