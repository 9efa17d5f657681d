const ipv4Loopback = /^127\.\d+\.\d+\.\d+$/

/**
 * The hosts that may be reached over http: none, those of this machine with `true`, and with a set those of this machine
 * and those in it, as `URL.host` writes them: name and port.
 */
export type InsecureHosts = boolean | ReadonlySet<string>

/** Whether a hostname, as `URL` writes it, is `localhost`, a name below it, or a literal loopback address. */
export function isLoopbackHostname(hostname: string): boolean {
  return /(?:^|\.)localhost$/.test(hostname) || hostname === '[::1]' || ipv4Loopback.test(hostname)
}

/** Whether the configuration lets the host of `url` be what no other host may be: over http, and off the internet. */
export function isInsecureHost({ host, hostname }: URL, allowed: InsecureHosts): boolean {
  if (allowed === false) return false
  return isLoopbackHostname(hostname) || (allowed !== true && allowed.has(host))
}

/**
 * Reads an absolute https URL without user information; also an http URL of a host in `allowed`. `undefined` for
 * anything else. Does not look at where the host leads.
 */
export function readSecureUrl(text: string, allowed: InsecureHosts): URL | undefined {
  if (!URL.canParse(text)) return undefined
  const url = new URL(text)
  if (url.username !== '' || url.password !== '') return undefined
  if (url.protocol === 'https:') return url
  return url.protocol === 'http:' && isInsecureHost(url, allowed) ? url : undefined
}
