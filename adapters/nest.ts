/**
 * Portcullis for NestJS 11, on Express and on Fastify.
 *
 * @module
 */
import type { AccessTokenClaims, Auth as VerifiedAuth } from '../src/index.js'

export { authOf } from './nest/caller.js'
export { Grant, OptionalToken, Public, RequireScopes, RequireToken } from './nest/decorators.js'
export { PortcullisModule } from './nest/module.js'
export type { PortcullisModuleOptions } from './nest/options.js'
export { Access, Auth, Claims } from './nest/parameters.js'
export { RefusalException } from './nest/refusal.js'

/** What `@Auth()` gives: the same name serves as decorator and as type. @group NestJS */
export type Auth<Claims = AccessTokenClaims> = VerifiedAuth<Claims>
