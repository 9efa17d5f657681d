import type { RequestFacts } from '../request/request-facts.js'
import { readElements } from './quoted-list.js'
import type { IsTrustedProxy } from './trusted-proxies.js'

/** What decides about the target URI of a request. */
export interface RequestTargetSettings {
  /** Where the origin is taken from; see `DpopOptions.targetOrigin`. */
  readonly targetOrigin: 'resource' | 'connection' | 'forwarded' | 'x-forwarded'
  /** The protected resource identifier. */
  readonly resource: string
  readonly isTrustedProxy: IsTrustedProxy
}

interface Origin {
  readonly scheme?: string | undefined
  readonly host?: string | undefined
}

/** A host of plain letters, and nothing in which frameworks see the beginning of the path. */
const requestUrl = /^(?:(https?):\/\/((?:[\w.~-]+|\[[\da-f:.]+\])(?::\d*)?)(?=[/?#]|$)|(?=\/))([^?#]*)/i
/** What came in fields is an origin and nothing more: a path in it would stand for the one of the request. */
const plainOrigin = /^https?:\/\/[^/?#]+$/i
const resourceOrigin = /^[^/?#]*\/\/[^/?#]*/

/**
 * The URI a request was sent to, up to its query (RFC 9110 §7.1), not yet normalised. `undefined` when it cannot be
 * known: a request target that is neither path nor URL, no `Host` or several, a field that nobody can read or that holds
 * more than an origin.
 *
 * Forwarding fields count only when the peer is a trusted proxy, and of several elements only the last, which that peer
 * wrote itself. What they leave unsaid comes from the connection.
 */
export function requestTarget(facts: RequestFacts, settings: RequestTargetSettings): string | undefined {
  const match = requestUrl.exec(facts.url)
  if (match === null) return undefined
  const [, ownScheme, ownHost, path] = match
  if (settings.targetOrigin === 'resource') return `${resourceOrigin.exec(settings.resource)?.[0]}${path}`
  const forwarded = forwardedOrigin(facts, settings)
  const scheme = forwarded?.scheme ?? ownScheme ?? (facts.secure === true ? 'https' : 'http')
  const host = forwarded?.host ?? ownHost ?? hostField(facts)
  const origin = `${scheme}://${host}`
  return forwarded === undefined || host === undefined || !plainOrigin.test(origin) ? undefined : `${origin}${path}`
}

function forwardedOrigin(facts: RequestFacts, settings: RequestTargetSettings): Origin | undefined {
  if (settings.targetOrigin === 'connection' || !settings.isTrustedProxy(facts.remoteAddress)) return {}
  return settings.targetOrigin === 'forwarded' ? readForwarded(facts) : readXForwarded(facts)
}

function readForwarded(facts: RequestFacts): Origin | undefined {
  const fields = facts.headerValues('forwarded')
  if (fields.length === 0) return {}
  const last = readElements(fields.join(','))?.at(-1)
  const pairs = new Map(last)
  return pairs.size === last?.length ? { scheme: pairs.get('proto'), host: pairs.get('host') } : undefined
}

function readXForwarded(facts: RequestFacts): Origin {
  return { scheme: lastOf(facts, 'x-forwarded-proto'), host: lastOf(facts, 'x-forwarded-host') }
}

function lastOf(facts: RequestFacts, name: string): string | undefined {
  const last = facts.headerValues(name).at(-1)
  return last?.slice(last.lastIndexOf(',') + 1).trim()
}

/** HTTP/2 may carry the authority in its pseudo-field alone (RFC 9113 §8.3.1). */
function hostField(facts: RequestFacts): string | undefined {
  const fields = [facts.headerValues('host'), facts.headerValues(':authority')].find(({ length }) => length > 0)
  return fields?.length === 1 ? fields[0] : undefined
}
