import type { AnswerContext } from './challenge/answer.js'
import { protectedResourceMetadataUrl } from './metadata/well-known.js'
import type { ResolvedOptions } from './options/resolve-options.js'
import type { ResolvedResource } from './options/resolved.js'
import { type CompiledRequirement, compileRequirement } from './policy/compile-requirement.js'
import type { BindingMode, Requirement } from './policy/requirement.js'
import { selectResource } from './select-resource.js'

/** One route's gate: its requirement and its resource, compiled. */
export interface Gate<Claims> {
  readonly resource: ResolvedResource
  readonly rule: CompiledRequirement
  readonly modes: { readonly dpop: BindingMode; readonly mtls: BindingMode }
  readonly allow: Requirement<Claims>['allow']
  readonly answerContext: Omit<AnswerContext, 'scheme'>
}

/**
 * Compiles a route's requirement together with the resource it belongs to.
 *
 * @throws {@link ConfigurationError} for a requirement that cannot be right.
 */
export function compileGate<Claims>(options: ResolvedOptions, requirement: Requirement<Claims>): Gate<Claims> {
  // Without types a requirement may be null; compileRequirement says so.
  const resource = selectResource(options.resources, requirement?.resource)
  const rule = compileRequirement(requirement, { implies: options.implies, resource: resource.resource })
  const modes = { dpop: rule.dpop ?? resource.dpop, mtls: rule.mtls ?? resource.mtls }
  return {
    resource,
    rule,
    modes,
    allow: requirement.allow,
    answerContext: {
      metadataUrl: protectedResourceMetadataUrl(resource.resource),
      scope: rule.challengeScope,
      bearerOffered: modes.dpop !== 'required',
      dpopAlgorithms: modes.dpop === 'off' ? undefined : resource.dpopAlgorithms,
      cors: options.cors,
    },
  }
}
