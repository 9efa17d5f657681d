import ipaddr from 'ipaddr.js'
import { ConfigurationError } from '../errors/index.js'

/** Whether a peer's address is that of a declared proxy. `undefined` never is. */
export type IsTrustedProxy = (address: string | undefined) => boolean

const ipv4Compatible = /^::\d+\./

type Range = [ipaddr.IPv4 | ipaddr.IPv6, number]

/**
 * Compiles IP addresses and CIDR ranges. An IPv4 address and its IPv4-mapped IPv6 form are one. An empty list trusts
 * no address.
 *
 * @throws {@link ConfigurationError} for an entry that is neither, and for a range that covers every address.
 */
export function createTrustedProxies(list: readonly string[]): IsTrustedProxy {
  const ranges = list.map(readRange)
  return (address) => {
    const peer = address === undefined ? undefined : readPeer(address)
    if (peer === undefined) return false
    return ranges.some(([network, prefix]) => network.kind() === peer.kind() && peer.match(network, prefix))
  }
}

/**
 * `undefined` for anything but a usual spelling: octal numbers and the like mean different addresses to different readers,
 * and `::10.0.0.5`, which is not an IPv4 address (RFC 4291 §2.5.5.1), would be taken for one.
 */
function readPeer(address: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(address)) return ipaddr.IPv4.parse(address)
  return ipaddr.IPv6.isValid(address) && !ipv4Compatible.test(address) ? ipaddr.process(address) : undefined
}

function readRange(entry: string): Range {
  const [network, prefix] = unmap(parse(entry))
  if (prefix > 0) return [network, prefix]
  throw new ConfigurationError(
    `\`trustedProxies\` entry ${entry} would trust every peer with any header; name the addresses of your proxies.`,
  )
}

function parse(entry: string): Range {
  if (ipaddr.IPv4.isValidFourPartDecimal(entry)) return [ipaddr.IPv4.parse(entry), 32]
  if (ipaddr.IPv4.isValidCIDRFourPartDecimal(entry)) return ipaddr.IPv4.parseCIDR(entry)
  if (ipaddr.IPv6.isValid(entry)) return [ipaddr.IPv6.parse(entry), 128]
  if (ipaddr.IPv6.isValidCIDR(entry)) return ipaddr.IPv6.parseCIDR(entry)
  throw new ConfigurationError(
    `\`trustedProxies\` takes IP addresses and CIDR ranges, such as '10.0.0.5' or '10.0.0.0/8'; ${JSON.stringify(entry)} is neither.`,
  )
}

function unmap([network, prefix]: Range): Range {
  const isMapped = network instanceof ipaddr.IPv6 && network.isIPv4MappedAddress() && prefix >= 96
  return isMapped ? [network.toIPv4Address(), prefix - 96] : [network, prefix]
}

/** One `name=value`: the name in lower case, the value without quotes and escapes. */
export type Pair = readonly [name: string, value: string]

/** A blank, the name, the value as a quoted string or up to the next separator, and what ends the pair. */
const pairForm = /[ \t]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)=(?:"([^"\\]*(?:\\.[^"\\]*)*)"[ \t]*|([^",;]*))([,;]|$)/y

/**
 * Reads elements separated by `,`, each of `name=value` pairs separated by `;` (RFC 7239 §4, Envoy's
 * `X-Forwarded-Client-Cert`). A quote may stand right behind `=` only, and its end only before a separator or the end of
 * the text, so that no value can close a quote that another one opened. `undefined` for any other text, empty elements
 * and empty pairs included. A name may come again: what that means is for the caller to say.
 */
export function readElements(text: string): readonly (readonly Pair[])[] | undefined {
  const elements: Pair[][] = [[]]
  pairForm.lastIndex = 0
  for (let more = true; more; ) {
    const match = pairForm.exec(text)
    if (match === null) return undefined
    const [, name = '', quoted, plain = '', end] = match
    elements.at(-1)?.push([name.toLowerCase(), quoted === undefined ? plain.trimEnd() : quoted.replace(/\\(.)/g, '$1')])
    if (end === ',') elements.push([])
    more = end !== ''
  }
  return elements
}
