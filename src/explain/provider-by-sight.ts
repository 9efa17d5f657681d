/** Whose tokens these seem to be, to name the preset for them. A guess for a sentence: does NOT decide anything. */

/** The preset of `portcullis/providers` for the tokens of an issuer that looks like one of a known provider. */
export interface SeenProvider {
  readonly name: string
  /** What to write as `issuer`. */
  readonly preset: string
}

type Sight = readonly [issuer: RegExp, name: string, preset: (match: readonly (string | undefined)[]) => string]

/** Most telling first. */
const sights: readonly Sight[] = [
  [/^https?:\/\/[^/]+(?:\/auth)?\/realms\/[^/]+$/, 'Keycloak', ([all]) => `keycloak({ issuer: '${all}' })`],
  [/^https:\/\/([^/]+\.auth0\.com)\/$/, 'Auth0', ([, domain]) => `auth0({ domain: '${domain}' })`],
  [
    /^https:\/\/([^/]+\.okta(?:preview|-emea)?\.com)(?:\/oauth2\/([^/]+))?$/,
    'Okta',
    ([, domain, server = 'default']) => `okta({ domain: '${domain}', authorizationServer: '${server}' })`,
  ],
  [
    /^https:\/\/login\.microsoftonline\.com\/([\da-f-]+)\/v2\.0$/,
    'Entra ID',
    ([, tenant]) => `entra({ tenant: '${tenant}', audience: '<application id>' })`,
  ],
  [
    /^https:\/\/sts\.windows\.net\/([\da-f-]+)\/$/,
    'Entra ID (version 1)',
    ([, tenant]) => `entra({ tenant: '${tenant}', audience: 'api://<application id>', version: 1 })`,
  ],
  [
    /^https:\/\/cognito-idp\.[^/]+\.amazonaws\.com\/([^/]+)$/,
    'Cognito',
    ([, pool]) => `cognito({ userPoolId: '${pool}', clientIds: ['<client id>'] })`,
  ],
  [
    /^(https:\/\/[^/]+\.clerk\.accounts\.dev)$/,
    'Clerk',
    ([all]) => `clerk({ issuer: '${all}', clientIds: ['<client id>'] })`,
  ],
  [/^https:\/\/([^/]+)\.supabase\.co\/auth\/v1$/, 'Supabase', ([, project]) => `supabase({ project: '${project}' })`],
  [/^https:\/\/securetoken\.google\.com\/([^/]+)$/, 'Firebase', ([, project]) => `firebase({ project: '${project}' })`],
  [/^https:\/\/[^/]+\.zitadel\.cloud$/, 'Zitadel', ([all]) => `zitadel({ issuer: '${all}' })`],
  [
    /^https:\/\/([^/]+)\.cloudflareaccess\.com$/,
    'Cloudflare Access',
    ([, team]) => `cloudflareAccess({ team: '${team}', audience: '<audience tag>' })`,
  ],
]

/** The provider that `issuer` looks like one of; `undefined` for any other text, or something else. */
export function providerBySight(issuer: unknown): SeenProvider | undefined {
  if (typeof issuer !== 'string' || issuer.length > 200 || /[^\x21-\x7e]|'/.test(issuer)) return undefined
  for (const [form, name, preset] of sights) {
    const match = form.exec(issuer)
    if (match !== null) return { name, preset: preset(match) }
  }
  return undefined
}
