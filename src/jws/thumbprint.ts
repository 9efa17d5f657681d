import { sha256Base64url } from '#crypto'
import type { MaybePromise } from '../kit/maybe-promise.js'
import type { PublicJwk } from './crypto/platform-crypto.js'

/**
 * The SHA-256 JWK thumbprint in base64url (RFC 7638 §3, RFC 8037 §2): over only the required members, in
 * lexicographic order. Does not check the key: read it with `readPublicJwk` first.
 */
export function thumbprint(jwk: PublicJwk): MaybePromise<string> {
  return sha256Base64url(JSON.stringify(requiredMembers(jwk)))
}

function requiredMembers({ kty, n, e, crv, x, y }: PublicJwk): PublicJwk {
  switch (kty) {
    case 'RSA':
      return { e, kty, n } as PublicJwk
    case 'EC':
      return { crv, kty, x, y } as PublicJwk
    case 'OKP':
      return { crv, kty, x } as PublicJwk
  }
}
