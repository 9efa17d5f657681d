import { lookup } from 'node:dns'
import type { Fetch } from '../fetch.js'
import { createPublicLookup } from './public-lookup.js'

let publicFetch: Promise<Fetch> | undefined

async function createPublicFetch(): Promise<Fetch> {
  const { Agent, fetch } = await import('undici')
  const dispatcher = new Agent({ connect: { lookup: createPublicLookup(lookup) as never } })
  return async (url, init) => (await fetch(url, { ...init, dispatcher })) as unknown as Response
}

/** See `PlatformNetwork.fetchPublic`. Loads undici at first use: most set-ups never need it. */
export const fetchPublic: Fetch = async (url, init) => {
  publicFetch ??= createPublicFetch()
  return (await publicFetch)(url, init)
}
