import { InvalidProofError } from '../../errors/index.js'
import type { RequestFacts } from '../../http/request-facts.js'
import { type CompactJws, readCompactJws } from '../../jws/compact-jws.js'

const maxProofLength = 8 * 1024

/**
 * Takes the one DPoP proof of a request apart (RFC 9449 §4.3 items 1 and 2). Checks neither its header nor its
 * signature.
 *
 * @throws {@link InvalidProofError} `ERR_PROOF_MISSING`; `ERR_PROOF_REPEATED` for several fields, and for several values
 * joined into one; `ERR_PROOF_MALFORMED` for anything but a compact JWS of at most 8 KiB.
 */
export function readProof(facts: RequestFacts): CompactJws {
  const [proof, ...others] = facts.headerValues('dpop')
  if (proof === undefined) throw new InvalidProofError('ERR_PROOF_MISSING')
  if (others.length > 0 || proof.includes(',')) throw new InvalidProofError('ERR_PROOF_REPEATED')
  if (proof.length > maxProofLength) throw new InvalidProofError('ERR_PROOF_MALFORMED', { detail: 'too large' })
  const jws = readCompactJws(proof)
  if (jws === undefined) throw new InvalidProofError('ERR_PROOF_MALFORMED', { detail: 'not a compact JWS' })
  return jws
}
