import type { Auth } from '../auth/auth.js'
import { ConfigurationError } from '../errors/index.js'
import { checkUrl } from '../issuer/identifiers.js'
import { readSecureUrl } from '../kit/fetch/secure-url.js'
import {
  anything,
  checkOptions,
  choice,
  flag,
  func,
  oneOrMore,
  type Rules,
  takes,
  text,
  toList,
} from '../kit/options.js'

/** When the exchange happens and what its failure means. */
export type GrantMode =
  /** Before the handler; a failure is answered and the handler does not run. */
  | 'required'
  /** Before the handler, which runs all the same and asks {@link AccessContext}. */
  | 'optional'
  /** At the handler's first `acquire` or `fetch`. */
  | 'lazy'

/** Who acts for the subject, as a token (RFC 8693 §2.1). @group Grants */
export interface ActorToken {
  readonly token: string
  /** A token type URI, such as `urn:ietf:params:oauth:token-type:jwt`. */
  readonly type: string
}

/** A declared need for a downstream token. @group Grants */
export interface GrantOptions {
  /** The downstream resource (RFC 8707): an absolute URI without fragment. Also the name it is asked for by. */
  readonly resource: string
  /** Logical names of the target service, besides or instead of the resource parameter (RFC 8693 §2.1). */
  readonly audience?: string | readonly string[] | undefined
  /** Set to false to send only `audience`, for servers that know no resource indicators. Default true. */
  readonly sendResource?: boolean | undefined
  /** Scopes the downstream token must have; a token with less is refused unless `allowNarrowerScope` is set. */
  readonly scope?: string | readonly string[] | undefined
  /** Accept a token whose scope is narrower than asked for. Default false. */
  readonly allowNarrowerScope?: boolean | undefined
  /** Default: the server's choice, commonly an access token. */
  readonly requestedTokenType?: string | undefined
  /**
   * Who acts, as a token of its own: asks for delegation, which shows in the `act` of the issued token. Without it the
   * server decides: it may name the client in `act`, or issue a token that shows only the subject
   * (impersonation). A part of the cache key: give the same token for as long as it is good.
   */
  readonly actor?: (() => ActorToken | Promise<ActorToken>) | undefined
  /**
   * The issuer of the authorization server to ask. Default: the issuer of the caller's token. Naming another one sends
   * the caller's token there.
   */
  readonly issuer?: string | ((auth: Auth<unknown>) => string) | undefined
  /** Default `required`. */
  readonly mode?: GrantMode | undefined
  /**
   * Origins `access.fetch` may send the token to: https, or http on a loopback host. Default: the one of the resource, if
   * it is such a URL; else none.
   */
  readonly allowedOrigins?: readonly string[] | undefined
}

/** A grant: a resource, or {@link GrantOptions}. @group Grants */
export type Grant = string | GrantOptions

/** A grant, checked, with every default filled in. */
export interface GrantSettings {
  readonly resource: string
  readonly audience: readonly string[]
  readonly sendResource: boolean
  readonly scope: readonly string[]
  readonly allowNarrowerScope: boolean
  readonly requestedTokenType: string | undefined
  readonly actor: GrantOptions['actor']
  readonly issuer: GrantOptions['issuer']
  readonly mode: GrantMode
  readonly allowedOrigins: ReadonlySet<string>
}

const rules: Rules<GrantOptions> = {
  resource: anything,
  audience: oneOrMore,
  sendResource: flag,
  scope: oneOrMore,
  allowNarrowerScope: flag,
  requestedTokenType: text,
  actor: func,
  issuer: takes(
    (value) => typeof value === 'function' || (typeof value === 'string' && value !== ''),
    'an issuer or a function',
  ),
  mode: choice('required', 'optional', 'lazy'),
  allowedOrigins: oneOrMore,
}

/**
 * Checks a grant and fills in its defaults.
 *
 * @throws {@link ConfigurationError}
 */
export function toGrantSettings(grant: Grant): GrantSettings {
  const options = typeof grant === 'string' ? { resource: grant } : grant
  checkOptions<GrantOptions>('A grant', options, rules)
  const { resource, audience = [], scope, sendResource = true } = options
  if (typeof resource !== 'string' || !URL.canParse(resource) || resource.includes('#')) {
    throw new ConfigurationError('A grant needs `resource`: an absolute URI without fragment (RFC 8707 §2).')
  }
  if (!sendResource && audience.length === 0) {
    throw new ConfigurationError('A grant with `sendResource: false` needs an `audience`.')
  }
  return Object.freeze({
    resource,
    audience: [...toList(audience)].sort(),
    sendResource,
    scope: [...new Set(scopeList(scope))].sort(),
    allowNarrowerScope: options.allowNarrowerScope ?? false,
    requestedTokenType: options.requestedTokenType,
    actor: options.actor,
    issuer: options.issuer,
    mode: options.mode ?? 'required',
    allowedOrigins: new Set(allowedOrigins(options)),
  })
}

/** A scope token (RFC 6749 §3.3). */
const scopeToken = /^[\x21\x23-\x5B\x5D-\x7E]+$/

function scopeList(scope: string | readonly string[] | undefined): readonly string[] {
  const list = typeof scope === 'string' ? scope.split(' ').filter((value) => value !== '') : toList(scope ?? [])
  if (scope !== undefined && list.length === 0) throw new ConfigurationError('`scope` of a grant names no scope.')
  const odd = list.find((value) => !scopeToken.test(value))
  if (odd === undefined) return list
  throw new ConfigurationError('`scope` of a grant takes scopes in one text, or one scope in each item of an array.')
}

function allowedOrigins({ allowedOrigins: given, resource }: GrantOptions): readonly string[] {
  const own = readSecureUrl(resource, true)?.origin
  const origins = toList(given ?? (own === undefined ? [] : [own]))
  return origins.map((origin) => {
    const url = checkUrl('allowedOrigins', origin, true)
    if (url.pathname === '/' && url.search === '') return url.origin
    throw new ConfigurationError('`allowedOrigins` takes origins: tokens would go to other paths there all the same.')
  })
}
