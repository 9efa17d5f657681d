import { ConfigurationError } from '../../errors/index.js'
import { type ProviderPreset, presetRules } from '../provider-options.js'
import { type PresetOptions, presetCredential } from './preset-client.js'

/** What {@link microsoft} takes. @group Login presets */
export interface MicrosoftLoginOptions extends PresetOptions {
  /** The id of the tenant, a GUID, or `common`, `organizations`, `consumers`. Default `common`. */
  readonly tenant?: string | undefined
  /**
   * The tenants whose users may sign in, by id: required for `common` and `organizations`. `'any'` lets users of every
   * tenant in, also of those that somebody made for the purpose.
   */
  readonly allowedTenants?: readonly string[] | 'any' | undefined
}

const authority = 'https://login.microsoftonline.com'
const guid = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/
/** The tenant that all personal accounts are in. */
const consumersTenant = '9188040d-6c67-4c5b-b112-36a304b66dad'
const issuerOf = (tenant: string): string => `${authority}/${tenant}/v2.0`

/**
 * Microsoft Entra ID and personal Microsoft accounts. Asks for `openid email profile offline_access`.
 *
 * - The metadata of `common`, `organizations` and `consumers` names an issuer with the placeholder `{tenantid}`. The `iss` of
 *   an ID token must be that of its own `tid`, and `tid` must be an allowed tenant.
 * - `sub` differs by application. `email` and `preferred_username` can be set by the tenant: never key accounts by them.
 * - There is no revocation: `revoke` says `unsupported`. Loopback redirect URIs need the host `localhost`.
 *
 * @throws `ConfigurationError` for a tenant that is none, for `common` and `organizations` without `allowedTenants`, and
 * for the id of a tenant that `allowedTenants` leaves out.
 * @group Login presets
 */
export function microsoft(options: MicrosoftLoginOptions): ProviderPreset {
  const { tenant: given = 'common', allowedTenants, clientId: _id, clientSecret: _secret, ...rest } = options
  const tenant = given.toLowerCase()
  return {
    name: 'microsoft',
    scopes: ['openid', 'email', 'profile', 'offline_access'],
    ...rest,
    issuer: issuerOf(tenant),
    credential: presetCredential(options),
    ...(isSingleTenant(tenant, allowedTenants) ? {} : { [presetRules]: sharedTenantRules(tenant, allowedTenants) }),
  }
}

/** Whether `tenant` is an id, so that nobody else's users come. */
function isSingleTenant(tenant: string, allowed: MicrosoftLoginOptions['allowedTenants']): boolean {
  if (!guid.test(tenant)) return false
  if (Array.isArray(allowed) && !allowed.some((id) => String(id).toLowerCase() === tenant)) {
    throw new ConfigurationError('microsoft: `allowedTenants` leaves out the one `tenant` whose users can sign in.')
  }
  return true
}

function sharedTenantRules(tenant: string, given: MicrosoftLoginOptions['allowedTenants']) {
  if (!['common', 'organizations', 'consumers'].includes(tenant)) {
    throw new ConfigurationError('microsoft: `tenant` takes the id of a tenant, common, organizations or consumers.')
  }
  const allowed = given ?? (tenant === 'consumers' ? [consumersTenant] : [])
  const isList =
    Array.isArray(allowed) && allowed.length > 0 && allowed.every((id) => guid.test(String(id).toLowerCase()))
  if (allowed !== 'any' && !isList) {
    throw new ConfigurationError(
      `microsoft: \`allowedTenants\` takes a list of tenant ids, or 'any' to let users of every tenant in.`,
    )
  }
  const tenants = allowed === 'any' ? undefined : new Set(allowed.map((id) => id.toLowerCase()))
  return {
    documentIssuers: [issuerOf('{tenantid}'), ...(tenant === 'consumers' ? [issuerOf(consumersTenant)] : [])],
    isIssuer(issuer: unknown, claims?: { readonly [name: string]: unknown }): boolean {
      const named = typeof issuer === 'string' ? (/\/([^/]*)\/v2\.0$/.exec(issuer)?.[1] ?? '') : ''
      const id = claims === undefined ? named : claims['tid']
      if (typeof id !== 'string' || !guid.test(id) || issuer !== issuerOf(id)) return false
      return tenants === undefined || tenants.has(id)
    },
  }
}
