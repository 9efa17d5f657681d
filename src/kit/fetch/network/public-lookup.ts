import { FetchFailure } from '../fetch-failure.js'
import { isPublicAddress } from './public-address.js'

/** One resolved address, as `dns.lookup` gives it. */
export interface ResolvedAddress {
  readonly address: string
  readonly family: number
}

/** The part of `dns.lookup` used here: always asks for all addresses. */
export type ResolveAll = (
  hostname: string,
  options: { readonly all: true },
  callback: (error: Error | null, addresses: ResolvedAddress[]) => void,
) => void

/** What `net.connect` expects of its `lookup` option. */
export type ConnectLookup = (
  hostname: string,
  options: { readonly all?: boolean | undefined },
  callback: (error: Error | null, address: string | ResolvedAddress[], family?: number) => void,
) => void

/**
 * A `lookup` for `net.connect` that refuses a name when any of its addresses is off the public internet. The socket
 * connects to the addresses judged here: no second resolution can swap them (DNS rebinding).
 */
export function createPublicLookup(resolve: ResolveAll): ConnectLookup {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, [])
      const [first] = addresses
      if (first === undefined || !addresses.every(({ address }) => isPublicAddress(address))) {
        return callback(new FetchFailure('private_address'), [])
      }
      return options.all === true ? callback(null, addresses) : callback(null, first.address, first.family)
    })
  }
}
