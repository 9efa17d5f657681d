/** What the choices come to as options of the library. Judges nothing. */
import type { IssuerOptions, Requirement, ResourceServerOptions } from '../../../../src/index.js'
import type { Choices } from './choices.js'
import { issuerBy, sampleOf } from './provider-samples.js'

const words = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '')

/** The parameters of the preset: lists are lists, and what was left empty is left out. */
export function toParameters({ provider, parameters }: Choices): Readonly<Record<string, string | readonly string[]>> {
  const given = sampleOf(provider).fields.flatMap(({ name, isList }) => {
    const text = (parameters[name] ?? '').trim()
    return text === '' ? [] : [[name, isList === true ? words(text) : text] as const]
  })
  return Object.fromEntries(given)
}

/** What the preset gives for the parameters. Throws as the preset does. */
export function toIssuer(choices: Choices): IssuerOptions {
  return issuerBy(choices.provider, toParameters(choices))
}

/** The options of `createResourceServer` besides `issuer`. */
export function toServerOptions(choices: Choices): Pick<ResourceServerOptions, 'resource'> & {
  readonly dpop?: 'off' | 'required'
  readonly allowInsecureLoopback?: true
} {
  const [resource, audience] = [choices.resource.trim(), words(choices.audience)]
  const [only = ''] = audience
  const named = [resource, ...Object.values(choices.parameters)]
  return {
    resource: audience.length === 0 ? resource : { resource, audience: audience.length === 1 ? only : audience },
    ...(choices.dpop !== 'allowed' && { dpop: choices.dpop }),
    ...(named.some(isInsecureLoopback) && { allowInsecureLoopback: true }),
  }
}

function isInsecureLoopback(text: string): boolean {
  return /^http:\/\/(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?=[:/]|$)/.test(text.trim())
}

/** The requirement of the route. */
export function toRequirement(choices: Choices): Requirement {
  const [scopes, contexts] = [words(choices.scope), words(choices.acr)]
  const [acr = ''] = contexts
  const isAny = choices.scopeMode === 'any' && scopes.length > 1
  return {
    ...(scopes.length > 0 && { scope: isAny ? { any: scopes } : scopes.join(' ') }),
    ...(contexts.length > 0 && { acr: contexts.length === 1 ? acr : contexts }),
    ...(choices.maxAgeSeconds.trim() !== '' && { maxAgeSeconds: Number(choices.maxAgeSeconds) }),
  }
}

/** What a token that the API accepts has as `aud`; `undefined` where something else stands for it. */
export function expectedAudience(choices: Choices): unknown {
  if (sampleOf(choices.provider).hasNoAudience) return undefined
  const { audience } = toIssuer(choices)
  return audience ?? (words(choices.audience)[0] || choices.resource.trim())
}

/** The scopes that satisfy the requirement. */
export function expectedScopes({ scope, scopeMode }: Choices): readonly string[] {
  return scopeMode === 'any' ? words(scope).slice(0, 1) : words(scope)
}

/** The first value of each parameter. */
export function firstValues(choices: Choices): Readonly<Record<string, string>> {
  const values = Object.entries(toParameters(choices)).map(([name, value]) => [name, [value].flat()[0] ?? ''])
  return Object.fromEntries(values)
}

/** The accepted contexts and the greatest age, as a token that the API accepts meets them. */
export function expectedSignIn(choices: Choices): { readonly acr?: string; readonly isDated: boolean } {
  const [acr] = words(choices.acr)
  return { ...(acr !== undefined && { acr }), isDated: choices.maxAgeSeconds.trim() !== '' }
}
