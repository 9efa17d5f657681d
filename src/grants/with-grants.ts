import type { Auth } from '../auth/auth.js'
import type { Grant } from './grant.js'
import type { Grants } from './grants.js'
import { joinAccess } from './join-access.js'

/**
 * Runs `work` with the downstream tokens it declares, outside of any framework: for queue consumers, sockets, scripts.
 * Grants that `auth` has already stay.
 * Checks the grants anew with every call; who calls it often takes {@link Grants.prepare} once instead.
 *
 * @throws the failure of a grant with mode `required`, and whatever `work` throws.
 * @throws {@link ConfigurationError} for a grant that cannot be right.
 * @group Grants
 */
export async function withGrants<Claims, Result>(
  grants: Grants,
  auth: Auth<Claims>,
  declared: readonly Grant[],
  work: (auth: Auth<Claims>) => Promise<Result> | Result,
): Promise<Result> {
  const { access, failure } = await grants.prepare(declared)(auth)
  if (failure !== undefined) throw failure
  return work(auth.withAccess(joinAccess(auth.access, access)))
}
