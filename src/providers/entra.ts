import type { IssuerOptions } from '../resource-server/token/issuer-options.js'
import { checked, checkedList, guid } from './parameters.js'

/** What {@link entra} and {@link entraTenants} are told besides the tenant. @group Presets */
export interface EntraApi {
  /**
   * What tokens for your API have as `aud`. Version 2: its client id, a GUID, never `api://…`. Version 1: the application
   * id URI in the spellings that clients ask for, or the client id.
   */
  readonly audience: string | readonly string[]
  /**
   * `accessTokenAcceptedVersion` in the manifest of the API: null and 1 are version 1. It decides what tokens look like,
   * whatever endpoint clients use. Default 2.
   */
  readonly version?: 1 | 2 | undefined
}

/** What {@link entra} is told. @group Presets */
export interface EntraOptions extends EntraApi {
  /** The id of the tenant, a GUID. `common`, `organizations` and `consumers` are none. */
  readonly tenant: string
}

/** What {@link entraTenants} is told. @group Presets */
export interface EntraTenantsOptions extends EntraApi {
  /** The complete list of tenants whose tokens are accepted, by id. */
  readonly tenants: readonly string[]
}

const login = 'https://login.microsoftonline.com'

/**
 * One tenant of Microsoft Entra ID, in the public cloud.
 *
 * - Access token: the header says `JWT` for every kind. The evidence is `azp` (version 1: `appid`) together with `scp` or `roles`,
 *   and `ver` and `tid` of this very version and tenant. ID tokens have `roles` too, and the same `aud` where one
 *   registration is both web application and API; they have no `azp`.
 * - Client `azp` or `appid`, scopes `scp`, roles `roles`, tenant `tid`. `sub` differs by application: `oid` is the account.
 * - Service accounts: `idtyp` is `app`, an optional claim the API must ask for. `scp` is only in tokens of users. A token
 *   of an application that has no role is refused: any application of the tenant can get one.
 * - Keys: those of the tenant. A key whose `issuer` names another tenant is not used.
 * - No `jti`. Binding, introspection, revocation, back-channel logout: none, as far as we know. Exchange: the on-behalf-of flow,
 *   a `jwt-bearer` grant and not RFC 8693. Version 1: we did not confirm the address of its keys.
 *
 * @group Presets
 */
export function entra({ tenant, audience, version = 2 }: EntraOptions): IssuerOptions {
  const tid = checked('entra: `tenant`', tenant, guid, '9f5a2c3e-0000-4000-8000-000000000000').toLowerCase()
  const issuers = { 1: `https://sts.windows.net/${tid}/`, 2: `${login}/${tid}/v2.0` }
  const client = version === 1 ? 'appid' : 'azp'
  const common = { tid, ver: version === 1 ? '1.0' : '2.0', [client]: { present: true } }
  return {
    issuer: issuers[version],
    audience,
    algorithms: ['RS256'],
    jwksUri: `${login}/${tid}/discovery/${version === 1 ? '' : 'v2.0/'}keys`,
    keyConditions: [
      { issuer: [...Object.values(issuers), `${login}/{tenantid}/v2.0`, 'https://sts.windows.net/{tenantid}/'] },
      { issuer: { present: false } },
    ],
    tokenTypes: ['JWT'],
    accessTokenEvidence: [
      { ...common, scp: { present: true } },
      { ...common, roles: { present: true } },
    ],
    claimProfile: {
      clientId: client,
      scope: 'scp',
      roles: 'roles',
      tenant: 'tid',
      clientToken: { idtyp: 'app' },
      userToken: { scp: { present: true } },
    },
    optionalClaims: ['jti'],
  }
}

/**
 * Several tenants of Microsoft Entra ID: {@link entra} for each one on the list, and for no other. There is no way to say
 * "any tenant". For a list that changes while the server runs, give `createResourceServer` a function as `issuer`, and
 * `tenants`.
 *
 * @group Presets
 */
export function entraTenants({ tenants, ...api }: EntraTenantsOptions): readonly IssuerOptions[] {
  const list = checkedList('entraTenants: `tenants`', tenants, guid, '9f5a2c3e-0000-4000-8000-000000000000')
  return list.map((tenant) => entra({ ...api, tenant }))
}
