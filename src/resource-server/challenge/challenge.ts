import type { AuthScheme } from '../../auth/auth.js'
import { quoted, scopeValue, textValue, uriValue } from '../../http/header-value.js'

/** What one challenge says. Absent members are left out of it. */
export interface ChallengeParameters {
  /** The URL of the protected-resource metadata (RFC 9728 §5.1). Always sent, so that no challenge is ever bare. */
  readonly resourceMetadata: string
  readonly error?: string | undefined
  readonly errorDescription?: string | undefined
  /** Space-delimited. */
  readonly scope?: string | undefined
  /** In order of preference (RFC 9470 §3). */
  readonly acrValues?: readonly string[] | undefined
  readonly maxAgeSeconds?: number | undefined
  /** Accepted DPoP proof algorithms. Sent on DPoP challenges only (RFC 9449 §7.1). */
  readonly algs?: readonly string[] | undefined
}

/**
 * Writes one challenge (RFC 9110 §11.6.1). Never throws and never writes a character RFC 6750 §3 forbids.
 *
 * The order of parameters is fixed. With an error: `error`, `acr_values`, `max_age`, `scope`, `algs`,
 * `resource_metadata`, `error_description`; the description comes right after `error` for `use_dpop_nonce`, as in the
 * examples of RFC 9449 §9. Without one: `algs`, `resource_metadata`, `scope`.
 */
export function writeChallenge(scheme: AuthScheme, parameters: ChallengeParameters): string {
  const { error, errorDescription, acrValues, maxAgeSeconds, scope, algs, resourceMetadata } = parameters
  const ownAlgs = scheme === 'DPoP' ? algs?.join(' ') : undefined
  const scopes = scope && scopeValue(scope)
  const metadata = uriValue(resourceMetadata)
  if (error === undefined) return `${scheme} ${list({ algs: ownAlgs, resource_metadata: metadata, scope: scopes })}`
  const description = { error_description: errorDescription && textValue(errorDescription) }
  const descriptionFirst = error === 'use_dpop_nonce'
  return `${scheme} ${list({
    error: textValue(error),
    ...(descriptionFirst && description),
    acr_values: acrValues?.join(' '),
    max_age: maxAgeSeconds?.toFixed(0),
    scope: scopes,
    algs: ownAlgs,
    resource_metadata: metadata,
    ...(!descriptionFirst && description),
  })}`
}

/** An object has every name once, which is what RFC 6750 §3 demands of a challenge. */
function list(parameters: Readonly<Record<string, string | undefined>>): string {
  const present = Object.entries(parameters).flatMap(([name, value]) => (value ? [`${name}=${quoted(value)}`] : []))
  return present.join(', ')
}
