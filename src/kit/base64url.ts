const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const canonical = /^[A-Za-z0-9_-]+$/

/**
 * Whether `text` is base64url without padding whose unused trailing bits are zero, so that exactly one string stands
 * for the bytes. `text` must already be known to hold only characters of the alphabet.
 */
export function hasCanonicalTail(text: string): boolean {
  const rest = text.length & 3
  if (rest === 0) return true
  if (rest === 1) return false
  const last = alphabet.indexOf(text.charAt(text.length - 1))
  return (last & (rest === 2 ? 15 : 3)) === 0
}

/** Whether `text` is non-empty, canonical base64url without padding (RFC 7515 §2). */
export function isBase64url(text: string): boolean {
  return canonical.test(text) && hasCanonicalTail(text)
}
