/**
 * A test kit: an authorization server in the test's own process, DPoP clients, frozen time, malformed tokens.
 *
 * @module
 */
export type { MintOptions, TokenMint } from './access-token.js'
export type { EndpointBehaviour } from './behaviour.js'
export { brokenJwts, deepJson, type JwtParts } from './broken-jwts.js'
export { signCompact, type TokenSigner } from './compact-jws.js'
export { createDpopClient, type DpopClient, type DpopClientOptions, type DpopProofOptions } from './dpop-client.js'
export type { EndpointControls, Hold, ReceivedRequest } from './endpoint-controls.js'
export type { IssuerEndpoint } from './endpoints.js'
export { createFrozenClock, type FrozenClock } from './frozen-clock.js'
export type { KeyPair } from './key-pairs.js'
export type { KeyRing } from './key-ring.js'
export { mergeFetch } from './merge-fetch.js'
export { type RequestDescription, requestFacts } from './request-facts.js'
export { createSigningKey, type SigningKey } from './signing-key.js'
export { type TamperedSegment, tamperWith } from './tamper.js'
export { createTestIssuer, type TestIssuer, type TestIssuerOptions } from './test-issuer.js'
export type { TokenRegister } from './token-register.js'
