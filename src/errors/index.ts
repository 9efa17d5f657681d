export { AuthError, type AuthErrorOptions, isAuthError } from './auth-error.js'
export { type ErrorCode, errorDescriptions } from './codes.js'
export {
  type ApplicationCallback,
  ConfigurationError,
  InternalError,
  UnavailableError,
  type UnavailableErrorOptions,
} from './failures.js'
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
} from './refusals.js'
export { ResourceAccessError, type ResourceAccessErrorOptions } from './resource-access-error.js'
