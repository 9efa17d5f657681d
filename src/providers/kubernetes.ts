import type { IssuerOptions } from '../resource-server/token/issuer-options.js'

/** What {@link kubernetes} is told. @group Presets */
export interface KubernetesOptions {
  /** The issuer of the cluster, as `iss` of its tokens has it: `https://kubernetes.default.svc.cluster.local`, or a URL of your cloud. */
  readonly issuer: string
  /**
   * Where the keys are, where the discovered address is a private one: `https://kubernetes.default.svc/openid/v1/jwks`. The API
   * server has a certificate of its own and asks for a token: give the server a `fetch` that has both.
   */
  readonly jwksUri?: string | undefined
}

/**
 * Service accounts of a Kubernetes cluster, by projected tokens.
 *
 * - Proof: the `kubernetes.io` object, and a `sub` of `system:serviceaccount:{namespace}:{name}`. The header has no `typ`.
 * - No client id, scopes or roles: authorise by `sub`. Tenant: the namespace. `isClientToken` is true.
 * - Audience: the one in the pod's projection, which must be yours. The default is the API server, whose tokens are refused
 *   here. Tokens from secrets have neither `exp` nor `aud`, and are refused.
 * - `jti` only in newer versions. Binding, introspection by RFC 7662, logout, exchange: none.
 *
 * @group Presets
 */
export function kubernetes({ issuer, jwksUri }: KubernetesOptions): IssuerOptions {
  const sub = { startsWith: 'system:serviceaccount:' }
  return {
    issuer,
    ...(jwksUri !== undefined && { jwksUri }),
    tokenTypes: [null],
    accessTokenEvidence: { 'kubernetes.io': { present: true }, sub },
    claimProfile: { tenant: [['kubernetes.io', 'namespace']], clientToken: { sub } },
    optionalClaims: ['jti', 'client_id'],
  }
}
