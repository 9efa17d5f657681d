import { isSignatureAlgorithm, type SignatureAlgorithm } from '../jws/algorithms.js'
import type { Clock } from '../kit/clock.js'
import type { EventListener } from '../kit/events.js'
import type { Fetch } from '../kit/fetch/platform-fetch.js'
import { integer, type Rules, takes, texts } from '../kit/options.js'
import type { TraceEntry } from './calls/trace.js'
import type { ClientCredential, IssuerCredentials } from './credentials/client-credential.js'
import type { SigningKey } from './credentials/signer.js'
import type { EndpointName } from './endpoints.js'
import type { ClientMetadata, StoredRegistration } from './registration/registered-client.js'

/** Options of {@link createOAuthClient}. Read once, checked completely, never written to. @group OAuth client */
export interface OAuthClientOptions {
  /** The issuer identifier of the authorization server, compared code point by code point. */
  readonly issuer: string
  /** Default: the client identifier of the credential. */
  readonly clientId?: string | undefined
  /**
   * How this client authenticates. A public client says so: `publicClient({ clientId })`. Without a credential and without
   * `registration` the client discovers and registers, and refuses every other call.
   */
  readonly credential?: ClientCredential | IssuerCredentials | undefined
  /** Registers this client at first use, where `store` holds no registration yet. Takes the place of `credential`. */
  readonly registration?: RegistrationOptions | undefined
  /** Endpoints that win over discovered ones. A path is resolved against the issuer's origin. */
  readonly endpoints?: Readonly<Partial<Record<EndpointName, string | undefined>>> | undefined
  /** How ID tokens are judged. */
  readonly idToken?: IdTokenOptions | undefined
  /** `['exp']` accepts logout tokens without `exp` for 2 minutes from their `iat`. Default none. */
  readonly optionalLogoutClaims?: readonly 'exp'[] | undefined
  /**
   * `auto` tries RFC 8414, then OpenID Connect Discovery; `oauth2` and `oidc` only the one; `false` none: no request is
   * made, and `endpoints` says where everything is. Default `auto`.
   */
  readonly discovery?: 'auto' | 'oauth2' | 'oidc' | false | undefined
  /** With `discovery: false`: take `/oauth2/token` and its like below the issuer where `endpoints` is silent. Default false. */
  readonly defaultPaths?: boolean | undefined
  /**
   * Sent with every request of every kind. `Authorization`, `DPoP`, `Cookie` and what describes the
   * connection and the content are not yours to set.
   */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Default `portcullis`. */
  readonly userAgent?: string | undefined
  /** Time for one attempt, credential and body included. Default 30,000. */
  readonly timeoutMs?: number | undefined
  /** Time for a call with all its attempts and pauses, discovery included. Default 120,000. */
  readonly totalTimeoutMs?: number | undefined
  /** `false` tries once. */
  readonly retry?: RetryOptions | false | undefined
  /** `false` never opens a circuit. */
  readonly breaker?: BreakerOptions | false | undefined
  /**
   * Ask for DPoP-bound tokens (RFC 9449) and take no others. `true` makes a key pair of an algorithm the server lists,
   * not extractable, for the life of this client; or bring one.
   */
  readonly dpop?: boolean | DpopKeyPair | undefined
  readonly tokenCache?: TokenCacheOptions | undefined
  /** The name of a header field that carries the correlation identifier of each call. Default: none is sent. */
  readonly correlationHeader?: string | undefined
  /** Most bytes of an answer. Default 262,144. */
  readonly maxResponseBytes?: number | undefined
  /** Accept `http` issuers and endpoints on loopback hosts. For development and tests. Default false. */
  readonly allowInsecureLoopback?: boolean | undefined
  /**
   * Accept `http` for these hosts, and private addresses behind them: those of a development network, as in
   * `['keycloak:8080']`. Anybody in between reads and changes what is sent. Default none.
   */
  readonly dangerouslyAllowInsecureHosts?: readonly string[] | undefined
  /** Default: the platform's `fetch`. */
  readonly fetch?: Fetch | undefined
  /** Default: the system clock. */
  readonly clock?: Clock | undefined
  /** Milliseconds that never run backwards, for durations and time limits. Default: `performance.now`. */
  readonly monotonicClock?: Clock | undefined
  readonly onEvent?: EventListener | undefined
  /**
   * Receives every request and answer, to look for a fault: names of fields and members, and of their values those alone
   * that are public. What it throws or rejects with is swallowed. Default: none.
   */
  readonly onTrace?: ((entry: TraceEntry) => void) | undefined
}

/**
 * When failed attempts are repeated: exponential back-off with full jitter, or what `Retry-After` demands. Which failures
 * qualify is fixed by the operation, so that nothing is spent twice. @group OAuth client
 */
export interface RetryOptions {
  /** Repetitions after the first attempt. 0 to 10, default 3. */
  readonly maxRetries?: number | undefined
  /** The longest first pause; doubles each time. Default 1000. */
  readonly initialDelayMs?: number | undefined
  /** The longest pause of all. Default 30,000. */
  readonly maxDelayMs?: number | undefined
  /** A `Retry-After` beyond this is not waited for: the call fails at once. Default 60,000. */
  readonly maxRetryAfterMs?: number | undefined
}

