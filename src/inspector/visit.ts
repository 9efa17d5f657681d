/** A request that may be for the development page, in one form for all frameworks, and who may make one. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { ConfigurationError } from '../errors/index.js'
import { createTrustedProxies } from '../http/trusted-proxies.js'
import type { Clock } from '../kit/clock.js'
import { createTokenBucket } from '../kit/token-bucket.js'

/** A request below the path of the page. */
export interface Visit {
  readonly method: string
  /** What is behind the path of the page, without the query. */
  readonly name: string
  readonly query: URLSearchParams
  readonly headers: Headers
  /** What the request says it was sent to. */
  readonly host: string | undefined
  readonly secure: boolean
  readonly remoteAddress: string | undefined
  /** The body; rejects where it is no JSON, or longer than 32 KiB. */
  readJson(): Promise<unknown>
}

/** Who may see the page, and who its data. */
export interface Doorkeeper {
  /** Whether a request comes from this machine, straight from a browser on this very site. */
  isAtHome(visit: Visit): boolean
  /** Whether a request at home shows the token. Wrong ones are counted: after ten a minute nothing is right. */
  knows(visit: Visit): boolean
}

/** The field that carries the token: one that no other site can send without asking first (Fetch §4.8). */
const tokenField = 'x-portcullis-inspector'
/** Names that resolve to this machine whatever a DNS server says, and its addresses. */
const homeHost = /^(?:localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])(?::\d{1,5})?$/i
/** Fields of a proxy or a tunnel: who is behind it is not on this machine. */
const proxyField =
  /^(?:forwarded|via|true-client-ip|(?:x-forwarded|x-real|x-original|x-client|x-envoy|x-amzn|cf|fly|ngrok)(?:-.*)?)$/
const wrongTokens = { capacity: 10, refillIntervalMs: 6000 }

/**
 * Makes the doorkeeper of one page.
 *
 * @param allowFrom - addresses and ranges besides those of this machine.
 * @throws {@link ConfigurationError} for what is no address or range, or every address.
 */
export function createDoorkeeper(token: string, allowFrom: readonly string[], clock: Clock): Doorkeeper {
  const isNear = createNearness(allowFrom)
  const expected = digest(token)
  const bucket = createTokenBucket(wrongTokens)

  return {
    isAtHome({ host, remoteAddress, headers, secure }) {
      if (!homeHost.test(String(host))) return false
      if (!isNear(remoteAddress) || [...headers.keys()].some((name) => proxyField.test(name))) return false
      const origin = headers.get('origin')
      return origin === null || origin === `${secure ? 'https' : 'http'}://${host}`
    },
    knows({ headers }) {
      const given = headers.get(tokenField)
      if (given === null || !['same-origin', null].includes(headers.get('sec-fetch-site'))) return false
      if (bucket.waitMs(clock()) > 0) return false
      if (timingSafeEqual(digest(given), expected)) return true
      bucket.take(clock())
      return false
    },
  }
}

function createNearness(allowFrom: readonly string[]): (address: string | undefined) => boolean {
  try {
    return createTrustedProxies(['127.0.0.0/8', '::1', ...allowFrom])
  } catch {
    throw new ConfigurationError(
      "`dangerouslyAllowFrom` takes IP addresses and CIDR ranges, such as '172.17.0.1' or '172.16.0.0/12', and not all there are.",
    )
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
