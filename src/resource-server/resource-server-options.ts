import type { Auth } from '../auth/auth.js'
import { ConfigurationError } from '../errors/index.js'
import { type Clock, monotonicClock } from '../kit/clock.js'
import type { EventSink } from '../kit/event-sink.js'
import type { EventListener } from '../kit/events.js'
import type { Fetch } from '../kit/fetch/platform-fetch.js'
import { isJsonObject } from '../kit/json.js'
import {
  anything,
  checkOptions,
  choice,
  flag,
  func,
  integer,
  oneOrMore,
  type Rules,
  refuseRepeats,
  toList,
} from '../kit/options.js'
import { type Surroundings, surroundingsRules, toSurroundings } from '../kit/surroundings.js'
import { checkRevocationStore } from '../revocation/revocation.js'
import type { RevocationStore } from '../stores/contract.js'
import {
  type BindingMode,
  type DpopOptions,
  type DpopSettings,
  type MtlsOptions,
  type MtlsSettings,
  toDpopSettings,
  toMtlsSettings,
} from './binding/binding-options.js'
import { toImpliedScopes } from './policy/scope-expression.js'
import { type ResourceOptions, type ResourceSettings, toResourceSettings } from './resource.js'
import { type ClaimsOf, type ClaimsSchema, checkSchema } from './token/claims-schema.js'
import type { IssuerOptions, IssuerSettings } from './token/issuer-options.js'
import {
  type IssuerAllowList,
  type IssuerResolver,
  knownIssuers,
  toKnownIssuers,
  tokenHeaders,
  toTenantTest,
} from './token/issuers.js'

/** Options of {@link createResourceServer}. Read once, checked completely, never written to. @group Resource server */
export interface ResourceServerOptions<Schema extends ClaimsSchema | undefined = undefined> {
  /** The protected resource or resources this server guards: an identifier, or {@link ResourceOptions}. */
  readonly resource: string | ResourceOptions | readonly (string | ResourceOptions)[]
  /**
   * Whose tokens are accepted: issuer identifiers, {@link IssuerOptions}, or a function that gives the options of an
   * issuer named in {@link ResourceServerOptions.tenants}.
   */
  readonly issuer: string | IssuerOptions | readonly (string | IssuerOptions)[] | IssuerResolver
  /** The complete allow-list for an issuer function: an array, or anything with `has`, such as a live `Set`. */
  readonly tenants?: readonly string[] | IssuerAllowList | undefined
  /** Checks the claims of every verified token and gives `auth.claims` its type. A failure is `invalid_token`. */
  readonly claims?: Schema | undefined
  /** DPoP settings; per resource and per route overrides exist. Default mode `allowed`. */
  readonly dpop?: BindingMode | DpopOptions | undefined
  /** mTLS settings; per resource and per route overrides exist. Default mode `allowed`. */
  readonly mtls?: BindingMode | MtlsOptions | undefined
  /**
   * IP addresses and CIDR ranges of the proxies in front. Only what such a peer says in `Forwarded`, `X-Forwarded-*` or
   * a client-certificate header is believed, and only where the option reading that header is set. Default none.
   */
  readonly trustedProxies?: readonly string[] | undefined
  /** Scopes that imply others: `{ 'files:write': ['files:read'] }`. Applied transitively. Default none. */
  readonly implies?: Readonly<Record<string, string | readonly string[]>> | undefined
  /**
   * Asked on every request, once the token is good and before what the route demands. Anything but false refuses the
   * token as revoked; a rejection, or no answer within 5 s, is 503.
   */
  readonly isRevoked?: ((auth: Auth<ClaimsOf<Schema>>) => boolean | Promise<boolean>) | undefined
  /** The deny list behind `server.revoke`. Default: a bounded one in memory, only for this process. */
  readonly revocationStore?: RevocationStore | undefined
  /**
   * How long a revocation is kept: at least as long as the longest-lived token, leeway included. 60 to 31,536,000
   * seconds, default 86,400.
   */
  readonly revocationTtlSeconds?: number | undefined
  /**
   * How many verified tokens are remembered, by hash, and as many answers of introspection. 0 verifies every token anew.
   * Default 10,000.
   */
  readonly tokenCacheEntries?: number | undefined
  /** Whether answers carry the CORS fields that let browser code read challenges. Default true. */
  readonly cors?: boolean | undefined
  /**
   * `pass-through` serves the metadata of the first issuer at this server's own `/.well-known/oauth-authorization-server`
   * for MCP clients that predate RFC 9728. Cached as discovery is. Default `off`.
   */
  readonly authorizationServerMetadata?: 'off' | 'pass-through' | undefined
  /** Accept `http` identifiers and endpoints on loopback hosts. For development and tests. Default false. */
  readonly allowInsecureLoopback?: boolean | undefined
  /**
   * Hosts whose identifiers and endpoints may be `http` and off the public internet, as well as loopback hosts: a name
   * and a port, such as `keycloak:8080`. For container networks in development: whoever is on the way can swap keys.
   * Default none.
   */
  readonly dangerouslyAllowInsecureHosts?: readonly string[] | undefined
  /** Goes out to authorization servers. Default: the platform's `fetch`. */
  readonly fetch?: Fetch | undefined
  /** Default: the system clock. */
  readonly clock?: Clock | undefined
  /** Receives events for logs and metrics. */
  readonly onEvent?: EventListener | undefined
  /**
   * Puts what was expected and what came instead in `auth.refused` events: values of registered claims such as `iss`,
   * `aud` and `scope`, cut and escaped, never a token. Default false.
   */
  readonly explainRefusals?: boolean | undefined
  /** Milliseconds that never run backwards, for durations in events. Default: `performance.now`. */
  readonly monotonicClock?: Clock | undefined
}

