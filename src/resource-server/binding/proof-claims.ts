import { InvalidProofError } from '../../errors/index.js'
import { type JsonObject, ownMember } from '../../kit/json.js'

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
 * Compares none of them; ignores all others, a `nonce` that is no string included.
 *
 * @throws {@link InvalidProofError} `ERR_PROOF_CLAIM`
 */
export function readProofClaims(payload: JsonObject): ProofClaims {
  const jti = text(payload, 'jti')
  if (jti === '' || jti.length > maxJtiLength) refuse('jti')
  const nonce = ownMember(payload, 'nonce')
  return {
    jti,
    htm: text(payload, 'htm'),
    htu: text(payload, 'htu'),
    iat: time(payload, 'iat') ?? refuse('iat'),
    exp: time(payload, 'exp'),
    nbf: time(payload, 'nbf'),
    ath: text(payload, 'ath'),
    nonce: typeof nonce === 'string' ? nonce : undefined,
  }
}

function text(payload: JsonObject, name: string): string {
  const value = ownMember(payload, name)
  return typeof value === 'string' ? value : refuse(name)
}

function time(payload: JsonObject, name: string): number | undefined {
  const value = ownMember(payload, name)
  return value === undefined || (typeof value === 'number' && Number.isFinite(value)) ? value : refuse(name)
}

function refuse(name: string): never {
  throw new InvalidProofError('ERR_PROOF_CLAIM', { detail: name })
}
