import type { AuthorizationServerMetadata } from '../issuer/authorization-server-metadata.js'
import {
  createDiscovery,
  type Discovery,
  type DiscoveryAnswer,
  isNothingThere,
  usableMetadata,
} from '../issuer/discovery.js'
import type { KeySource } from '../issuer/key-source.js'
import { createRemoteKeys } from '../issuer/remote-keys.js'
import { FetchFailure } from '../kit/fetch/fetch-failure.js'
import type { Fetch } from '../kit/fetch/platform-fetch.js'
import { isJsonObject, type JsonObject, ownMember } from '../kit/json.js'
import { type Answer, unexpectedStatus } from './calls/attempt.js'
import type { RunCall } from './calls/run-call.js'
import { type EndpointDescription, type EndpointDescriptions, type EndpointName, endpointMembers } from './endpoints.js'
import { DiscoveryError, isOAuthClientError, type OAuthClientError, ResponseError } from './errors.js'
import type { ClientSettings } from './settings.js'

/** What a client knows of its server. */
export interface KnownServer {
  /** With explicit endpoints in place of discovered ones. */
  readonly metadata: AuthorizationServerMetadata
  readonly endpoints: EndpointDescriptions
}

/** What servers like to leave out of the document of RFC 8414. */
export type OpenidMember =
  | 'userinfo_endpoint'
  | 'end_session_endpoint'
  | 'jwks_uri'
  | 'id_token_signing_alg_values_supported'

/** Where the metadata of a server is from, and how it is asked for. */
export interface FoundServer {
  /** With `refresh`, from the server and not from memory: what was known stays where that fails. */
  find(refresh?: boolean): Promise<KnownServer>
  /**
   * The same, for who needs a member that only OpenID Connect has. Where the document of RFC 8414 was found first and says
   * nothing of it, the members that are missing there come from the OpenID document of the same issuer, if there is one.
   */
  findOpenid(...members: readonly OpenidMember[]): Promise<KnownServer>
  /**
   * What calls work with, whichever document it is from. Where the OpenID document cannot be had, what is known: the calls
   * that need it say so.
   */
  show(refresh?: boolean): Promise<KnownServer>
  /** The keys for ID tokens: where an option says, else where the metadata does. Kept as those of a resource server. */
  readonly keys: KeySource
}

/**
 * Finds the server's metadata at first use, by the discovery that the resource server has too; each address is asked by
 * the calls of this client, with their repetitions and circuit. A first failure is told to those who wait, and
 * forgotten. Once known, metadata serves on for a day while renewals fail, a minute apart.
 */
export function createServer(
  settings: ClientSettings,
  runCall: RunCall,
  documentIssuers: readonly string[] = [settings.issuer],
): FoundServer {
  const { issuer, fetch, clock, insecureHosts } = settings
  const surroundings = { fetch, clock, onEvent: undefined, insecureHosts }
  const begin = (convention = settings.discovery || undefined) =>
    createDiscovery(issuer, surroundings, {
      convention,
      documentIssuers,
      ask: (url) => ask(settings, runCall, url),
      toError: (failure) => toDiscoveryError(issuer, failure),
      retryAfterMs: (isKnown) => (isKnown ? 60_000 : 0),
    })
  let discovery = begin()
  let last: { readonly document: JsonObject; readonly known: KnownServer } | undefined
  let openid: Discovery | undefined
  let completed: { readonly document: JsonObject; readonly known: KnownServer } | undefined

  async function find(refresh = false): Promise<KnownServer> {
    const document = settings.discovery === false ? nothing : await documentOf(refresh)
    if (last?.document !== document) last = { document, known: applyEndpoints(settings, document) }
    return last.known
  }

  async function findOpenid(...members: readonly OpenidMember[]): Promise<KnownServer> {
    const known = await find()
    const { document } = last as { readonly document: JsonObject }
    if (settings.discovery !== 'auto' || members.every((member) => isSaid(known.metadata, member))) return known
    if (completed?.document === document) return completed.known
    openid ??= begin('oidc')
    const beside = await openid.document().catch(nothingThere)
    completed = { document, known: applyEndpoints(settings, { ...beside, ...document }) }
    return completed.known
  }

  async function show(refresh?: boolean): Promise<KnownServer> {
    const known = await find(refresh)
    return findOpenid('userinfo_endpoint', 'end_session_endpoint', 'jwks_uri').catch(() => known)
  }

  async function documentOf(refresh: boolean): Promise<JsonObject> {
    if (!refresh) return discovery.document()
    const anew = begin()
    const document = await anew.document()
    discovery = anew
    return document
  }

  const metadata = async () => usableMetadata((await findOpenid('jwks_uri')).metadata, insecureHosts)
  const found: Discovery = { issuer, metadata, document: metadata, invalidate: () => discovery.invalidate() }
  return { find, findOpenid, show, keys: createIdTokenKeys(settings, found) }
}

function createIdTokenKeys(settings: ClientSettings, discovery: Discovery): KeySource {
  const { issuer, endpoints, clock, onEvent, insecureHosts, headers } = settings
  const fetch: Fetch = (url, init) => settings.fetch(url, { ...init, headers: { ...init.headers, ...headers } })
  const surroundings = { fetch, clock, onEvent, insecureHosts }
  return createRemoteKeys({ issuer, jwksUri: endpoints.jwks ?? discovery, options: {}, surroundings })
}

