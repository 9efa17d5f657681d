/** Which address a DPoP proof has to name for a request. Does NOT verify the proof. */
import type { RequestFacts } from '../../http/request-facts.js'
import { type IsTrustedProxy, readElements } from '../../http/trusted-proxies.js'

/** What decides about the target URI of a request. */
export interface RequestTargetSettings {
  /** Where the origin is taken from; see `DpopOptions.targetOrigin`. */
  readonly targetOrigin: 'resource' | 'connection' | 'forwarded' | 'x-forwarded'
  /** What a proxy strips from the front of the path, `''` for nothing; see `DpopOptions.pathPrefix`. */
  readonly pathPrefix: string
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

/** Also in the spellings that {@link normalizeTargetUri} takes for one. */
const dotSegment = /\/(?:\.|%2e){1,2}(?:\/|$)/i

/**
 * Why `htu` does not name the URI a request was sent to, in words for a log that repeat nothing of the client;
 * `undefined` where it does (RFC 9449 §4.3 item 9).
 */
export function targetMismatch(htu: string, facts: RequestFacts, settings: RequestTargetSettings): string | undefined {
  const targets = requestTargets(facts, settings)
  const named = normalizeTargetUri(htu)
  if (named !== undefined && targets.some((target) => htu === target || named === normalizeTargetUri(target)))
    return undefined
  return named === undefined ? 'htu is no http or https URI' : explain(named, targets, settings)
}

/**
 * The URI a request was sent to, up to its query (RFC 9110 §7.1), not yet normalised. Empty when it cannot be known: a
 * request target that is neither path nor URL, no `Host` or several, a field that cannot be read or that holds more than
 * an origin, dot segments behind a prefix. Two, with a slash at the end and without, for the root behind a prefix: a
 * proxy strips both to `/`.
 *
 * Forwarding fields count only when the peer is a trusted proxy, and of several elements only the last, which that peer
 * wrote itself. What they leave unsaid comes from the connection.
 */
export function requestTargets(facts: RequestFacts, settings: RequestTargetSettings): readonly string[] {
  const { targetOrigin, pathPrefix, resource } = settings
  const match = requestUrl.exec(facts.url)
  if (match === null) return []
  const [, ownScheme, ownHost, path = ''] = match
  const origin =
    targetOrigin === 'resource' ? resourceOrigin.exec(resource)?.[0] : readOrigin(facts, settings, ownScheme, ownHost)
  if (origin === undefined) return []
  if (pathPrefix === '') return [`${origin}${path}`]
  if (path === '' || path === '/') return [`${origin}${pathPrefix}`, `${origin}${pathPrefix}/`]
  return dotSegment.test(path) ? [] : [`${origin}${pathPrefix}${path}`]
}

function explain(named: string, [target = '']: readonly string[], { pathPrefix, resource }: RequestTargetSettings) {
  const expected = normalizeTargetUri(target)
  if (expected === undefined) return 'the URI of the request is not known'
  const [origin, path] = splitOrigin(expected)
  const [namedOrigin, namedPath] = splitOrigin(named)
  if (namedOrigin !== origin) return 'another origin'
  if (pathPrefix !== '') return `another path; dpop.pathPrefix is ${JSON.stringify(pathPrefix)}`
  const prefix = namedPath.endsWith(path) ? namedPath.slice(0, -path.length) : path === '/' ? namedPath : ''
  const own = normalizeTargetUri(resource)
  if (own !== undefined && prefix === splitOrigin(own)[1]) {
    return `htu has the path prefix ${JSON.stringify(prefix)}, the request has not: if a proxy strips it, set dpop.pathPrefix`
  }
  return prefix === '' || path === '/'
    ? 'another path'
    : 'htu has a path prefix, the request has not: if a proxy strips it, set dpop.pathPrefix'
}

function splitOrigin(uri: string): readonly [origin: string, path: string] {
  const origin = resourceOrigin.exec(uri)?.[0] ?? ''
  return [origin, uri.slice(origin.length)]
}

function readOrigin(
  facts: RequestFacts,
  settings: RequestTargetSettings,
  ownScheme: string | undefined,
  ownHost: string | undefined,
): string | undefined {
  const forwarded = forwardedOrigin(facts, settings)
  const host = forwarded?.host ?? ownHost ?? hostField(facts)
  const origin = `${forwarded?.scheme ?? connectionScheme(facts, ownScheme)}://${host}`
  return forwarded === undefined || host === undefined || !plainOrigin.test(origin) ? undefined : origin
}

/** A client writes the scheme of an absolute request target, so it counts only where nothing knows the connection. */
function connectionScheme({ secure }: RequestFacts, ownScheme: string | undefined): string {
  if (secure !== undefined) return secure ? 'https' : 'http'
  return ownScheme ?? 'http'
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

/** HTTP/2 may carry the authority in its pseudo-field only, or in both alike (RFC 9113 §8.3.1). */
function hostField(facts: RequestFacts): string | undefined {
  const fields = [facts.headerValues('host'), facts.headerValues(':authority')].filter(({ length }) => length > 0)
  const [host] = fields[0] ?? []
  return fields.every((values) => values.length === 1 && values[0] === host) ? host : undefined
}

const maxUriLength = 8192

const httpUri =
  /^(https?):\/\/([A-Za-z0-9.\-_~!$&'()*+,;=%]+|\[[0-9A-Fa-f:.]+\])(?::(\d{0,5}))?(\/[!"$-;=@-Z[\]^-~]*)?$/i

const percentTriplet = /%[0-9A-Fa-f]{2}/g

const strayPercent = /%(?![0-9A-Fa-f]{2})/

const unreserved = /[A-Za-z0-9\-._~]/

/**
 * The form in which two `http` or `https` URIs are equal when they name the same target (RFC 9449 §4.3, RFC 3986 §6.2.2
 * and §6.2.3): no query and fragment, lower-case scheme and host, no default port, at least `/` as path, no dot
 * segments, upper-case escapes, no escape where the character itself may stand. Keeps `%2F`, `//` and a trailing slash.
 *
 * `undefined` for anything else: user information, stray percent signs, blanks, backslashes, other than ASCII, more than
 * 8192 characters before the query. Only string work: WHATWG `URL` rewrites more than the RFC allows, and less.
 * @internal
 */
export function normalizeTargetUri(uri: string): string | undefined {
  const end = uri.search(/[?#]/)
  const text = end === -1 ? uri : uri.slice(0, end)
  if (text.length > maxUriLength || strayPercent.test(text)) return undefined
  const match = httpUri.exec(text)
  if (match === null) return undefined
  const [, scheme = '', host = '', port = '', path = '/'] = match
  const lowerScheme = scheme.toLowerCase()
  return `${lowerScheme}://${normalizeHost(host)}${portSuffix(lowerScheme, port)}${normalizePath(path)}`
}

function normalizeHost(host: string): string {
  if (!host.includes('%')) return host.toLowerCase()
  return normalizeEscapes(host).replace(/%..|[A-Z]/g, (part) => (part.length === 3 ? part : part.toLowerCase()))
}

function portSuffix(scheme: string, port: string): string {
  const isDefault = port === '' || port === (scheme === 'https' ? '443' : '80')
  return isDefault ? '' : `:${port}`
}

function normalizePath(path: string): string {
  const plain = path.includes('%') ? normalizeEscapes(path) : path
  return plain.includes('/.') ? removeDotSegments(plain) : plain
}

function normalizeEscapes(text: string): string {
  return text.replace(percentTriplet, (triplet) => {
    const character = String.fromCharCode(Number.parseInt(triplet.slice(1), 16))
    return unreserved.test(character) ? character : triplet.toUpperCase()
  })
}

/** RFC 3986 §5.2.4, for a path that starts with `/`. */
function removeDotSegments(path: string): string {
  const segments = path.slice(1).split('/')
  const kept: string[] = []
  for (const segment of segments) {
    if (segment === '..') kept.pop()
    else if (segment !== '.') kept.push(segment)
  }
  const last = segments.at(-1)
  if (last === '.' || last === '..') kept.push('')
  return `/${kept.join('/')}`
}
