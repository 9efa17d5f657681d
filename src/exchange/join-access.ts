import type { AccessContext } from '../auth/access-context.js'

/**
 * The access of a request whose grants were declared in two places: on a router and on its route, for instance. What
 * both declare is asked of `later`.
 */
export function joinAccess(earlier: AccessContext, later: AccessContext): AccessContext {
  if (earlier.declared.length === 0) return later
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
