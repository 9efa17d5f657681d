/** What a server holds, for the page: keys with their ages, caches, settings, and what is wrong with them. No secrets. */
import { shownText } from '../errors/index.js'
import { thumbprint } from '../jws/thumbprint.js'
import type { VerificationKey } from '../jws/verification-key.js'
import type { Insight } from '../resource-server/insight.js'
import { protectedResourceMetadataUrl } from '../resource-server/metadata/metadata-routes.js'
import type { ResourceServer } from '../resource-server/resource-server.js'
import type { Issuer } from '../resource-server/token/token-verifier.js'
import type { StoreHealth } from '../stores/store-watch.js'
import type { IssuerState, Member, ServerState } from './wire.js'

const maxIssuers = 20
const maxKeys = 20
const thumbprints = new WeakMap<VerificationKey, string>()

/** What one server holds now. No network. */
export function readServerState(server: Pick<ResourceServer, 'health'>, insight: Insight): ServerState {
  const { settings, issuers } = insight
  const known = issuers.known()
  const { ready, stores } = server.health()
  return {
    resources: settings.resources.map(({ resource }) => resource),
    metadata: settings.resources.map(({ resource }) => protectedResourceMetadataUrl(resource)),
    ready,
    issuers: known.slice(0, maxIssuers).map(readIssuer),
    caches: [
      ['verified tokens', `${insight.rememberedTokens()} of at most ${settings.tokenCacheEntries}`],
      ...known.slice(0, maxIssuers).flatMap((issuer) => readIntrospection(issuer, settings.tokenCacheEntries)),
      ...Object.entries(stores).map(([name, store]): Member => [`${name} store`, storeText(store)]),
    ],
    settings: settingsOf(insight, known.length),
    warnings: warningsOf(insight),
  }
}

function readIssuer({ issuer, keys }: Issuer): IssuerState {
  const { state, keys: keyCount, fetchedAtMs, expiresAtMs, lastFailure } = keys.health()
  return {
    issuer: shownText(issuer),
    state,
    keyCount,
    keys: keys
      .held()
      .slice(0, maxKeys)
      .map((key) => ({
        kid: shownText(key.kid ?? 'no kid'),
        type: [key.jwk.kty, key.jwk.crv, key.jwk.alg].filter((part) => part !== undefined).join(' '),
        thumbprint: thumbprintOf(key),
      })),
    fetchedAtMs,
    expiresAtMs,
    lastFailure,
  }
}

function readIntrospection({ issuer, introspector }: Issuer, atMost: number): readonly Member[] {
  if (introspector === undefined) return []
  const { circuit, inFlight } = introspector.health()
  const { accepted, refused } = introspector.remembered()
  const remembered = `${accepted} good and ${refused} bad answers, of each at most ${atMost}`
  return [[`introspection at ${shownText(issuer)}`, `${remembered}; circuit ${circuit}, ${inFlight} under way`]]
}

function storeText({ shared, failures, lastFailure }: StoreHealth): string {
  const kind = shared ? 'shared' : 'memory'
  return failures === 0 ? kind : `${kind}; failures in a row: ${failures}, the last one ${lastFailure}`
}

/** At once, since Node hashes at once; asked every second, so that it is remembered. */
function thumbprintOf(key: VerificationKey): string {
  const known = thumbprints.get(key) ?? String(thumbprint(key.jwk))
  thumbprints.set(key, known)
  return known
}

function settingsOf({ settings }: Insight, issuerCount: number): readonly Member[] {
  const { resources, dpop, mtls, trustedProxies, revocationStore, implies } = settings
  return [
    ['issuers', String(issuerCount)],
    ...resources.flatMap((one): Member[] => [
      [`audience of ${one.resource}`, one.audiences.join(', ')],
      [`bearerMethods of ${one.resource}`, one.bearerMethods.join(', ')],
      [`dpop, mtls of ${one.resource}`, `${one.dpop}, ${one.mtls}`],
    ]),
    ['dpop.targetOrigin', dpop.targetOrigin],
    ['dpop.pathPrefix', dpop.pathPrefix === '' ? 'none' : dpop.pathPrefix],
    ['dpop.nonce', dpop.nonce === undefined ? 'off' : `for ${dpop.nonce.maxAgeSeconds} s`],
    ['dpop.replayStore', dpop.replayStore === undefined ? 'memory' : 'shared'],
    ['mtls.certificateFrom', mtls.certificateFrom],
    ['trustedProxies', trustedProxies.length === 0 ? 'none' : trustedProxies.join(', ')],
    ['revocationStore', revocationStore === undefined ? 'memory' : 'shared'],
    ['revocationTtlSeconds', String(settings.revocationTtlSeconds)],
    ['implies', implies.size === 0 ? 'none' : `${implies.size} scopes`],
    ['cors', String(settings.cors)],
    ['explainRefusals', String(settings.explainRefusals)],
  ]
}

function warningsOf({ settings }: Insight): readonly string[] {
  const { dpop, revocationStore, surroundings, issuers, resources } = settings
  const { insecureHosts } = surroundings
  return [
    ...(dpop.replayStore === undefined
      ? ['Used proofs are remembered by this process alone: several instances need `dpop.replayStore`.']
      : []),
    ...(revocationStore === undefined
      ? ['Revocations are kept by this process alone: several instances need `revocationStore`.']
      : []),
    ...(dpop.dangerouslyAllowReplayWhenStoreFails ? ['`dangerouslyAllowReplayWhenStoreFails` is on.'] : []),
    ...(insecureHosts === true ? ['`allowInsecureLoopback` is on.'] : []),
    ...(typeof insecureHosts === 'object'
      ? [`\`dangerouslyAllowInsecureHosts\` names ${[...insecureHosts].join(', ')}.`]
      : []),
    ...issuers
      .filter(({ unknownConfirmation }) => unknownConfirmation === 'ignore')
      .map(({ issuer }) => `\`dangerouslyUnknownConfirmation\` of ${issuer} is "ignore".`),
    ...resources
      .filter(({ bearerMethods }) => bearerMethods.includes('query'))
      .map(({ resource }) => `Tokens of ${resource} may come in the query, which ends up in logs.`),
  ]
}
