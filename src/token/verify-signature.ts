import { InvalidTokenError } from '../errors/index.js'
import type { KeySource, VerificationKey } from '../keys/contract.js'
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
  let fitting: SignatureCheck | undefined
  for (const key of await keys.find(header.kid, header.alg)) {
    const check = await key.signatureCheck(header.alg)
    if (check !== undefined && (await check(jws.signingInput, jws.signature))) {
      key.bindAlgorithm(header.alg)
      return { key, check }
    }
    fitting ??= check
  }
  throw new InvalidTokenError(fitting === undefined ? 'ERR_TOKEN_KEY_UNKNOWN' : 'ERR_TOKEN_SIGNATURE')
}
