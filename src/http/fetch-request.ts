import type { RequestFacts } from './request-facts.js'

/** What a Fetch `Request` does not tell, and the platform may know. @group Requests */
export type FetchConnection = Partial<Pick<RequestFacts, 'secure' | 'remoteAddress' | 'clientCertificate' | 'formBody'>>

/**
 * Where Fetch joined several fields into one that occurs once. No comma belongs in a proof (RFC 9449 §4.1); in
 * credentials it parts parameters, unless another scheme follows, with something behind it that is no `=` (RFC 9110
 * §11.4).
 */
const seams: ReadonlyMap<string, RegExp> = new Map([
  ['authorization', /,[ \t]*(?=[!#$%&'*+.^_`|~0-9A-Za-z-]+[ \t]+[^\s=,])/],
  ['dpop', /,/],
])

/**
 * The facts of a Fetch `Request`. Fetch joins repeated fields with a comma, so `Authorization` and `DPoP` are taken
 * apart again where a comma can only be such a seam. Any other field counts as one, as it came.
 *
 * @param connection - what the platform knows besides; a body parsed as a form goes here too, since reading it from the
 *   request would take it away from the application.
 * @group Requests
 */
export function fetchRequestFacts(request: Request, connection: FetchConnection = {}): RequestFacts {
  return {
    secure: request.url.startsWith('https:'),
    ...connection,
    request,
    formBody: () => connection.formBody?.() ?? (request.body === null ? {} : undefined),
    method: request.method,
    url: request.url,
    headerValues(name) {
      const value = request.headers.get(name)
      if (value === null) return []
      const seam = seams.get(name)
      return seam === undefined ? [value] : value.split(seam).map((part) => part.trim())
    },
  }
}
