import { createPublicKey } from 'node:crypto'
import type { SignatureAlgorithm } from '../../src/index.js'
import type { TestIssuer } from '../../src/testing/index.js'
import type { LimitSettings } from '../limit.js'
import { createTestIssuer } from '../package-under-test.js'

export const audience = 'https://api.example.com'
export const scope = 'profile'
export const algorithms = ['RS256', 'PS256', 'ES256', 'EdDSA'] as const
export type Algorithm = (typeof algorithms)[number]

/** An issuer whose tokens live for a day and whose RS256 tokens are 924 characters long, as real ones are. */
export function createBenchIssuer(issuer = 'https://login.example.com'): TestIssuer {
  return createTestIssuer({ issuer, audience, algorithms, lifetimeSeconds: 86_400 })
}

/** A token of common size: registered claims, some scopes, some roles. Each one is another, by its `jti`. */
export function mintToken(issuer: TestIssuer, algorithm: Algorithm, claims: Record<string, unknown> = {}): string {
  return issuer.mintToken({ ...commonClaims, ...claims }, { algorithm })
}

export function mintTokens(
  issuer: TestIssuer,
  algorithm: Algorithm,
  count: number,
  claims?: Record<string, unknown>,
): readonly string[] {
  return Array.from({ length: count }, () => mintToken(issuer, algorithm, claims))
}

const commonClaims = {
  sub: '7f3c1b9e-52d4-4a67-b1c8-0f2e9d6a4b35',
  client_id: 'mobile-app',
  scope: 'openid profile email calendar:read',
  tenant: 'acme',
  auth_time: 1_700_000_000,
  roles: ['editor', 'billing-viewer'],
  session: '5d0c8f4e1b7a93620c41d87be5f2a6903b7',
}

/** The public key of an algorithm in the forms peers take. */
export function publicKeyOf(issuer: TestIssuer, algorithm: SignatureAlgorithm) {
  const { kid, publicJwk } = issuer.signingKey(algorithm)
  const key = createPublicKey({ key: publicJwk as never, format: 'jwk' })
  return { kid, jwk: publicJwk, key, pem: key.export({ format: 'pem', type: 'spki' }) as string }
}

export function limitSettings(issuer: TestIssuer, algorithm: Algorithm, cacheEntries: number): LimitSettings {
  const jwk = publicKeyOf(issuer, algorithm).jwk as LimitSettings['jwk']
  return { issuer: issuer.issuer, audience, algorithm, jwk, scope, cacheEntries }
}
