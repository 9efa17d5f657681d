import { sha256Base64url } from '#crypto'
import { ConfigurationError, InternalError } from '../../errors/index.js'
import { callApplication } from '../../kit/call-application.js'
import type { Clock } from '../../kit/clock.js'
import { emit } from '../../kit/event-sink.js'
import type { EventListener } from '../../kit/events.js'
import { failureCode } from '../../kit/failure-code.js'
import type { JsonObject } from '../../kit/json.js'
import { type MaybePromise, whenReady } from '../../kit/maybe-promise.js'
import { inTime } from '../../kit/time-limit.js'
import type { PublishedResource } from './resource-metadata.js'
import { resourceMetadata } from './resource-metadata.js'

/** Where RFC 9728 §3 puts the metadata of a resource that is a whole origin. */
const protectedResourcePath = '/.well-known/oauth-protected-resource'

/**
 * The URL of a resource's metadata document (RFC 9728 §3.1): the well-known path goes between host and path, a lone
 * slash after the host is dropped, any other trailing slash and the query stay. Pure string work: checks nothing and
 * rewrites nothing, so that the identifier stays byte for byte what it is.
 */
export function protectedResourceMetadataUrl(resource: string): string {
  const { origin, suffix } = splitIdentifier(resource)
  return `${origin}${protectedResourcePath}${suffix}`
}

/** An identifier in two: its origin, and what follows a well-known path in its metadata URL. */
function splitIdentifier(resource: string): { readonly origin: string; readonly suffix: string } {
  const hostStart = resource.indexOf('//') + 2
  const hostLength = resource.slice(hostStart).search(/[/?]|$/)
  const origin = resource.slice(0, hostStart + hostLength)
  return { origin, suffix: resource.slice(origin.length).replace(/^\/(?=\?|$)/, '') }
}

/** One document and how long clients may keep it. */
export interface MetadataRoute {
  publication(): MaybePromise<Publication>
  readonly maxAgeSeconds: number
}

/** Documents by request target: path and query, exactly. */
export type MetadataRoutes = Map<string, MetadataRoute>

const defaultMaxAgeSeconds = 3600

const rootPaths = [protectedResourcePath, `${protectedResourcePath}/`]

const passThroughMaxAgeSeconds = 300

/** Where clients look for the metadata of an authorization server (RFC 8414 §3, OpenID Connect Discovery §4). */
const authorizationServerPaths: readonly string[] = [
  '/.well-known/oauth-authorization-server',
  '/.well-known/openid-configuration',
]

/**
 * Lays out the documents of all resources: each at its well-known path, at its `metadataAt`, and at the form with or
 * without a trailing slash unless that belongs to another resource; with `atRoot`, at the root of the origin as well.
 *
 * @throws {@link ConfigurationError} when two documents claim one path: `Host` is not consulted to tell them apart.
 */
export function resourceRoutes(
  resources: readonly PublishedResource[],
  clock: Clock,
  onEvent?: EventListener | undefined,
): MetadataRoutes {
  const routes = new Map<string, MetadataRoute>()
  const spares = new Map<string, MetadataRoute>()
  for (const resource of resources) {
    const route = resourceRoute(resource, clock, onEvent)
    const { suffix } = splitIdentifier(resource.resource)
    const root = resource.metadata.atRoot === true ? rootPaths : []
    const paths = [`${protectedResourcePath}${suffix}`, resource.metadata.metadataAt, ...root]
    for (const path of paths) claim(routes, path, route)
    spares.set(`${protectedResourcePath}${otherSlashForm(suffix)}`, route)
  }
  return new Map([...spares, ...routes])
}

/** Adds the document of one of the resources at the root, unless something stands there or the resource forbids it. */
export function addAtRoot(routes: MetadataRoutes, { resource, metadata }: PublishedResource): void {
  const own = routes.get(`${protectedResourcePath}${splitIdentifier(resource).suffix}`)
  if (own === undefined || metadata.atRoot === false) return
  for (const path of rootPaths) if (!routes.has(path)) routes.set(path, own)
}

