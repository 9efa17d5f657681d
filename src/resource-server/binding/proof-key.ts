import { createSignatureCheck } from '#crypto'
import { InvalidProofError } from '../../errors/index.js'
import { isSignatureAlgorithm, type SignatureAlgorithm } from '../../jws/algorithms.js'
import { copySegment, readJsonSegment } from '../../jws/compact-jws.js'
import type { SignatureCheck } from '../../jws/crypto/platform-crypto.js'
import { fitsAlgorithm, type PublishedJwk, readPublicJwk } from '../../jws/jwk.js'
import { thumbprint } from '../../jws/thumbprint.js'
import { createBoundedCache } from '../../kit/bounded-cache.js'
import { type JsonObject, ownMember } from '../../kit/json.js'
import type { MaybePromise } from '../../kit/maybe-promise.js'
import { comparableType } from '../token/token-type.js'

/** The key a proof carries in its header, ready for use. */
export interface ProofKey {
  readonly jkt: string
  readonly check: SignatureCheck
}

/** Proof keys, looked up by the text of the header segment: equal segments hold equal keys. */
export interface ProofKeys {
  /**
   * The key in a proof's header, at once where it was kept before. Checks the whole header: `typ`, `alg`, `crit`, `jwk`
   * (RFC 9449 §4.3 items 4, 5 and 7).
   *
   * @throws {@link InvalidProofError} `ERR_PROOF_MALFORMED`, `ERR_PROOF_ALGORITHM`, `ERR_PROOF_KEY`
   */
  find(headerSegment: string): MaybePromise<ProofKey>
  /** Keeps a key of a proof that proved good: nobody without a bound token can push other clients' keys out. */
  keep(headerSegment: string, key: ProofKey): void
}

const maxKeptKeys = 5000

/** Makes the proof keys of one verifier. `EdDSA` and `Ed25519` name one algorithm: either admits both (RFC 9864). */
export function createProofKeys(algorithms: readonly SignatureAlgorithm[]): ProofKeys {
  const admitsEd25519 = algorithms.includes('EdDSA') || algorithms.includes('Ed25519')
  const accepted = new Set([...algorithms, ...(admitsEd25519 ? (['EdDSA', 'Ed25519'] as const) : [])])
  const kept = createBoundedCache<ProofKey>(maxKeptKeys)
  return {
    find: (headerSegment) => kept.get(headerSegment) ?? importKey(headerSegment, accepted),
    keep(headerSegment, key) {
      if (kept.get(headerSegment) === undefined) kept.set(copySegment(headerSegment), key)
    },
  }
}

async function importKey(headerSegment: string, accepted: ReadonlySet<SignatureAlgorithm>): Promise<ProofKey> {
  const header = readJsonSegment(headerSegment)
  if (header === undefined) throw new InvalidProofError('ERR_PROOF_MALFORMED', { detail: 'header' })
  checkType(header)
  const alg = ownMember(header, 'alg')
  if (!isSignatureAlgorithm(alg) || !accepted.has(alg)) throw new InvalidProofError('ERR_PROOF_ALGORITHM')
  const jwk = readKey(header, alg)
  try {
    return { jkt: await thumbprint(jwk), check: await createSignatureCheck(jwk, alg) }
  } catch {
    throw new InvalidProofError('ERR_PROOF_KEY', { detail: 'the platform refuses the key' })
  }
}

function checkType(header: JsonObject): void {
  const typ = ownMember(header, 'typ')
  if (typeof typ !== 'string' || comparableType(typ) !== 'dpop+jwt') {
    throw new InvalidProofError('ERR_PROOF_MALFORMED', { detail: 'typ' })
  }
  if (Object.hasOwn(header, 'crit') || Object.hasOwn(header, 'b64')) {
    throw new InvalidProofError('ERR_PROOF_MALFORMED', { detail: 'crit or b64' })
  }
}

function readKey(header: JsonObject, alg: SignatureAlgorithm): PublishedJwk {
  const jwk = readPublicJwk(ownMember(header, 'jwk'))
  if ('reason' in jwk) throw new InvalidProofError('ERR_PROOF_KEY', { detail: jwk.reason })
  if (!fitsAlgorithm(jwk, alg)) throw new InvalidProofError('ERR_PROOF_KEY', { detail: 'the key does not fit alg' })
  return jwk
}
