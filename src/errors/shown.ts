/** A value as it may be shown to whoever reads the log of the server: bounded, escaped, masked. */
export type Shown = string | number | boolean | readonly (string | number | boolean)[]

const maxItems = 16
const maxCharacters = 200
/** Control characters, and what turns the direction of text or hides it: this ends up on a terminal or in an issue. */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu
/** Compact JWS and JWE, wherever they stand: their first segment is JSON. */
const compactJwt = /ey[\w-]{6,}\.[\w.-]*/g

/** Makes a value fit to be shown. An object is shown by its kind alone, a list by its first 16 items. Never throws. */
export function shown(value: unknown): Shown | undefined {
  if (!Array.isArray(value)) return value === undefined ? undefined : shownItem(value)
  const items = value.slice(0, maxItems).map(shownItem)
  return value.length > maxItems ? [...items, `and ${value.length - maxItems} more`] : items
}

/** A line of text made fit to be shown: escaped, cut to 200 characters, without anything that looks like a JWT. */
export function shownText(text: string): string {
  const masked = text.replace(compactJwt, '(masked)')
  const cut = masked.length > maxCharacters ? `${masked.slice(0, maxCharacters)}…` : masked
  return cut.replace(unprintable, escaped)
}

function shownItem(value: unknown): string | number | boolean {
  if (typeof value === 'string') return shownText(value)
  if (typeof value === 'number' || typeof value === 'boolean') return value
  return Array.isArray(value) ? '(list)' : `(${value === null ? 'null' : typeof value})`
}

function escaped(character: string): string {
  return `\\u{${(character.codePointAt(0) as number).toString(16)}}`
}
