/**
 * The OAuth 2.0 gate: verifies access tokens, answers refusals in the standard way, serves protected-resource metadata.
 *
 * @module
 */

export { AccessContext, type AccessFetch, type GrantedToken } from './auth/access-context.js'
export {
  type AccessTokenClaims,
  type Actor,
  Auth,
  type AuthScheme,
  type Confirmation,
  type VerifiedToken,
} from './auth/auth.js'
export {
  AccessDeniedError,
  type ApplicationCallback,
  AuthError,
  type AuthErrorOptions,
  ConfigurationError,
  DpopNonceRequiredError,
  type ErrorCode,
  errorDescriptions,
  InsufficientScopeError,
  InternalError,
  type InvalidProofCode,
  InvalidProofError,
  InvalidRequestError,
  type InvalidTokenCode,
  InvalidTokenError,
  isAuthError,
  MissingTokenError,
  ResourceAccessError,
  type ResourceAccessErrorOptions,
  type StepUpDemand,
  StepUpRequiredError,
  TokenStoreError,
  type TokenStoreErrorCode,
  UnavailableError,
  type UnavailableErrorOptions,
} from './errors/index.js'
export type { ActorToken, Grant, GrantMode, GrantOptions } from './grants/grant.js'
export type {
  ExchangeCallOptions,
  ExchangedToken,
  ExchangeParams,
  GrantClient,
  GrantProofs,
} from './grants/grant-client.js'
export type { MapRefusal } from './grants/grant-errors.js'
export { createGrants, type GrantOutcome, type Grants, type GrantsOptions } from './grants/grants.js'
export { withGrants } from './grants/with-grants.js'
export type { HttpAnswer } from './http/http-answer.js'
export type { RequestFacts } from './http/request-facts.js'
export { createKeySet, type KeySet, type KeySetOptions } from './issuer/key-set.js'
export type { KeySourceHealth } from './issuer/key-source.js'
export type { KeyCacheOptions } from './issuer/remote-keys.js'
export type { SignatureAlgorithm } from './jws/algorithms.js'
export type { PublishedJwk } from './jws/jwk.js'
export type { Clock } from './kit/clock.js'
export type { EventListener, PortcullisEvent } from './kit/events.js'
export type { Fetch, FetchInit } from './kit/fetch/fetch.js'
export type { JsonObject } from './kit/json.js'
export type { MaybePromise } from './kit/maybe-promise.js'
export type {
  AnswerHeaders,
  AuthResult,
  Guard,
  OptionalAuthResult,
  OptionalGuard,
  Refused,
} from './resource-server/auth-result.js'
export type {
  AudienceStandIn,
  ClaimCondition,
  ClaimConditions,
  ClaimPath,
  ClaimProfile,
  RoleClaim,
} from './resource-server/options/claim-options.js'
export type {
  BearerMethod,
  ClaimsOf,
  ClaimsSchema,
  CredentialFields,
  DpopNonceOptions,
  DpopOptions,
  IntrospectionBreakerOptions,
  IntrospectionCredential,
  IntrospectionOptions,
  IssuerAllowList,
  IssuerOptions,
  IssuerResolver,
  MtlsOptions,
  ResourceMetadataOptions,
  ResourceOptions,
  ResourceServerOptions,
} from './resource-server/options/types.js'
export { type ActorIdentity, mayAct } from './resource-server/policy/may-act.js'
export { mergeRequirements } from './resource-server/policy/merge-requirements.js'
export type {
  AuthorizationDetail,
  AuthorizationDetailsRule,
  BindingMode,
  ClaimRule,
  Requirement,
  RoleExpression,
  ScopeExpression,
} from './resource-server/policy/requirement.js'
export {
  createResourceServer,
  type ResourceServer,
  type ResourceServerHealth,
} from './resource-server/resource-server.js'
export type { Revocation } from './resource-server/revocation/revocation-keys.js'
export { isToken68, readBearerToken } from './resource-server/token/read-credentials.js'
export type { GrantStore, Lease, LockStore, ReplayStore, RevocationStore, StoredGrant } from './stores/contract.js'
export { createMemoryGrantStore, type MemoryGrantStoreOptions } from './stores/memory/memory-grant-store.js'
export { createMemoryLockStore, type MemoryLockStoreOptions } from './stores/memory/memory-lock-store.js'
