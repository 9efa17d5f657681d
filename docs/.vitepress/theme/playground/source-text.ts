/** Values as TypeScript. What a visitor or a link wrote stays inside its quotes. */

/** What could end a text, hide in it, or turn its direction. */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

/** A value in single quotes, as one line. Members that are `undefined` are left out. */
export function sourceText(value: unknown): string {
  if (typeof value === 'string') return quotedText(value)
  if (Array.isArray(value)) return `[${value.map(sourceText).join(', ')}]`
  if (typeof value !== 'object' || value === null) return String(value)
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  return members.length === 0 ? '{}' : `{ ${members.map(([name, one]) => `${name}: ${sourceText(one)}`).join(', ')} }`
}

function quotedText(text: string): string {
  const escaped = text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")
  return `'${escaped.replace(unprintable, (character) => `\\u{${(character.codePointAt(0) as number).toString(16)}}`)}'`
}
