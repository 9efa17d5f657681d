import { ConfigurationError } from '../errors/index.js'
import { keySetReading } from '../issuer/key-source.js'
import type { JsonObject } from '../kit/json.js'
import { createRevocationList, type RevocationList } from '../revocation/revocation.js'
import { createMemoryReplayStore } from '../stores/memory/memory-replay-store.js'
import { createMemoryRevocationStore } from '../stores/memory/memory-revocation-store.js'
import { createStoreWatch, type StoreWatch } from '../stores/store-watch.js'
import { createBinding } from './binding/binding.js'
import type { Question } from './compile-gate.js'
import { createGates } from './gate.js'
import { serverHealth } from './health.js'
import { watchJudgements, withInsight } from './insight.js'
import { createLogoutEndpoint } from './logout-endpoint.js'
import { createMetadataSite } from './metadata/metadata-answer.js'
import { protectedResourceMetadataUrl } from './metadata/metadata-routes.js'
import type { Requirement } from './policy/requirement.js'
import { selectResource } from './resource.js'
import type { ResourceServer } from './resource-server.js'
import {
  type ResourceServerOptions,
  type ResourceServerSettings,
  toResourceServerSettings,
} from './resource-server-options.js'
import type { Watchers } from './seen.js'
import type { ClaimsOf, ClaimsSchema } from './token/claims-schema.js'
import { createIssuerRegistry, needsKeys } from './token/issuers.js'
import { createTokenVerifier, type Issuer, type IssuerRegistry } from './token/token-verifier.js'

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
  const { clock, onEvent } = resolved.surroundings
  const issuers = createIssuerRegistry(resolved)
  const { replayStore = createMemoryReplayStore({ clock }) } = resolved.dpop
  const replayWatch = createStoreWatch('replay', resolved.dpop.replayStore !== undefined, onEvent)
  const revocationWatch = createStoreWatch('revocation', resolved.revocationStore !== undefined, onEvent)
  const revocations = createRevocations(resolved, issuers, revocationWatch)
  const tokens = createTokenVerifier(resolved, issuers)
  const watchers: Watchers = new Set()
  const gates = createGates<Claims>({
    options: resolved,
    binding: createBinding({ ...resolved, replayStore, watch: replayWatch }),
    revocations,
    tokens,
    isRevoked: options.isRevoked as Question<Claims> | undefined,
    watchers,
  })
  const site = createMetadataSite(resolved.resources, {
    cors: resolved.cors,
    clock,
    onEvent,
    authorizationServerMetadata: resolved.passThroughMetadata ? passedThrough : undefined,
  })
  onEvent.watch(() => issuers.known().map(({ issuer, keys }) => keySetReading(issuer, keys.health(), clock())))
  const anyToken: Requirement<Claims> = Object.freeze({})

  async function passedThrough(): Promise<JsonObject> {
    const [first] = issuers.known() as [Issuer]
    return { ...(await first.discovery.metadata()) }
  }

  const server: ResourceServer<Claims> = {
    resources: resolved.resources.map(({ resource }) => resource),
    async authenticate(request, requirement = anyToken) {
      return gates.guard(requirement)(request)
    },
    guard: (requirement = anyToken) => gates.guard(requirement),
    optionalGuard: (requirement = anyToken) => gates.optionalGuard(requirement),
    check: (auth, requirement) => gates.check(auth, requirement),
    checkAsync: (auth, requirement) => gates.checkAsync(auth, requirement),
    refuse: (thrown, auth) => gates.refuse(thrown, auth),
    verify: (token, requirement = anyToken) => gates.verify(token, requirement),
    async explain(request, requirement = anyToken) {
      const { explainRequest } = await import('./explain.js')
      return explainRequest({ options: resolved, issuers, gates }, request, requirement)
    },
    async explainToken(token, requirement = anyToken) {
      const { explainToken } = await import('./explain.js')
      return explainToken({ options: resolved, issuers, gates }, token, requirement)
    },
    async revoke(revocation) {
      if (!issuers.trusts(revocation.issuer)) throw new ConfigurationError('`revoke` names an issuer not trusted here.')
      await revocations.revoke(revocation)
    },
    backchannelLogout: createLogoutEndpoint(
      { revocations, replayStore, replayWatch, ...resolved.surroundings },
      issuers,
    ),
    metadata: (request) => site.answer(request),
    serveMetadataAtRoot: (resource) => site.serveAtRoot(selectResource(resolved.resources, resource)),
    metadataUrl: (resource) => protectedResourceMetadataUrl(selectResource(resolved.resources, resource).resource),
    observe(listener) {
      if (typeof listener === 'function') return onEvent.observe(listener)
      throw new ConfigurationError('`observe` takes a function.')
    },
    async warmUp() {
      await Promise.all(issuers.known().map((one) => warmUp(one, needsKeys(one))))
    },
    health: () => serverHealth({ issuers, replay: replayWatch, revocation: revocationWatch }),
    invalidate(issuer) {
      for (const one of issuers.known()) if (issuer === undefined || one.issuer === issuer) one.keys.invalidate()
    },
  }
  return withInsight(server, {
    settings: resolved,
    issuers,
    rememberedTokens: tokens.remembered,
    watch: watchJudgements({ settings: resolved, issuers }, watchers),
  })
}

/** Fetches what the first token would otherwise wait for. */
async function warmUp({ keys, discovery, settings }: Issuer, isNeedingKeys: boolean): Promise<void> {
  if (isNeedingKeys) await keys.warmUp()
  else if (settings.introspection?.endpoint === undefined) await discovery.metadata()
}

/** Of an issuer that is not known yet: the greatest that may be configured. */
const greatestLeewayMs = 300_000

function createRevocations(
  options: ResourceServerSettings,
  issuers: IssuerRegistry,
  watch: StoreWatch,
): RevocationList {
  const { revocationStore, revocationTtlSeconds, surroundings } = options
  const { clock, onEvent } = surroundings
  return createRevocationList({
    store: revocationStore ?? createMemoryRevocationStore({ clock }),
    isShared: revocationStore !== undefined,
    watch,
    ttlSeconds: revocationTtlSeconds,
    leewayMsOf: (issuer) => issuers.known().find((one) => one.issuer === issuer)?.clockToleranceMs ?? greatestLeewayMs,
    clock,
    onEvent,
  })
}
