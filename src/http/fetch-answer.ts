import { mergeField } from './answer-headers.js'
import type { HttpAnswer } from './request-facts.js'

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
