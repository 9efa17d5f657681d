import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { AccessTokenClaims, Auth } from '../../auth/auth.js'
import type { KeyCacheOptions } from '../../issuer/remote-keys.js'
import type { SignatureAlgorithm } from '../../jws/algorithms.js'
import type { Clock } from '../../kit/clock.js'
import type { EventListener } from '../../kit/events.js'
import type { Fetch } from '../../kit/fetch/fetch.js'
import type { JsonObject } from '../../kit/json.js'
import type { ReplayStore, RevocationStore } from '../../stores/contract.js'
import type { BindingMode } from '../policy/requirement.js'
import type { AudienceStandIn, ClaimConditions, ClaimProfile } from './claim-options.js'

/** Any Standard Schema validator of claims: zod, valibot, arktype … */
export type ClaimsSchema = StandardSchemaV1<unknown, unknown>

/** The type `auth.claims` has under a claims schema. */
export type ClaimsOf<Schema extends ClaimsSchema | undefined> = Schema extends ClaimsSchema
  ? StandardSchemaV1.InferOutput<Schema>
  : AccessTokenClaims

/** Ways a client may send its token, in the words of RFC 9728 `bearer_methods_supported`. */
export type BearerMethod = 'header' | 'body' | 'query'

/** A live list of issuers, such as a `Set`. @group Resource server */
export interface IssuerAllowList {
  /** Whether `issuer` may be asked for, byte for byte. Asked at each look-up, so that a removal counts at once. */
  has(issuer: string): boolean
}

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
  /** The deny list behind `server.revoke`. Default: a bounded one in memory, for this process alone. */
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

/**
 * Gives the options of an issuer on the allow-list when a token first names it; the result is kept. A rejection, or no
 * answer within 5 s, is 503.
 */
export type IssuerResolver = (
  issuer: string,
) => Omit<IssuerOptions, 'issuer'> | undefined | Promise<Omit<IssuerOptions, 'issuer'> | undefined>

/** One trusted authorization server. @group Resource server */
export interface IssuerOptions {
  /** The issuer identifier, compared code point by code point: a trailing slash counts. */
  readonly issuer: string
  /**
   * Accepted `aud` values; by resource identifier where the issuer may issue for several resources of this server, so
   * that no token of one passes at another. Default: the audiences of the resource the route belongs to.
   */
  readonly audience?: string | readonly string[] | Readonly<Record<string, string | readonly string[]>> | undefined
  /**
   * For an issuer whose tokens have no `aud`, or an empty one: what they must say instead. Of several, one suffices. A
   * token that has an `aud` is judged by it alone. Default: a token without `aud` is refused.
   */
  readonly audienceFrom?: AudienceStandIn | readonly AudienceStandIn[] | undefined
  /** Accepted `alg` values. Default RS256 PS256 ES256 ES384 ES512 EdDSA Ed25519. */
  readonly algorithms?: readonly SignatureAlgorithm[] | undefined
  /** Where the keys are. Default: `jwks_uri` of the discovered metadata. */
  readonly jwksUri?: string | undefined
  /** Static public keys, instead of a key set: no network at all. */
  readonly keys?: readonly JsonObject[] | undefined
  /** Key-cache settings. */
  readonly keyCache?: KeyCacheOptions | undefined
  /** Accepted `use` values of keys; a key without `use` is always accepted. Default `['sig']`. */
  readonly keyUses?: readonly string[] | undefined
  /**
   * What the members of a key must say beyond what every key must; of several, one suffices. For key sets that several
   * issuers share. Default none.
   */
  readonly keyConditions?: ClaimConditions | readonly ClaimConditions[] | undefined
  /** Accepted `typ` header values; `null` stands for an absent one. Default `['at+jwt']` (RFC 9068 §4). */
  readonly tokenTypes?: readonly (string | null)[] | undefined
  /**
   * What the header of a JWT must say beyond `alg`, `kid` and `typ`; of several, one suffices. Default none: other members are
   * ignored.
   */
  readonly headerConditions?: ClaimConditions | readonly ClaimConditions[] | undefined
  /**
   * The request header field this issuer's tokens come in, alone and without a scheme: what a proxy in front writes. Then
   * `Authorization` is only looked at for a resource that has an issuer without such a field. Default: `Authorization`.
   */
  readonly tokenHeader?: string | undefined
  /**
   * For tokens whose header has the `typ` `JWT`, `JOSE` or none, which any JWT of the issuer may have: what in the payload
   * shows an access token. Of several, one suffices. Choose what no ID token and no refresh token of the issuer has.
   * Default: `typ` or `token_use` naming an access token; where both are absent, a `scope` or `scp`.
   */
  readonly accessTokenEvidence?: ClaimConditions | readonly ClaimConditions[] | undefined
  /** Where this issuer puts client id, scopes, roles and tenant. */
  readonly claimProfile?: ClaimProfile | undefined
  /** Claims of RFC 9068 §2.2 this issuer may leave out. Default none. */
  readonly optionalClaims?: readonly ('jti' | 'client_id' | 'iat')[] | undefined
  /** Leeway for `exp`, `nbf` and `iat`. 0 to 300, default 60. */
  readonly clockToleranceSeconds?: number | undefined
  /** The oldest acceptable `iat`, in seconds. Default: no limit but `exp`. */
  readonly maxTokenAgeSeconds?: number | undefined
  /** Opaque tokens of this issuer, by RFC 7662. */
  readonly introspection?: IntrospectionOptions | undefined
  /**
   * Accepted `aud` values of this issuer's logout tokens: the client identifiers this server is registered under.
   * Without them `server.backchannelLogout` refuses what this issuer sends.
   */
  readonly logoutAudience?: string | readonly string[] | undefined
  /** `['exp']` accepts logout tokens without `exp` for 2 minutes from their `iat`. Default none. */
  readonly optionalLogoutClaims?: readonly 'exp'[] | undefined
  /**
   * What becomes of a token whose `cnf` has unknown members alone: `'ignore'` lets it pass as if unbound. Beside `jkt` or
   * `x5t#S256` unknown members are always ignored. Default `'refuse'`.
   */
  readonly dangerouslyUnknownConfirmation?: 'refuse' | 'ignore' | undefined
}

