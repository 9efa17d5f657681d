import { createResourceServer, type IssuerOptions } from 'portcullis'
import {
  auth0,
  authentik,
  clerk,
  clerkSession,
  cloudflareAccess,
  cognito,
  entra,
  entraTenants,
  firebase,
  githubActions,
  gitlabCi,
  googleServiceIdentity,
  keycloak,
  okta,
  spiffe,
  supabase,
  workos,
  zitadel,
} from 'portcullis/providers'
import { createSigningKey } from 'portcullis/testing'
import { describe, expect, it } from 'vitest'

const resource = 'https://api.example.com'
const tenant = '9f5a2c3e-1111-4000-8000-000000000001'
const other = '9f5a2c3e-2222-4000-8000-000000000002'
const serverOf = (issuer: IssuerOptions | readonly IssuerOptions[]) => createResourceServer({ resource, issuer })

describe('parameters of presets', () => {
  it.each<[string, () => unknown]>([
    ['a domain with a scheme', () => auth0({ domain: 'https://example.auth0.com' })],
    ['a domain with a path', () => workos({ domain: 'example.authkit.app/x' })],
    ['the admin host', () => okta({ domain: 'example-admin.okta.com' })],
    ['a path as authorization server', () => okta({ domain: 'example.okta.com', authorizationServer: '../x' })],
    ['common as tenant', () => entra({ tenant: 'common', audience: 'a' })],
    ['organizations as tenant', () => entraTenants({ tenants: [tenant, 'organizations'], audience: 'a' })],
    ['no tenants', () => entraTenants({ tenants: [], audience: 'a' })],
    ['a star as tenant', () => entra({ tenant: '*', audience: 'a' })],
    ['no service account', () => googleServiceIdentity({ serviceAccounts: [] })],
    ['a person as service account', () => googleServiceIdentity({ serviceAccounts: ['a@gmail.com'] })],
    ['no repository', () => githubActions({ repositoryIds: [] })],
    ['neither repository nor owner', () => githubActions({} as never)],
    ['a repository by name', () => githubActions({ repositoryIds: ['octo-org/octo-repo'] })],
    ['no project', () => gitlabCi({ projectIds: [] })],
    ['neither project nor group', () => gitlabCi({} as never)],
    ['a number as id', () => gitlabCi({ namespaceIds: [72] as never })],
    ['no client', () => cognito({ userPoolId: 'eu-central-1_AbC', clientIds: [] })],
    ['a pool without a region', () => cognito({ userPoolId: 'AbC', clientIds: ['a'] })],
    ['an empty list of clients', () => clerk({ issuer: 'https://clerk.test', clientIds: [] })],
    ['no origin', () => clerkSession({ issuer: 'https://clerk.test', origins: [] })],
    ['an origin with a path', () => clerkSession({ issuer: 'https://clerk.test', origins: ['https://a.test/'] })],
    ['a URL as project', () => supabase({ project: 'https://abc.supabase.co' })],
    ['a path as project', () => firebase({ project: 'a/b' })],
    ['a path as team', () => cloudflareAccess({ team: 'a.b', audience: 'x' })],
    ['a scheme before the trust domain', () => spiffe({ issuer: 'https://a.test', trustDomain: 'spiffe://a' })],
    ['a slash in the trust domain', () => spiffe({ issuer: 'https://a.test', trustDomain: 'a/b' })],
    ['no project of Zitadel', () => zitadel({ issuer: 'https://a.test', projectId: '' })],
    ['a path as application', () => authentik({ host: 'a.test', application: 'a/b', clientId: 'c' })],
  ])('refuse %s, and say what is wanted', (_what, call) => {
    expect(call).toThrow(TypeError)
    expect(call).toThrow(/takes a (?:text|list) such as/)
  })
})

describe('presets', () => {
  it('compose: what is spread over them counts', () => {
    const issuer = { ...entra({ tenant, audience: 'api' }), clockToleranceSeconds: 5, audience: 'other' }
    expect(issuer).toMatchObject({ clockToleranceSeconds: 5, audience: 'other', tokenTypes: ['JWT'] })
    expect(() => serverOf(issuer)).not.toThrow()
  })

  it('share nothing: changing one result changes no other', () => {
    const first = keycloak({ issuer: 'https://id.test' })
    ;(first.tokenTypes as string[]).push('anything')
    expect(keycloak({ issuer: 'https://id.test' }).tokenTypes).toEqual(['at+jwt', 'JWT'])
  })

  it('[REAL-34] read the roles of Auth0 from `permissions`, and from a claim of yours where there is one', () => {
    const domain = 'example.auth0.com'
    const rolesClaim = 'https://example.com/roles'
    expect(auth0({ domain }).claimProfile?.roles).toBe('permissions')
    expect(auth0({ domain, rolesClaim }).claimProfile?.roles).toEqual([rolesClaim, 'permissions'])
    expect(() => serverOf(auth0({ domain }))).not.toThrow()
  })

  it('take the tenants of Entra one by one', () => {
    const issuers = entraTenants({ tenants: [tenant, other.toUpperCase()], audience: 'api' })
    expect(issuers.map(({ issuer }) => issuer)).toEqual([
      `https://login.microsoftonline.com/${tenant}/v2.0`,
      `https://login.microsoftonline.com/${other}/v2.0`,
    ])
    expect(issuers[0]).toEqual(entra({ tenant, audience: 'api' }))
    expect(() => serverOf(issuers)).not.toThrow()
  })

  it.each<[string | undefined, boolean]>([
    [undefined, true],
    ['https://login.microsoftonline.com/{tenantid}/v2.0', true],
    [`https://login.microsoftonline.com/${tenant}/v2.0`, true],
    [`https://login.microsoftonline.com/${other}/v2.0`, false],
    ['https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0', false],
  ])('[REAL-02] let a key of Entra whose issuer is %s sign for the tenant: %s', (issuer, usable) => {
    const { publicJwk } = createSigningKey({ algorithm: 'RS256' })
    const keys = [{ ...publicJwk, ...(issuer !== undefined && { issuer }) }]
    const make = () => serverOf({ ...entra({ tenant, audience: 'api' }), jwksUri: undefined, keys })
    if (usable) expect(make).not.toThrow()
    else expect(make).toThrow(/not as keyConditions demands/)
  })
})
