/** A host name, with a port where there is one: no scheme, no path. */
export const host = /^[a-z\d](?:[a-z\d.-]*[a-z\d])?(?::\d+)?$/i
/** One segment of a path, or one label of a name. */
export const word = /^[\w-]+$/
/** A GUID: never `common`, `organizations` or `consumers`. */
export const guid = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i
/** A number that identifies something, as text. */
export const digits = /^\d+$/

/**
 * Gives a parameter of a preset back.
 *
 * @throws `TypeError` unless it is a text of that form. The presets import nothing at run time, errors included.
 */
export function checked(what: string, value: unknown, form: RegExp, example: string): string {
  if (typeof value === 'string' && form.test(value)) return value
  throw new TypeError(`${what} takes a text such as '${example}'.`)
}

/**
 * Gives an allow-list back.
 *
 * @throws `TypeError` for an empty list, and as {@link checked}: an empty one would accept no user, or be taken for all.
 */
export function checkedList(what: string, values: unknown, form: RegExp, example: string): readonly string[] {
  if (!Array.isArray(values) || values.length === 0) throw new TypeError(`${what} takes a list such as ['${example}'].`)
  return values.map((value) => checked(what, value, form, example))
}
