const outsideText = /[^\x20-\x21\x23-\x5B\x5D-\x7E]/gu
const outsideQuotable = /[^\x20-\x7E]/gu
const outsideUri = /[^\x21\x23-\x5B\x5D-\x7E]/gu
const scopeToken = /^[\x21\x23-\x5B\x5D-\x7E]+$/

/**
 * A value for `error` or `error_description`: what RFC 6750 §3 does not allow there, line breaks first of all, becomes
 * `?`, a double quote an apostrophe. Never throws.
 */
export function textValue(value: string): string {
  return value.replaceAll('"', "'").replace(outsideText, '?')
}

/**
 * A value for `scope`: tokens parted by single spaces. A token with a character that no scope may have (RFC 6749 §3.3)
 * is left out, since a mended one would name another scope. `undefined` when nothing is left.
 */
export function scopeValue(value: string): string | undefined {
  return value.split(/\s+/).filter(isScopeToken).join(' ') || undefined
}

/** A value that is a URI: everything a URI cannot hold is percent-encoded as UTF-8. Never throws. */
export function uriValue(value: string): string {
  return value.replace(outsideUri, percentEncode)
}

/** Any value as a quoted-string (RFC 9110 §5.6.4). Characters that no field value may hold become `?`. */
export function quoted(value: string): string {
  return `"${value.replace(outsideQuotable, '?').replace(/["\\]/g, '\\$&')}"`
}

function isScopeToken(token: string): boolean {
  return scopeToken.test(token)
}

function percentEncode(character: string): string {
  const bytes = [...new TextEncoder().encode(character)]
  return bytes.map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('')
}
