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
  UnavailableError,
  type UnavailableErrorOptions,
} from './errors/index.js'
export type { EventListener, PortcullisEvent } from './events.js'
export type { ActorToken, Grant, GrantMode, GrantOptions } from './exchange/grant.js'
export type {
  ExchangeCallOptions,
  ExchangedToken,
  ExchangeParams,
  GrantClient,
  GrantProofs,
} from './exchange/grant-client.js'
export type { MapRefusal } from './exchange/grant-errors.js'
export { createGrantGuard } from './exchange/grant-guard.js'
export { createGrants, type GrantOutcome, type Grants, type GrantsOptions } from './exchange/grants.js'
export { keepAccess } from './exchange/join-access.js'
export { withGrants } from './exchange/with-grants.js'
export type { KeySourceHealth } from './keys/contract.js'
export type { PublishedJwk } from './keys/jwk.js'
export { createKeySet, type KeySet } from './keys/key-set.js'
export type { SignatureAlgorithm } from './lib/algorithms.js'
export type { Clock } from './lib/clock.js'
export type { Fetch, FetchInit } from './lib/fetch.js'
export type { JsonObject } from './lib/json.js'
export type { MaybePromise } from './lib/maybe-promise.js'
export { checkNames } from './options/check.js'
export type {
  AudienceStandIn,
  ClaimCondition,
  ClaimConditions,
  ClaimPath,
  ClaimProfile,
} from './options/claim-options.js'
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
  KeyCacheOptions,
  KeySetOptions,
  MtlsOptions,
  ResourceMetadataOptions,
  ResourceOptions,
  ResourceServerOptions,
} from './options/types.js'
export { type ActorIdentity, mayAct } from './policy/may-act.js'
export { mergeRequirements } from './policy/merge-requirements.js'
export type {
  AuthorizationDetail,
  AuthorizationDetailsRule,
  BindingMode,
  ClaimRule,
  Requirement,
  RoleExpression,
  ScopeExpression,
} from './policy/requirement.js'
export { type FieldValue, mergeField } from './request/answer-headers.js'
export { setFetchHeaders, toFetchResponse, withFetchHeaders } from './request/fetch-answer.js'
export { type FetchConnection, fetchRequestFacts } from './request/fetch-request.js'
export { type NodeResponse, sendNodeAnswer, setNodeHeaders } from './request/node-answer.js'
export { type NodeRequest, type NodeSocket, nodeRequestFacts } from './request/node-request.js'
export { isPreflight, preflightAnswer } from './request/preflight.js'
export type { HttpAnswer, RequestFacts } from './request/request-facts.js'
export type {
  AnswerHeaders,
  AuthResult,
  Guard,
  OptionalAuthResult,
  OptionalGuard,
  Refused,
} from './server/auth-result.js'
export { createResourceServer, type ResourceServer, type ResourceServerHealth } from './server/resource-server.js'
export type { GrantStore, Lease, LockStore, ReplayStore, RevocationStore, StoredGrant } from './stores/contract.js'
export { createMemoryGrantStore, type MemoryGrantStoreOptions } from './stores/memory-grant-store.js'
export { createMemoryLockStore, type MemoryLockStoreOptions } from './stores/memory-lock-store.js'
export { isToken68, readBearerToken } from './token/read-credentials.js'
export type { Revocation } from './token/revocation-keys.js'
