import type { AccessTokenClaims, Auth } from '../auth/auth.js'
import { ConfigurationError } from '../errors/index.js'
import type { HttpAnswer } from '../http/http-answer.js'
import type { RequestFacts } from '../http/request-facts.js'
import type { KeySourceHealth } from '../issuer/key-source.js'
import type { JsonObject } from '../kit/json.js'
import type { MaybePromise } from '../kit/maybe-promise.js'
import { createMemoryReplayStore } from '../stores/memory/memory-replay-store.js'
import { createMemoryRevocationStore } from '../stores/memory/memory-revocation-store.js'
import type { AuthResult, Guard, OptionalGuard, Refused } from './auth-result.js'
import { createBinding } from './binding/binding.js'
import type { Question } from './compile-gate.js'
import { createGates } from './gate.js'
import { createMetadataSite } from './metadata/metadata-answer.js'
import { protectedResourceMetadataUrl } from './metadata/metadata-routes.js'
import type { Requirement } from './policy/requirement.js'
import { selectResource } from './resource.js'
import {
  type ResourceServerOptions,
  type ResourceServerSettings,
  toResourceServerSettings,
} from './resource-server-options.js'
import { createBackchannelLogout } from './revocation/backchannel-logout.js'
import { createRevocationList, type Revocation, type RevocationList } from './revocation/revocation.js'
import type { ClaimsOf, ClaimsSchema } from './token/claims-schema.js'
import { createIssuerRegistry, needsKeys } from './token/issuers.js'
import { createTokenVerifier, type Issuer, type IssuerRegistry } from './token/token-verifier.js'

/**
 * The long-lived object that guards an API: made once, at start-up, by {@link createResourceServer}.
 *
 * @group Resource server
 */
