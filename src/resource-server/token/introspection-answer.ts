import { InvalidTokenError } from '../../errors/index.js'
import { readCompactJws } from '../../jws/compact-jws.js'
import type { FetchedAnswer } from '../../kit/fetch/guarded-fetch.js'
import { isJsonObject, isStringArray, type JsonObject, ownMember, parseJsonObject } from '../../kit/json.js'
import { introspectionFailure } from './introspection-failure.js'
import { introspectionMediaTypes } from './introspection-request.js'
import { readJoseHeader } from './jose-header.js'
import type { TokenRules } from './token-rules.js'
import { verifySignature } from './verify-signature.js'

/** What a signed answer must be (RFC 9701 §5). */
export interface SignedAnswerRules {
  /** Who signs, by which algorithms and keys, and how far its clock may be off. */
  readonly signer: Pick<TokenRules, 'issuer' | 'algorithms' | 'keys' | 'clockToleranceMs'>
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
export async function readSignedAnswer(answer: FetchedAnswer, rules: SignedAnswerRules): Promise<JsonObject> {
  if (answer.mediaType === introspectionMediaTypes.plain) throw introspectionFailure('a signed answer was asked for')
  if (answer.mediaType !== introspectionMediaTypes.signed) throw introspectionFailure('media_type')
  const payload = await verifyAnswer(answer.text, rules)
  const { issuer, clockToleranceMs } = rules.signer
  if (ownMember(payload, 'iss') !== issuer) broken('signed answer: iss')
  if (!names(ownMember(payload, 'aud'), rules.audience)) broken('signed answer: aud')
  const iat = ownMember(payload, 'iat')
  if (typeof iat !== 'number') return broken('signed answer: iat')
  const ageMs = rules.nowMs - iat * 1000
  if (ageMs < -clockToleranceMs || ageMs > rules.maxAgeMs + clockToleranceMs) broken('signed answer: iat')
  const introspection = ownMember(payload, 'token_introspection')
  return isJsonObject(introspection) ? introspection : broken('signed answer: token_introspection')
}

async function verifyAnswer(text: string, { signer }: SignedAnswerRules): Promise<JsonObject> {
  const jws = readCompactJws(text) ?? broken('signed answer: malformed')
  try {
    const header = readJoseHeader(jws.headerSegment)
    if (header.typ !== 'token-introspection+jwt') broken('signed answer: typ')
    if (!signer.algorithms.has(header.alg)) broken('signed answer: alg')
    await verifySignature(jws, header, signer.keys)
    return jws.payload
  } catch (error) {
    throw error instanceof InvalidTokenError ? introspectionFailure(`signed answer: ${error.code}`, error) : error
  }
}

function names(aud: unknown, audience: string): boolean {
  return aud === audience || (isStringArray(aud) && aud.includes(audience))
}

function broken(reason: string): never {
  throw introspectionFailure(reason)
}
