import type { IssuerOptions } from '../resource-server/token/issuer-options.js'
import { checkedList, digits } from './parameters.js'

/** What {@link githubActions} is told: whose workflows may call. @group Presets */
export type GithubActionsOptions = {
  /** Of an enterprise or of GitHub Enterprise Server. Default `https://token.actions.githubusercontent.com`. */
  readonly issuer?: string | undefined
} & (
  | {
      /** The numeric ids of the repositories. Names can be taken over by others, ids cannot. */
      readonly repositoryIds: readonly string[]
      readonly repositoryOwnerIds?: never
    }
  | {
      /** The numeric ids of the users or organisations all of whose repositories may call. */
      readonly repositoryOwnerIds: readonly string[]
      readonly repositoryIds?: never
    }
)

/**
 * Tokens of GitHub Actions workflows.
 *
 * - Proof: `repository_id` or `repository_owner_id` is on the list, and `run_id` is there. Anybody on GitHub can have a token
 *   for any `aud`, so that one of the lists is required. Narrow it in routes by `job_workflow_ref`, `environment` or `ref`.
 * - No client id, scopes or roles. Tenant `repository_owner_id`. `isClientToken` is true: no user stands behind a workflow. `sub`
 *   has had another form for repositories made, renamed or moved since 2026-07-15: do not authorise by it alone.
 * - Audience: what the workflow asks for. The default, the URL of the owner, is accepted by others too: demand your own.
 * - Binding, introspection, logout, exchange: none.
 *
 * @group Presets
 */
export function githubActions(parameters: GithubActionsOptions): IssuerOptions {
  const { issuer = 'https://token.actions.githubusercontent.com', repositoryIds, repositoryOwnerIds } = parameters
  const listed = repositoryIds ?? repositoryOwnerIds
  const ids = checkedList('githubActions: `repositoryIds` or `repositoryOwnerIds`', listed, digits, '123456')
  return {
    issuer,
    algorithms: ['RS256'],
    tokenTypes: ['JWT'],
    accessTokenEvidence: {
      run_id: { present: true },
      ...(repositoryIds === undefined
        ? { repository_id: { present: true }, repository_owner_id: ids }
        : { repository_id: ids }),
    },
    claimProfile: { tenant: 'repository_owner_id', clientToken: { run_id: { present: true } } },
    optionalClaims: ['client_id'],
  }
}
