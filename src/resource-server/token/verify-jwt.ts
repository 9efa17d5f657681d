/** Header, key, signature and claims of a JWT. Does NOT compare the audience, nor judge `cnf`. */
import { InvalidTokenError } from '../../errors/index.js'
import type { KeySource } from '../../issuer/key-source.js'
import { isSignatureAlgorithm, type SignatureAlgorithm } from '../../jws/algorithms.js'
import { type CompactJws, comparableType, copySegment, readJsonSegment } from '../../jws/compact-jws.js'
import type { SignatureCheck } from '../../jws/crypto/platform-crypto.js'
import type { VerificationKey } from '../../jws/verification-key.js'
import type { BoundedCache } from '../../kit/bounded-cache.js'
import { type JsonObject, ownMember } from '../../kit/json.js'
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

/** The part of a JOSE header that decides how a token is checked. */
export interface JoseHeader {
  readonly alg: SignatureAlgorithm
  readonly kid: string | undefined
  /** In comparable form; `null` when absent. */
  readonly typ: string | null
}

const maxHeaderLength = Math.ceil((8 * 1024 * 4) / 3)

/**
 * Reads the header of a JWT by the rules that hold for every issuer: known asymmetric `alg`, no `crit`, no `b64`, `kid`
 * and `typ` of the right type. Ignores `jku`, `jwk`, `x5u` and `x5c`: a token never chooses its key's source. Does not
 * check whether an issuer accepts the algorithm or the type.
 *
 * @throws {@link InvalidTokenError} `ERR_TOKEN_MALFORMED`, `ERR_TOKEN_ALGORITHM`, `ERR_TOKEN_CRITICAL_HEADER`,
 * `ERR_TOKEN_TYPE`.
 */
export function readJoseHeader(segment: string): JoseHeader {
  const header = segment.length > maxHeaderLength ? undefined : readJsonSegment(segment)
  if (header === undefined) throw new InvalidTokenError('ERR_TOKEN_MALFORMED', { detail: 'header' })
  const alg = ownMember(header, 'alg')
  if (!isSignatureAlgorithm(alg)) {
    throw new InvalidTokenError('ERR_TOKEN_ALGORITHM', { expected: 'an asymmetric algorithm', received: alg })
  }
  if (Object.hasOwn(header, 'crit') || Object.hasOwn(header, 'b64')) {
    throw new InvalidTokenError('ERR_TOKEN_CRITICAL_HEADER', { expected: 'no such member', received: 'crit or b64' })
  }
  const kid = ownMember(header, 'kid')
  if (kid !== undefined && typeof kid !== 'string')
    throw new InvalidTokenError('ERR_TOKEN_MALFORMED', { detail: 'kid' })
  const typ = ownMember(header, 'typ')
  if (typ !== undefined && typeof typ !== 'string') {
    throw new InvalidTokenError('ERR_TOKEN_TYPE', { expected: 'a string', received: typ })
  }
  return { alg, kid, typ: typ === undefined ? null : comparableType(typ) }
}

/** The key that signed, with its prepared check. */
export interface Signer {
  readonly key: VerificationKey
  readonly check: SignatureCheck
}

/** The most signature checks one token may cost. */
const maxChecks = 16

/**
 * Finds the key of an issuer that signed `jws`: those that fit its header in order, 16 at most. Where none signed, the
 * issuer may have put a new key under an old name, and is asked again within the budget for unknown names. The caller
 * has held the header against the issuer's rules: algorithm and type are not looked at here.
 *
 * @param tried - a key that did not sign, so that it is not tried twice.
 * @throws {@link InvalidTokenError} `ERR_TOKEN_KEY_UNKNOWN` when the issuer has no fitting key, `ERR_TOKEN_SIGNATURE`
 * when none that fits signed it.
 * @throws {@link UnavailableError} when the issuer's keys cannot be had.
 */
export async function verifySignature(
  jws: CompactJws,
  { kid, alg }: JoseHeader,
  keys: KeySource,
  tried?: VerificationKey,
): Promise<Signer> {
  const failed: VerificationKey[] = tried === undefined ? [] : [tried]
  let isFitting = tried !== undefined

  async function firstSigner(candidates: readonly VerificationKey[]): Promise<Signer | undefined> {
    for (const key of candidates) {
      if (key === tried || failed.length >= maxChecks) continue
      const check = await key.signatureCheck(alg)
      if (check !== undefined && (await check(jws.signingInput, jws.signature))) return { key, check }
      isFitting ||= check !== undefined
      failed.push(key)
    }
    return undefined
  }

  const known = await firstSigner(await keys.find(kid, alg))
  if (known !== undefined) return known
  const replaced = isFitting ? await firstSigner(await keys.findOthers(kid, alg, failed)) : undefined
  if (replaced !== undefined) return replaced
  throw new InvalidTokenError(isFitting ? 'ERR_TOKEN_SIGNATURE' : 'ERR_TOKEN_KEY_UNKNOWN')
}