/** Options of a server, checked completely, with every default filled in. */
export interface ResourceServerSettings {
  readonly surroundings: Surroundings & { readonly onEvent: EventSink }
  readonly resources: readonly ResourceSettings[]
  readonly issuers: readonly IssuerSettings[]
  readonly resolver: IssuerResolver | undefined
  readonly isTenant: (issuer: string) => boolean
  readonly schema: ClaimsSchema | undefined
  readonly dpop: DpopSettings
  readonly mtls: MtlsSettings
  readonly trustedProxies: readonly string[]
  readonly implies: ReadonlyMap<string, readonly string[]>
  /** `undefined` where the default one shall be made. */
  readonly revocationStore: RevocationStore | undefined
  readonly revocationTtlSeconds: number
  readonly tokenCacheEntries: number
  readonly cors: boolean
  readonly passThroughMetadata: boolean
  readonly explainRefusals: boolean
  readonly monotonicClock: Clock
}

const rules: Rules<ResourceServerOptions<ClaimsSchema | undefined>> = {
  resource: anything,
  issuer: anything,
  tenants: anything,
  claims: anything,
  dpop: anything,
  mtls: anything,
  trustedProxies: oneOrMore,
  implies: anything,
  isRevoked: func,
  revocationStore: anything,
  revocationTtlSeconds: integer(60, 31_536_000),
  tokenCacheEntries: integer(0, 10_000_000),
  cors: flag,
  authorizationServerMetadata: choice('off', 'pass-through'),
  ...surroundingsRules,
  explainRefusals: flag,
  monotonicClock: func,
}

/**
 * Checks the options of a server once, completely.
 *
 * @throws {@link ConfigurationError} with a sentence that says what to write instead.
 */
export function toResourceServerSettings(
  options: ResourceServerOptions<ClaimsSchema | undefined>,
): ResourceServerSettings {
  if (!isJsonObject(options)) {
    throw new ConfigurationError('createResourceServer takes an object with at least `resource` and `issuer`.')
  }
  checkOptions<ResourceServerOptions<ClaimsSchema | undefined>>('createResourceServer', options, rules)
  const surroundings = toSurroundings(options)
  const { insecureHosts } = surroundings
  const issuers = toKnownIssuers(options, insecureHosts)
  const dpop = toDpopSettings(options.dpop)
  const mtls = toMtlsSettings(options.mtls)
  return Object.freeze({
    surroundings,
    resources: toResources(options, {
      issuers: knownIssuers(options, issuers),
      tokenHeaders: tokenHeaders(issuers),
      dpop: dpop.mode,
      dpopAlgorithms: dpop.algorithms,
      mtls: mtls.mode,
      insecureHosts,
    }),
    issuers,
    resolver: typeof options.issuer === 'function' ? options.issuer : undefined,
    isTenant: toTenantTest(options, insecureHosts),
    schema: checkSchema(options.claims),
    dpop,
    mtls,
    trustedProxies: toList(options.trustedProxies ?? []),
    implies: toImpliedScopes(options.implies),
    revocationStore: checkRevocationStore(options.revocationStore),
    revocationTtlSeconds: options.revocationTtlSeconds ?? 86_400,
    tokenCacheEntries: options.tokenCacheEntries ?? 10_000,
    cors: options.cors ?? true,
    passThroughMetadata: checkPassThrough(options),
    explainRefusals: options.explainRefusals ?? false,
    monotonicClock: options.monotonicClock ?? monotonicClock,
  })
}

function toResources(
  { resource }: ResourceServerOptions<ClaimsSchema | undefined>,
  defaults: Parameters<typeof toResourceSettings>[1],
): readonly ResourceSettings[] {
  if (resource === undefined || (Array.isArray(resource) && resource.length === 0)) {
    throw new ConfigurationError(
      '`resource` is missing: give the https URL clients know this API by. It is the audience tokens must name.',
    )
  }
  const given = (Array.isArray(resource) ? resource : [resource]) as readonly Parameters<typeof toResourceSettings>[0][]
  const resolved = given.map((one) => toResourceSettings(one, defaults))
  refuseRepeats(
    'resource',
    resolved.map((one) => one.resource),
  )
  return resolved
}

function checkPassThrough({
  issuer,
  authorizationServerMetadata,
}: ResourceServerOptions<ClaimsSchema | undefined>): boolean {
  if (authorizationServerMetadata !== 'pass-through' || typeof issuer !== 'function') {
    return authorizationServerMetadata === 'pass-through'
  }
  throw new ConfigurationError('`pass-through` needs an issuer that is listed: a function names none beforehand.')
}
