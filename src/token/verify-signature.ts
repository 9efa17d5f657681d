import { InvalidTokenError } from '../errors/index.js'
import type { KeySource, VerificationKey } from '../keys/contract.js'
import type { SignatureAlgorithm } from '../lib/algorithms.js'
import type { CompactJws } from '../lib/compact-jws.js'
import type { SignatureCheck } from '../lib/crypto/contract.js'
import type { JoseHeader } from './jose-header.js'

/** The key that signed, with its prepared check. */
export interface Signer {
  readonly key: VerificationKey
  readonly check: SignatureCheck
}

/**
 * Finds the key of an issuer that signed `jws`, and ties it to the algorithm it signed with. The caller has held the
 * header against the issuer's rules: algorithm and type are not looked at here.
 *
 * @throws {@link InvalidTokenError} `ERR_TOKEN_KEY_UNKNOWN` when the issuer has no fitting key, `ERR_TOKEN_SIGNATURE`
 * when none that fits signed it.
 * @throws {@link UnavailableError} when the issuer's keys cannot be had.
 */
export async function verifySignature(jws: CompactJws, header: JoseHeader, keys: KeySource): Promise<Signer> {
  return verifyWith(await keys.find(header.kid, header.alg), jws, header.alg)
}

/**
 * Finds the one of `keys` that signed `jws`, and ties it to `algorithm`.
 *
 * @throws {@link InvalidTokenError} as {@link verifySignature} does.
 */
export async function verifyWith(
  keys: readonly VerificationKey[],
  jws: CompactJws,
  algorithm: SignatureAlgorithm,
): Promise<Signer> {
  let fitting: SignatureCheck | undefined
  for (const key of keys) {
    const check = await key.signatureCheck(algorithm)
    if (check !== undefined && (await check(jws.signingInput, jws.signature))) {
      key.bindAlgorithm(algorithm)
      return { key, check }
    }
    fitting ??= check
  }
  throw new InvalidTokenError(fitting === undefined ? 'ERR_TOKEN_KEY_UNKNOWN' : 'ERR_TOKEN_SIGNATURE')
}
