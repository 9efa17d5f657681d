/**
 * Portcullis where users sign in: what keeps and renews their tokens, on every runtime with WebCrypto.
 *
 * @module
 */
export type {
  AuthenticatedCall,
  AuthenticatedFetch,
  AuthenticatedFetchOptions,
} from '../client/authenticated-fetch.js'
export type { DpopProofs } from '../client/calls/dpop.js'
export type { StepUp } from '../client/challenges.js'
export type { CallOptions } from '../client/client-options.js'
export { isOAuthClientError, OAuthClientError } from '../client/errors.js'
export { IdTokenError, LoginDeniedError, LoginError, LoginTimeoutError } from '../client/login-errors.js'
export type { TokenSet } from '../client/token-set.js'
export type { GetTokenOptions, TokenSource } from '../client/token-source.js'
export {
  AccessDeniedError,
  ConfigurationError,
  TokenStoreError,
  type TokenStoreErrorCode,
  UnavailableError,
} from '../errors/index.js'
export type { Match } from '../explain/claims-check.js'
export { type DiagnoseTokenOptions, diagnoseToken, type TokenDiagnosis } from '../explain/diagnose-token.js'
export type { DiagnosisStepName } from '../explain/diagnosis-steps.js'
export type { Report, ReportStep, StepOutcome } from '../explain/report.js'
export type { CertificateDescription, KeyDescription } from '../explain/signing-key.js'
export type { TokenKind } from '../explain/token-structure.js'
export type { LogoutToken } from '../issuer/logout-token.js'
export type { Clock } from '../kit/clock.js'
export type { EventListener, PortcullisEvent } from '../kit/events.js'
export type { LoginEvent } from '../kit/login-events.js'
export type {
  Lease,
  LockStore,
  SessionStore,
  StoredTokens,
  TokenLifetime,
  TokenStore,
  TokenStoreDescription,
} from '../stores/contract.js'
export {
  createEncryptedTokenStore,
  type EncryptedTokenStore,
  type EncryptedTokenStoreOptions,
  type TokenRotation,
} from '../stores/encrypted/encrypted-token-store.js'
export type { TokenSealing } from '../stores/encrypted/entry-sealer.js'
export { firstWorkingStore, type WorkingStore } from '../stores/first-working-store.js'
export { createMemorySessionStore, type MemorySessionStoreOptions } from '../stores/memory/memory-session-store.js'
export { createMemoryTokenStore, type MemoryTokenStoreOptions } from '../stores/memory/memory-token-store.js'
export type { SealKey } from '../stores/sealer.js'
export { withToken } from '../stores/with-token.js'
export {
  type AuthConfig,
  type AuthConfigInput,
  type AuthConfigOptions,
  type LoopbackSection,
  readAuthConfig,
  type SecretResolver,
} from './auth-config.js'
export type { LoginAccount, LoginResult } from './login-result.js'
export type { PreflightOptions, PreflightReport, PreflightStep } from './preflight.js'
export { type GithubLoginOptions, github } from './presets/github-login.js'
export { type GoogleLoginOptions, google } from './presets/google-login.js'
export { type MicrosoftLoginOptions, microsoft } from './presets/microsoft-login.js'
export { type OidcLoginOptions, oidc } from './presets/oidc-login.js'
export type { PresetOptions } from './presets/preset-client.js'
export {
  createProvider,
  type DeviceLogin,
  type DeviceLoginParams,
  type LoginParams,
  type LoginRequest,
  type Provider,
} from './provider.js'
export { createProviderFromSettings, type ProviderSettingsInput } from './provider-from-settings.js'
export type { ProviderOptions, ProviderPreset } from './provider-options.js'
export type { ConfiguredTokenStore, ProviderSection } from './provider-section.js'
export {
  type ReauthenticationErrorOptions,
  type ReauthenticationReason,
  ReauthenticationRequiredError,
} from './reauthentication-required-error.js'
export {
  createMcpAuthProvider,
  type McpAuthProvider,
  type McpAuthProviderOptions,
} from './resource/mcp-auth-provider.js'
export { createProtectedFetch, type ProtectedFetch } from './resource/protected-fetch.js'
export type {
  ClientDocumentOptions,
  NamedServer,
  ProtectedFetchOptions,
  ProtectedStep,
  ResourceRegistrationOptions,
} from './resource/protected-options.js'
export type { SignIn, SignInProvider, SignInRequest } from './resource/sign-in.js'
export {
  clientCredentialsSignIn,
  type EnterpriseSignInOptions,
  type ExchangeSignInOptions,
  type ExchangeSubject,
  enterpriseSignIn,
  exchangeSignIn,
  type TokensSignInOptions,
  tokensSignIn,
} from './resource/sign-in-ways.js'
export type { TokenProvider } from './token-provider.js'
export { type LoginTransaction, openTransaction, sealTransaction } from './transaction.js'
export {
  createUserTokens,
  type LogoutOutcome,
  type SetTokensOptions,
  type UserTokens,
  type UserTokensOptions,
} from './user-tokens.js'
export type { LoginRequirement } from './web/ask-to-sign-in.js'
export { type CookieSessions, type CookieSessionsOptions, cookieSessions } from './web/cookie-sessions.js'
export {
  createLogin,
  type Login,
  type LoginAccepted,
  type LoginGuard,
  type LoginRefused,
} from './web/create-login.js'
export type { LoginPage } from './web/login-answers.js'
export type { LoginLimit } from './web/login-limit.js'
export type {
  LoginAddition,
  LoginContext,
  LoginErrorAnswer,
  LoginErrorContext,
  LoginOptions,
  SessionLimits,
  SessionTokens,
} from './web/login-options.js'
export type { ReadForm } from './web/login-routes.js'
export type { LoginSession } from './web/login-session.js'
