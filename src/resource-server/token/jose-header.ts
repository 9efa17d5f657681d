import { InvalidTokenError } from '../../errors/index.js'
import { isSignatureAlgorithm, type SignatureAlgorithm } from '../../jws/algorithms.js'
import { readJsonSegment } from '../../jws/compact-jws.js'
import { ownMember } from '../../kit/json.js'
import { comparableType } from './token-type.js'

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
  if (!isSignatureAlgorithm(alg)) throw new InvalidTokenError('ERR_TOKEN_ALGORITHM', { received: alg })
  if (Object.hasOwn(header, 'crit') || Object.hasOwn(header, 'b64')) {
    throw new InvalidTokenError('ERR_TOKEN_CRITICAL_HEADER')
  }
  const kid = ownMember(header, 'kid')
  if (kid !== undefined && typeof kid !== 'string')
    throw new InvalidTokenError('ERR_TOKEN_MALFORMED', { detail: 'kid' })
  const typ = ownMember(header, 'typ')
  if (typ !== undefined && typeof typ !== 'string') throw new InvalidTokenError('ERR_TOKEN_TYPE')
  return { alg, kid, typ: typ === undefined ? null : comparableType(typ) }
}
