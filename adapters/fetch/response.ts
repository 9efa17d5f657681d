import { type HttpAnswer, mergeField } from '../../src/index.js'

/** Sets fields, next to those that are there. */
export function mergeInto(headers: Headers, added: HttpAnswer['headers']): void {
  for (const [name, value] of Object.entries(added)) {
    const [first = '', ...further] = [mergeField(name, headers.get(name) ?? undefined, value)].flat()
    headers.set(name, first)
    for (const one of further) headers.append(name, one)
  }
}

/** A whole answer, next to the fields the application has set. Those gain ours, too: frameworks lay them over it. */
export function toResponse({ status, headers: added, body }: HttpAnswer, headers = new Headers()): Response {
  mergeInto(headers, added)
  return new Response(body === '' ? null : body, { status, headers })
}

/** A response with the gate's fields. A copy, since the fields of many a response cannot be changed. */
export function withFields(response: Response, fields: Headers): Response {
  const added = Object.fromEntries(fields)
  if (Object.keys(added).length === 0) return response
  const copy = new Response(response.body, response)
  mergeInto(copy.headers, added)
  return copy
}
