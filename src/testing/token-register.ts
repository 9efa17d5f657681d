import { randomBytes } from 'node:crypto'
import type { Clock } from '../kit/clock.js'
import { type JsonObject, parseJsonObject } from '../kit/json.js'
import { hasValidSignature } from './compact-jws.js'
import type { SigningKey } from './signing-key.js'

/** Tokens as introspection sees them. @group Testing */
export interface TokenRegister {
  /**
   * An opaque token that introspection knows. Claims default as for {@link TokenMint.mintToken}.
   *
   * @param claims - replaces claims; `undefined` removes one. `active` is what introspection says, default true.
   */
  mintOpaqueToken(claims?: JsonObject): string
  /** From now on introspection calls the token, opaque or JWT, inactive. */
  revoke(token: string): void
}

/** A {@link TokenRegister} that can look tokens up. */
export interface ReadableTokenRegister extends TokenRegister {
  /** The claims of a token issued here that is neither expired nor revoked. */
  find(token: string): JsonObject | undefined
}

/** The register of one issuer. JWTs are not stored: their signature tells that they were issued here. */
export function createTokenRegister(settings: {
  readonly defaultClaims: () => JsonObject
  readonly signingKeys: () => readonly SigningKey[]
  readonly clock: Clock
}): ReadableTokenRegister {
  const opaque = new Map<string, JsonObject>()
  const revoked = new Set<string>()
  const jwtClaims = (token: string): JsonObject | undefined => {
    const issuedHere = settings.signingKeys().some((key) => hasValidSignature(token, key))
    return issuedHere ? parseJsonObject(Buffer.from(token.split('.')[1] as string, 'base64url').toString()) : undefined
  }
  return {
    mintOpaqueToken(claims) {
      const token = randomBytes(24).toString('base64url')
      opaque.set(token, { ...settings.defaultClaims(), ...claims })
      return token
    },
    revoke(token) {
      revoked.add(token)
    },
    find(token) {
      const claims = opaque.get(token) ?? jwtClaims(token)
      if (claims === undefined || revoked.has(token)) return undefined
      const { exp } = claims
      return typeof exp === 'number' && exp * 1000 <= settings.clock() ? undefined : claims
    },
  }
}
