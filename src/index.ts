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
  type AuthErrorCode,
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
  isPortcullisError,
  MissingTokenError,
  PortcullisError,
  ResourceAccessError,
  type ResourceAccessErrorOptions,
  type Shown,
  type StepUpDemand,
  StepUpRequiredError,
  TokenStoreError,
  type TokenStoreErrorCode,
  UnavailableError,
  type UnavailableErrorOptions,
} from './errors/index.js'
export { type Report, type ReportStep, reportText, type StepOutcome } from './explain/report.js'
export type {
  ExchangeCallOptions,
  ExchangedToken,
  ExchangeParams,
  GrantClient,
  GrantProofs,
} from './grants/exchange.js'
export type { ActorToken, Grant, GrantMode, GrantOptions } from './grants/grant.js'
export type { MapRefusal } from './grants/grant-errors.js'
export {
  createGrants,
  type GrantOutcome,
  type Grants,
  type GrantsHealth,
  type GrantsOptions,
  withGrants,
} from './grants/grants.js'
export type { HttpAnswer } from './http/http-answer.js'
export type { RequestFacts } from './http/request-facts.js'
export type { CredentialFields, IntrospectionCredential } from './issuer/endpoint-credential.js'
export { createKeySet, type KeySet, type KeySetOptions } from './issuer/key-set.js'
export type { KeySourceHealth } from './issuer/key-source.js'
export type { KeyCacheOptions } from './issuer/remote-keys.js'
export type { SignatureAlgorithm } from './jws/algorithms.js'
export type { PublishedJwk } from './jws/jwk.js'
export type { Clock } from './kit/clock.js'
export type { KeySetReading, ReadKeySets, TracedOperation, TracedWork, TracingListener } from './kit/event-sink.js'
export type { AboutRequest, EventListener, PortcullisEvent, StoreName } from './kit/events.js'
export type { IntrospectionFailureReason, IssuerFailureReason, KeyRefusalCode } from './kit/failure-code.js'
export type { FetchFailureReason } from './kit/fetch/fetch-failure.js'
export type { Fetch, FetchInit } from './kit/fetch/platform-fetch.js'
export type { IssuerEvent, KeysTrigger } from './kit/issuer-events.js'
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
  BindingMode,
  DpopNonceOptions,
  DpopOptions,
  MtlsOptions,
} from './resource-server/binding/binding-options.js'
export { createResourceServer } from './resource-server/create-resource-server.js'
export type { Explanation } from './resource-server/explain.js'
export type { GateStep } from './resource-server/gate-steps.js'
export type { HealthStatus, IssuerHealth, ResourceServerHealth } from './resource-server/health.js'
export type { ResourceMetadataOptions } from './resource-server/metadata/resource-metadata.js'
export { type ActorIdentity, mayAct } from './resource-server/policy/may-act.js'
export type {
  AuthorizationDetail,
  AuthorizationDetailsRule,
  ClaimRule,
  Requirement,
  RoleExpression,
  ScopeExpression,
} from './resource-server/policy/requirement.js'
export { mergeRequirements } from './resource-server/policy/requirement.js'
export type { ResourceOptions } from './resource-server/resource.js'
export type { ResourceServer } from './resource-server/resource-server.js'
export type { ResourceServerOptions } from './resource-server/resource-server-options.js'
export type { AudienceStandIn } from './resource-server/token/audience.js'
export type { ClaimCondition, ClaimConditions } from './resource-server/token/claim-conditions.js'
export type { ClaimPath } from './resource-server/token/claim-paths.js'
export type { ClaimProfile, RoleClaim } from './resource-server/token/claim-profile.js'
export type { ClaimsOf, ClaimsSchema } from './resource-server/token/claims-schema.js'
export type { IntrospectionHealth } from './resource-server/token/introspection-gate.js'
export type {
  IntrospectionBreakerOptions,
  IntrospectionOptions,
} from './resource-server/token/introspection-options.js'
export type { IssuerOptions } from './resource-server/token/issuer-options.js'
export type { IssuerAllowList, IssuerResolver } from './resource-server/token/issuers.js'
export type { BearerMethod } from './resource-server/token/read-credentials.js'
export { isToken68, readBearerToken } from './resource-server/token/read-credentials.js'
export type { TokenCheckOptions } from './resource-server/token/token-check.js'
export type { Revocation } from './revocation/revocation.js'
export type { GrantStore, Lease, LockStore, ReplayStore, RevocationStore, StoredGrant } from './stores/contract.js'
export { createMemoryGrantStore, type MemoryGrantStoreOptions } from './stores/memory/memory-grant-store.js'
export { createMemoryLockStore, type MemoryLockStoreOptions } from './stores/memory/memory-lock-store.js'
export { createMemoryReplayStore, type MemoryReplayStoreOptions } from './stores/memory/memory-replay-store.js'
export {
  createMemoryRevocationStore,
  type MemoryRevocationStoreOptions,
} from './stores/memory/memory-revocation-store.js'
export type { StoreHealth } from './stores/store-watch.js'
