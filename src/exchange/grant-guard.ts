import type { Auth } from '../auth/auth.js'
import { ConfigurationError, MissingTokenError } from '../errors/index.js'
import type { AuthResult } from '../server/auth-result.js'
import type { ResourceServer } from '../server/resource-server.js'
import type { Grant } from './grant.js'
import type { Grants } from './grants.js'
import { joinAccess } from './join-access.js'

/**
 * Makes the step that acquires a route's grants for a caller: what comes back is the caller with `auth.access`, or the
 * answer to send. Grants of an earlier step stay. An anonymous caller is asked for a token: there is nobody to act for.
 *
 * @throws {@link ConfigurationError} without a grant engine, or for a grant that cannot be right, at once.
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
  const acquire = grants.prepare(declared)
  return async (auth) => {
    if (auth === undefined) return server.refuse(new MissingTokenError())
    const { access, failure } = await acquire(auth)
    if (failure !== undefined) return server.refuse(failure, auth)
    return { ok: true, auth: auth.withAccess(joinAccess(auth.access, access)), headers: {} }
  }
}
