/** A parsed JSON object. Look members up with `ownMember` when the name comes from outside. */
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
  if (!Array.isArray(value)) return false
  for (const item of value) if (typeof item !== 'string') return false
  return true
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
  if (!freezeMembers(value as JsonObject, maxDepth - 1)) return false
  Object.freeze(value)
  return true
}

/** Most members are not objects: they are passed over without a call, and without a list of them all. */
function freezeMembers(value: JsonObject | readonly unknown[], maxDepth: number): boolean {
  if (Array.isArray(value)) {
    for (const member of value) if (typeof member === 'object' && !freezeWithin(member, maxDepth)) return false
    return true
  }
  for (const name in value) {
    const member = (value as JsonObject)[name]
    if (typeof member === 'object' && !freezeWithin(member, maxDepth)) return false
  }
  return true
}
