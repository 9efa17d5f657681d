import type { VerifiedToken } from '../../auth/auth.js'
import type { KeySource } from '../../issuer/key-source.js'
import type { SignatureAlgorithm } from '../../jws/algorithms.js'
import type { SignatureCheck } from '../../jws/crypto/platform-crypto.js'
import type { VerificationKey } from '../../jws/verification-key.js'
import type { BoundedCache } from '../../kit/bounded-cache.js'
import type { JsonObject } from '../../kit/json.js'
import type { ClaimsTest, ResolvedClaimProfile } from './claim-profile.js'

/** How the claims of one issuer's tokens are judged. */
export interface ClaimRules {
  readonly profile: ResolvedClaimProfile
  /**
   * Claims that may lack: `exp` and `sub` only where introspection vouches for the token, `aud` where something else
   * stands for it as well.
   */
  readonly optionalClaims: ReadonlySet<string>
  readonly clockToleranceMs: number
  readonly maxTokenAgeMs: number | undefined
}

/** How the JWTs of one issuer are judged. */
export interface TokenRules extends ClaimRules {
  readonly issuer: string
  readonly algorithms: ReadonlySet<SignatureAlgorithm>
  /** Accepted types in comparable form; `null` stands for an absent one. */
  readonly tokenTypes: ReadonlySet<string | null>
  /** Whether the header is as demanded beyond `alg`, `kid` and `typ`; `undefined`: nothing is. */
  readonly headerHolds?: ClaimsTest | undefined
  /** Whether a payload shows an access token, where the type of the header says nothing. */
  readonly showsAccessToken: ClaimsTest
  readonly keys: KeySource
  /** Header segments that verified tokens came with, each with its prepared check. */
  readonly knownHeaders: BoundedCache<KnownHeader>
}

/** A header segment seen on a verified token: all rules on it hold, and its key is prepared. */
export interface KnownHeader {
  readonly key: VerificationKey
  readonly check: SignatureCheck
  /** Whether `typ` named no kind of its own, so that the claims must show it is no other kind of JWT. */
  readonly generic: boolean
}

/** A verified token with what a later use of the same token must check again. */
export interface VerifiedEntry extends Omit<VerifiedToken, 'claims' | 'confirmation'> {
  /** The claims as they stand in the token, frozen. */
  readonly tokenClaims: JsonObject
  /** What `auth.claims` will be: the output of the claims schema, or the claims themselves. Set once. */
  claims: unknown
  /** `undefined` only where the rules let `aud` lack. */
  readonly audience: string | readonly string[] | undefined
  /** Accepted from this time on, leeway included. */
  readonly validFromMs: number
  /** Accepted before this time, leeway included. */
  readonly validUntilMs: number
  /** The key that signed; `undefined` for an introspected token. */
  readonly key: VerificationKey | undefined
}
