import { randomUUID } from 'node:crypto'
import type { SignatureAlgorithm } from '../jws/algorithms.js'
import type { Clock } from '../kit/clock.js'
import type { JsonObject } from '../kit/json.js'
import type { JwtContents } from './broken-jwts.js'
import type { KeyRing, SigningKey } from './key-ring.js'
import { signCompact, type TamperedSegment, type TokenSigner, tamperWith } from './sign-compact.js'

/** How a token is signed, and what shall be wrong with it. @group Testing */
export interface MintOptions {
  /** Signs with the issuer's current key for this algorithm. Default: the issuer's first algorithm. */
  readonly algorithm?: SignatureAlgorithm
  /** Signs with this key instead; a key pair also gives the header its `alg` and `kid`. */
  readonly key?: TokenSigner
  /** Replaces header members; `undefined` removes one. */
  readonly header?: JsonObject
  /** Seconds from `iat` to `exp`; negative for a token that is expired already. Default: the issuer's, 300. */
  readonly lifetimeSeconds?: number
  /** Changes a segment after signing. */
  readonly tamper?: TamperedSegment
}

/** Makes JWT access tokens. @group Testing */
export interface TokenMint {
  /**
   * A JWT access token by RFC 9068, valid as of the issuer's clock unless told otherwise. Its claims are `iss`, `aud`,
   * `sub` (`user-1`), `client_id` (`test-client`), `scope` (`read`), `iat`, `exp` and a fresh `jti`.
   *
   * @param claims - replaces claims; `undefined` removes one.
   * @example
   * ```ts
   * issuer.mintToken({ scope: 'read write', acr: 'mfa' })
   * issuer.mintToken({ aud: 'https://other.test' }, { algorithm: 'PS256' })
   * issuer.mintToken({ sub: undefined }, { header: { typ: 'JWT' }, tamper: 'signature' })
   * issuer.mintToken({}, { header: { alg: 'none', kid: undefined }, key: 'none' })
   * ```
   */
  mintToken(claims?: JsonObject, options?: MintOptions): string
  /** What {@link mintToken} would sign, for {@link signCompact} and {@link brokenJwts}. */
  tokenParts(claims?: JsonObject, options?: Pick<MintOptions, 'algorithm' | 'lifetimeSeconds'>): JwtContents
}

/** What every token of an issuer has in common. */
export interface MintSettings {
  readonly issuer: () => string
  readonly audience: string | readonly string[]
  readonly lifetimeSeconds: number
  readonly clock: Clock
  readonly keys: KeyRing
}

/** The {@link TokenMint} of an issuer. */
export function createTokenMint(settings: MintSettings): TokenMint {
  return {
    mintToken(claims, options = {}) {
      const key = options.key ?? settings.keys.signingKey(options.algorithm)
      const header = { ...tokenHeader(isSigningKey(key) ? key : settings.keys.signingKey()), ...options.header }
      const payload = { ...defaultClaims(settings, options.lifetimeSeconds), ...claims }
      const token = signCompact({ header, payload, key })
      return options.tamper === undefined ? token : tamperWith(token, options.tamper)
    },
    tokenParts(claims, options = {}) {
      const key = settings.keys.signingKey(options.algorithm)
      const payload = { ...defaultClaims(settings, options.lifetimeSeconds), ...claims }
      return { header: tokenHeader(key), payload, key }
    },
  }
}

/** The claims of a token nothing is wrong with (RFC 9068 §2.2). */
export function defaultClaims(settings: MintSettings, lifetimeSeconds = settings.lifetimeSeconds): JsonObject {
  const iat = Math.floor(settings.clock() / 1000)
  return {
    iss: settings.issuer(),
    aud: settings.audience,
    sub: 'user-1',
    client_id: 'test-client',
    scope: 'read',
    iat,
    exp: iat + lifetimeSeconds,
    jti: randomUUID(),
  }
}

function tokenHeader(key: SigningKey): JsonObject {
  return { typ: 'at+jwt', alg: key.algorithm, kid: key.kid }
}

function isSigningKey(key: TokenSigner): key is SigningKey {
  return key !== 'none' && 'kid' in key
}
