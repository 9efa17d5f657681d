/** A compact JWS taken apart, and the claims in it by type. Checks neither signature nor value. */
import { decodeBase64url, decodeSegments, decodeUtf8Base64url, encodeBase64url } from '#crypto'
import { InvalidTokenError } from '../errors/index.js'
import { createBoundedCache } from '../kit/bounded-cache.js'
import { freezeWithin, type JsonObject, ownMember, parseJsonObject } from '../kit/json.js'

/** A JWS in compact serialization, taken apart and not yet checked (RFC 7515 §7.1). */
export interface CompactJws {
  /** The first segment as it came. */
  readonly headerSegment: string
  /** The two first segments with their dot: what is signed. */
  readonly signingInput: string
  /** What the third segment stands for. */
  readonly signature: Uint8Array
  readonly payload: JsonObject
}

/** How deep JSON in a token may nest. */
export const maxJsonDepth = 32

/** The most characters of a token that is looked at. */
export const maxTokenLength = 16 * 1024

/**
 * Takes a compact JWS with a JSON object as payload apart. `undefined` for anything else: other characters, other than
 * three segments, padding, non-zero spare bits, no UTF-8, no JSON object, JSON deeper than 32 levels. The payload is
 * frozen. Never throws. Checks neither header nor signature.
 */
export function readCompactJws(text: string): CompactJws | undefined {
  const firstDot = text.indexOf('.')
  const secondDot = text.indexOf('.', firstDot + 1)
  if (firstDot < 1 || secondDot < 0 || secondDot === text.length - 1) return undefined
  if (text.includes('.', secondDot + 1)) return undefined
  const header = text.slice(0, firstDot)
  const segments = { header, payload: text.slice(firstDot + 1, secondDot), signature: text.slice(secondDot + 1) }
  if (!hasCanonicalTail(header) || !hasCanonicalTail(segments.payload) || !hasCanonicalTail(segments.signature)) {
    return undefined
  }
  const decoded = decodeSegments(text, segments)
  if (decoded === undefined) return undefined
  const payload = readJson(decoded.payload, useSharedTexts)
  const { signature } = decoded
  return payload && { headerSegment: header, signingInput: text.slice(0, secondDot), signature, payload }
}

/**
 * Decodes one canonical base64url segment into a JSON object and freezes it; `undefined` when it is none, or nests deeper
 * than 32 levels. Never throws.
 */
export function readJsonSegment(segment: string): JsonObject | undefined {
  const json = decodeUtf8Base64url(segment)
  return json === undefined ? undefined : readJson(json)
}

/** @param change - done to the object before it is frozen. */
function readJson(json: string, change?: (value: JsonObject) => void): JsonObject | undefined {
  const value = parseJsonObject(json)
  if (value !== undefined) change?.(value)
  return freezeWithin(value, maxJsonDepth) ? value : undefined
}

const maxSharedLength = 512

/** Each text once: a remembered token of common size takes 740 bytes so, and 880 with texts of its own. */
const sharedTexts = createBoundedCache<string>(1000)

/** What the last token had: most tokens of a service have the same, and to compare takes less than to look up. */
const latest = { iss: '', aud: '', scope: '' }

function useSharedTexts(claims: Record<string, unknown>): void {
  const { iss, aud, scope } = ownClaims(claims)
  if (typeof iss === 'string') claims['iss'] = sharedText(iss, latest.iss)
  if (typeof aud === 'string') claims['aud'] = sharedText(aud, latest.aud)
  if (typeof scope === 'string') claims['scope'] = sharedText(scope, latest.scope)
}

function sharedText(text: string, last: string): string {
  return text === last ? last : (sharedTexts.get(text) ?? text)
}

/** Has later tokens use the texts of these claims. For tokens that were accepted: no other may fill the memory for it. */
export function shareTexts(claims: JsonObject): void {
  const { iss, aud, scope } = ownClaims(claims)
  latest.iss = share(iss, latest.iss)
  latest.aud = share(aud, latest.aud)
  latest.scope = share(scope, latest.scope)
}

function share(text: unknown, last: string): string {
  if (typeof text !== 'string' || text === last || text.length > maxSharedLength) return last
  const known = sharedTexts.get(text)
  if (known === undefined) sharedTexts.set(text, text)
  return known ?? text
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

/** What every object inherits. */
const inherited: JsonObject = {}
const absent: unknown = undefined

/** Whether one of these has a value. Written out: V8 compiles the reading of names that it knows to next to nothing. */
function isAnyPresent({
  iss = absent,
  sub = absent,
  aud = absent,
  exp = absent,
  nbf = absent,
  iat = absent,
  jti = absent,
  scope = absent,
  act = absent,
  may_act = absent,
  authorization_details = absent,
  typ = absent,
  token_use = absent,
  token_type = absent,
  tokenName = absent,
}): boolean {
  const isTimed = exp !== undefined || nbf !== undefined || iat !== undefined
  const isNamed = iss !== undefined || sub !== undefined || aud !== undefined || jti !== undefined
  const isActing = act !== undefined || may_act !== undefined || scope !== undefined
  const isKind = typ !== undefined || token_use !== undefined || token_type !== undefined || tokenName !== undefined
  return isTimed || isNamed || isActing || isKind || authorization_details !== undefined
}

/** The names that {@link ownClaims} guards. */
type OwnName = keyof Parameters<typeof isAnyPresent>[0]

/**
 * Claims that were JSON, to be read by name: none of those names is inherited. A copy where somebody put one into `Object.prototype`,
 * which is looked at each time; to ask of each claim whether it is the token's own takes twenty times as long.
 */
export function ownClaims(claims: JsonObject): Readonly<Partial<Record<OwnName, unknown>>> {
  return isAnyPresent(inherited) ? Object.assign(Object.create(null), claims) : claims
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
  return dateIn(ownMember(claims, name), name)
}

/** The same of the value of the claim. */
export function dateIn(value: unknown, name: string): number | undefined {
  if (value === undefined) return undefined
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : invalidClaim(name)
}

/** A claim that is a non-empty string. A value of another type refuses the token. */
export function textClaim(claims: JsonObject, name: string): string | undefined {
  return textIn(ownMember(claims, name), name)
}

/** The same of the value of the claim. */
export function textIn(value: unknown, name: string): string | undefined {
  if (value === undefined) return undefined
  return typeof value === 'string' && value !== '' ? value : invalidClaim(name)
}
