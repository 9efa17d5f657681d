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
  for (const pair of facts.headerValues('cookie').flatMap((field) => field.split(';'))) {
    const at = pair.indexOf('=')
    const name = pair.slice(0, Math.max(0, at)).trim()
    if (name !== '' && !cookies.has(name)) cookies.set(name, pair.slice(at + 1).trim())
  }
  return cookies
}

/** A `Set-Cookie` field. Name and value are of the characters of base64url, with `.` besides. */
export function setCookie(name: string, value: string, { secure, sameSite, maxAgeSeconds }: CookieAttributes): string {
  const flags = secure ? '; HttpOnly; Secure' : '; HttpOnly'
  return `${name}=${value}; Path=/; Max-Age=${Math.max(0, Math.floor(maxAgeSeconds))}${flags}; SameSite=${sameSite}`
}