const nothing: JsonObject = Object.freeze({})

/** Whether the metadata has the member, or is an OpenID document that has none: those must list algorithms. */
function isSaid(metadata: JsonObject, member: OpenidMember): boolean {
  return [member, 'id_token_signing_alg_values_supported'].some((name) => (metadata[name] ?? undefined) !== undefined)
}

/** A document that is not there, or is about another issuer, says nothing. @throws whatever may pass. */
function nothingThere(error: DiscoveryError): JsonObject {
  if (error.code === 'ERR_DISCOVERY_UNAVAILABLE') throw error
  return nothing
}

async function ask(settings: ClientSettings, runCall: RunCall, url: string): Promise<DiscoveryAnswer | Error> {
  const { issuer, timeoutMs, totalTimeoutMs, monotonicClock } = settings
  const deadlineMs = monotonicClock() + totalTimeoutMs
  const call = { operation: 'discovery', issuer, correlationId: crypto.randomUUID(), timeoutMs, deadlineMs } as const
  try {
    return await runCall({ circuit: 'discovery', retry: 'safe', expectsJson: true }, call, async (attempt) => {
      const headers = { accept: 'application/json' }
      await attempt.fetch(url, { method: 'GET', headers, body: undefined, redirect: 'manual' })
      const answer = attempt.answer as Answer
      if (answer.status !== 200) throw unexpectedStatus()
      if (answer.json === undefined) throw new ResponseError('ERR_RESPONSE_MALFORMED', attempt.context)
      return { document: answer.json, headers: answer.headers }
    })
  } catch (error) {
    if (isAbsent(error)) return error
    throw error
  }
}

/** As in the resource server's own way of asking: a 4xx, a redirect, and what is not JSON. */
function isAbsent(error: unknown): error is OAuthClientError {
  if (!isOAuthClientError(error)) return false
  if (error.code === 'ERR_RESPONSE_MALFORMED' || error.code === 'ERR_REDIRECT_REFUSED') return true
  return 'status' in error && isNothingThere(Number(error.status))
}

function toDiscoveryError(issuer: string, failure: unknown): DiscoveryError {
  const cause = isOAuthClientError(failure) ? failure : undefined
  const { retryAfterMs, correlationId } = cause ?? {}
  return new DiscoveryError(codeOf(failure), { operation: 'discovery', issuer, cause, retryAfterMs, correlationId })
}

function codeOf(failure: unknown) {
  if (failure instanceof FetchFailure && failure.reason === 'issuer_mismatch') return 'ERR_DISCOVERY_ISSUER'
  return isAbsent(failure) ? 'ERR_DISCOVERY_INVALID' : 'ERR_DISCOVERY_UNAVAILABLE'
}

const defaultPaths: Readonly<Partial<Record<EndpointName, string>>> = {
  token: '/oauth2/token',
  introspection: '/oauth2/introspect',
  revocation: '/oauth2/revoke',
  registration: '/oauth2/register',
  pushedAuthorizationRequest: '/oauth2/par',
  authorization: '/oauth2/authorize',
}

const endpointNames = Object.keys(endpointMembers) as readonly EndpointName[]

const withoutAlias: readonly EndpointName[] = ['authorization', 'endSession', 'jwks']

/** What the metadata says of an endpoint: of whatever type, since it was not checked yet. */
function discoveredEndpoint(name: EndpointName, discovered: JsonObject, mtls: boolean): unknown {
  const member = endpointMembers[name]
  const plain = ownMember(discovered, member) ?? undefined
  // RFC 8705 §5: where the browser goes there is no alias, and keys are public.
  const aliases = mtls && !withoutAlias.includes(name) ? ownMember(discovered, 'mtls_endpoint_aliases') : undefined
  if (aliases === undefined || aliases === null) return plain
  return isJsonObject(aliases) ? (ownMember(aliases, member) ?? plain) : aliases
}

/**
 * The metadata a call works with: what was discovered, with explicit endpoints, aliases for mutual TLS, and customary
 * paths in the place of the endpoint members. Judges no member.
 */
function applyEndpoints(
  { issuer, endpoints: explicit, defaultPaths: useDefaultPaths, mtls }: ClientSettings,
  discovered: JsonObject,
): KnownServer {
  const described: Partial<Record<EndpointName, EndpointDescription>> = {}
  const members: Record<string, unknown> = {}
  for (const name of endpointNames) {
    const found = discoveredEndpoint(name, discovered, mtls)
    const path = useDefaultPaths ? defaultPaths[name] : undefined
    const fallback = path && `${issuer.replace(/\/$/, '')}${path}`
    const url = explicit[name] ?? found ?? fallback
    if (url === undefined) continue
    members[endpointMembers[name]] = url
    if (typeof url === 'string') described[name] = { url, source: sourceOf(explicit[name], found) }
  }
  return {
    endpoints: Object.freeze(described),
    metadata: Object.freeze({ ...discovered, ...members, issuer }),
  }
}

function sourceOf(explicit: string | undefined, found: unknown): EndpointDescription['source'] {
  if (explicit !== undefined) return 'explicit'
  return found === undefined ? 'default' : 'discovered'
}
