/** The checks of a DPoP proof at a resource server (RFC 9449 §4.3). Does NOT verify the access token. */
import { constantTimeEqual, sha256Base64url } from '#crypto'
import { DpopNonceRequiredError, InvalidProofError, InvalidTokenError } from '../../errors/index.js'
import type { RequestFacts } from '../../http/request-facts.js'
import type { IsTrustedProxy } from '../../http/trusted-proxies.js'
import type { SignatureAlgorithm } from '../../jws/algorithms.js'
import type { Clock } from '../../kit/clock.js'
import type { EventListener } from '../../kit/events.js'
import { type MaybePromise, whenReady } from '../../kit/maybe-promise.js'
import type { ReplayStore } from '../../stores/contract.js'
import type { StoreWatch } from '../../stores/store-watch.js'
import { createDpopNonces, type DpopNonceSettings } from './dpop-nonce.js'
import { createProofKeys, type ProofClaims, type ProofKey, readProof, readProofClaims } from './dpop-proof.js'
import { createReplayGuard } from './dpop-replay.js'
import { type RequestTargetSettings, requestTargets, targetMismatch } from './request-target.js'

/** What a {@link DpopVerifier} goes by: `DpopOptions` with every default filled in, and what surrounds them. */
export interface DpopVerifierSettings {
  readonly algorithms: readonly SignatureAlgorithm[]
  readonly maxAgeSeconds: number
  readonly maxFutureSeconds: number
  readonly nonce: (Omit<DpopNonceSettings, 'clock'> & { readonly onSuccess: boolean }) | undefined
  readonly targetOrigin: RequestTargetSettings['targetOrigin']
  readonly pathPrefix: string
  readonly replayStore: ReplayStore
  readonly dangerouslyAllowReplayWhenStoreFails: boolean
  readonly isTrustedProxy: IsTrustedProxy
  /** Default: one of its own. */
  readonly watch?: StoreWatch | undefined
  readonly clock: Clock
  readonly onEvent: EventListener | undefined
}

/** A request whose proof is to be verified. */
export interface DpopRequest {
  readonly facts: RequestFacts
  /** The access token exactly as presented. */
  readonly accessToken: string
  /** SHA-256 of {@link DpopRequest.accessToken} in base64url, where it is known already. */
  readonly tokenHash?: string | undefined
  /** `cnf.jkt` of the access token, which the caller has verified. */
  readonly jkt: string
  /** The identifier of the protected resource the request is for. */
  readonly resource: string
  /**
   * To find out what would become of the request: the proof is not used up. Whether it was used before is then known
   * only of a request that was judged before. Default false.
   */
  readonly isRehearsal?: boolean | undefined
}

/** A proof that holds. */
export interface DpopProof {
  /** The thumbprint of the key that signed it. */
  readonly jkt: string
  /** What a success answer has to carry, where nonces are sent with every success (RFC 9449 §8.2). */
  readonly responseHeaders: Readonly<Record<string, string>> | undefined
}

/** Verifies DPoP proofs at a resource server (RFC 9449 §4.3, §7). */
export interface DpopVerifier {
  /**
   * Verifies the proof of one request and uses it up. Does not look at the access token beyond its hash and its `jkt`.
   * Answers, and throws, synchronously wherever platform and store are synchronous and the key is known.
   *
   * @throws {@link InvalidProofError} for the proof, {@link DpopNonceRequiredError} for its nonce,
   * {@link InvalidTokenError} `ERR_TOKEN_BINDING_MISMATCH` for another key than the token's, and
   * {@link UnavailableError} `ERR_STORE_UNAVAILABLE` when it is not known whether the proof was used before.
   */
  verify(request: DpopRequest): MaybePromise<DpopProof>
}

/** The hash of a token leads to it in the logs of others, so that it is not shown. */
const otherHash = { expected: 'the hash of this token', received: 'another hash' }

/** Times are in seconds since the Unix epoch, as in the proof. */
function proofTime(claim: string, expected: string, received: number): InvalidProofError {
  return new InvalidProofError('ERR_PROOF_TIME', { detail: claim, expected, received })
}

