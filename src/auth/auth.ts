import { type HttpAnswer, noFields } from '../http/http-answer.js'
import type { JsonObject } from '../kit/json.js'
import { type AccessContext, joinAccess, noAccess } from './access-context.js'

/** Guards of one request judge it one by one; what tells its parts together in a log is the same for all of them. */
const idsByRequest = new WeakMap<object, string>()

/** What belongs to one request and to no other, from its first guard to its last check. Shared by all copies of its auth. */
export class Passage {
  /** Fields that belong into its answer whatever becomes of it from here: the next nonce (RFC 9449 §8.2). */
  headers: HttpAnswer['headers'] = noFields
  /** SHA-256 of its token, once that is known. */
  tokenHash: string | undefined = undefined
  /** Its token, once it was found good: what it says, without a key where the issuer was asked about it, and whose it is. */
  verified: { readonly entry: { readonly key: object | undefined }; readonly issuer: object } | undefined = undefined
  readonly #request: object | undefined
  #correlationId: string | undefined = undefined

  /** @param request - see `RequestFacts.request`. */
  constructor(request?: object) {
    this.#request = request
  }

  /** See `RequestFacts.request`. */
  get request(): object | undefined {
    return this.#request
  }

  /** Made when somebody asks for it: most requests pass without. */
  get correlationId(): string {
    this.#correlationId ??= this.#request === undefined ? crypto.randomUUID() : idOf(this.#request)
    return this.#correlationId
  }
}

function idOf(request: object): string {
  const known = idsByRequest.get(request) ?? crypto.randomUUID()
  idsByRequest.set(request, known)
  return known
}

/** Where an {@link Auth} keeps the request it is of. */
export const passage: unique symbol = Symbol('passage')

/** The two schemes an access token may come by (RFC 6750 §2.1, RFC 9449 §7.1). */
export type AuthScheme = 'Bearer' | 'DPoP'

/** How a token is bound to its client (RFC 7800 §3.1, RFC 9449 §6, RFC 8705 §3.1). */
export interface Confirmation {
  /** The JWK thumbprint of the DPoP key. */
  readonly jkt?: string | undefined
  /** The thumbprint of the client certificate. */
  readonly 'x5t#S256'?: string | undefined
}

/** Who acts for the subject (RFC 8693 §4.1). Only this outermost actor may weigh in access decisions. */
export interface Actor {
  readonly sub: string
  readonly iss?: string | undefined
  /** The actor before this one, for the log only. */
  readonly act?: Actor | undefined
}

/** The claims of an access token as they stand in it: attacker-written text until you check it. */
export type AccessTokenClaims = JsonObject

/** What verification found out about a token. */
export interface VerifiedToken<Claims = AccessTokenClaims> {
  readonly issuer: string
  /** `sub`. Means a user only together with {@link VerifiedToken.issuer}, and not at all for client tokens. */
  readonly subject: string
  readonly clientId: string | undefined
  readonly scopes: readonly string[]
  readonly roles: readonly string[]
  readonly tenant: string | undefined
  /** All claims, frozen; of the type of your claims schema where you gave one. */
  readonly claims: Claims
  /** When the token expires, in seconds since the Unix epoch. Only an introspected token may leave it open. */
  readonly expiresAt: number | undefined
  readonly confirmation: Confirmation | undefined
  readonly actor: Actor | undefined
  /**
   * A hint whether the token is the client's own, with no user behind it: true where `sub` is the client (RFC 9068 §5)
   * or the claim profile of the issuer says so, false where that profile names what only tokens of users have, and
   * `undefined` where nothing tells. Compare with `true` or `false`: `!auth.isClientToken` lets in what is not known.
   */
  readonly isClientToken: boolean | undefined
}

/**
 * A verified request: who calls, by which token. Frozen. The raw token is readable by {@link Auth.token} and shows up
 * neither in `util.inspect` nor in `JSON.stringify`.
 *
 * @group Resource server
 */
export class Auth<Claims = AccessTokenClaims> implements VerifiedToken<Claims> {
  readonly scheme: AuthScheme
  /** The protected resource identifier the token was accepted for. */
  readonly resource: string
  readonly issuer: string
  readonly subject: string
  readonly clientId: string | undefined
  readonly scopes: readonly string[]
  readonly roles: readonly string[]
  readonly tenant: string | undefined
  readonly claims: Claims
  readonly expiresAt: number | undefined
  readonly confirmation: Confirmation | undefined
  readonly actor: Actor | undefined
  readonly isClientToken: boolean | undefined
  readonly #access: AccessContext
  readonly #token: string
  readonly #passage: Passage

