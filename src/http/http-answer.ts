/** Answers as data, and how their fields join those the application set. Does not send: `node-http.ts` and `fetch-http.ts` do. */

/**
 * An HTTP answer as data: the framework only sends it. A field may have several values, each to be sent as a field of
 * its own.
 *
 * @group Requests
 */
export interface HttpAnswer {
  readonly status: number
  /** Names as they should be written; a value that is an array becomes several fields. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  /** The whole body; empty for none. */
  readonly body: string
}

/** The fields of an answer to which a gate adds nothing, as to nearly every request that it lets through. */
export const noFields: HttpAnswer['headers'] = Object.freeze({})

/**
 * What a guard says to a preflight: no refusal, since no token was asked for, and nothing from any handler, since
 * none was shown. What the application set before stays, CORS fields above all.
 *
 * @group Requests
 */
export const preflightAnswer: HttpAnswer = { status: 204, headers: {}, body: '' }

/** A field as an application may have set it before: Node keeps numbers and arrays as they were given. */
export type FieldValue = string | number | readonly string[] | undefined

const appended: ReadonlySet<string> = new Set(['www-authenticate', 'set-cookie'])
const listed: ReadonlySet<string> = new Set(['access-control-expose-headers', 'vary'])

/**
 * What a field should say when the application set it before and the gate has something to add. Challenges are
 * appended, lists such as `Access-Control-Expose-Headers` become one without doubles, and `Cache-Control: no-store`
 * stays; anything else is replaced.
 *
 * @group Adapters
 */
export function mergeField(name: string, existing: FieldValue, value: string | readonly string[]): string | string[] {
  const lowerName = name.toLowerCase()
  const values = typeof value === 'string' ? value : [...value]
  if (existing === undefined) return values
  const before = typeof existing === 'object' ? existing : [String(existing)]
  if (appended.has(lowerName)) return [...before, ...[values].flat()]
  if (lowerName === 'cache-control' && before.some((field) => /no-store/i.test(field))) return before.join(', ')
  return listed.has(lowerName) ? mergeLists([...before, ...[values].flat()]) : values
}

/**
 * The error of a refusal with `headers`: the fields its answer needs, merged into what the application set before, where
 * the error handlers of Express, Fastify and Koa look for them. Writes on the error, which belongs to one request.
 *
 * @group Adapters
 */
export function withAnswerHeaders<Refusal extends Error>(
  error: Refusal,
  { headers }: HttpAnswer,
  response: { getHeader(name: string): FieldValue },
): Refusal {
  const merged = Object.entries(headers).map(([name, value]) => [
    name,
    mergeField(name, response.getHeader(name), value),
  ])
  return Object.defineProperty(error, 'headers', { value: Object.fromEntries(merged), configurable: true })
}

function mergeLists(fields: readonly string[]): string {
  const names = fields.flatMap((field) => field.split(',')).map((name) => name.trim())
  return [...new Map(names.map((name) => [name.toLowerCase(), name])).values()].join(', ')
}