export interface ResourceServer<Claims = AccessTokenClaims> {
  /** The identifiers of the resources it guards, in the order given. */
  readonly resources: readonly string[]
  /**
   * Judges one request: a refusal comes back as the answer to send. Compiles `requirement` once per object; routes that
   * know theirs beforehand take {@link ResourceServer.guard}. Rejects for a requirement that cannot be right, and for
   * nothing else.
   *
   * @throws {@link ConfigurationError}
   */
  authenticate(request: RequestFacts, requirement?: Requirement<Claims>): Promise<AuthResult<Claims>>
  /**
   * Compiles a requirement into a function that judges requests by it.
   *
   * @throws {@link ConfigurationError} for a requirement that cannot be right, at once.
   */
  guard(requirement?: Requirement<Claims>): Guard<Claims>
  /** As {@link ResourceServer.guard}, but a request without credentials passes with `auth` undefined. */
  optionalGuard(requirement?: Requirement<Claims>): OptionalGuard<Claims>
  /**
   * Verifies a token outside of any HTTP request: sockets, queues. A token bound to a key or a certificate is refused,
   * since nothing here can show possession.
   *
   * @throws {@link AuthError} the refusal.
   */
  verify(token: string, requirement?: Requirement<Claims>): Promise<Auth<Claims>>
  /**
   * Holds a caller let through before against a further requirement: that of an operation within the request. Looks at
   * time, revocation and everything the requirement says once more, but at no proof of possession: `auth` must come from
   * a guard of this server. A requirement is compiled once per object.
   *
   * Judges at once, and throws synchronously: there is no `await` to forget. Where something would have to wait (an
   * `allow` or `isRevoked` that gives a promise, a shared revocation store, an introspected token, keys or a token that
   * are remembered no longer) it refuses everybody: {@link ResourceServer.checkAsync} is for that.
   *
   * @throws {@link AuthError} the refusal, for {@link ResourceServer.refuse}.
   * @throws {@link ConfigurationError} where it would have to wait.
   */
  check(auth: Auth<Claims>, requirement: Requirement<Claims>): void
  /**
   * As {@link ResourceServer.check}, and waits for what cannot be judged at once. Forgetting the `await` lets the caller
   * through: use `check` where you can, and a linter that knows floating promises.
   *
   * @throws {@link AuthError} the refusal, for {@link ResourceServer.refuse}. Always as a rejection.
   */
  checkAsync(auth: Auth<Claims>, requirement: Requirement<Claims>): Promise<void>
  /**
   * The answer to a refusal that comes up after a request was let through: a grant that failed, or the application's
   * own {@link AuthError}. Anything else becomes 500 with an empty body. `auth` tells the scheme to challenge; what is no
   * `Auth`, such as another library's idea of a caller, counts as none.
   */
  refuse(thrown: unknown, auth?: Auth<unknown>): Refused
  /**
   * Refuses tokens that are not expired yet: one by `jti`, or those a user or a session has so far. Kept in
   * `revocationStore` for `revocationTtlSeconds`, and checked on every request. Does not tell the issuer.
   *
   * @throws {@link ConfigurationError} when it does not say what to revoke, or of which issuer of this server.
   * @throws {@link UnavailableError} when it could not be stored: the tokens still pass.
   */
  revoke(revocation: Revocation): Promise<void>
  /**
   * Answers an authorization server that reports the end of a session (OpenID Connect Back-Channel Logout 1.0), and
   * revokes the tokens of it. Needs `logoutAudience` of the issuer, and a form parser before it: a form that nothing
   * parsed is 500 and an `application.failed` event. Never rejects.
   */
  backchannelLogout(request: RequestFacts): Promise<HttpAnswer>
  /**
   * Answers requests for the protected-resource metadata (RFC 9728); `undefined` when the request is for something
   * else, which includes the documents of other servers. Never looks at `Host`.
   */
  metadata(request: RequestFacts): MaybePromise<HttpAnswer | undefined>
  /**
   * Serves the document of a resource at the root of the origin as well, where MCP clients look last, unless its
   * `atRoot` is false. `mcpGate` calls it for the only resource of a server.
   *
   * @throws {@link ConfigurationError} when the resource is unknown, or none is named and there are several.
   */
  serveMetadataAtRoot(resource?: string): void
  /** The metadata URL of a resource; of the only one when none is named. */
  metadataUrl(resource?: string): string
  /**
   * Fetches discovery documents and keys before traffic comes.
   *
   * @throws {@link UnavailableError} when an issuer cannot be reached.
   */
  warmUp(): Promise<void>
  /** The state of every known issuer's keys, for readiness probes. No network. */
  health(): ResourceServerHealth
  /** Makes the next use fetch keys anew: those of one issuer, or all. Known keys serve meanwhile. */
  invalidate(issuer?: string): void
}

/** The state of a server. @group Resource server */
export interface ResourceServerHealth {
  /** Whether the keys of every known issuer that needs any can serve right now. */
  readonly ready: boolean
  /** By issuer. */
  readonly issuers: Readonly<Record<string, KeySourceHealth>>
}

/**
 * Makes a resource server: verifies access tokens, answers refusals in the standard way, serves its metadata. Checks
 * every option at once; opens no connection until a token or {@link ResourceServer.warmUp} needs one.
 *
 * @throws {@link ConfigurationError} with a sentence that says what to write instead.
 * @group Resource server
 * @see {@link https://www.rfc-editor.org/rfc/rfc9068 | RFC 9068}, {@link https://www.rfc-editor.org/rfc/rfc6750 | RFC 6750}
 */
