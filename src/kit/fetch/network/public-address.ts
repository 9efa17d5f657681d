import ipaddr from 'ipaddr.js'

const globalUnicast = ipaddr.IPv6.parseCIDR('2000::/3')
const nat64 = ipaddr.IPv6.parseCIDR('64:ff9b::/96')
const internalSuffix = /(?:^|\.)(?:localhost|local|internal|lan|home\.arpa)$/

/**
 * Whether a literal IP address belongs to the public internet: not loopback, private, link-local, shared, unique
 * local, documentation, multicast or otherwise special by the IANA registries (RFC 6890). An address behind the
 * well-known NAT64 prefix (RFC 6052) is judged by the IPv4 address in it. False for text that is no address.
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