/** DPoP at the resource server (RFC 9449). @group Resource server */
export interface DpopOptions {
  /** Default `allowed`. */
  readonly mode?: BindingMode | undefined
  /** Accepted proof algorithms; published in metadata and challenges. Default ES256 PS256 EdDSA Ed25519. */
  readonly algorithms?: readonly SignatureAlgorithm[] | undefined
  /** Oldest acceptable `iat`, seconds back. 1 to 300, default 60. */
  readonly maxAgeSeconds?: number | undefined
  /** Most an `iat` may lie ahead, in seconds. 0 to 60, default 10. */
  readonly maxFutureSeconds?: number | undefined
  /** Demand server nonces (RFC 9449 §9). Default none. */
  readonly nonce?: DpopNonceOptions | undefined
  /**
   * Where proofs are remembered. Default: in memory, bounded, good for one process; several instances need a shared one.
   */
  readonly replayStore?: ReplayStore | undefined
  /** `true` accepts proofs unseen by anybody when the replay store fails. Default false: 503. */
  readonly dangerouslyAllowReplayWhenStoreFails?: boolean | undefined
  /**
   * How the URI in `htu` is known. `resource`: origin of the resource identifier (default). `connection`: TLS state and
   * `Host`. `forwarded`: RFC 7239 `Forwarded`, `x-forwarded`: `X-Forwarded-Proto` and `-Host`, each from a trusted
   * proxy only.
   */
  readonly targetOrigin?: 'resource' | 'connection' | 'forwarded' | 'x-forwarded' | undefined
  /**
   * What a proxy strips from the front of the path of each request, such as `/api`: `htu` has it, the request that
   * arrives has not. It is put before every path, so that each request has one URI. Plain segments, a slash first and
   * none at the end. Default none: the path stays as it arrives.
   */
  readonly pathPrefix?: string | undefined
}

/** Server nonces for DPoP proofs. @group Resource server */
export interface DpopNonceOptions {
  /** Secrets of at least 32 bytes, the first one signs, all verify. Share them between instances. */
  readonly secrets: readonly (string | Uint8Array)[]
  /** Lifetime of a nonce. 10 to 3600, default 300. */
  readonly maxAgeSeconds?: number | undefined
  /** Send a fresh `DPoP-Nonce` with every answer to a proof that holds, refusals after it included. Default false. */
  readonly onSuccess?: boolean | undefined
}

