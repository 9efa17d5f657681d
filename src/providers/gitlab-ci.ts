import type { IssuerOptions } from '../resource-server/token/issuer-options.js'
import { checkedList, digits } from './parameters.js'

/** What {@link gitlabCi} is told: whose jobs may call. @group Presets */
export type GitlabCiOptions = {
  /** The URL of the instance. Default `https://gitlab.com`. */
  readonly issuer?: string | undefined
} & (
  | {
      /** The ids of the projects. Paths can be taken over by others, ids cannot. */
      readonly projectIds: readonly string[]
      readonly namespaceIds?: never
    }
  | {
      /** The ids of the groups or users all of whose projects may call. */
      readonly namespaceIds: readonly string[]
      readonly projectIds?: never
    }
)

/**
 * ID tokens of GitLab CI jobs.
 *
 * - Proof: `project_id` or `namespace_id` is on the list, and `job_id` is there. Anybody on the instance can have a token for any
 *   `aud`, so that one of the lists is required. ID tokens of people come from the same issuer and keys, without these claims.
 * - No client id, scopes or roles. Tenant `namespace_id`. `isClientToken` is true: no user stands behind a job. Narrow in
 *   routes by `ref`, `ref_protected` or `environment`.
 * - Audience: what the job says in `id_tokens`; there is no default.
 * - Binding, introspection, logout, exchange: none. We did not confirm the `typ` of the header.
 *
 * @group Presets
 */
export function gitlabCi({ issuer = 'https://gitlab.com', projectIds, namespaceIds }: GitlabCiOptions): IssuerOptions {
  const ids = checkedList('gitlabCi: `projectIds` or `namespaceIds`', projectIds ?? namespaceIds, digits, '123456')
  return {
    issuer,
    algorithms: ['RS256'],
    tokenTypes: ['JWT'],
    accessTokenEvidence: {
      job_id: { present: true },
      ...(projectIds === undefined ? { project_id: { present: true }, namespace_id: ids } : { project_id: ids }),
    },
    claimProfile: { tenant: 'namespace_id', clientToken: { job_id: { present: true } } },
    optionalClaims: ['jti', 'client_id'],
  }
}