  /** @hidden */
  constructor(
    token: string,
    scheme: AuthScheme,
    resource: string,
    verified: Omit<VerifiedToken<Claims>, 'confirmation'>,
    confirmation: Confirmation | undefined,
    access: AccessContext = noAccess,
    itsPassage: Passage = new Passage(),
  ) {
    this.#token = token
    this.#passage = itsPassage
    this.scheme = scheme
    this.resource = resource
    this.issuer = verified.issuer
    this.subject = verified.subject
    this.clientId = verified.clientId
    this.scopes = verified.scopes
    this.roles = verified.roles
    this.tenant = verified.tenant
    this.claims = verified.claims
    this.expiresAt = verified.expiresAt
    this.confirmation = confirmation
    this.actor = verified.actor
    this.isClientToken = verified.isClientToken
    this.#access = access
    Object.freeze(this)
  }

  /** The access token as received. Never log it, never pass it on: exchange it (RFC 8693) instead. */
  get token(): string {
    return this.#token
  }

  /** Tokens for downstream services, where the route declares grants. Shows up in no listing, like the token. */
  get access(): AccessContext {
    return this.#access
  }

  /**
   * Tells the request in logs: errors, events and the calls made to authorization servers for it carry the same one.
   * Random, made when first read.
   */
  get correlationId(): string {
    return this.#passage.correlationId
  }

  /** @hidden */
  get [passage](): Passage {
    return this.#passage
  }

  /** The same caller with an access context: what the grants of the route brought. */
  withAccess(access: AccessContext): Auth<Claims> {
    return copyWith(this, access)
  }

  /** Whether the token grants `scope`, compared exactly. Knows nothing of scope hierarchies. */
  hasScope(scope: string): boolean {
    return this.scopes.includes(scope)
  }
}

/** Not in the class: a bundler renames a class that names itself, and the name is what `console.log` shows. */
function copyWith<Claims>(auth: Auth<Claims>, access: AccessContext): Auth<Claims> {
  return new Auth(auth.token, auth.scheme, auth.resource, auth, auth.confirmation, access, auth[passage])
}

/**
 * The caller that a guard let through, with what grants before this guard brought. Without it a guard on a route drops the
 * grants of its router. Adapters call it wherever a guard puts its `auth` in the place of an earlier one:
 * `keepAccess(result.auth, earlier)`. What both declare is asked of `auth`.
 *
 * Takes the access over from the same token of the same issuer only: tokens of one caller never reach another. Anything
 * else, `undefined` and an `auth` of another library included, leaves `auth` as it is. Never throws.
 *
 * @group Adapters
 */
export function keepAccess<Claims>(auth: Auth<Claims>, earlier: unknown): Auth<Claims>
export function keepAccess<Claims>(auth: Auth<Claims> | undefined, earlier: unknown): Auth<Claims> | undefined
export function keepAccess<Claims>(auth: Auth<Claims> | undefined, earlier: unknown): Auth<Claims> | undefined {
  if (auth === undefined || !(earlier instanceof Auth) || earlier.access.declared.length === 0) return auth
  const isSameCaller = earlier.token === auth.token && earlier.issuer === auth.issuer
  return isSameCaller ? auth.withAccess(joinAccess(earlier.access, auth.access)) : auth
}

/**
 * Puts the caller, or the framework's form of it, into `target.auth`. Not writable, so that no later middleware replaces
 * it by accident; a later guard still can.
 *
 * @group Adapters
 */
export function setAuth(target: object, value: unknown): void {
  Object.defineProperty(target, 'auth', { value, writable: false, enumerable: true, configurable: true })
}

/** What stands in `target.auth`, whoever put it there. For the guard that is about to judge anew. @group Adapters */
export function earlierIn(target: object): unknown {
  return (target as { readonly auth?: unknown }).auth
}

/** The caller that a guard put into `target.auth`; `undefined` where something else is there. @group Adapters */
export function authIn<Claims>(target: object): Auth<Claims> | undefined {
  const found = earlierIn(target)
  return found instanceof Auth ? found : undefined
}
