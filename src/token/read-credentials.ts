import type { AuthScheme } from '../auth/auth.js'
import { type AuthError, InvalidRequestError, MissingTokenError } from '../errors/index.js'
import { isJsonObject } from '../lib/json.js'
import type { BearerMethod } from '../options/types.js'
import type { RequestFacts } from '../request/request-facts.js'

/** What a request brought along: one token by one scheme, or the reason why not. */
export type Credentials =
  | { readonly scheme: AuthScheme; readonly token: string; readonly method: BearerMethod; readonly error?: never }
  | { readonly scheme: AuthScheme | undefined; readonly error: AuthError; readonly token?: never }

const token68 = /^[A-Za-z0-9\-._~+/]+=*$/
const schemeAndRest = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)(.*)$/s
const formType = /^application\/x-www-form-urlencoded[ \t]*(?:;|$)/i
/** The methods whose body has defined semantics (RFC 6750 §2.2, RFC 9110 §9.3). */
const bodyMethods: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH'])

/**
 * Finds the one access token of a request: in the `Authorization` field, and where `methods` says so in the form body
 * or the query (RFC 6750 §2, RFC 9449 §7.1). Throws only what the facts throw. Does not look into the token, nor check
 * its characters: see {@link isToken68}.
 *
 * @param dpop - whether the DPoP scheme is offered; if not, it counts as an unsupported one (RFC 6750 §3.1).
 */
export function readCredentials(facts: RequestFacts, methods: readonly BearerMethod[], dpop: boolean): Credentials {
  const fields = facts.headerValues('authorization')
  if (fields.length > 1) return { scheme: undefined, error: new InvalidRequestError('ERR_REQUEST_AMBIGUOUS') }
  const fromHeader = readField(fields[0], dpop)
  if (methods.length === 1) return fromHeader ?? missing()
  return onlyOne([fromHeader, readForm(facts, methods), readQuery(facts, methods)])
}

/** Whether `token` is a token68, the only form credentials may have (RFC 6750 §2.1). */
export function isToken68(token: string): boolean {
  return token68.test(token)
}

function missing(): Credentials {
  return { scheme: undefined, error: new MissingTokenError() }
}

function malformed(scheme: AuthScheme): Credentials {
  return { scheme, error: new InvalidRequestError('ERR_REQUEST_MALFORMED') }
}

function readField(field: string | undefined, dpop: boolean): Credentials | undefined {
  if (field === undefined) return undefined
  if (isPlain(field, 'Bearer ')) return { scheme: 'Bearer', token: field.slice('Bearer '.length), method: 'header' }
  if (dpop && isPlain(field, 'DPoP ')) return { scheme: 'DPoP', token: field.slice('DPoP '.length), method: 'header' }
  const [, name, rest = ''] = schemeAndRest.exec(field) ?? []
  const scheme = supportedScheme(name?.toLowerCase(), dpop)
  if (scheme === undefined) return undefined
  const token = rest.startsWith(' ') ? rest.replace(/^ +/, '') : ''
  return token === '' ? malformed(scheme) : { scheme, token, method: 'header' }
}

/** Written as nearly everybody writes it: one space and then the token. */
function isPlain(field: string, prefix: string): boolean {
  return field.startsWith(prefix) && field.charCodeAt(prefix.length) > 0x20
}

function supportedScheme(name: string | undefined, dpop: boolean): AuthScheme | undefined {
  if (name === 'bearer') return 'Bearer'
  return name === 'dpop' && dpop ? 'DPoP' : undefined
}

function readForm(facts: RequestFacts, methods: readonly BearerMethod[]): Credentials | undefined {
  if (!methods.includes('body') || !bodyMethods.has(facts.method) || !isForm(facts)) return undefined
  const body: unknown = facts.formBody?.()
  if (!isJsonObject(body) || !Object.hasOwn(body, 'access_token')) return undefined
  const token = body['access_token']
  return typeof token === 'string' && token !== '' ? { scheme: 'Bearer', token, method: 'body' } : malformed('Bearer')
}

function isForm(facts: RequestFacts): boolean {
  const [type, ...more] = facts.headerValues('content-type')
  return type !== undefined && more.length === 0 && formType.test(type)
}

function readQuery(facts: RequestFacts, methods: readonly BearerMethod[]): Credentials | undefined {
  const start = facts.url.indexOf('?')
  if (start < 0 || !methods.includes('query')) return undefined
  const tokens = new URLSearchParams(facts.url.slice(start + 1).replace(/#.*$/s, '')).getAll('access_token')
  const [token] = tokens
  if (token === undefined) return undefined
  return tokens.length === 1 && token !== '' ? { scheme: 'Bearer', token, method: 'query' } : malformed('Bearer')
}

function onlyOne(found: readonly (Credentials | undefined)[]): Credentials {
  const present = found.filter((credentials) => credentials !== undefined)
  if (present.length > 1) return { scheme: undefined, error: new InvalidRequestError('ERR_REQUEST_AMBIGUOUS') }
  return present[0] ?? missing()
}
