/**
 * Decorators for controllers of any framework, legacy or standard, and the caller of the current request.
 *
 * @module
 */
export { currentAuth, runWithAuth, withCurrentAuth, withCurrentAuthInKoa } from './current-auth.js'
export { Grant, Public, RequireScopes, RequireToken } from './decorators.js'
export type {
  AnyClass,
  AnyMethod,
  AsyncMethod,
  AuthDecorator,
  CurrentAuthKoaMiddleware,
  CurrentAuthMiddleware,
  CurrentAuthOptions,
  OpenDecorator,
} from './types.js'
