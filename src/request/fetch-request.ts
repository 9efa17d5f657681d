import type { RequestFacts } from './request-facts.js'

/** What a Fetch `Request` does not tell, and the platform may know. @group Requests */
export type FetchConnection = Partial<Pick<RequestFacts, 'secure' | 'remoteAddress' | 'clientCertificate' | 'formBody'>>

/** Fields whose values hold no comma of their own (RFC 9110 §11.4, RFC 9449 §4.1). */
const singleValued: ReadonlySet<string> = new Set(['authorization', 'dpop'])

/**
 * The facts of a Fetch `Request`. Fetch joins repeated fields with a comma, so a comma in `Authorization` or `DPoP`,
 * whose grammar knows none, is taken for the seam of several fields. Any other field counts as one, as it came.
 *
 * @param connection - what the platform knows besides; a body parsed as a form goes here too, since reading it from the
 *   request would take it away from the application.
 * @group Requests
 */
export function fetchRequestFacts(request: Request, connection: FetchConnection = {}): RequestFacts {
  return {
    secure: request.url.startsWith('https:'),
    ...connection,
    method: request.method,
    url: request.url,
    headerValues(name) {
      const value = request.headers.get(name)
      if (value === null) return []
      return singleValued.has(name) ? value.split(',').map((part) => part.trim()) : [value]
    },
  }
}
