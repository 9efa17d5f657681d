export { type Challenge, type ChallengeFields, readChallenges } from './challenges.js'
export type { OAuthClient } from './client.js'
export { createOAuthClient } from './create-client.js'
export { type ClientSecret, clientSecretBasic, clientSecretPost } from './credentials/client-secret.js'
export type {
  ClientAuthMethod,
  ClientCredential,
  CredentialFields,
  CredentialTarget,
  IssuerCredentials,
} from './credentials/contract.js'
export {
  acceptsClientMetadataDocument,
  type ClientMetadataDocumentOptions,
  clientMetadataDocument,
  jwksDocument,
  type PublicDocument,
} from './credentials/documents.js'
export {
  type AssertionSource,
  type FederatedAssertionOptions,
  federatedAssertion,
} from './credentials/federated-assertion.js'
export { type FromEnvironmentOptions, fromEnvironment } from './credentials/from-environment.js'
export { type GcpIdentityOptions, gcpIdentity } from './credentials/gcp-identity.js'
export { perIssuer } from './credentials/per-issuer.js'
export {
  type AssertionAudience,
  type PrivateKeyJwtCredential,
  type PrivateKeyJwtOptions,
  privateKeyJwt,
} from './credentials/private-key-jwt.js'
export { none, tlsClientAuth } from './credentials/public-client.js'
export { type LocalSigningKey, publicJwkOf, type RemoteSigningKey, type SigningKey } from './credentials/signing-key.js'
export type { DpopProofRequest, DpopProofs } from './dpop.js'
export type { EndpointDescription, EndpointDescriptions, EndpointName } from './endpoints.js'
export {
  type ClientErrorCategory,
  type ClientErrorCode,
  type ClientErrorTraits,
  clientErrorTraits,
} from './error-codes.js'
export {
  CircuitOpenError,
  ClientAuthenticationError,
  ClientConfigurationError,
  type ClientErrorContext,
  CredentialError,
  DiscoveryError,
  DpopError,
  type HttpErrorContext,
  HttpResponseError,
  isOAuthClientError,
  NetworkError,
  OAuthClientError,
  type OAuthErrorContext,
  OAuthResponseError,
  PkceError,
  RateLimitedError,
  RequestTimeoutError,
  ResponseError,
  TokenExchangeError,
} from './errors.js'
export type { BreakerState, CircuitName, ClientOperation, OAuthClientEvent, OAuthClientListener } from './events.js'
export type { ClientCredentialsOptions } from './grant-types/client-credentials.js'
export type { TokenExchangeParams } from './grant-types/exchange-token.js'
export type { TokenHintOptions } from './grant-types/introspect.js'
export type { JwtBearerParams } from './grant-types/jwt-bearer.js'
export type {
  AuthorizationRequestParams,
  PushedAuthorizationRequest,
} from './grant-types/push-authorization-request.js'
export type { RefreshParams } from './grant-types/refresh.js'
export type { TokenTarget } from './grant-types/target-parameters.js'
export type {
  BreakerOptions,
  CallOptions,
  DpopKeyPair,
  OAuthClientOptions,
  RegistrationOptions,
  RegistrationStore,
  RetryOptions,
  TokenCacheOptions,
} from './options.js'
export { createPkcePair, type PkcePair, pkceChallenge } from './pkce.js'
export {
  type ClientMetadata,
  type CredentialOfOptions,
  credentialOf,
  type RegisteredClient,
  restoreRegistration,
  type StoredRegistration,
} from './registration/registered-client.js'
export type { RegisterOptions } from './registration/registration.js'
export type { AuthorizationServerMetadata } from './server.js'
export { readStepUp, type StepUp } from './step-up.js'
export { bearerAuthorization, isUsable, type TokenSet } from './token-set.js'
export { GrantTypes, TokenTypes } from './token-types.js'
