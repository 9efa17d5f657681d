const ipv4Loopback = /^127\.\d+\.\d+\.\d+$/

/** Whether a hostname, as `URL` writes it, is `localhost`, a name below it, or a literal loopback address. */
export function isLoopbackHostname(hostname: string): boolean {
  return /(?:^|\.)localhost$/.test(hostname) || hostname === '[::1]' || ipv4Loopback.test(hostname)
}

/**
 * Reads an absolute https URL without user information; with `allowInsecureLoopback` also an http URL of a loopback
 * host. `undefined` for anything else. Does not look at where the host leads.
 */
export function readSecureUrl(text: string, allowInsecureLoopback: boolean): URL | undefined {
  if (!URL.canParse(text)) return undefined
  const url = new URL(text)
  if (url.username !== '' || url.password !== '') return undefined
  if (url.protocol === 'https:') return url
  return allowInsecureLoopback && url.protocol === 'http:' && isLoopbackHostname(url.hostname) ? url : undefined
}
