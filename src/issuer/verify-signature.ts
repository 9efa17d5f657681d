/** Which key of an issuer signed a JWS, and its header by the rules that hold for every issuer. Reads no claim. */
import { InvalidTokenError } from '../errors/index.js'
import { isSignatureAlgorithm, type SignatureAlgorithm } from '../jws/algorithms.js'
import { type CompactJws, comparableType, readJsonSegment } from '../jws/compact-jws.js'
import type { SignatureCheck } from '../jws/crypto/platform-crypto.js'
import type { VerificationKey } from '../jws/verification-key.js'
import { ownMember } from '../kit/json.js'
import type { KeySource } from './key-source.js'

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
