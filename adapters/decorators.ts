/**
 * Decorators for controllers of any framework, legacy or standard, and the caller of the current request.
 *
 * @module
 */
export { currentAuth, runWithAuth, withCurrentAuth, withCurrentAuthInKoa } from './decorators/current-auth.js'
export { Grant, Public, RequireScopes, RequireToken } from './decorators/decorators.js'
export type {
  AnyClass,
  AnyMethod,
  AsyncMethod,
  AuthDecorator,
  CurrentAuthKoaMiddleware,
  CurrentAuthMiddleware,
  CurrentAuthOptions,
  OpenDecorator,
} from './decorators/types.js'
