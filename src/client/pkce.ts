/*
 * PKCE (RFC 7636): verifier and challenge, S256 only.
 */
import { calculatePKCECodeChallenge, randomPKCECodeVerifier } from 'openid-client'
import { hideSecrets } from '../kit/hidden.js'
import { PkceError } from './errors.js'

/**
 * A PKCE verifier with its challenge (RFC 7636 §4). Frozen. The verifier is a secret of one authorization request: keep
 * it in the user's session, use it once. @group PKCE
 */
export interface PkcePair {
  /** Hidden: neither JSON nor a copy of the pair has it. Store it by itself. */
  readonly verifier: string
  readonly challenge: string
  /** Never `plain`. */
  readonly method: 'S256'
}

/** A fresh pair: 32 random bytes as 43 characters. One per authorization request. @group PKCE */
export async function createPkcePair(): Promise<PkcePair> {
  const verifier = randomPKCECodeVerifier()
  return hideSecrets({ challenge: await pkceChallenge(verifier), method: 'S256' as const }, { verifier })
}

/**
 * The S256 challenge of a verifier (RFC 7636 §4.2).
 *
 * @throws {@link PkceError} `ERR_PKCE_VERIFIER` unless it has 43 to 128 unreserved characters.
 * @group PKCE
 */
export async function pkceChallenge(verifier: string): Promise<string> {
  if (!/^[A-Za-z0-9\-._~]{43,128}$/.test(verifier)) throw new PkceError('ERR_PKCE_VERIFIER')
  return calculatePKCECodeChallenge(verifier)
}
