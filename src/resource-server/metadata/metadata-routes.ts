import { ConfigurationError } from '../../errors/index.js'
import type { Clock } from '../../kit/clock.js'
import type { JsonObject } from '../../kit/json.js'
import type { MaybePromise } from '../../kit/maybe-promise.js'
import type { ResolvedResource } from '../options/resolved.js'
import { resourceMetadata } from './document.js'
import { createPublication, type Publication, publish } from './publication.js'
import { protectedResourcePath, splitIdentifier } from './well-known.js'

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
export function resourceRoutes(resources: readonly ResolvedResource[], clock: Clock): MetadataRoutes {
  const routes = new Map<string, MetadataRoute>()
  const spares = new Map<string, MetadataRoute>()
  for (const resource of resources) {
    const route = resourceRoute(resource, clock)
    const { suffix } = splitIdentifier(resource.resource)
    const root = resource.metadata.atRoot === true ? rootPaths : []
    const paths = [`${protectedResourcePath}${suffix}`, resource.metadata.metadataAt, ...root]
    for (const path of paths) claim(routes, path, route)
    spares.set(`${protectedResourcePath}${otherSlashForm(suffix)}`, route)
  }
  return new Map([...spares, ...routes])
}

/** Adds the document of one of the resources at the root, unless something stands there or the resource forbids it. */
export function addAtRoot(routes: MetadataRoutes, { resource, metadata }: ResolvedResource): void {
  const own = routes.get(`${protectedResourcePath}${splitIdentifier(resource).suffix}`)
  if (own === undefined || metadata.atRoot === false) return
  for (const path of rootPaths) if (!routes.has(path)) routes.set(path, own)
}

/** Lays out the authorization server's metadata: at the root, and below it where a resource's clients may look. */
export function authorizationServerRoutes(
  resources: readonly ResolvedResource[],
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

function resourceRoute(resource: ResolvedResource, clock: Clock): MetadataRoute {
  const { sign, maxAgeSeconds = defaultMaxAgeSeconds } = resource.metadata
  return { maxAgeSeconds, publication: createPublication(resourceMetadata(resource), { sign, maxAgeSeconds, clock }) }
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
