export { clientErrorTraits } from '../errors/client-codes.js'
export {
  type ClientErrorCategory,
  type ClientErrorCode,
  type ClientErrorTraits,
  ConfigurationError,
} from '../errors/index.js'
export type { AuthorizationServerMetadata } from '../issuer/authorization-server-metadata.js'
export type { LogoutToken } from '../issuer/logout-token.js'
export type { BreakerState, CircuitName, ClientEvent, ClientOperation } from '../kit/client-events.js'
export type { EventListener, PortcullisEvent } from '../kit/events.js'
export type { IntrospectionFailureReason, IssuerFailureReason, KeyRefusalCode } from '../kit/failure-code.js'
export {
  type AuthenticatedCall,
  type AuthenticatedFetch,
  type AuthenticatedFetchOptions,
  createAuthenticatedFetch,
} from './authenticated-fetch.js'
export type { DpopProofRequest, DpopProofs } from './calls/dpop.js'
export type { TraceEntry } from './calls/trace.js'
export { type Challenge, type ChallengeFields, readChallenges, readStepUp, type StepUp } from './challenges.js'
export type {
  BreakerOptions,
  CallOptions,
  DpopKeyPair,
  IdTokenDecryptionKey,
  IdTokenOptions,
  OAuthClientOptions,
  RegistrationOptions,
  RegistrationStore,
  RetryOptions,
  TokenCacheOptions,
} from './client-options.js'
export { createOAuthClient } from './create-client.js'
export type {
  ClientAuthMethod,
  ClientCredential,
  CredentialFields,
  CredentialTarget,
  IssuerCredentials,
} from './credentials/client-credential.js'
export { perIssuer, publicClient, tlsClientAuth } from './credentials/client-credential.js'
export {
  type ClientDocuments,
  type ClientDocumentsOptions,
  createClientDocuments,
} from './credentials/client-documents.js'
export {
  type ClientSecret,
  clientSecretBasic,
  clientSecretPost,
  type FromEnvironmentOptions,
  fromEnvironment,
} from './credentials/client-secret.js'
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
  type GcpIdentityOptions,
  gcpIdentity,
} from './credentials/federated-assertion.js'
export {
  type AssertionAudience,
  type PrivateKeyJwtCredential,
  type PrivateKeyJwtOptions,
  privateKeyJwt,
} from './credentials/private-key-jwt.js'
export { type LocalSigningKey, publicJwkOf, type RemoteSigningKey, type SigningKey } from './credentials/signer.js'
export type { EndpointDescription, EndpointDescriptions, EndpointName } from './endpoints.js'
export {
  CircuitOpenError,
  ClientAuthenticationError,
  ClientCallError,
  ClientConfigurationError,
  type ClientErrorOptions,
  CredentialError,
  DiscoveryError,
  DpopError,
  type HttpErrorOptions,
  HttpResponseError,
  isOAuthClientError,
  NetworkError,
  OAuthClientError,
  type OAuthErrorOptions,
  OAuthResponseError,
  PkceError,
  RateLimitedError,
  RequestTimeoutError,
  ResponseError,
  TokenExchangeError,
} from './errors.js'
export type {
  AuthorizationRequestParams,
  PushedAuthorizationRequest,
} from './grant-types/authorization-request.js'
export type {
  AuthorizationChecks,
  AuthorizationParams,
  AuthorizationRequest,
} from './grant-types/authorization-url.js'
export type { ClientCredentialsOptions } from './grant-types/client-credentials.js'
export type { DeviceAuthorization, DeviceAuthorizationParams } from './grant-types/device-authorization.js'
export type { EndSessionParams } from './grant-types/end-session.js'
export type { CodeParams } from './grant-types/exchange-code.js'
export type { TokenExchangeParams } from './grant-types/exchange-token.js'
export type { IdentifiedTokens } from './grant-types/identify.js'
export type { TokenHintOptions } from './grant-types/introspect-and-revoke.js'
export type { JwtBearerParams } from './grant-types/jwt-bearer.js'
export type { RefreshParams } from './grant-types/refresh.js'
export type { TokenTarget } from './grant-types/token-request.js'
export type { UserInfoOptions } from './grant-types/user-info.js'
export type { IdTokenClaims, IdTokenExpectations } from './id-token.js'
export {
  IdTokenError,
  LoginDeniedError,
  type LoginDeniedOptions,
  LoginError,
  LoginTimeoutError,
} from './login-errors.js'
export type { OAuthClient } from './oauth-client.js'
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
export {
  canRefresh,
  expiresInSeconds,
  isExpired,
  shouldRefresh,
  type TokenTimeOptions,
} from './token-lifetime.js'
export { bearerAuthorization, type PreviousTokens, type TokenSet, tokenSetFromResponse } from './token-set.js'
export { parseTokenSet, serializeTokenSet } from './token-set-text.js'
export { clientCredentialsSource, type GetTokenOptions, staticSource, type TokenSource } from './token-source.js'
export { GrantTypes, TokenTypes } from './token-types.js'
