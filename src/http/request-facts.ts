/** What is read of a request. Does not read the body, and does not judge: the resource server does. */

/**
 * What the core needs to know of one HTTP request. Adapters build it; `nodeRequestFacts` and
 * `fetchRequestFacts` do so for `node:http` and for Fetch.
 *
 * @group Requests
 */
export interface RequestFacts {
  /** The method as received, before any method override. */
  readonly method: string
  /** The original request target: a path with its query, never router-relative, or an absolute URL. */
  readonly url: string
  /**
   * Stands for the request: the same object whenever facts of it are made, and never for another one. Lets several
   * guards judge one request by one proof. Default: nothing tells, and a proof is good for one guard.
   */
  readonly request?: object | undefined
  /** The values of a field, one per occurrence, in order. `name` is given in lower case. Empty when absent. */
  headerValues(name: string): readonly string[]
  /** Whether this very connection is TLS. Default false. */
  readonly secure?: boolean | undefined
  /** The peer's IP address, to tell whether a trusted proxy is speaking. */
  readonly remoteAddress?: string | undefined
  /** The DER bytes of the TLS client certificate of this very connection. */
  readonly clientCertificate?: (() => Uint8Array | undefined) | undefined
  /**
   * The parsed `application/x-www-form-urlencoded` body: an empty object where the request has no content, `undefined`
   * where nothing parsed it. Where a token may come in a form, a guard calls the latter a fault of the application.
   */
  readonly formBody?: (() => Readonly<Record<string, unknown>> | undefined) | undefined
  /** The pattern of the route, such as `/users/:id`, for events: asked only where somebody listens. Never the path. */
  readonly route?: (() => string | undefined) | undefined
  /** What the framework calls the request in its log, for events: asked only where somebody listens. */
  readonly requestId?: (() => string | undefined) | undefined
}
