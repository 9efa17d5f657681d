import type { Auth } from '../auth/auth.js'
import { AccessDeniedError, InvalidTokenError, UnavailableError } from '../errors/index.js'
import { callApplication } from '../kit/call-application.js'
import { isThenable, type MaybePromise, whenReady } from '../kit/maybe-promise.js'
import { inTime } from '../kit/time-limit.js'
import type { BindingMode } from './binding/binding-options.js'
import type { AnswerSettings } from './challenge/challenge.js'
import { protectedResourceMetadataUrl } from './metadata/metadata-routes.js'
import { compileRequirement } from './policy/compile-requirement.js'
import type { Requirement, RequirementRule } from './policy/requirement.js'
import { type ResourceSettings, selectResource } from './resource.js'
import type { ResourceServerSettings } from './resource-server-options.js'

/** One route's gate: its requirement and its resource, compiled. */
export interface Gate<Claims> {
  readonly resource: ResourceSettings
  readonly rules: readonly RequirementRule[]
  readonly modes: { readonly dpop: BindingMode; readonly mtls: BindingMode }
  readonly allow: Requirement<Claims>['allow']
  readonly answerContext: Omit<AnswerSettings, 'scheme'>
}

/**
 * Compiles a route's requirement together with the resource it belongs to.
 *
 * @throws {@link ConfigurationError} for a requirement that cannot be right.
 */
export function compileGate<Claims>(options: ResourceServerSettings, requirement: Requirement<Claims>): Gate<Claims> {
  // Without types a requirement may be null; compileRequirement says so.
  const resource = selectResource(options.resources, requirement?.resource)
  const compiled = compileRequirement(requirement, { implies: options.implies, resource: resource.resource })
  const modes = { dpop: compiled.dpop ?? resource.dpop, mtls: compiled.mtls ?? resource.mtls }
  return {
    resource,
    rules: compiled.rules,
    modes,
    allow: requirement.allow,
    answerContext: {
      metadataUrl: protectedResourceMetadataUrl(resource.resource),
      scope: compiled.challengeScope,
      bearerOffered: modes.dpop !== 'required',
      dpopAlgorithms: modes.dpop === 'off' ? undefined : resource.dpopAlgorithms,
      cors: options.cors,
    },
  }
}

/** A function of the application that answers yes or no about a caller, now or later. */
export type Question<Claims> = (auth: Auth<Claims>) => boolean | PromiseLike<boolean>

/**
 * Asks a route's `allow`. Throws synchronously or rejects.
 *
 * @throws {@link AccessDeniedError} for any answer but true, or the {@link AuthError} that `allow` throws.
 * @throws {@link InternalError} for anything else that it throws.
 */
export function askAllow<Claims>(allow: Question<Claims>, auth: Auth<Claims>): MaybePromise<void> {
  return whenReady(
    callApplication('allow', () => allow(auth)),
    settleAllow,
  )
}

function settleAllow(allowed: unknown): void {
  if (allowed !== true) throw new AccessDeniedError()
}

/**
 * Asks the application whether a token was revoked, after our own list has said no. Throws synchronously or rejects.
 *
 * @throws {@link InvalidTokenError} `ERR_TOKEN_REVOKED` for any answer but false.
 * @throws {@link UnavailableError} when the application cannot tell, or takes more than 5 s.
 */
export function askIsRevoked<Claims>(isRevoked: Question<Claims>, auth: Auth<Claims>): MaybePromise<void> {
  let answer: unknown
  let waits: boolean
  try {
    answer = isRevoked(auth)
    waits = isThenable(answer)
  } catch (cause) {
    return cannotTell(cause)
  }
  return waits ? inTime(() => answer).then(settleRevoked, cannotTell) : settleRevoked(answer)
}

function settleRevoked(revoked: unknown): void {
  if (revoked !== false) {
    throw new InvalidTokenError('ERR_TOKEN_REVOKED', {
      expected: 'a token that was not revoked',
      received: 'isRevoked',
    })
  }
}

function cannotTell(cause: unknown): never {
  throw new UnavailableError('ERR_STORE_UNAVAILABLE', { detail: 'isRevoked failed', cause, callback: 'isRevoked' })
}
