/** A field as an application may have set it before: Node keeps numbers and arrays as they were given. */
export type FieldValue = string | number | readonly string[] | undefined

const appended: ReadonlySet<string> = new Set(['www-authenticate', 'set-cookie'])
const listed: ReadonlySet<string> = new Set(['access-control-expose-headers', 'vary'])

/**
 * What a field should say when the application set it before and the gate has something to add. Challenges are
 * appended, lists such as `Access-Control-Expose-Headers` become one without doubles, and `Cache-Control: no-store`
 * stays; anything else is replaced.
 *
 * @group Requests
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

function mergeLists(fields: readonly string[]): string {
  const names = fields.flatMap((field) => field.split(',')).map((name) => name.trim())
  return [...new Map(names.map((name) => [name.toLowerCase(), name])).values()].join(', ')
}
