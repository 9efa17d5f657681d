/** Requests and answers of the Fetch API, on any runtime that has it. Does not read a body. */
import { type HttpAnswer, mergeField } from './http-answer.js'
import type { RequestFacts } from './request-facts.js'

/** What a Fetch `Request` does not tell, and the platform or the framework may know. @group Requests */
export type FetchConnection = Partial<
  Pick<RequestFacts, 'secure' | 'remoteAddress' | 'clientCertificate' | 'formBody' | 'route' | 'requestId'>
>

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

/**
 * Sets fields of an answer, next to those the application set before. Cookies stay fields of their own, the one field whose
 * values cannot be joined (RFC 9110 §5.3).
 *
 * @group Requests
 */
export function setFetchHeaders(headers: Headers, added: HttpAnswer['headers']): void {
  for (const [name, value] of Object.entries(added)) {
    const [first = '', ...further] = [mergeField(name, existing(headers, name), value)].flat()
    headers.set(name, first)
    for (const one of further) headers.append(name, one)
  }
}

/**
 * Makes a response of a whole answer, next to the fields the application has set. Those gain the answer's, too: frameworks
 * lay them over it.
 *
 * @group Requests
 */
export function toFetchResponse({ status, headers: added, body }: HttpAnswer, headers = new Headers()): Response {
  setFetchHeaders(headers, added)
  return new Response(body === '' ? null : body, { status, headers })
}

/**
 * A response with further fields, cookies among them. A copy, since the fields of many a response cannot be changed; the
 * response itself where there is nothing to add.
 *
 * @group Requests
 */
export function withFetchHeaders(response: Response, fields: Headers): Response {
  const added: Record<string, string | string[]> = Object.fromEntries(fields)
  if (Object.keys(added).length === 0) return response
  const cookies = fields.getSetCookie()
  const copy = new Response(response.body, response)
  setFetchHeaders(copy.headers, cookies.length === 0 ? added : { ...added, 'set-cookie': cookies })
  return copy
}

function existing(headers: Headers, name: string): string | string[] | undefined {
  if (name.toLowerCase() !== 'set-cookie') return headers.get(name) ?? undefined
  return headers.getSetCookie()
}
