/*
 * The tokens of one user for one protected resource: found in the store, renewed by their one owner, or got by signing in at
 * the authorization server that the resource names. Sends nothing to the resource.
 */
import { sha256Base64url } from '#crypto'
import { ClientConfigurationError, DiscoveryError } from '../../client/errors.js'
import type { TokenSet } from '../../client/token-set.js'
import { isIssuer } from '../../issuer/identifiers.js'
import { createBoundedCache } from '../../kit/bounded-cache.js'
import { emit } from '../../kit/event-sink.js'
import { isJsonObject, isStringArray, type JsonObject } from '../../kit/json.js'
import { createSingleFlight } from '../../kit/single-flight.js'
import { readKept } from '../stored-tokens.js'
import { createUserTokens, type UserTokens } from '../user-tokens.js'
import { type FoundResource, findResource, issuerAtOrigin } from './find-resource.js'
import { keepObject, readObject } from './kept-text.js'
import {
  type AssumedServer,
  createNamedIssuer,
  isUnknownClient,
  type NamedIssuer,
  type NamedIssuerOptions,
  toSignInProvider,
} from './named-server.js'
import type { ProtectedSettings, ProtectedStep } from './protected-options.js'
import { inWords, type Refusal } from './resource-refusal.js'

/** In what MCP departs from RFC 9728 for clients of any resource. */
export interface ResourceProfile {
  /** The document may be that of a resource above, at the same origin. */
  readonly allowsParent: boolean
  /** All of `scopes_supported` are asked for where the challenge names none. */
  readonly asksSupportedScopes: boolean
  /** The server must say that it supports PKCE with S256. */
  readonly needsPkce: boolean
  /** `offline_access` is asked for where the server lists it. */
  readonly asksOffline: boolean
  /** Where there is no metadata of the resource, its origin is taken for its authorization server (MCP 2025-03-26). */
  readonly assumesOrigin: boolean
}

/** What is known of the resource, by its metadata or by its origin alone. */
interface Whereabouts extends Omit<FoundResource, 'url'> {
  readonly assumed: AssumedServer | undefined
}

/** Tokens that can be sent now. */
export interface UsableTokens {
  readonly source: UserTokens
  readonly server: NamedIssuer
}

/** See {@link createProtectedTokens}. */
export interface ProtectedTokens {
  /** What the process or the store has. */
  current(): Promise<UsableTokens | undefined>
  /** Signs in, once however many ask. What the server was asked for before is asked for again. */
  signIn(refusal: Refusal, closing: AbortSignal): Promise<UsableTokens>
}

const anybody = { by: 'nothing', clientId: 'not needed' } as const
const maxServers = 20
const maxScopes = 100

