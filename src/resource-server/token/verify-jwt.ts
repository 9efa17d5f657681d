import { InvalidTokenError } from '../../errors/index.js'
import { type CompactJws, copySegment, readJsonSegment } from '../../jws/compact-jws.js'
import type { JsonObject } from '../../kit/json.js'
import { type MaybePromise, whenReady } from '../../kit/maybe-promise.js'
import { readJoseHeader } from './jose-header.js'
import { readClaims } from './read-claims.js'
import type { KnownHeader, TokenRules, VerifiedEntry } from './token-rules.js'
import { carriesForeignClaim, isGenericType, namesForeignKind } from './token-type.js'
import { verifySignature } from './verify-signature.js'

/**
 * Verifies a JWT access token of one issuer: header, key, signature, claims, in this order (RFC 8725, RFC 9068 §4).
 * Answers at once when the issuer's keys are known and the platform's cryptography is synchronous. The caller has
 * compared `iss` and still has to compare the audience and judge `cnf`.
 *
 * @throws {@link InvalidTokenError} when the token is no good.
 * @throws {@link UnavailableError} when the issuer's keys cannot be had.
 */
export function verifyJwt(jws: CompactJws, rules: TokenRules, nowMs: number): MaybePromise<VerifiedEntry> {
  const known = rules.knownHeaders.get(jws.headerSegment)
  if (known === undefined || known.key.withdrawn || !rules.keys.isServing(nowMs)) {
    return verifyWithNewHeader(jws, rules, nowMs)
  }
  return whenReady(known.check(jws.signingInput, jws.signature), (valid) =>
    valid ? readVerified(known, jws, rules, nowMs) : verifyWithOtherKeys(known, jws, rules, nowMs),
  )
}

function readVerified({ key, generic }: KnownHeader, jws: CompactJws, rules: TokenRules, nowMs: number): VerifiedEntry {
  checkKind(jws.payload, generic, rules)
  return readClaims({ issuer: rules.issuer, key }, jws.payload, rules, nowMs)
}

/** A `typ` that says nothing needs a payload that shows an access token; none outweighs one that names another kind. */
function checkKind(claims: JsonObject, generic: boolean, rules: TokenRules): void {
  if (namesForeignKind(claims)) refuseKind('the payload names another kind of token')
  if (!generic) return
  if (carriesForeignClaim(claims)) refuseKind('the payload has a claim of another kind of token')
  if (rules.showsAccessToken(claims)) return
  refuseKind('nothing in the payload shows an access token: name what does in `accessTokenEvidence` of the issuer')
}

function refuseKind(detail: string): never {
  throw new InvalidTokenError('ERR_TOKEN_TYPE', { detail })
}

async function verifyWithNewHeader(jws: CompactJws, rules: TokenRules, nowMs: number): Promise<VerifiedEntry> {
  const header = readJoseHeader(jws.headerSegment)
  if (!rules.algorithms.has(header.alg)) {
    throw new InvalidTokenError('ERR_TOKEN_ALGORITHM', { expected: [...rules.algorithms], received: header.alg })
  }
  if (!rules.tokenTypes.has(header.typ)) {
    throw new InvalidTokenError('ERR_TOKEN_TYPE', { expected: [...rules.tokenTypes], received: header.typ })
  }
  if (rules.headerHolds?.(readJsonSegment(jws.headerSegment) ?? {}) === false) {
    refuseKind('the header is not as `headerConditions` demands')
  }
  const signer = await verifySignature(jws, header, rules.keys)
  return acceptAndRemember({ ...signer, generic: isGenericType(header.typ) }, jws, rules, nowMs)
}

/** Several keys may sign under one header: those that have no `kid`, above all. */
async function verifyWithOtherKeys(
  tried: KnownHeader,
  jws: CompactJws,
  rules: TokenRules,
  nowMs: number,
): Promise<VerifiedEntry> {
  const signer = await verifySignature(jws, readJoseHeader(jws.headerSegment), rules.keys, tried.key)
  return acceptAndRemember({ ...signer, generic: tried.generic }, jws, rules, nowMs)
}

/** A token that is refused leaves nothing behind about the header and the key it came with. */
function acceptAndRemember(known: KnownHeader, jws: CompactJws, rules: TokenRules, nowMs: number): VerifiedEntry {
  const entry = readVerified(known, jws, rules, nowMs)
  rules.knownHeaders.set(copySegment(jws.headerSegment), known)
  return entry
}