export function createResourceServer<Schema extends ClaimsSchema | undefined = undefined>(
  options: ResourceServerOptions<Schema>,
): ResourceServer<ClaimsOf<Schema>> {
  type Claims = ClaimsOf<Schema>
  const resolved = toResourceServerSettings(options as ResourceServerOptions<ClaimsSchema | undefined>)
  const { clock } = resolved.surroundings
  const issuers = createIssuerRegistry(resolved)
  const replayStore = resolved.dpop.replayStore ?? createMemoryReplayStore({ clock })
  const revocations = createRevocations(resolved, issuers)
  const gates = createGates<Claims>({
    options: resolved,
    binding: createBinding({ ...resolved, replayStore }),
    revocations,
    tokens: createTokenVerifier(resolved, issuers),
    isRevoked: options.isRevoked as Question<Claims> | undefined,
  })
  const site = createMetadataSite(resolved.resources, {
    cors: resolved.cors,
    clock,
    onEvent: resolved.surroundings.onEvent,
    authorizationServerMetadata: resolved.passThroughMetadata ? passedThrough : undefined,
  })
  const anyToken: Requirement<Claims> = Object.freeze({})

  async function passedThrough(): Promise<JsonObject> {
    const [first] = issuers.known() as [Issuer]
    return { ...(await first.discovery.metadata()) }
  }

  return {
    resources: resolved.resources.map(({ resource }) => resource),
    authenticate(request, requirement = anyToken) {
      try {
        return gates.guard(requirement)(request)
      } catch (mistake) {
        return Promise.reject(mistake)
      }
    },
    guard: (requirement = anyToken) => gates.guard(requirement),
    optionalGuard: (requirement = anyToken) => gates.optionalGuard(requirement),
    check: (auth, requirement) => gates.check(auth, requirement),
    checkAsync: (auth, requirement) => gates.checkAsync(auth, requirement),
    refuse: (thrown, auth) => gates.refuse(thrown, auth),
    verify: (token, requirement = anyToken) => gates.verify(token, requirement),
    async revoke(revocation) {
      if (!issuers.trusts(revocation.issuer)) throw new ConfigurationError('`revoke` names an issuer not trusted here.')
      await revocations.revoke(revocation)
    },
    backchannelLogout: createBackchannelLogout({
      issuers,
      revocations,
      replayStore,
      surroundings: resolved.surroundings,
    }),
    metadata: (request) => site.answer(request),
    serveMetadataAtRoot: (resource) => site.serveAtRoot(selectResource(resolved.resources, resource)),
    metadataUrl: (resource) => protectedResourceMetadataUrl(selectResource(resolved.resources, resource).resource),
    async warmUp() {
      await Promise.all(issuers.known().map((one) => warmUp(one, needsKeys(one))))
    },
    health() {
      const known = issuers.known().map((one) => ({ one, health: one.keys.health() }))
      const ready = known.every(({ one, health }) => !needsKeys(one) || canServe(health))
      return { ready, issuers: Object.fromEntries(known.map(({ one, health }) => [one.issuer, health])) }
    },
    invalidate(issuer) {
      for (const one of issuers.known()) if (issuer === undefined || one.issuer === issuer) one.keys.invalidate()
    },
  }
}

/** Fetches what the first token would otherwise wait for. */
async function warmUp({ keys, discovery, settings }: Issuer, isNeedingKeys: boolean): Promise<void> {
  if (isNeedingKeys) await keys.warmUp()
  else if (settings.introspection?.endpoint === undefined) await discovery.metadata()
}

/** Of an issuer that is not known yet: the greatest that may be configured. */
const greatestLeewayMs = 300_000

function createRevocations(options: ResourceServerSettings, issuers: IssuerRegistry): RevocationList {
  const { revocationStore, revocationTtlSeconds, surroundings } = options
  const { clock, onEvent } = surroundings
  return createRevocationList({
    store: revocationStore ?? createMemoryRevocationStore({ clock }),
    isShared: revocationStore !== undefined,
    ttlSeconds: revocationTtlSeconds,
    leewayMsOf: (issuer) => issuers.known().find((one) => one.issuer === issuer)?.clockToleranceMs ?? greatestLeewayMs,
    clock,
    onEvent,
  })
}

function canServe({ state }: KeySourceHealth): boolean {
  return state === 'fresh' || state === 'due' || state === 'stale'
}
