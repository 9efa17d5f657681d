export {
  type ApplicationCallback,
  AuthError,
  type AuthErrorOptions,
  copyError,
  isAuthError,
  ownError,
} from './auth-error.js'
export type { ClientErrorCategory, ClientErrorCode, ClientErrorTraits } from './client-codes.js'
export { type AuthErrorCode, type ErrorCode, errorDescriptions } from './codes.js'
export {
  ConfigurationError,
  InternalError,
  TokenStoreError,
  type TokenStoreErrorCode,
  UnavailableError,
  type UnavailableErrorOptions,
} from './failures.js'
export { isOfFamily, isPortcullisError, PortcullisError } from './portcullis-error.js'
export {
  AccessDeniedError,
  DpopNonceRequiredError,
  InsufficientScopeError,
  type InvalidProofCode,
  InvalidProofError,
  InvalidRequestError,
  type InvalidTokenCode,
  InvalidTokenError,
  MissingTokenError,
  type StepUpDemand,
  StepUpRequiredError,
} from './refusal-errors.js'
export { ResourceAccessError, type ResourceAccessErrorOptions } from './resource-access-error.js'
export { type Shown, shown, shownText } from './shown.js'
