/** Cookies of a request, and the fields that set them (RFC 6265bis). Does not sign, seal or judge them. */
import type { RequestFacts } from './request-facts.js'

/** Who may send a cookie back: never a script, always with the whole host; `Secure` unless on a loopback host. */
export interface CookieAttributes {
  readonly secure: boolean
  readonly sameSite: 'Lax' | 'None'
  /** How long the browser keeps it. 0 takes it away. */
  readonly maxAgeSeconds: number
}

/** The cookies of a request by name. Where a name comes twice the first counts. */
export function readCookies(facts: RequestFacts): ReadonlyMap<string, string> {
  const cookies = new Map<string, string>()
  for (const field of facts.headerValues('cookie')) {
    for (let start = 0; start < field.length; ) {
      const end = pairEnd(field, start)
      const pair = field.slice(start, end)
      const at = pair.indexOf('=')
      const name = trim(pair.slice(0, Math.max(0, at)))
      if (name !== '' && !cookies.has(name)) cookies.set(name, trim(pair.slice(at + 1)))
      start = end + 1
    }
  }
  return cookies
}

function pairEnd(field: string, start: number): number {
  const end = field.indexOf(';', start)
  return end === -1 ? field.length : end
}

/**
 * Without the blanks of HTTP around it (RFC 9110 §5.6.3), and those alone: browsers hold ` __Host-name` to the rules of
 * that prefix, but `\u00a0__Host-name` to none, so that any subdomain could set it.
 */
function trim(text: string): string {
  let start = 0
  let end = text.length
  while (isBlank(text, start)) start += 1
  while (end > start && isBlank(text, end - 1)) end -= 1
  return text.slice(start, end)
}

function isBlank(text: string, at: number): boolean {
  const code = text.charCodeAt(at)
  return code === 0x20 || code === 0x09
}

/** A `Set-Cookie` field. Name and value are of the characters of base64url, with `.` besides. */
export function setCookie(name: string, value: string, { secure, sameSite, maxAgeSeconds }: CookieAttributes): string {
  const flags = secure ? '; HttpOnly; Secure' : '; HttpOnly'
  return `${name}=${value}; Path=/; Max-Age=${Math.max(0, Math.floor(maxAgeSeconds))}${flags}; SameSite=${sameSite}`
}
