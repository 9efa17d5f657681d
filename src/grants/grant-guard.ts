import { Auth } from '../auth/auth.js'
import { ConfigurationError, MissingTokenError } from '../errors/index.js'
import type { AuthResult } from '../resource-server/auth-result.js'
import type { ResourceServer } from '../resource-server/resource-server.js'
import type { Grant } from './grant.js'
import type { Grants } from './grants.js'
import { joinAccess } from './join-access.js'

const strangeAuth = 'Grants stand behind `requireToken`: the `auth` of this request is of another library.'

/**
 * Makes the step that acquires a route's grants for a caller: what comes back is the caller with `auth.access`, or the
 * answer to send. Grants of an earlier step stay. An anonymous caller is asked for a token: there is nobody to act for.
 *
 * @throws {@link ConfigurationError} without a grant engine, or without a grant, or for one that cannot be right, at once.
 * @group Grants
 */
export function createGrantGuard<Claims>(
  server: ResourceServer<Claims>,
  grants: Grants | undefined,
  declared: readonly Grant[],
): (auth: Auth<Claims> | undefined) => Promise<AuthResult<Claims>> {
  if (grants === undefined) {
    throw new ConfigurationError(
      '`grant` needs the grant engine: give the adapter `{ grants: createGrants({ client }) }`.',
    )
  }
  if (typeof grants?.prepare !== 'function') {
    throw new ConfigurationError('`grants` takes what `createGrants({ client })` makes.')
  }
  if (declared.length === 0) throw new ConfigurationError('`grant` needs at least one resource.')
  const acquire = grants.prepare(declared)
  return async (auth) => {
    if (auth === undefined) return server.refuse(new MissingTokenError())
    if (!(auth instanceof Auth)) return server.refuse(new ConfigurationError(strangeAuth))
    const { access, failure } = await acquire(auth)
    if (failure !== undefined) return server.refuse(failure, auth)
    return { ok: true, auth: auth.withAccess(joinAccess(auth.access, access)), headers: {} }
  }
}
