import { InvalidTokenError } from '../../errors/index.js'
import type { KeySource } from '../../issuer/key-source.js'
import type { CompactJws } from '../../jws/compact-jws.js'
import type { SignatureCheck } from '../../jws/crypto/platform-crypto.js'
import type { VerificationKey } from '../../jws/verification-key.js'
import type { JoseHeader } from './jose-header.js'

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
