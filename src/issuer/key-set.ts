import { ConfigurationError } from '../errors/index.js'
import type { SignatureAlgorithm } from '../jws/algorithms.js'
import type { PublishedJwk } from '../jws/jwk.js'
import type { VerificationKey } from '../jws/verification-key.js'
import type { Clock } from '../kit/clock.js'
import type { EventListener } from '../kit/events.js'
import type { Fetch } from '../kit/fetch/platform-fetch.js'
import { anything, checkOptions, type Rules } from '../kit/options.js'
import { surroundingsRules, toSurroundings } from '../kit/surroundings.js'
import { createDiscovery } from './discovery.js'
import { checkIssuer, checkUrl } from './identifiers.js'
import { type KeySourceHealth, keySetReading } from './key-source.js'
import { createRemoteKeys, type KeyCacheOptions, keyCacheRule, toKeyCacheSettings } from './remote-keys.js'

/** Options of {@link createKeySet}: `issuer`, `jwksUri` or both. Read once, checked completely. @group Keys */
export interface KeySetOptions {
  /** The issuer identifier, by which the key set is discovered and events are named. Default: `jwksUri`. */
  readonly issuer?: string | undefined
  /** Where the keys are. Default: `jwks_uri` of the discovered metadata. */
  readonly jwksUri?: string | undefined
  /** Key-cache settings. */
  readonly keyCache?: KeyCacheOptions | undefined
  /** Accept `http` URLs on loopback hosts. For development and tests. Default false. */
  readonly allowInsecureLoopback?: boolean | undefined
  /** As in {@link ResourceServerOptions.dangerouslyAllowInsecureHosts}. Default none. */
  readonly dangerouslyAllowInsecureHosts?: readonly string[] | undefined
  /** Goes out to the key server. Default: the platform's `fetch`. */
  readonly fetch?: Fetch | undefined
  /** Default: the system clock. */
  readonly clock?: Clock | undefined
  /** Receives events for logs and metrics. */
  readonly onEvent?: EventListener | undefined
}

/**
 * The public keys an authorization server publishes, fetched when first needed and kept fresh. Made by
 * {@link createKeySet}.
 *
 * @group Keys
 */
export interface KeySet {
  /**
   * The signature keys named `kid`, in the order published: one as a rule; without a name, all. With `algorithm`, those
   * that fit it. Asks the server again for a key it does not know, 3 times and once more every 10 s; empty when there is
   * none even then.
   *
   * @throws {@link UnavailableError} while there are no keys to look in, or an unknown name cannot be asked for.
   */
  get(kid: string | undefined, algorithm?: SignatureAlgorithm): Promise<readonly PublishedJwk[]>
  /**
   * Every signature key published, in order. Entries that cannot be used are left out: encryption keys, symmetric,
   * private and weak ones, and types this library does not know.
   *
   * @throws {@link UnavailableError} while there are no keys.
   */
  all(): Promise<readonly PublishedJwk[]>
  /**
   * Fetches the keys now unless they are fresh.
   *
   * @throws {@link UnavailableError} when that fails and no known keys may serve.
   */
  warmUp(): Promise<void>
  /** Makes the next use fetch anew; known keys serve meanwhile. */
  invalidate(): void
  /** State and times. No network. */
  health(): KeySourceHealth
}

const rules: Rules<KeySetOptions> = {
  issuer: anything,
  jwksUri: anything,
  keyCache: keyCacheRule,
  ...surroundingsRules,
}

/**
 * Makes a key set to be used by itself: for JWTs that are not access tokens, such as those of webhooks. It is fetched,
 * kept and bounded as the keys of a resource server are, which needs none of it. Opens no connection before its first
 * use. Verifies nothing: hand the keys to a JWT library, and let an algorithm be chosen by an allow-list of your own.
 *
 * @throws {@link ConfigurationError} with a sentence that says what to write instead.
 * @group Keys
 * @see {@link https://www.rfc-editor.org/rfc/rfc7517#section-5 | RFC 7517 §5}
 */
export function createKeySet(options: KeySetOptions): KeySet {
  checkOptions('createKeySet', options, rules)
  const surroundings = toSurroundings(options)
  const keyCache = toKeyCacheSettings(options.keyCache)
  const { issuer, jwksUri } = options
  if (issuer !== undefined) checkIssuer('issuer', issuer, surroundings.insecureHosts)
  if (jwksUri !== undefined) checkUrl('jwksUri', jwksUri, surroundings.insecureHosts)
  const label = issuer ?? jwksUri
  if (label === undefined) throw new ConfigurationError('createKeySet needs `issuer` or `jwksUri`.')
  const location = jwksUri ?? createDiscovery(label, surroundings)
  const keys = createRemoteKeys({ issuer: label, jwksUri: location, options: keyCache, surroundings })
  surroundings.onEvent.watch(() => [keySetReading(label, keys.health(), surroundings.clock())])
  return {
    get: async (kid, algorithm) => (await keys.find(kid, algorithm)).map(jwkOf),
    all: async () => (await keys.find(undefined, undefined)).map(jwkOf),
    warmUp: keys.warmUp,
    invalidate: keys.invalidate,
    health: keys.health,
  }
}

function jwkOf({ jwk }: VerificationKey): PublishedJwk {
  return jwk
}