/** Makes the verifier of one server. Replay comes last, so that nothing unsigned uses up a `jti`. */
export function createDpopVerifier(settings: DpopVerifierSettings): DpopVerifier {
  const { clock, maxAgeSeconds, maxFutureSeconds, targetOrigin, pathPrefix, isTrustedProxy } = settings
  const keys = createProofKeys(settings.algorithms)
  const nonces = settings.nonce && createDpopNonces({ ...settings.nonce, clock })
  const useUp = createReplayGuard({
    ...settings,
    ttlMs: nonces?.lifetimeMs ?? (maxAgeSeconds + maxFutureSeconds + 1) * 1000,
  })

  /** `exp` has no leeway; `nbf` has that of `iat`, since most clients give both the same value. */
  function checkTime({ iat, exp, nbf, nonce }: ProofClaims): MaybePromise<void> {
    const now = clock() / 1000
    if (exp !== undefined && now >= exp) throw proofTime('exp', `after ${now}`, exp)
    if (nbf !== undefined && nbf - now > maxFutureSeconds)
      throw proofTime('nbf', `until ${now + maxFutureSeconds}`, nbf)
    if (nonces !== undefined) return whenReady(nonce !== undefined && nonces.isValid(nonce), demandNonce)
    const age = now - iat
    if (age <= maxAgeSeconds && -age <= maxFutureSeconds) return
    throw proofTime('iat', `from ${now - maxAgeSeconds} to ${now + maxFutureSeconds}`, iat)
  }

  function demandNonce(isFresh: boolean): MaybePromise<void> {
    if (isFresh || nonces === undefined) return
    return whenReady(nonces.current(), (nonce) => {
      throw new DpopNonceRequiredError(nonce)
    })
  }

  function checkClaims(claims: ProofClaims, key: ProofKey, request: DpopRequest): MaybePromise<void> {
    const { facts, resource, jkt } = request
    const { htm, htu } = claims
    if (htm !== facts.method) throw new InvalidProofError('ERR_PROOF_METHOD', { expected: facts.method, received: htm })
    const target = { targetOrigin, pathPrefix, isTrustedProxy, resource }
    const detail = targetMismatch(htu, facts, target)
    if (detail !== undefined) {
      const [received] = htu.split(/[?#]/, 1)
      throw new InvalidProofError('ERR_PROOF_TARGET', { detail, expected: requestTargets(facts, target), received })
    }
    return whenReady(checkTime(claims), () =>
      whenReady(request.tokenHash ?? sha256Base64url(request.accessToken), (tokenHash) => {
        if (!constantTimeEqual(claims.ath, tokenHash)) throw new InvalidProofError('ERR_PROOF_TOKEN_HASH', otherHash)
        if (constantTimeEqual(jkt, key.jkt)) return
        throw new InvalidTokenError('ERR_TOKEN_BINDING_MISMATCH', { expected: jkt, received: key.jkt })
      }),
    )
  }

  function accept({ jkt }: ProofKey): MaybePromise<DpopProof> {
    if (nonces === undefined || settings.nonce?.onSuccess !== true) return { jkt, responseHeaders: undefined }
    return whenReady(nonces.current(), (nonce) => ({
      jkt,
      responseHeaders: { 'DPoP-Nonce': nonce, 'Cache-Control': 'no-store' },
    }))
  }

  return {
    verify(request) {
      const { headerSegment, signingInput, signature, payload } = readProof(request.facts)
      return whenReady(keys.find(headerSegment), (key) =>
        whenReady(key.check(signingInput, signature), (isSigned) => {
          if (!isSigned) throw new InvalidProofError('ERR_PROOF_SIGNATURE')
          const claims = readProofClaims(payload)
          return whenReady(checkClaims(claims, key, request), () => {
            keys.keep(headerSegment, key)
            const { facts, resource, isRehearsal } = request
            const use = { jkt: key.jkt, jti: claims.jti, resource, request: facts.request, isRehearsal }
            return whenReady(useUp(use), () => accept(key))
          })
        }),
      )
    },
  }
}
