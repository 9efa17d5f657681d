/** A parsed JSON object. Look members up with {@link ownMember} when the name comes from outside. */
export type JsonObject = { readonly [name: string]: unknown }

/** Whether `value` is a JSON object: not null, not an array. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Parses `text` as a JSON object. `undefined` for anything else; never throws. A repeated member keeps its last value. */
export function parseJsonObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isJsonObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** The own member `name` of `object`: never an inherited one such as `constructor`. */
export function ownMember(object: JsonObject, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined
}

/** Whether `value` is an array that holds only strings. */
export function isStringArray(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

/**
 * Freezes plain objects and arrays, all the way down. Returns false, leaving the value partly frozen, when it nests
 * deeper than `maxDepth` levels.
 */
export function freezeWithin(value: unknown, maxDepth: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (maxDepth === 0) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== Array.prototype && prototype !== null) return true
  const members: readonly unknown[] = Array.isArray(value) ? value : Object.values(value)
  for (const member of members) {
    if (typeof member === 'object' && member !== null && !freezeWithin(member, maxDepth - 1)) return false
  }
  Object.freeze(value)
  return true
}
