const maxAge = /(?:^|,)\s*max-age\s*=\s*"?(\d+)/i
const uncacheable = /(?:^|,)\s*(?:no-store|no-cache)\s*(?:,|=|$)/i

/** The bounds of a lifetime, in seconds. */
export interface LifetimeBounds {
  readonly minSeconds: number
  readonly maxSeconds: number
  /** Where the answer says nothing. Clamped like the rest. */
  readonly defaultSeconds: number
}

/**
 * How long an answer stays fresh, in milliseconds: `max-age` of `Cache-Control` less `Age` (RFC 9111 §4.2), clamped to
 * the bounds. `no-store` and `no-cache` give the least. Other directives, `Expires` and `Vary` are not looked at.
 */
export function cacheLifetimeMs(headers: Headers, bounds: LifetimeBounds): number {
  const seconds = statedSeconds(headers) ?? bounds.defaultSeconds
  return Math.min(bounds.maxSeconds, Math.max(bounds.minSeconds, seconds)) * 1000
}

function statedSeconds(headers: Headers): number | undefined {
  const cacheControl = headers.get('cache-control') ?? ''
  if (uncacheable.test(cacheControl)) return 0
  const seconds = maxAge.exec(cacheControl)?.[1]
  if (seconds === undefined) return undefined
  const age = headers.get('age') ?? ''
  return Number(seconds) - (/^\d+$/.test(age) ? Number(age) : 0)
}