/** Lays out the authorization server's metadata: at the root, and below it where a resource's clients may look. */
export function authorizationServerRoutes(
  resources: readonly PublishedResource[],
  fetchMetadata: () => MaybePromise<JsonObject>,
): MetadataRoutes {
  const route: MetadataRoute = {
    publication: async () => publish(await fetchMetadata()),
    maxAgeSeconds: passThroughMaxAgeSeconds,
  }
  const suffixes = resources.map(({ resource }) => splitIdentifier(resource).suffix)
  const forms = ['', '/', ...suffixes, ...suffixes.map(otherSlashForm)]
  return new Map(authorizationServerPaths.flatMap((path) => forms.map((form) => [`${path}${form}`, route])))
}

function resourceRoute(resource: PublishedResource, clock: Clock, onEvent: EventListener | undefined): MetadataRoute {
  const { sign, maxAgeSeconds = defaultMaxAgeSeconds } = resource.metadata
  return {
    maxAgeSeconds,
    publication: createPublication(resourceMetadata(resource), { sign, maxAgeSeconds, clock, onEvent }),
  }
}

function claim(routes: Map<string, MetadataRoute>, path: string | undefined, route: MetadataRoute): void {
  if (path === undefined) return
  const holder = routes.get(path)
  if (holder !== undefined && holder !== route) {
    throw new ConfigurationError(
      `Two resources have their metadata at ${path}. Give them different paths, or make one server for each host.`,
    )
  }
  routes.set(path, route)
}

/** A suffix with its trailing slash removed, or with one added. */
function otherSlashForm(suffix: string): string {
  const [path = '', ...query] = suffix.split(/(?=\?)/)
  return `${path.endsWith('/') ? path.slice(0, -1) : `${path}/`}${query.join('')}`
}

/** A document as it goes over the wire. */
export interface Publication {
  readonly body: string
  /** A strong entity tag, quotes included. */
  readonly etag: string
}

/** What a document needs to be published. */
export interface PublicationSettings {
  /** Signs the claims; see `ResourceMetadataOptions.sign`. */
  readonly sign: ((claims: JsonObject) => MaybePromise<string>) | undefined
  /** How long one signature is served before the signer is asked again: as long as clients may cache the document. */
  readonly maxAgeSeconds: number
  readonly clock: Clock
  /** Told when the signer fails. */
  readonly onEvent?: EventListener | undefined
}

/**
 * Makes a function that gives the document ready to send. An unsigned one is serialised once. A signed one carries
 * `signed_metadata` (RFC 9728 §2.2) and is made anew once its lifetime is over; requests that come meanwhile share one
 * signing. The signer gets the document's members as claims; `iss`, which §2.2 demands, and any `exp` are the signer's
 * to add, because only the application knows under whose name it signs.
 *
 * The function rejects when the signer fails or takes more than 5 s, tells so, and tries again with the next request.
 */
function createPublication(document: JsonObject, settings: PublicationSettings): () => MaybePromise<Publication> {
  const { sign, maxAgeSeconds, clock, onEvent } = settings
  let current: MaybePromise<Publication> | undefined
  let staleAtMs = Number.POSITIVE_INFINITY

  return () => {
    if (current !== undefined && clock() < staleAtMs) return current
    if (sign === undefined) {
      current = publish(document)
      return current
    }
    const signing = publishSigned(document, sign)
    signing.catch((error) => {
      const errorName = failureCode(error instanceof InternalError ? error.cause : error)
      emit(onEvent, { type: 'application.failed', callback: 'sign', errorName, correlationId: undefined })
      if (current === signing) current = undefined
    })
    staleAtMs = clock() + maxAgeSeconds * 1000
    current = signing
    return signing
  }
}

/** Serialises a document and tags it. */
function publish(document: JsonObject): MaybePromise<Publication> {
  const body = JSON.stringify(document)
  return whenReady(sha256Base64url(body), (hash) => ({ body, etag: `"${hash}"` }))
}

type Signer = (claims: JsonObject) => MaybePromise<string>

async function publishSigned(document: JsonObject, sign: Signer): Promise<Publication> {
  const signature: unknown = await inTime(() => callApplication('sign', () => sign({ ...document })))
  if (typeof signature !== 'string') throw new InternalError(new TypeError('`metadata.sign` gave no text'), 'sign')
  return publish({ ...document, signed_metadata: signature })
}
