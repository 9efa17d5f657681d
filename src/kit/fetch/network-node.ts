import { FetchFailure } from './fetch-failure.js'
import type { Fetch } from './platform-fetch.js'
import { isPublicAddress } from './secure-url.js'

let publicFetch: Fetch | undefined

/**
 * `#network` on Node: fetches from a host that only a fetched document names. The name is resolved once per connection,
 * an address off the public internet is refused, and the connection goes to the very address that was judged. Loads
 * undici and the resolver at first use: most set-ups never need it. What could not be loaded is tried again.
 */
export const fetchPublic: Fetch = async (url, init) => {
  publicFetch ??= await createPublicFetch()
  return publicFetch(url, init)
}

async function createPublicFetch(): Promise<Fetch> {
  const [{ lookup }, { Agent, fetch }] = await Promise.all([import('node:dns'), import('undici')])
  const dispatcher = new Agent({ connect: { lookup: createPublicLookup(lookup) as never } })
  return async (url, init) => (await fetch(url, { ...init, dispatcher })) as unknown as Response
}

/** One resolved address, as `dns.lookup` gives it. */
export interface ResolvedAddress {
  readonly address: string
  readonly family: number
}

/** The part of `dns.lookup` used here: always asks for all addresses. */
type ResolveAll = (
  hostname: string,
  options: { readonly all: true },
  callback: (error: Error | null, addresses: ResolvedAddress[]) => void,
) => void

/** What `net.connect` expects of its `lookup` option. */
type ConnectLookup = (
  hostname: string,
  options: { readonly all?: boolean | undefined },
  callback: (error: Error | null, address: string | ResolvedAddress[], family?: number) => void,
) => void

/**
 * A `lookup` for `net.connect` that refuses a name when any of its addresses is off the public internet. The socket
 * connects to the addresses judged here: no second resolution can swap them (DNS rebinding).
 *
 * @internal
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
