import { copyError, isAuthError } from '../../errors/index.js'
import type { HttpAnswer } from '../../http/http-answer.js'
import { documentAnswer, errorAnswer, methodAnswer, targetOf } from '../../http/public-document.js'
import type { RequestFacts } from '../../http/request-facts.js'
import { type Clock, systemClock } from '../../kit/clock.js'
import type { EventListener } from '../../kit/events.js'
import type { JsonObject } from '../../kit/json.js'
import type { MaybePromise } from '../../kit/maybe-promise.js'
import type { Publication } from './metadata-routes.js'
import {
  addAtRoot,
  authorizationServerRoutes,
  type MetadataRoute,
  type MetadataRoutes,
  resourceRoutes,
} from './metadata-routes.js'
import type { PublishedResource } from './resource-metadata.js'

/** Settings of {@link createMetadataSite}. */
export interface MetadataSiteSettings {
  /** Whether browser code of any origin may read the documents. They are public, so nothing speaks against it. */
  readonly cors: boolean
  /** Default: the system clock. Tells when a signed document must be signed anew. */
  readonly clock?: Clock | undefined
  /** Told when a signer fails. */
  readonly onEvent?: EventListener | undefined
  /**
   * Gives the authorization server's own metadata, to be passed on unchanged to MCP clients that know no RFC 9728 and
   * look for it here. Cached by the giver. Default: those paths are none of ours.
   */
  readonly authorizationServerMetadata?: (() => MaybePromise<JsonObject>) | undefined
}

/** Answers requests for metadata documents. */
export interface MetadataSite {
  /**
   * The answer, or `undefined` when the request is for something else. Never looks at `Host` or forwarding fields
   * (RFC 9728 leaves no room for them, and caches would be poisoned). A document that cannot be had is 503. Rejects with
   * what a signer throws, as a fault of the application.
   */
  answer(request: RequestFacts): MaybePromise<HttpAnswer | undefined>
  /** Serves the document of one of its resources at the root as well, unless the resource forbids it. */
  serveAtRoot(resource: PublishedResource): void
}

type Headers = HttpAnswer['headers']

const defaultRetryAfterSeconds = 5

/**
 * Makes the site of a server's metadata documents (RFC 9728 §3). Targets match exactly, query included; any other
 * path, below a well-known one too, is left to the application, where another server may have its documents.
 *
 * @throws {@link ConfigurationError} when two resources claim one path.
 */
export function createMetadataSite(
  resources: readonly PublishedResource[],
  settings: MetadataSiteSettings,
): MetadataSite {
  const { cors, clock = systemClock, onEvent, authorizationServerMetadata: passThrough } = settings
  const routes: MetadataRoutes = new Map([
    ...(passThrough === undefined ? [] : authorizationServerRoutes(resources, passThrough)),
    ...resourceRoutes(resources, clock, onEvent),
  ])
  const corsHeaders: Headers = cors ? { 'Access-Control-Allow-Origin': '*' } : {}

  return {
    answer(request) {
      const target = targetOf(request)
      const route = routes.get(target)
      return route && routeAnswer(route, request, corsHeaders)
    },
    serveAtRoot: (resource) => addAtRoot(routes, resource),
  }
}

function routeAnswer(route: MetadataRoute, request: RequestFacts, corsHeaders: Headers): MaybePromise<HttpAnswer> {
  const otherwise = methodAnswer(request, corsHeaders)
  if (otherwise !== undefined) return otherwise
  const about = { contentType: 'application/json', cacheControl: `public, max-age=${route.maxAgeSeconds}` }
  const send = (publication: Publication) => documentAnswer({ ...publication, ...about }, request, corsHeaders)
  const fail = (error: unknown) => unavailableAnswer(error, corsHeaders)
  const publication = route.publication()
  return publication instanceof Promise ? publication.then(send).catch(fail) : send(publication)
}

/**
 * What cannot be had now is 503: the authorization server's document, or a signer that is late or says so by an
 * `UnavailableError`. Anything else that a signer throws is a fault of the application, to each request by itself.
 */
function unavailableAnswer(error: unknown, corsHeaders: Headers): HttpAnswer {
  if (isAuthError(error) && error.status !== 503) throw copyError(error)
  const given = error instanceof Error && 'retryAfterSeconds' in error ? error.retryAfterSeconds : undefined
  const retryAfter = String(given ?? defaultRetryAfterSeconds)
  return errorAnswer(503, 'temporarily_unavailable', { ...corsHeaders, 'Retry-After': retryAfter })
}
