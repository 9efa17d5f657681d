import { createSignatureCheck } from '#crypto'
import { InvalidProofError } from '../../errors/index.js'
import type { RequestFacts } from '../../http/request-facts.js'
import { isSignatureAlgorithm, type SignatureAlgorithm } from '../../jws/algorithms.js'
import { type CompactJws, comparableType, copySegment, readCompactJws, readJsonSegment } from '../../jws/compact-jws.js'
import type { SignatureCheck } from '../../jws/crypto/platform-crypto.js'
import { fitsAlgorithm, type PublishedJwk, readPublicJwk } from '../../jws/jwk.js'
import { thumbprint } from '../../jws/thumbprint.js'
import { createBoundedCache } from '../../kit/bounded-cache.js'
import { type JsonObject, ownMember } from '../../kit/json.js'
import type { MaybePromise } from '../../kit/maybe-promise.js'

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
  if (others.length > 0 || proof.includes(',')) {
    throw new InvalidProofError('ERR_PROOF_REPEATED', { expected: 'one proof', received: 'several' })
  }
  if (proof.length > maxProofLength) throw new InvalidProofError('ERR_PROOF_MALFORMED', { detail: 'too large' })
  const jws = readCompactJws(proof)
  if (jws === undefined) throw new InvalidProofError('ERR_PROOF_MALFORMED', { detail: 'not a compact JWS' })
  return jws
}

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
  /** Keeps a key of a proof that proved good: a sender without a bound token cannot push out the keys of others. */
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
  if (!isSignatureAlgorithm(alg) || !accepted.has(alg)) {
    throw new InvalidProofError('ERR_PROOF_ALGORITHM', { expected: [...accepted], received: alg })
  }
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
    throw new InvalidProofError('ERR_PROOF_MALFORMED', { detail: 'typ', expected: 'dpop+jwt', received: typ })
  }
  if (Object.hasOwn(header, 'crit') || Object.hasOwn(header, 'b64')) {
    throw new InvalidProofError('ERR_PROOF_MALFORMED', {
      detail: 'crit or b64',
      expected: 'no such member',
      received: 'crit or b64',
    })
  }
}

function readKey(header: JsonObject, alg: SignatureAlgorithm): PublishedJwk {
  const jwk = readPublicJwk(ownMember(header, 'jwk'))
  if ('reason' in jwk) throw new InvalidProofError('ERR_PROOF_KEY', { detail: jwk.reason })
  if (fitsAlgorithm(jwk, alg)) return jwk
  throw new InvalidProofError('ERR_PROOF_KEY', { detail: 'the key does not fit alg', expected: alg, received: jwk.kty })
}

/** The claims of a proof at a resource server (RFC 9449 §4.2). */
export interface ProofClaims {
  readonly jti: string
  readonly htm: string
  readonly htu: string
  /** In seconds since the Unix epoch. */
  readonly iat: number
  /** In seconds since the Unix epoch; a proof need not have it. */
  readonly exp: number | undefined
  /** In seconds since the Unix epoch; a proof need not have it. */
  readonly nbf: number | undefined
  readonly ath: string
  readonly nonce: string | undefined
}

const maxJtiLength = 256

/**
 * Reads the claims every proof needs at a resource server (RFC 9449 §4.3 item 3), and `exp` and `nbf` where present.
 * Compares none of them; ignores all others, a `nonce` that is not a string included.
 *
 * @throws {@link InvalidProofError} `ERR_PROOF_CLAIM`
 */
export function readProofClaims(payload: JsonObject): ProofClaims {
  const jti = textClaim(payload, 'jti')
  if (jti === '' || jti.length > maxJtiLength) refuseClaim('jti')
  const nonce = ownMember(payload, 'nonce')
  return {
    jti,
    htm: textClaim(payload, 'htm'),
    htu: textClaim(payload, 'htu'),
    iat: timeClaim(payload, 'iat') ?? refuseClaim('iat'),
    exp: timeClaim(payload, 'exp'),
    nbf: timeClaim(payload, 'nbf'),
    ath: textClaim(payload, 'ath'),
    nonce: typeof nonce === 'string' ? nonce : undefined,
  }
}

function textClaim(payload: JsonObject, name: string): string {
  const value = ownMember(payload, name)
  return typeof value === 'string' ? value : refuseClaim(name)
}

function timeClaim(payload: JsonObject, name: string): number | undefined {
  const value = ownMember(payload, name)
  return value === undefined || (typeof value === 'number' && Number.isFinite(value)) ? value : refuseClaim(name)
}

function refuseClaim(name: string): never {
  throw new InvalidProofError('ERR_PROOF_CLAIM', { detail: name, expected: name })
}
