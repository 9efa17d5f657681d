const maxLength = 8192
const httpUri =
  /^(https?):\/\/([A-Za-z0-9.\-_~!$&'()*+,;=%]+|\[[0-9A-Fa-f:.]+\])(?::(\d{0,5}))?(\/[!"$-;=@-Z[\]^-~]*)?$/i
const percentTriplet = /%[0-9A-Fa-f]{2}/g
const strayPercent = /%(?![0-9A-Fa-f]{2})/
const unreserved = /[A-Za-z0-9\-._~]/

/**
 * The form in which two `http` or `https` URIs are equal when they name the same target (RFC 9449 §4.3, RFC 3986 §6.2.2
 * and §6.2.3): no query and fragment, lower-case scheme and host, no default port, at least `/` as path, no dot
 * segments, upper-case escapes, no escape where the character itself may stand. Keeps `%2F`, `//` and a trailing slash.
 *
 * `undefined` for anything else: user information, stray percent signs, blanks, backslashes, other than ASCII, more than
 * 8192 characters before the query. String work alone: WHATWG `URL` rewrites more than the RFC allows, and less.
 */
export function normalizeTargetUri(uri: string): string | undefined {
  const end = uri.search(/[?#]/)
  const text = end === -1 ? uri : uri.slice(0, end)
  if (text.length > maxLength || strayPercent.test(text)) return undefined
  const match = httpUri.exec(text)
  if (match === null) return undefined
  const [, scheme = '', host = '', port = '', path = '/'] = match
  const lowerScheme = scheme.toLowerCase()
  return `${lowerScheme}://${normalizeHost(host)}${portSuffix(lowerScheme, port)}${normalizePath(path)}`
}

function normalizeHost(host: string): string {
  if (!host.includes('%')) return host.toLowerCase()
  return normalizeEscapes(host).replace(/%..|[A-Z]/g, (part) => (part.length === 3 ? part : part.toLowerCase()))
}

function portSuffix(scheme: string, port: string): string {
  const isDefault = port === '' || port === (scheme === 'https' ? '443' : '80')
  return isDefault ? '' : `:${port}`
}

function normalizePath(path: string): string {
  const plain = path.includes('%') ? normalizeEscapes(path) : path
  return plain.includes('/.') ? removeDotSegments(plain) : plain
}

function normalizeEscapes(text: string): string {
  return text.replace(percentTriplet, (triplet) => {
    const character = String.fromCharCode(Number.parseInt(triplet.slice(1), 16))
    return unreserved.test(character) ? character : triplet.toUpperCase()
  })
}

/** RFC 3986 §5.2.4, for a path that starts with `/`. */
function removeDotSegments(path: string): string {
  const segments = path.slice(1).split('/')
  const kept: string[] = []
  for (const segment of segments) {
    if (segment === '..') kept.pop()
    else if (segment !== '.') kept.push(segment)
  }
  const last = segments.at(-1)
  if (last === '.' || last === '..') kept.push('')
  return `/${kept.join('/')}`
}
