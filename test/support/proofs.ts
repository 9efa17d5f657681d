import { createHash, randomUUID } from 'node:crypto'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, type JWTHeaderParameters, SignJWT } from 'jose'
import { createDpopVerifier, type DpopVerifierSettings } from '../../src/resource-server/binding/dpop-verifier.js'
import { createMemoryReplayStore } from '../../src/stores/memory/memory-replay-store.js'

/** The frozen time of tests, in seconds. */
export const nowSeconds = 1_800_000_000
export const resource = 'https://api.example.com'
export const accessToken = 'header.payload.signature'

/** SHA-256 in base64url. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}

/** What one proof differs in from a good one for `GET https://api.example.com/` with {@link accessToken}. */
export interface ProofOverrides {
  readonly claims?: Readonly<Record<string, unknown>>
  readonly header?: Readonly<Record<string, unknown>>
}

/** A client's DPoP key. */
export interface ProofSigner {
  readonly jwk: JWK
  readonly privateJwk: JWK
  readonly jkt: string
  /** Mints a proof; a claim or header member given as `undefined` is left out. */
  sign(overrides?: ProofOverrides): Promise<string>
}

export async function createProofSigner(alg = 'ES256', modulusLength = 2048): Promise<ProofSigner> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true, modulusLength })
  const jwk = await exportJWK(publicKey)
  return {
    jwk,
    privateJwk: await exportJWK(privateKey),
    jkt: await calculateJwkThumbprint(jwk),
    sign({ claims = {}, header = {} } = {}) {
      const payload = {
        jti: randomUUID(),
        htm: 'GET',
        htu: `${resource}/`,
        iat: nowSeconds,
        ath: sha256(accessToken),
        ...claims,
      }
      const protectedHeader = { typ: 'dpop+jwt', alg, jwk, ...header } as JWTHeaderParameters
      return new SignJWT(payload).setProtectedHeader(protectedHeader).sign(privateKey)
    },
  }
}

/** Settings of a verifier at the frozen time, all defaults. */
export function dpopSettings(overrides: Partial<DpopVerifierSettings> = {}): DpopVerifierSettings {
  const clock = overrides.clock ?? (() => nowSeconds * 1000)
  return {
    algorithms: ['ES256', 'PS256', 'EdDSA', 'Ed25519'],
    maxAgeSeconds: 60,
    maxFutureSeconds: 10,
    nonce: undefined,
    targetOrigin: 'resource',
    pathPrefix: '',
    replayStore: createMemoryReplayStore({ clock }),
    dangerouslyAllowReplayWhenStoreFails: false,
    isTrustedProxy: () => false,
    clock,
    onEvent: undefined,
    ...overrides,
  }
}

export function dpopVerifier(overrides: Partial<DpopVerifierSettings> = {}) {
  return createDpopVerifier(dpopSettings(overrides))
}

/** What `run` throws or rejects with; fails the test when it does neither. */
export async function refusalOf(run: () => unknown): Promise<unknown> {
  try {
    await run()
  } catch (error) {
    return error
  }
  throw new Error('expected a refusal')
}
