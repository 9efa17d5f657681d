/**
 * Reads a `Retry-After` field (RFC 9110 §10.2.3): whole seconds or an HTTP date, as milliseconds from `nowMs` on.
 * `undefined` when absent or unreadable; a date gone by is 0.
 */
export function readRetryAfter(value: string | null, nowMs: number): number | undefined {
  const text = value?.trim() ?? ''
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000
  if (!/^[A-Za-z]{3,9}, /.test(text)) return undefined
  const date = Date.parse(text)
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs)
}
