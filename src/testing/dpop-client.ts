import { createHash, randomUUID } from 'node:crypto'
import type { SignatureAlgorithm } from '../jws/algorithms.js'
import { type Clock, systemClock } from '../kit/clock.js'
import type { JsonObject } from '../kit/json.js'
import { createSigningKey, jwkThumbprint, type SigningKey } from './key-ring.js'
import { signCompact, type TamperedSegment, type TokenSigner, tamperWith } from './sign-compact.js'

/** What a {@link DpopClient} is made with. @group Testing */
export interface DpopClientOptions {
  /** Default ES256. */
  readonly algorithm?: SignatureAlgorithm
  /** Dates the proofs. Default: the system clock. */
  readonly clock?: Clock
}

/** One proof: what it is for, and what shall be wrong with it. @group Testing */
export interface DpopProofOptions {
  /** Becomes `htm`. Default GET. */
  readonly method?: string
  /** Becomes `htu`, without query and fragment (RFC 9449 §4.2). */
  readonly url: string
  /** Becomes `ath`; leave it out for a token request. */
  readonly accessToken?: string | undefined
  /** The nonce the server asked for. */
  readonly nonce?: string | undefined
  /** Replaces claims; `undefined` removes one. */
  readonly claims?: JsonObject
  /** Replaces header members; `undefined` removes one. */
  readonly header?: JsonObject
  /** Signs instead of the key named in the header. */
  readonly key?: TokenSigner
  /** Changes a segment after signing. */
  readonly tamper?: TamperedSegment
}

/** A client that holds a DPoP key. @group Testing */
export interface DpopClient {
  /** The thumbprint of the key: mint tokens with `cnf: { jkt }` to bind them to it. */
  readonly jkt: string
  readonly key: SigningKey
  /** The public JWK as proofs carry it: key members alone. */
  readonly publicJwk: JsonObject
  /** A proof with a fresh `jti`, valid unless told otherwise (RFC 9449 §4.2). */
  proof(options: DpopProofOptions): string
  /** The two header fields of a request with a bound token. */
  headers(options: DpopProofOptions & { readonly accessToken: string }): { authorization: string; dpop: string }
}

/**
 * Makes a client with a key of its own.
 *
 * @example
 * ```ts
 * const client = createDpopClient({ clock: clock.now })
 * const accessToken = issuer.mintToken({ cnf: { jkt: client.jkt } })
 * await fetch(url, { headers: client.headers({ url, accessToken }) })
 * const stale = client.proof({ url, accessToken, claims: { iat: 0 } })
 * ```
 * @group Testing
 */
export function createDpopClient(options: DpopClientOptions = {}): DpopClient {
  const { algorithm = 'ES256', clock = systemClock } = options
  const key = createSigningKey({ algorithm })
  const { kid: _kid, alg: _alg, use: _use, ...publicJwk } = key.publicJwk
  const proof = (request: DpopProofOptions): string => {
    const header = { typ: 'dpop+jwt', alg: algorithm, jwk: publicJwk, ...request.header }
    const payload = { ...proofClaims(request, clock), ...request.claims }
    const token = signCompact({ header, payload, key: request.key ?? key })
    return request.tamper === undefined ? token : tamperWith(token, request.tamper)
  }
  return {
    jkt: jwkThumbprint(publicJwk),
    key,
    publicJwk,
    proof,
    headers: (request) => ({ authorization: `DPoP ${request.accessToken}`, dpop: proof(request) }),
  }
}

function proofClaims({ method = 'GET', url, accessToken, nonce }: DpopProofOptions, clock: Clock): JsonObject {
  return {
    jti: randomUUID(),
    htm: method,
    htu: url.replace(/[?#].*/s, ''),
    iat: Math.floor(clock() / 1000),
    nonce,
    ath: accessToken === undefined ? undefined : createHash('sha256').update(accessToken).digest('base64url'),
  }
}
