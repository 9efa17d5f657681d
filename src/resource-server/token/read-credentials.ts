import type { AuthScheme } from '../../auth/auth.js'
import { type AuthError, ConfigurationError, InvalidRequestError, MissingTokenError } from '../../errors/index.js'
import { isForm } from '../../http/form-body.js'
import type { RequestFacts } from '../../http/request-facts.js'
import { isJsonObject } from '../../kit/json.js'
import { checkValue, text } from '../../kit/options.js'

/** Ways a client may send its token, in the words of RFC 9728 `bearer_methods_supported`. */
export type BearerMethod = 'header' | 'body' | 'query'

/** The header fields the tokens of a resource come in, where `Authorization` is not the only one. */
export interface TokenFields {
  /** In lower case. Each holds only a token, without a scheme. */
  readonly names: readonly string[]
  /** Whether `Authorization` is one as well. */
  readonly authorization: boolean
}

/** What a request brought along: one token by one scheme, or the reason why not. */
export type Credentials =
  | { readonly scheme: AuthScheme; readonly token: string; readonly method: BearerMethod; readonly error?: never }
  | { readonly scheme: AuthScheme | undefined; readonly error: AuthError; readonly token?: never }

const token68 = /^[A-Za-z0-9\-._~+/]+=*$/

const schemeAndRest = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)(.*)$/s

const unparsedForm =
  "`bearerMethods` has 'body', but nothing parsed the form of this request: mount a body parser for application/x-www-form-urlencoded before the guard, or give `formBody`."

/** The methods whose body has defined semantics (RFC 6750 §2.2, RFC 9110 §9.3). */
const bodyMethods: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH'])

/** Where the tokens of a resource may stand. */
interface TokenPlaces {
  readonly bearerMethods: readonly BearerMethod[]
  readonly tokenFields?: TokenFields | undefined
}

/**
 * Finds the one access token of a request: in the `Authorization` field or that of a proxy, and where `bearerMethods` says so
 * in the form body or the query (RFC 6750 §2, RFC 9449 §7.1). Two of these ways at once are an error, any other way is not
 * looked at. Does not look into the token, nor check its characters: see {@link isToken68}.
 *
 * @throws {@link ConfigurationError} for a form that nothing parsed, where a token may come in one; and what the facts
 * throw.
 * @param dpop - whether the DPoP scheme is offered; if not, it counts as an unsupported one (RFC 6750 §3.1).
 */
export function readCredentials(
  facts: RequestFacts,
  { bearerMethods: methods, tokenFields }: TokenPlaces,
  dpop: boolean,
): Credentials {
  if (tokenFields !== undefined) return readFields(facts, methods, dpop, tokenFields)
  const sent = facts.headerValues('authorization')
  if (sent.length > 1) return ambiguous()
  const fromHeader = readField(sent[0], dpop)
  if (methods.length === 1) return fromHeader ?? missing()
  return onlyOne([fromHeader, readForm(facts, methods), readQuery(facts, methods)])
}

function readFields(
  facts: RequestFacts,
  methods: readonly BearerMethod[],
  dpop: boolean,
  { names, authorization }: TokenFields,
): Credentials {
  const values = authorization ? facts.headerValues('authorization') : []
  if (values.length > 1) return ambiguous()
  const bare = names.map((name) => readBareField(facts.headerValues(name)))
  return onlyOne([readField(values[0], dpop), ...bare, readForm(facts, methods), readQuery(facts, methods)])
}

/** What a proxy wrote: the token and nothing else. */
function readBareField([token, ...more]: readonly string[]): Credentials | undefined {
  if (token === undefined) return undefined
  if (more.length > 0) return ambiguous()
  return token === '' ? malformed('Bearer') : { scheme: 'Bearer', token, method: 'header' }
}

/**
 * Takes the token out of the value of one `Authorization` field: the scheme `Bearer` in any letter case, spaces, and a
 * token68 (RFC 6750 §2.1). `undefined` for anything else, DPoP and other schemes included. Never throws.
 *
 * For code that needs only the text, such as a log that hashes it. It does NOT verify the token, and NOT see what else
 * the request says: a second field, a token in form or query, a DPoP proof. To let a request in, use a guard.
 *
 * @param field - the value of the field as it came; `undefined` or `null` where there is none.
 * @example
 * ```ts
 * const token = readBearerToken(request.headers.get('authorization'))
 * ```
 * @group Requests
 */
export function readBearerToken(field: string | null | undefined): string | undefined {
  const found = typeof field === 'string' ? readField(field, false) : undefined
  return found?.token !== undefined && isToken68(found.token) ? found.token : undefined
}

/**
 * Whether `text` is a token68, the only form credentials may have: one or more letters, digits and `-._~+/`, then any
 * number of `=` (RFC 6750 §2.1, RFC 9110 §11.2). It says nothing about what the token is: NOT whether it is a JWT, nor
 * whether anybody issued it, nor how long it is. Takes linear time.
 *
 * @group Requests
 */
export function isToken68(text: string): boolean {
  return token68.test(text)
}

function ambiguous(): Credentials {
  return { scheme: undefined, error: new InvalidRequestError('ERR_REQUEST_AMBIGUOUS') }
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
  if (!isJsonObject(body)) throw new ConfigurationError(unparsedForm)
  if (!Object.hasOwn(body, 'access_token')) return undefined
  const token = body['access_token']
  return typeof token === 'string' && token !== '' ? { scheme: 'Bearer', token, method: 'body' } : malformed('Bearer')
}

function readQuery(facts: RequestFacts, methods: readonly BearerMethod[]): Credentials | undefined {
  if (!methods.includes('query')) return undefined
  const [target = ''] = facts.url.split('#', 1)
  const start = target.indexOf('?')
  if (start < 0) return undefined
  const tokens = new URLSearchParams(target.slice(start + 1)).getAll('access_token')
  const [token] = tokens
  if (token === undefined) return undefined
  return tokens.length === 1 && token !== '' ? { scheme: 'Bearer', token, method: 'query' } : malformed('Bearer')
}

function onlyOne(found: readonly (Credentials | undefined)[]): Credentials {
  const present = found.filter((credentials) => credentials !== undefined)
  if (present.length > 1) return ambiguous()
  return present[0] ?? missing()
}

const fieldName = /^[!#$%&'*+.^_`|~0-9a-z-]+$/

/**
 * Checks the name of a header field that tokens come in.
 *
 * @throws {@link ConfigurationError}
 */
export function checkTokenHeader(given: unknown): string | undefined {
  checkValue('tokenHeader', given, text)
  const name = (given as string | undefined)?.toLowerCase()
  if (name === undefined || (fieldName.test(name) && !reservedFields.has(name))) return name
  throw new ConfigurationError(
    '`tokenHeader` takes the name of a header field that a proxy writes the token into, such as Cf-Access-Jwt-Assertion.',
  )
}

/** Fields that mean something else, or that browsers send by themselves. */
const reservedFields: ReadonlySet<string> = new Set(['authorization', 'proxy-authorization', 'dpop', 'cookie'])
