/** Header, key, signature and claims of a JWT. Does NOT compare the audience, nor judge `cnf`. */
import { InvalidTokenError } from '../../errors/index.js'
import type { KeySource } from '../../issuer/key-source.js'
import { readJoseHeader, verifySignature } from '../../issuer/verify-signature.js'
import type { SignatureAlgorithm } from '../../jws/algorithms.js'
import { type CompactJws, copySegment, readJsonSegment } from '../../jws/compact-jws.js'
import type { SignatureCheck } from '../../jws/crypto/platform-crypto.js'
import type { VerificationKey } from '../../jws/verification-key.js'
import type { BoundedCache } from '../../kit/bounded-cache.js'
import type { JsonObject } from '../../kit/json.js'
import { type MaybePromise, whenReady } from '../../kit/maybe-promise.js'
import type { ClaimsTest } from './claim-conditions.js'
import { type ClaimSettings, readClaims, type VerifiedEntry } from './read-claims.js'
import { carriesForeignClaim, isGenericType, namesForeignKind, signsOfKind } from './token-type.js'

/** How the JWTs of one issuer are judged. */
export interface JwtSettings extends ClaimSettings {
  readonly issuer: string
  readonly algorithms: ReadonlySet<SignatureAlgorithm>
  /** Accepted types in comparable form; `null` stands for an absent one. */
  readonly tokenTypes: ReadonlySet<string | null>
  /** Whether the header is as demanded beyond `alg`, `kid` and `typ`; `undefined`: nothing is. */
  readonly headerHolds?: ClaimsTest | undefined
  /** Whether a payload shows an access token, where the type of the header says nothing. */
  readonly showsAccessToken: ClaimsTest
  readonly keys: KeySource
  /** Header segments that verified tokens came with, each with its prepared check. */
  readonly knownHeaders: BoundedCache<KnownHeader>
}

/** A header segment seen on a verified token: all rules on it hold, and its key is prepared. */
export interface KnownHeader {
  readonly key: VerificationKey
  readonly check: SignatureCheck
  /** Whether `typ` named no kind of its own, so that the claims must show it is not another kind of JWT. */
  readonly generic: boolean
}

/**
 * Verifies a JWT access token of one issuer: header, key, signature, claims, in this order (RFC 8725, RFC 9068 §4).
 * Answers at once when the issuer's keys are known and the platform's cryptography is synchronous. The caller has
 * compared `iss` and still has to compare the audience and judge `cnf`.
 *
 * @throws {@link InvalidTokenError} when the token is not good.
 * @throws {@link UnavailableError} when the issuer's keys cannot be had.
 */
export function verifyJwt(jws: CompactJws, rules: JwtSettings, nowMs: number): MaybePromise<VerifiedEntry> {
  const known = rules.knownHeaders.get(jws.headerSegment)
  if (known === undefined || known.key.withdrawn || !rules.keys.isServing(nowMs)) {
    return verifyWithNewHeader(jws, rules, nowMs)
  }
  return whenReady(known.check(jws.signingInput, jws.signature), (valid) =>
    valid ? readVerified(known, jws, rules, nowMs) : verifyWithOtherKeys(known, jws, rules, nowMs),
  )
}

function readVerified(
  { key, generic }: KnownHeader,
  jws: CompactJws,
  rules: JwtSettings,
  nowMs: number,
): VerifiedEntry {
  checkKind(jws.payload, generic, rules)
  return readClaims({ issuer: rules.issuer, key }, jws.payload, rules, nowMs)
}

/** A `typ` that says nothing needs a payload that shows an access token; none outweighs one that names another kind. */
function checkKind(claims: JsonObject, generic: boolean, rules: JwtSettings): void {
  if (namesForeignKind(claims)) refuseKind('the payload names another kind of token', claims)
  if (!generic) return
  if (carriesForeignClaim(claims)) refuseKind('the payload has a claim of another kind of token', claims)
  if (rules.showsAccessToken(claims)) return
  refuseKind(
    'nothing in the payload shows an access token: name what does in `accessTokenEvidence` of the issuer',
    claims,
  )
}

function refuseKind(detail: string, claims: JsonObject): never {
  throw new InvalidTokenError('ERR_TOKEN_TYPE', { detail, expected: 'an access token', received: signsOfKind(claims) })
}

async function verifyWithNewHeader(jws: CompactJws, rules: JwtSettings, nowMs: number): Promise<VerifiedEntry> {
  const header = readJoseHeader(jws.headerSegment)
  if (!rules.algorithms.has(header.alg)) {
    throw new InvalidTokenError('ERR_TOKEN_ALGORITHM', { expected: [...rules.algorithms], received: header.alg })
  }
  if (!rules.tokenTypes.has(header.typ)) {
    throw new InvalidTokenError('ERR_TOKEN_TYPE', { expected: [...rules.tokenTypes], received: header.typ })
  }
  if (rules.headerHolds?.(readJsonSegment(jws.headerSegment) ?? {}) === false) {
    throw new InvalidTokenError('ERR_TOKEN_TYPE', {
      detail: 'the header is not as `headerConditions` demands',
      expected: 'a header that meets `headerConditions`',
      received: 'another header',
    })
  }
  const signer = await verifySignature(jws, header, rules.keys)
  return acceptAndRemember({ ...signer, generic: isGenericType(header.typ) }, jws, rules, nowMs)
}

/** Several keys may sign under one header: those that have no `kid`, above all. */
async function verifyWithOtherKeys(
  tried: KnownHeader,
  jws: CompactJws,
  rules: JwtSettings,
  nowMs: number,
): Promise<VerifiedEntry> {
  const signer = await verifySignature(jws, readJoseHeader(jws.headerSegment), rules.keys, tried.key)
  return acceptAndRemember({ ...signer, generic: tried.generic }, jws, rules, nowMs)
}

/** A token that is refused leaves nothing behind about the header and the key it came with. */
function acceptAndRemember(known: KnownHeader, jws: CompactJws, rules: JwtSettings, nowMs: number): VerifiedEntry {
  const entry = readVerified(known, jws, rules, nowMs)
  rules.knownHeaders.set(copySegment(jws.headerSegment), known)
  return entry
}
