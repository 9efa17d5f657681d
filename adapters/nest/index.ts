/**
 * Portcullis for NestJS 11, on Express and on Fastify.
 *
 * @module
 */
import type { AccessTokenClaims, Auth as VerifiedAuth } from '../../src/index.js'

export { authOf } from './caller.js'
export { Grant, OptionalToken, Public, RequireScopes, RequireToken } from './decorators.js'
export { PortcullisModule } from './module.js'
export type { PortcullisModuleOptions } from './options.js'
export { Access, Auth, Claims } from './parameters.js'
export { RefusalException } from './refusal.js'

/** What `@Auth()` gives: the same name serves as decorator and as type. @group NestJS */
export type Auth<Claims = AccessTokenClaims> = VerifiedAuth<Claims>
