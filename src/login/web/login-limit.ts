/*
 * How often one client may start a login. Does not look at who signs in.
 */
import ipaddr from 'ipaddr.js'
import type { RequestFacts } from '../../http/request-facts.js'
import { createTrustedProxies } from '../../http/trusted-proxies.js'
import { createBoundedCache } from '../../kit/bounded-cache.js'
import { createTokenBucket, type TokenBucket } from '../../kit/token-bucket.js'

/** How many logins one client may start. @group Web login */
export interface LoginLimit {
  /** At once, and within each `windowSeconds`. 1 to 10,000, default 10. */
  readonly max?: number | undefined
  /** 1 to 3600, default 60. */
  readonly windowSeconds?: number | undefined
}

/** How long the client of a request has to wait, in seconds; `undefined` when it need not. */
export type Limiter = (facts: RequestFacts, nowMs: number) => number | undefined

const maxClients = 10_000

/** Makes a {@link Limiter}. Where the address of the client is not known there is no limit: it would be one for all. */
export function createLimiter({ max = 10, windowSeconds = 60 }: LoginLimit, proxies: readonly string[]): Limiter {
  const isProxy = createTrustedProxies(proxies)
  const buckets = createBoundedCache<TokenBucket>(maxClients)

  function clientOf(facts: RequestFacts): string | undefined {
    const { remoteAddress } = facts
    if (remoteAddress === undefined) return undefined
    const hops = facts.headerValues('x-forwarded-for').flatMap((field) => field.split(','))
    const trail = [remoteAddress, ...hops.reverse().map((hop) => hop.trim())]
    const address = trail.find((hop) => !isProxy(hop)) ?? (trail.at(-1) as string)
    return ipaddr.isValid(address) ? network(address) : undefined
  }

  return (facts, nowMs) => {
    const client = clientOf(facts)
    if (client === undefined) return undefined
    const known = buckets.get(client)
    const bucket = known ?? createTokenBucket({ capacity: max, refillIntervalMs: (windowSeconds * 1000) / max })
    if (known === undefined) buckets.set(client, bucket)
    return bucket.take(nowMs) ? undefined : Math.ceil(bucket.waitMs(nowMs) / 1000)
  }
}

/** Of IPv6, the network of 64 bits that one subscriber has. */
function network(address: string): string {
  const parsed = ipaddr.process(address)
  return parsed instanceof ipaddr.IPv6 ? parsed.parts.slice(0, 4).join(':') : parsed.toString()
}
