/** How an introspection answer is read and judged. Sends nothing. */
import { InvalidTokenError } from '../../errors/index.js'
import { readJoseHeader, verifySignature } from '../../issuer/verify-signature.js'
import { comparableType, invalidClaim, maxJsonDepth, readCompactJws } from '../../jws/compact-jws.js'
import type { IntrospectionFailureReason } from '../../kit/failure-code.js'
import type { FetchedAnswer } from '../../kit/fetch/guarded-fetch.js'
import {
  freezeWithin,
  isJsonObject,
  isStringArray,
  type JsonObject,
  ownMember,
  parseJsonObject,
} from '../../kit/json.js'
import { introspectionFailure } from './introspection-failure.js'
import { introspectionMediaTypes } from './introspection-request.js'
import { type ClaimSettings, readClaims, type VerifiedEntry } from './read-claims.js'
import { foreignTokenTypes } from './token-type.js'
import type { JwtSettings } from './verify-jwt.js'

/** What a signed answer must be (RFC 9701 §5). */
export interface SignedAnswerSettings {
  /** Who signs, by which algorithms and keys, and how far its clock may be off. */
  readonly signer: Pick<JwtSettings, 'issuer' | 'algorithms' | 'keys' | 'clockToleranceMs'>
  /** What `aud` must name. */
  readonly audience: string
  /** How old an answer may be when it has come, leeway not counted. */
  readonly maxAgeMs: number
  readonly nowMs: number
}

/**
 * Reads a plain answer (RFC 7662 §2.2). Does not look at its members.
 *
 * @throws {@link UnavailableError} `ERR_INTROSPECTION_UNAVAILABLE` unless it is a JSON object of the right media type.
 */
export function readPlainAnswer({ mediaType, text }: FetchedAnswer): JsonObject {
  if (mediaType !== introspectionMediaTypes.plain) throw introspectionFailure('media_type')
  return parseJsonObject(text) ?? broken('malformed')
}

/**
 * Reads a signed answer and verifies it: media type, `typ`, algorithm, signature by a key of the issuer, `iss`, `aud`,
 * a recent `iat` (RFC 9701 §5). A plain answer is a downgrade and refused. Encrypted answers are not supported.
 *
 * @throws {@link UnavailableError} `ERR_INTROSPECTION_UNAVAILABLE` for an answer that fails a check: it tells nothing
 * about the token; or the code of what keeps the issuer's keys from being had.
 */
export async function readSignedAnswer(answer: FetchedAnswer, rules: SignedAnswerSettings): Promise<JsonObject> {
  if (answer.mediaType === introspectionMediaTypes.plain) throw introspectionFailure('signed_answer_missing')
  if (answer.mediaType !== introspectionMediaTypes.signed) throw introspectionFailure('media_type')
  const payload = await verifyAnswer(answer.text, rules)
  const { issuer, clockToleranceMs } = rules.signer
  if (ownMember(payload, 'iss') !== issuer) broken('signed_answer_issuer')
  if (!namesAudience(ownMember(payload, 'aud'), rules.audience)) broken('signed_answer_audience')
  const iat = ownMember(payload, 'iat')
  if (typeof iat !== 'number') return broken('signed_answer_time')
  const ageMs = rules.nowMs - iat * 1000
  if (ageMs < -clockToleranceMs || ageMs > rules.maxAgeMs + clockToleranceMs) broken('signed_answer_time')
  const introspection = ownMember(payload, 'token_introspection')
  return isJsonObject(introspection) ? introspection : broken('signed_answer_content')
}

/** The checks that a signed answer shares with a token, by the codes they refuse a token with. */
const answerReasons: ReadonlyMap<string, IntrospectionFailureReason> = new Map([
  ['ERR_TOKEN_TYPE', 'signed_answer_type'],
  ['ERR_TOKEN_ALGORITHM', 'signed_answer_algorithm'],
  ['ERR_TOKEN_CRITICAL_HEADER', 'signed_answer_critical_header'],
  ['ERR_TOKEN_KEY_UNKNOWN', 'signed_answer_key'],
  ['ERR_TOKEN_SIGNATURE', 'signed_answer_signature'],
])

async function verifyAnswer(text: string, { signer }: SignedAnswerSettings): Promise<JsonObject> {
  const jws = readCompactJws(text) ?? broken('signed_answer_malformed')
  try {
    const header = readJoseHeader(jws.headerSegment)
    if (header.typ !== 'token-introspection+jwt') broken('signed_answer_type')
    if (!signer.algorithms.has(header.alg)) broken('signed_answer_algorithm')
    await verifySignature(jws, header, signer.keys)
    return jws.payload
  } catch (error) {
    if (!(error instanceof InvalidTokenError)) throw error
    throw introspectionFailure(answerReasons.get(error.code) ?? 'signed_answer_malformed', { cause: error })
  }
}

