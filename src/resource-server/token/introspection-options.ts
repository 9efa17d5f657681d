import { ConfigurationError } from '../../errors/index.js'
import type { IntrospectionCredential } from '../../issuer/endpoint-credential.js'
import { checkUrl } from '../../issuer/identifiers.js'
import type { InsecureHosts } from '../../kit/fetch/secure-url.js'
import { anything, checkOptions, flag, integer, members, orFalse, type Rules, text } from '../../kit/options.js'
import { type TokenCheck, type TokenCheckOptions, tokenCheckRules, toTokenCheck } from './token-check.js'

/** Checks opaque tokens by RFC 7662, or by RFC 9701 where `signedResponse` is set. @group Resource server */
export interface IntrospectionOptions {
  /** Default: `introspection_endpoint` of the discovered metadata. */
  readonly endpoint?: string | undefined
  /** How this server authenticates at the endpoint; see the credentials of `portcullis/client`. */
  readonly credential: IntrospectionCredential
  /** Demand a signed answer (RFC 9701); a plain one is refused. Default false. */
  readonly signedResponse?: boolean | undefined
  /** The `aud` of a signed answer. Default: the resource identifier. */
  readonly signedResponseAudience?: string | undefined
  /** Send JWTs of this issuer to introspection as well. Default false: they are verified locally. */
  readonly introspectJwts?: boolean | undefined
  /** Accept active tokens whose answer names no `aud`. Default false. */
  readonly dangerouslyAllowMissingAudience?: boolean | undefined
  /** For an endpoint that checks tokens in a way of its own. Needs `endpoint`. Default: RFC 7662. */
  readonly tokenCheck?: TokenCheckOptions | undefined
  /**
   * How long a positive answer is reused at most, and never past `exp`; half of it at least, at random, so that the
   * processes of a fleet do not all ask at once. 0 asks every time. Default 60.
   */
  readonly cacheSeconds?: number | undefined
  /** How long a negative answer is reused. Default 10. */
  readonly negativeCacheSeconds?: number | undefined
  /** Default 5000, body included. */
  readonly timeoutMs?: number | undefined
  /**
   * How many requests may be under way at the endpoint. 1 to 10,000, default 100. Beyond it the answer is 503 at once; a
   * quarter of the places is kept for tokens that were good when last asked about.
   */
  readonly maxInFlight?: number | undefined
  /** When the endpoint is left alone for a while: 503 at once. `false`: never. */
  readonly breaker?: IntrospectionBreakerOptions | false | undefined
}

/** The circuit breaker before an introspection endpoint. @group Resource server */
export interface IntrospectionBreakerOptions {
  /**
   * Failures in a row that open the circuit: no connection, no answer in time, 429, 502, 503, 504. No other answer counts.
   * 1 to 1000, default 5.
   */
  readonly failureThreshold?: number | undefined
  /**
   * How long it stays open at most before one trial request; half of it at least, at random. 100 to 600,000, default
   * 10,000; a longer `Retry-After` counts.
   */
  readonly resetTimeoutMs?: number | undefined
}

/** Introspection settings of one issuer, complete. */
export interface IntrospectionSettings {
  /** `undefined`: the one of the discovered metadata. */
  readonly endpoint: string | undefined
  readonly credential: IntrospectionCredential
  readonly signedResponse: boolean
  /** `undefined`: the resource identifier. */
  readonly signedResponseAudience: string | undefined
  readonly introspectJwts: boolean
  readonly allowMissingAudience: boolean
  /** `undefined`: RFC 7662. */
  readonly tokenCheck: TokenCheck | undefined
  readonly cacheMs: number
  readonly negativeCacheMs: number
  readonly timeoutMs: number
  readonly maxInFlight: number
  /** `undefined`: never opens. */
  readonly breaker: { readonly failureThreshold: number; readonly resetTimeoutMs: number } | undefined
}

const rules: Rules<IntrospectionOptions> = {
  endpoint: text,
  credential: anything,
  signedResponse: flag,
  signedResponseAudience: text,
  introspectJwts: flag,
  dangerouslyAllowMissingAudience: flag,
  tokenCheck: tokenCheckRules,
  cacheSeconds: integer(0, 3600),
  negativeCacheSeconds: integer(0, 3600),
  timeoutMs: integer(1, 60_000),
  maxInFlight: integer(1, 10_000),
  breaker: orFalse(
    members<IntrospectionBreakerOptions>({ failureThreshold: integer(1, 1000), resetTimeoutMs: integer(100, 600_000) }),
  ),
}

/**
 * Checks introspection options and fills in their defaults.
 *
 * @throws {@link ConfigurationError}
 */
export function toIntrospectionSettings(
  options: IntrospectionOptions | undefined,
  insecureHosts: InsecureHosts,
): IntrospectionSettings | undefined {
  if (options === undefined) return undefined
  checkOptions('`introspection`', options, rules, 'introspection.')
  if (options.endpoint !== undefined) checkUrl('introspection.endpoint', options.endpoint, insecureHosts)
  if (typeof options.credential?.authenticate !== 'function') {
    throw new ConfigurationError('`introspection.credential` takes a credential of portcullis/client.')
  }
  return Object.freeze({
    endpoint: options.endpoint,
    credential: options.credential,
    signedResponse: options.signedResponse ?? false,
    signedResponseAudience: options.signedResponseAudience,
    introspectJwts: options.introspectJwts ?? false,
    allowMissingAudience: options.dangerouslyAllowMissingAudience ?? false,
    tokenCheck: toTokenCheck(options),
    cacheMs: (options.cacheSeconds ?? 60) * 1000,
    negativeCacheMs: (options.negativeCacheSeconds ?? 10) * 1000,
    timeoutMs: options.timeoutMs ?? 5000,
    maxInFlight: options.maxInFlight ?? 100,
    breaker: options.breaker === false ? undefined : toBreakerSettings(options.breaker),
  })
}

function toBreakerSettings(options: IntrospectionBreakerOptions = {}): IntrospectionSettings['breaker'] {
  return Object.freeze({
    failureThreshold: options.failureThreshold ?? 5,
    resetTimeoutMs: options.resetTimeoutMs ?? 10_000,
  })
}