/** When an endpoint that keeps failing is left alone. One circuit per endpoint. @group OAuth client */
export interface BreakerOptions {
  /** Failures in a row that open the circuit. Answers with 4xx do not count. Default 5. */
  readonly failureThreshold?: number | undefined
  /** How long it stays open before one trial request. Default 30,000. */
  readonly resetTimeoutMs?: number | undefined
}

/**
 * Automatic registration (RFC 7591): what is in `store` is used; else the client registers once, however many calls wait
 * for it, and stores the answer before it is used. A failure is told and forgotten. A secret that expired is registered
 * anew. Processes that start at the same moment on an empty store register once each: register beforehand to avoid that.
 *
 * @group Registration
 */
export interface RegistrationOptions {
  /** Says that you want it. */
  readonly auto: true
  readonly metadata: ClientMetadata
  readonly store: RegistrationStore
  /** Lets this client register, where the server does not let everybody (RFC 7591 §3). */
  readonly initialAccessToken?: string | undefined
  /** The keys of `private_key_jwt`; see {@link privateKeyJwt}. */
  readonly keys?: readonly SigningKey[] | undefined
}

/**
 * Where the registration of a client lives on. It holds secrets: encrypt it. Each function has 5 s.
 *
 * @group Registration
 */
export interface RegistrationStore {
  /** What was saved for `issuer`; `undefined` for nothing. */
  load(issuer: string): StoredRegistration | undefined | Promise<StoredRegistration | undefined>
  /** Keeps `registration` in place of an older one of its `issuer`. */
  save(registration: StoredRegistration): void | Promise<void>
}

/** How ID tokens are judged. There is no way to leave a check out. @group ID tokens */
export interface IdTokenOptions {
  /**
   * The algorithms the ID tokens of this client may be signed with: `id_token_signed_response_alg` of its registration.
   * Default: what the server lists, without `none` and `HS…`; RS256 where it lists nothing.
   */
  readonly algorithms?: readonly SignatureAlgorithm[] | undefined
  /** How far the clocks may differ, for `exp`, `nbf`, `iat` and `auth_time`. 0 to 300, default 60. */
  readonly clockToleranceSeconds?: number | undefined
  /**
   * Further audiences an ID token may name beside this client. Default: any, where `azp` names this client; an empty list
   * accepts none.
   */
  readonly trustedAudiences?: readonly string[] | undefined
  /** Private keys for encrypted ID tokens: RSA for `RSA-OAEP…`, P-256, P-384, P-521 or X25519 for `ECDH-ES…`. */
  readonly decryptionKeys?: readonly IdTokenDecryptionKey[] | undefined
}

/** A private key that ID tokens are encrypted to. @group ID tokens */
export interface IdTokenDecryptionKey {
  readonly key: CryptoKey
  /** Where the token names a key, only the one of that name is tried. */
  readonly kid?: string | undefined
}

const isKey = (value: unknown): boolean => (value as IdTokenDecryptionKey | null)?.key instanceof CryptoKey

/** See {@link IdTokenOptions}. */
export const idTokenRules: Rules<IdTokenOptions> = {
  algorithms: takes(
    (value) => Array.isArray(value) && value.length > 0 && value.every(isSignatureAlgorithm),
    'an array of asymmetric algorithms such as RS256 and ES256',
  ),
  clockToleranceSeconds: integer(0, 300),
  trustedAudiences: texts,
  decryptionKeys: takes(
    (value) => Array.isArray(value) && value.length > 0 && value.every(isKey),
    'an array of `{ key, kid }`, where `key` is a private CryptoKey',
  ),
}

/** A DPoP key pair: RSA, P-256, P-384, P-521 or Ed25519. The private half should not be extractable. @group OAuth client */
export interface DpopKeyPair {
  readonly privateKey: CryptoKey
  readonly publicKey: CryptoKey
}

/** How tokens of {@link OAuthClient.clientCredentials} are kept. @group OAuth client */
export interface TokenCacheOptions {
  /** 0 keeps none. Default 1000. */
  readonly maxEntries?: number | undefined
  /** How long before expiry a token is renewed in the background; at most a fifth of its life. Default 300. */
  readonly refreshAheadSeconds?: number | undefined
  /** How long before expiry it is no longer handed out; at most a tenth of its life. Default 60. */
  readonly marginSeconds?: number | undefined
  /** How long a token without `expires_in` is kept. Default 300. */
  readonly fallbackLifetimeSeconds?: number | undefined
}

/** See {@link TokenCacheOptions}. */
export const tokenCacheRules: Rules<TokenCacheOptions> = {
  maxEntries: integer(0, 1_000_000),
  refreshAheadSeconds: integer(0, 86_400),
  marginSeconds: integer(0, 3600),
  fallbackLifetimeSeconds: integer(0, 86_400),
}

/** What every call takes beside its parameters. @group OAuth client */
export interface CallOptions {
  /** Gives the call up. */
  readonly signal?: AbortSignal | undefined
  /** Replaces the client's `timeoutMs`. */
  readonly timeoutMs?: number | undefined
  /** Replaces the client's `totalTimeoutMs`. A `Retry-After` beyond what is left of it is passed on at once. */
  readonly totalTimeoutMs?: number | undefined
  /** Default: a fresh UUID. 1 to 256 characters of visible ASCII. Ends up in events and errors, and in `correlationHeader`. */
  readonly correlationId?: string | undefined
}
