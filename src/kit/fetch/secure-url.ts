import ipaddr from 'ipaddr.js'

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

const globalUnicast = ipaddr.IPv6.parseCIDR('2000::/3')
const nat64 = ipaddr.IPv6.parseCIDR('64:ff9b::/96')
const internalSuffix = /(?:^|\.)(?:localhost|local|internal|lan|home\.arpa)$/

/**
 * Whether a literal IP address belongs to the public internet: not loopback, private, link-local, shared, unique
 * local, documentation, multicast or otherwise special by the IANA registries (RFC 6890). An address behind the
 * well-known NAT64 prefix (RFC 6052) is judged by the IPv4 address in it. False for text that is not an address.
 */
export function isPublicAddress(text: string): boolean {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text).range() === 'unicast'
  if (!ipaddr.IPv6.isValid(text)) return false
  const address = ipaddr.IPv6.parse(text)
  if (address.match(nat64)) return new ipaddr.IPv4(address.toByteArray().slice(12)).range() === 'unicast'
  return address.match(globalUnicast) && address.range() === 'unicast'
}

/**
 * Whether a hostname, as `URL` writes it, may lead to the public internet: a public literal address, or a name with a
 * dot that is not of an internal zone. Resolves nothing.
 */
export function isPublicHostname(hostname: string): boolean {
  if (hostname.startsWith('[')) return isPublicAddress(hostname.slice(1, -1))
  if (ipaddr.IPv4.isValidFourPartDecimal(hostname)) return isPublicAddress(hostname)
  const name = hostname.endsWith('.') ? hostname.slice(0, -1) : hostname
  return name.includes('.') && !internalSuffix.test(name)
}
