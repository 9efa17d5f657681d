/**
 * A test kit: an authorization server in the test's own process, DPoP clients, frozen time, malformed tokens.
 *
 * @module
 */

export { brokenJwts, deepJson, type JwtContents } from './broken-jwts.js'
export { type RequestDescription, requestFacts } from './describe-request.js'
export { createDpopClient, type DpopClient, type DpopClientOptions, type DpopProofOptions } from './dpop-client.js'
export type { EndpointBehaviour, EndpointControls, Hold, ReceivedRequest } from './endpoint-controls.js'
export { createFrozenClock, type FrozenClock } from './frozen-clock.js'
export type { IssuerEndpoint } from './issuer-endpoints.js'
export { mergeFetch } from './issuer-transport.js'
export type { KeyPair, KeyRing } from './key-ring.js'
export { createSigningKey, type SigningKey } from './key-ring.js'
export { signCompact, type TamperedSegment, type TokenSigner, tamperWith } from './sign-compact.js'
export { createTestIssuer, type TestIssuer, type TestIssuerOptions } from './test-issuer.js'
export type { MintOptions, TokenMint } from './token-mint.js'
export type { TokenRegister } from './token-register.js'