/** Makes the {@link ProtectedTokens} of a resource. */
export function createProtectedTokens(settings: ProtectedSettings, profile: ResourceProfile): ProtectedTokens {
  const { resource, store, lock, clock, onEvent, signIn, user, onStep } = settings
  const servers = createBoundedCache<UsableTokens>(maxServers)
  const flights = createSingleFlight<UsableTokens>()
  const pointerKey = keyOf('resource', resource, user)
  const asked = new Set(settings.scope)
  let now: UsableTokens | undefined

  /** What a server may make this client ask for has an end. */
  function ask(scopes: readonly string[]): void {
    for (const scope of scopes) if (asked.size < maxScopes) asked.add(scope)
  }

  const tell = (step: ProtectedStep['step'], found: string): void => {
    emit(onStep, { step, found })
  }

  /** One key per issuer and resource: no process sends a refresh token to another server. */
  const tokensKey = ({ issuer, resource: named }: Pick<NamedIssuerOptions, 'issuer' | 'resource'>): Promise<string> =>
    keyOf('resource-tokens', resource, user, issuer, named)

  async function tokensAt(wanted: NamedIssuerOptions): Promise<UsableTokens> {
    const { issuer, resource: named, isBound, assumed } = wanted
    const id = JSON.stringify([issuer, named, isBound, assumed])
    const known = servers.get(id)
    if (known !== undefined) return known
    const server = createNamedIssuer(settings, wanted)
    const key = await tokensKey(wanted)
    const { provider } = server
    const made = { server, source: createUserTokens({ provider, store, lock, key, clock, onEvent }) }
    servers.set(id, made)
    return made
  }

  /** What another process left: tokens of a server that may still be used, with their key where they are bound. */
  async function look(): Promise<UsableTokens | undefined> {
    const wanted = readPointer((await readObject(store, await pointerKey)).object)
    if (wanted === undefined || !isAllowed(wanted.issuer)) return undefined
    const kept = await readKept(store, await tokensKey(wanted), wanted.issuer)
    if (kept === undefined) return undefined
    const isBound = kept.tokens.tokenType === 'DPoP'
    if (isBound && typeof settings.dpop !== 'object') return undefined
    ask(kept.tokens.scope)
    return tokensAt({ ...wanted, isBound })
  }

  async function current(): Promise<UsableTokens | undefined> {
    if (now !== undefined) return now
    const found = await look()
    now ??= found
    return now
  }

  const isAllowed = (issuer: string): boolean =>
    isIssuer(issuer, settings.insecureHosts) && settings.issuers?.includes(issuer) !== false

  async function chooseIssuer(issuers: readonly string[]): Promise<string> {
    const usable = issuers.filter(isAllowed)
    const preferred = usable.find((issuer) => settings.credentials?.has(issuer)) ?? usable[0]
    const chosen = usable.length > 1 ? ((await settings.chooseIssuer?.(usable)) ?? preferred) : preferred
    if (chosen !== undefined && usable.includes(chosen)) return chosen
    throw new DiscoveryError('ERR_RESOURCE_ISSUER', { operation: 'discovery' })
  }

  /** The server, discovered, with bound tokens where both sides know them. */
  async function serverOf(found: Whereabouts, takesDpop: boolean): Promise<UsableTokens> {
    const { resource: named, dpop, assumed } = found
    const issuer = await chooseIssuer(found.issuers)
    tell('authorization_server', issuer)
    const wantsBound = dpop === 'required' || ((dpop === 'yes' || takesDpop) && canKeepKey())
    const wanted = { issuer, resource: named, assumed }
    const target = await tokensAt({ ...wanted, isBound: wantsBound })
    const metadata = await target.server.metadata()
    const isListed = isStringArray(metadata.dpop_signing_alg_values_supported)
    if (isListed || dpop === 'required') return target
    return tokensAt({ ...wanted, isBound: false })
  }

  const canKeepKey = (): boolean => typeof settings.dpop === 'object' || !store.describe().persistent

  async function checkServer({ server }: UsableTokens): Promise<readonly string[]> {
    const metadata = await server.metadata()
    const { issuer } = server.client
    const listed = metadata['protected_resources']
    if (isStringArray(listed) && !listed.includes(server.resource)) {
      throw new DiscoveryError('ERR_RESOURCE_ISSUER', { issuer, detail: 'the server does not list the resource' })
    }
    const isInteractive = (signIn.metadata.grant_types ?? ['authorization_code']).includes('authorization_code')
    const pkce: unknown = metadata.code_challenge_methods_supported
    const isSilent = server.assumed !== undefined && server.assumed.documentIssuer === undefined
    if (profile.needsPkce && isInteractive && !isSilent && !(isStringArray(pkce) && pkce.includes('S256'))) {
      throw new ClientConfigurationError('ERR_PKCE_UNSUPPORTED', { operation: 'authorizationRequest', issuer })
    }
    const scopes: unknown = metadata.scopes_supported
    const isOffline = profile.asksOffline && isInteractive && isStringArray(scopes) && scopes.includes('offline_access')
    return isOffline ? ['offline_access'] : []
  }

  async function find(refusal: Refusal): Promise<Whereabouts> {
    const { requestUrl, metadataUrl } = refusal
    const { allowsParent, assumesOrigin } = profile
    const found = await findResource({ resource, requestUrl, metadataUrl, allowsParent }, settings)
    if (found !== undefined) {
      tell('resource_metadata', `${found.url}: ${found.resource}`)
      return { ...found, assumed: undefined }
    }
    if (!assumesOrigin) throw new DiscoveryError('ERR_RESOURCE_METADATA', { operation: 'discovery' })
    tell('resource_metadata', 'none: the origin is taken for the authorization server (MCP 2025-03-26)')
    const assumed = { documentIssuer: await issuerAtOrigin(resource, settings) }
    return { resource, issuers: [new URL(resource).origin], scopes: undefined, dpop: 'no', assumed }
  }

  async function begin(refusal: Refusal, closing: AbortSignal): Promise<UsableTokens> {
    tell('challenge', inWords(refusal))
    const found = await find(refusal)
    const target = await serverOf(found, refusal.takesDpop)
    const further = await checkServer(target)
    const initial = refusal.scope.length === 0 && profile.asksSupportedScopes ? (found.scopes ?? []) : refusal.scope
    ask(initial)
    const scope = [...new Set([...asked, ...further])]
    const tokens = await getTokens(target, refusal, scope, closing)
    await target.source.set(tokens)
    const { client, resource: named, assumed } = target.server
    const pointer = { issuer: client.issuer, resource: named, assumed }
    await keepObject(store, await pointerKey, pointer, clock())
    tell('token', `${tokens.tokenType} for ${tokens.scope.join(' ') || 'no scope'}`)
    now = target
    return target
  }

  async function getTokens(
    target: UsableTokens,
    refusal: Refusal,
    scope: readonly string[],
    signal: AbortSignal,
    isAgain = false,
  ): Promise<TokenSet> {
    const { client, resource: named } = target.server
    const known = signIn.needsClient === false ? anybody : await target.server.know()
    tell('client', `${known.clientId}, by ${known.by}`)
    const acrValues = refusal.acrValues.length === 0 ? undefined : refusal.acrValues
    const { maxAgeSeconds } = refusal
    const provider = toSignInProvider(settings, client, { scope, resource: named, acrValues, maxAgeSeconds })
    tell('sign_in', scope.join(' ') || 'no scope')
    try {
      return await signIn.getTokens({ client, provider, issuer: client.issuer, resource: named, scope, signal })
    } catch (error) {
      if (isAgain || !isUnknownClient(error) || !target.server.forget(known)) throw error
      return getTokens(target, refusal, scope, signal, true)
    }
  }

  return { current, signIn: (refusal, closing) => flights.run('', () => begin(refusal, closing)) }
}

function readPointer(pointer: JsonObject = {}): Omit<NamedIssuerOptions, 'isBound'> | undefined {
  const { issuer, resource, assumed } = pointer
  if (typeof issuer !== 'string' || typeof resource !== 'string') return undefined
  if (!isJsonObject(assumed)) return { issuer, resource, assumed: undefined }
  const { documentIssuer } = assumed
  return {
    issuer,
    resource,
    assumed: { documentIssuer: typeof documentIssuer === 'string' ? documentIssuer : undefined },
  }
}

async function keyOf(kind: string, ...parts: readonly string[]): Promise<string> {
  return `${kind}:${await sha256Base64url(JSON.stringify(parts))}`
}
