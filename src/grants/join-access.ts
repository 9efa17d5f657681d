import type { AccessContext } from '../auth/access-context.js'
import { Auth } from '../auth/auth.js'

/**
 * The access of a request whose grants were declared in two places: on a router and on its route, for instance. What
 * both declare is asked of `later`.
 */
export function joinAccess(earlier: AccessContext, later: AccessContext): AccessContext {
  if (earlier.declared.length === 0) return later
  if (later.declared.length === 0) return earlier
  const isLater = new Set(later.declared)
  const own = (resource: string) => !isLater.has(resource)
  const holderOf = (resource: string) => (own(resource) ? earlier : later)

  function errors() {
    return new Map([...[...earlier.errors].filter(([resource]) => own(resource)), ...later.errors])
  }
  function succeeded() {
    return [...earlier.succeeded.filter(own), ...later.succeeded]
  }

  return {
    get declared() {
      return [...earlier.declared.filter(own), ...later.declared]
    },
    get status() {
      if (errors().size === 0) return 'success'
      return succeeded().length === 0 ? 'error' : 'partial_error'
    },
    token: (resource) => holderOf(resource).token(resource),
    has: (resource) => holderOf(resource).has(resource),
    acquire: (resource) => holderOf(resource).acquire(resource),
    fetch: (resource) => holderOf(resource).fetch(resource),
    get errors() {
      return errors()
    },
    get succeeded() {
      return succeeded()
    },
    get failed() {
      return [...earlier.failed.filter(own), ...later.failed]
    },
  }
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
