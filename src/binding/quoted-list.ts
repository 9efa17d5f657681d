/**
 * Splits `text` at a separator that stands outside of double quotes; a backslash inside of quotes takes the next
 * character as it is. Parts are trimmed and keep their quotes. `undefined` when a quote stays open: then nobody can tell
 * which part of the list a proxy appended to what its client sent.
 */
export function splitOutsideQuotes(text: string, separator: string): readonly string[] | undefined {
  const parts: string[] = []
  let start = 0
  let quoted = false
  for (let index = 0; index < text.length; index++) {
    const character = text.charAt(index)
    if (character === '"') quoted = !quoted
    else if (character === '\\' && quoted) index++
    else if (character === separator && !quoted) {
      parts.push(text.slice(start, index).trim())
      start = index + 1
    }
  }
  if (quoted) return undefined
  parts.push(text.slice(start).trim())
  return parts
}

/**
 * Reads `name=value` pairs separated by `;`, names in lower case, values without their quotes (RFC 7239 §4, Envoy's
 * `X-Forwarded-Client-Cert`). `undefined` for a part that is no pair, and for a name that comes twice.
 */
export function readPairs(text: string): ReadonlyMap<string, string> | undefined {
  const pairs = new Map<string, string>()
  for (const part of splitOutsideQuotes(text, ';') ?? ['']) {
    const equals = part.indexOf('=')
    const name = part.slice(0, equals).toLowerCase()
    if (equals < 1 || pairs.has(name)) return undefined
    pairs.set(name, unquote(part.slice(equals + 1)))
  }
  return pairs
}

function unquote(value: string): string {
  const isQuoted = value.length > 1 && value.startsWith('"') && value.endsWith('"')
  return isQuoted ? value.slice(1, -1).replace(/\\(.)/g, '$1') : value
}