function namesAudience(aud: unknown, audience: string): boolean {
  return aud === audience || (isStringArray(aud) && aud.includes(audience))
}

function broken(reason: IntrospectionFailureReason): never {
  throw introspectionFailure(reason)
}

/**
 * Judges what an authorization server says about a token (RFC 7662 §2.2): only the boolean `active: true` counts, and
 * every member that is there is held against the same rules as the claim of a JWT. `iss` must be the issuer that was
 * asked; `token_use`, `typ` and `token_type` must not name another kind of token, since servers call refresh tokens
 * active as well; `token_type` must fit `cnf` (RFC 9449 §6.2). Does NOT compare the audience, nor judge `cnf`.
 *
 * @param rules - how members are judged, and which of them may be absent.
 * @throws {@link InvalidTokenError} for a token that is inactive or fails a rule.
 * @throws {@link UnavailableError} for an answer without a boolean `active`.
 */
export function readIntrospectedToken(
  issuer: string,
  answer: JsonObject,
  rules: ClaimSettings,
  nowMs: number,
): VerifiedEntry {
  const active = ownMember(answer, 'active')
  if (typeof active !== 'boolean') throw introspectionFailure('active_missing')
  if (!active) throw new InvalidTokenError('ERR_TOKEN_INACTIVE', { expected: 'active', received: active })
  const iss = ownMember(answer, 'iss')
  if (iss !== undefined && iss !== issuer) {
    throw new InvalidTokenError('ERR_TOKEN_ISSUER', { expected: issuer, received: iss })
  }
  checkStatedKind(answer)
  checkTokenType(answer)
  if (!freezeWithin(answer, maxJsonDepth)) invalidClaim('depth')
  return readClaims({ issuer, key: undefined }, answer, rules, nowMs)
}

/** Other kinds of token than access tokens, as servers name them, without `_`, `-` and a final `token`. */
const otherKinds: ReadonlySet<string> = new Set([
  'refresh',
  'offline',
  'id',
  'serializedid',
  'logout',
  'backchannellogout',
  'initialaccess',
  'registrationaccess',
  'code',
  'authorizationcode',
  'devicecode',
  'usercode',
  'idjag',
  'txn',
  'saml1',
  'saml2',
])

function checkStatedKind(answer: JsonObject): void {
  for (const name of ['token_use', 'typ', 'token_type']) {
    const kind = ownMember(answer, name)
    if (kind === undefined || kind === null) continue
    if (typeof kind === 'string' && !namesOtherKind(kind)) continue
    throw new InvalidTokenError('ERR_TOKEN_TYPE', { detail: name, expected: 'an access token', received: kind })
  }
}

function namesOtherKind(kind: string): boolean {
  return foreignTokenTypes.has(comparableType(kind)) || otherKinds.has(plainKind(kind))
}

/** `urn:ietf:params:oauth:token-type:refresh_token`, `Refresh-Token` and `refresh` are all `refresh`. */
function plainKind(kind: string): string {
  const start = Math.max(kind.lastIndexOf(':'), kind.lastIndexOf('/')) + 1
  const letters = kind
    .slice(start)
    .toLowerCase()
    .replaceAll(/[\s_-]/g, '')
  return letters.replace(/\+jwt$/, '').replace(/token$/, '')
}

/** A `token_type` that names the kind and not the scheme: some servers write it there. */
const accessTokenKinds: ReadonlySet<string> = new Set(['access', 'at', 'jwt'])

/**
 * Together with the check of the binding this settles that the scheme fits the token type: a token bound to a key comes
 * only by DPoP, any other one only by Bearer.
 */
function checkTokenType(answer: JsonObject): void {
  const given = ownMember(answer, 'token_type')
  if (typeof given !== 'string') return
  const type = given.toLowerCase()
  if (type !== 'bearer' && type !== 'dpop' && !accessTokenKinds.has(plainKind(given))) {
    throw new InvalidTokenError('ERR_TOKEN_TYPE', {
      detail: 'token_type',
      expected: ['Bearer', 'DPoP'],
      received: given,
    })
  }
  const cnf = ownMember(answer, 'cnf')
  const bound = isJsonObject(cnf) && Object.hasOwn(cnf, 'jkt')
  if (bound === (type === 'dpop')) return
  const expected = bound ? 'DPoP' : 'Bearer'
  throw new InvalidTokenError('ERR_TOKEN_CONFIRMATION', { detail: 'token_type', expected, received: given })
}
