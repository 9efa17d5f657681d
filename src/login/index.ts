/**
 * Portcullis where users sign in: what keeps their tokens, on every runtime with WebCrypto.
 *
 * @module
 */
export { ConfigurationError, TokenStoreError, type TokenStoreErrorCode } from '../errors/index.js'
export type { Match } from '../explain/claims-check.js'
export { type DiagnoseTokenOptions, diagnoseToken, type TokenDiagnosis } from '../explain/diagnose-token.js'
export type { DiagnosisStepName } from '../explain/diagnosis-steps.js'
export type { Report, ReportStep, StepOutcome } from '../explain/report.js'
export type { CertificateDescription, KeyDescription } from '../explain/signing-key.js'
export type { TokenKind } from '../explain/token-structure.js'
export type { Clock } from '../kit/clock.js'
export type { StoredTokens, TokenLifetime, TokenStore, TokenStoreDescription } from '../stores/contract.js'
export {
  createEncryptedTokenStore,
  type EncryptedTokenStore,
  type EncryptedTokenStoreOptions,
  type TokenRotation,
} from '../stores/encrypted/encrypted-token-store.js'
export type { TokenSealing } from '../stores/encrypted/entry-sealer.js'
export { firstWorkingStore, type WorkingStore } from '../stores/first-working-store.js'
export { createMemoryTokenStore, type MemoryTokenStoreOptions } from '../stores/memory/memory-token-store.js'
export type { SealKey } from '../stores/sealer.js'
export { withToken } from '../stores/with-token.js'