/** Certificate-bound tokens (RFC 8705 §3). @group Resource server */
export interface MtlsOptions {
  /** Default `allowed`. */
  readonly mode?: BindingMode | undefined
  /**
   * Where the client certificate comes from: the TLS connection (default), or a header of a trusted proxy: `rfc9440`
   * (`Client-Cert`), `xfcc` (Envoy's `X-Forwarded-Client-Cert`: one element with `Hash` or `Cert`), `nginx` (`X-SSL-Client-Cert`, URL-encoded PEM), `aws`
   * (`X-Amzn-Mtls-Clientcert-Leaf` or `X-Amzn-Mtls-Clientcert`).
   */
  readonly certificateFrom?: 'connection' | 'rfc9440' | 'xfcc' | 'nginx' | 'aws' | undefined
}

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
  /** How long a positive answer is reused, at most until `exp`. 0 asks every time. Default 60. */
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
  /** How long it stays open before one trial request. 100 to 600,000, default 10,000; a longer `Retry-After` counts. */
  readonly resetTimeoutMs?: number | undefined
}

/**
 * Authenticates one request to an introspection endpoint by adding header fields or form parameters.
 *
 * @group Resource server
 */
export interface IntrospectionCredential {
  /**
   * Asked anew for every request, so that nothing stale is sent. What it throws fails the request: 503.
   *
   * @param target - where the request goes: the issuer and the endpoint.
   */
  authenticate(target: {
    readonly issuer: string
    readonly endpoint: string
  }): CredentialFields | Promise<CredentialFields>
}

/** What a credential adds to a request. @group Resource server */
export interface CredentialFields {
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly form?: Readonly<Record<string, string>> | undefined
}

/** One protected resource: its identifier, its rules, and what its metadata document says (RFC 9728). @group Resource server */
export interface ResourceOptions {
  /** The resource identifier, kept byte for byte: an https URL without fragment. */
  readonly resource: string
  /** Accepted `aud` values. Default: the identifier alone. */
  readonly audience?: string | readonly string[] | undefined
  /** Which of the server's issuers may issue for this resource. Default: all. */
  readonly issuers?: readonly string[] | undefined
  /** Published as `scopes_supported`. Default none. */
  readonly scopes?: readonly string[] | undefined
  /** Ways to send a token. Default `['header']`; `query` is legacy and leaks into logs. */
  readonly bearerMethods?: readonly BearerMethod[] | undefined
  readonly dpop?: BindingMode | undefined
  readonly mtls?: BindingMode | undefined
  /** Further members of the metadata document. */
  readonly metadata?: ResourceMetadataOptions | undefined
}

/** Members of the metadata document that no other setting decides (RFC 9728 §2). @group Resource server */
export interface ResourceMetadataOptions {
  readonly name?: string | undefined
  /** Names by BCP 47 language tag, published as `resource_name#tag`. */
  readonly localizedNames?: Readonly<Record<string, string>> | undefined
  readonly documentation?: string | undefined
  readonly policyUri?: string | undefined
  readonly tosUri?: string | undefined
  readonly jwksUri?: string | undefined
  readonly signingAlgorithms?: readonly string[] | undefined
  readonly authorizationDetailsTypes?: readonly string[] | undefined
  /** Gives `signed_metadata`: a JWS over the document's claims, `iss` included (RFC 9728 §2.2). */
  readonly sign?: ((claims: JsonObject) => string | Promise<string>) | undefined
  /** Serve the document at this path as well. Not standard: only clients told of it will look there. */
  readonly metadataAt?: string | undefined
  /**
   * Serve the document at `/.well-known/oauth-protected-resource` as well, whatever the path of the identifier: where MCP
   * clients look last (MCP authorization, "Protected Resource Metadata Discovery Requirements"). One resource of an
   * origin at most. Default: only for the one resource of a server that has an `mcpGate`; false: not there either.
   */
  readonly atRoot?: boolean | undefined
  /** How long clients may cache the document. Default 3600. */
  readonly maxAgeSeconds?: number | undefined
}
