import { ConfigurationError } from '../../errors/index.js'
import { checkUrl } from '../../issuer/identifiers.js'
import { booleanOption, checkNames, integerOption, numberOption, textOption } from '../../kit/check.js'
import type { InsecureHosts } from '../../kit/fetch/secure-url.js'
import type { IntrospectionBreakerOptions, IntrospectionCredential, IntrospectionOptions } from './types.js'

/** Introspection settings of one issuer, complete. */
export interface ResolvedIntrospection {
  /** `undefined`: the one of the discovered metadata. */
  readonly endpoint: string | undefined
  readonly credential: IntrospectionCredential
  readonly signedResponse: boolean
  /** `undefined`: the resource identifier. */
  readonly signedResponseAudience: string | undefined
  readonly introspectJwts: boolean
  readonly allowMissingAudience: boolean
  readonly cacheMs: number
  readonly negativeCacheMs: number
  readonly timeoutMs: number
  readonly maxInFlight: number
  /** `undefined`: never opens. */
  readonly breaker: { readonly failureThreshold: number; readonly resetTimeoutMs: number } | undefined
}

const names = [
  'endpoint',
  'credential',
  'signedResponse',
  'signedResponseAudience',
  'introspectJwts',
  'dangerouslyAllowMissingAudience',
  'cacheSeconds',
  'negativeCacheSeconds',
  'timeoutMs',
  'maxInFlight',
  'breaker',
]

/**
 * Checks introspection options and fills in their defaults.
 *
 * @throws {@link ConfigurationError}
 */
export function resolveIntrospection(
  options: IntrospectionOptions | undefined,
  insecureHosts: InsecureHosts,
): ResolvedIntrospection | undefined {
  if (options === undefined) return undefined
  checkNames('`introspection`', options, names)
  if (options.endpoint !== undefined) checkUrl('introspection.endpoint', options.endpoint, insecureHosts)
  if (typeof options.credential?.authenticate !== 'function') {
    throw new ConfigurationError('`introspection.credential` takes a credential of portcullis/client.')
  }
  const flag = (name: 'signedResponse' | 'introspectJwts' | 'dangerouslyAllowMissingAudience') =>
    booleanOption(`introspection.${name}`, options[name], false)
  const seconds = (name: 'cacheSeconds' | 'negativeCacheSeconds', fallback: number) =>
    numberOption(`introspection.${name}`, options[name], { min: 0, max: 3600, fallback })
  return Object.freeze({
    endpoint: options.endpoint,
    credential: options.credential,
    signedResponse: flag('signedResponse'),
    signedResponseAudience: textOption('introspection.signedResponseAudience', options.signedResponseAudience),
    introspectJwts: flag('introspectJwts'),
    allowMissingAudience: flag('dangerouslyAllowMissingAudience'),
    cacheMs: seconds('cacheSeconds', 60) * 1000,
    negativeCacheMs: seconds('negativeCacheSeconds', 10) * 1000,
    timeoutMs: numberOption('introspection.timeoutMs', options.timeoutMs, { min: 1, max: 60_000, fallback: 5000 }),
    maxInFlight: integerOption('introspection.maxInFlight', options.maxInFlight, {
      min: 1,
      max: 10_000,
      fallback: 100,
    }),
    breaker: options.breaker === false ? undefined : resolveBreaker(options.breaker),
  })
}

function resolveBreaker(options: IntrospectionBreakerOptions = {}): ResolvedIntrospection['breaker'] {
  checkNames('`introspection.breaker`', options, ['failureThreshold', 'resetTimeoutMs'])
  const threshold = { min: 1, max: 1000, fallback: 5 }
  const reset = { min: 100, max: 600_000, fallback: 10_000 }
  return Object.freeze({
    failureThreshold: integerOption('introspection.breaker.failureThreshold', options.failureThreshold, threshold),
    resetTimeoutMs: numberOption('introspection.breaker.resetTimeoutMs', options.resetTimeoutMs, reset),
  })
}
