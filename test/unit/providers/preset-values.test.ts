import type { IssuerOptions } from 'portcullis'
import {
  auth0,
  authentik,
  clerk,
  clerkSession,
  cloudflareAccess,
  cognito,
  duende,
  entra,
  entraTenants,
  firebase,
  github,
  githubActions,
  gitlabCi,
  googleIap,
  googleServiceIdentity,
  hydra,
  keycloak,
  kubernetes,
  okta,
  rfc9068,
  spiffe,
  springAuthorizationServer,
  supabase,
  workos,
  zitadel,
} from 'portcullis/providers'
import { describe, expect, it } from 'vitest'

const present = { present: true }
const absent = { present: false }
const issuer = 'https://id.test'
const tenant = '9f5a2c3e-1111-4000-8000-000000000001'
const noClient = ['jti', 'client_id']

/** A preset, and all that it says to the server: where keys are, what signs, what shows the kind, and how claims are read. */
const values: readonly (readonly [name: string, make: () => IssuerOptions, value: object])[] = [
  ['rfc9068', () => rfc9068({ issuer }), { issuer, tokenTypes: ['at+jwt'] }],
  [
    'keycloak',
    () => keycloak({ issuer, clientId: 'app' }),
    {
      issuer,
      tokenTypes: ['at+jwt', 'JWT'],
      accessTokenEvidence: { typ: ['Bearer', 'DPoP'] },
      claimProfile: {
        clientId: ['client_id', 'azp'],
        scope: 'scope',
        roles: [['resource_access', 'app', 'roles'], 'realm_access.roles'],
        clientToken: { preferred_username: { startsWith: 'service-account-' }, client_id: present },
      },
    },
  ],
  [
    'auth0',
    () => auth0({ domain: 'a.eu.auth0.com', rolesClaim: 'https://a.test/roles' }),
    {
      issuer: 'https://a.eu.auth0.com/',
      algorithms: ['RS256', 'PS256'],
      tokenTypes: ['at+jwt', 'JWT'],
      accessTokenEvidence: [
        { azp: present, scope: present },
        { azp: present, permissions: present },
        { azp: present, gty: present },
      ],
      claimProfile: {
        clientId: ['client_id', 'azp'],
        scope: 'scope',
        roles: ['https://a.test/roles', 'permissions'],
        tenant: 'org_id',
        clientToken: [{ gty: 'client-credentials' }, { sub: { endsWith: '@clients' }, client_id: present }],
      },
      optionalClaims: ['jti'],
    },
  ],
  [
    'okta',
    () => okta({ domain: 'a.okta.com' }),
    {
      issuer: 'https://a.okta.com/oauth2/default',
      tokenTypes: [null, 'at+jwt'],
      accessTokenEvidence: { cid: present },
      claimProfile: {
        clientId: ['cid', 'client_id'],
        scope: ['scp', 'scope'],
        roles: 'groups',
        userToken: { uid: present },
      },
    },
  ],
  ...([1, 2] as const).map((version) => {
    const client = version === 1 ? 'appid' : 'azp'
    const common = { tid: tenant, ver: `${version}.0`, [client]: present }
    const login = 'https://login.microsoftonline.com'
    const issuers = [`https://sts.windows.net/${tenant}/`, `${login}/${tenant}/v2.0`]
    const anyTenant = [`${login}/{tenantid}/v2.0`, 'https://sts.windows.net/{tenantid}/']
    return [
      `entra, version ${version}`,
      () => entra({ tenant: tenant.toUpperCase(), audience: 'api', version }),
      {
        issuer: issuers[version - 1],
        audience: 'api',
        algorithms: ['RS256'],
        jwksUri: `${login}/${tenant}/discovery/${version === 1 ? '' : 'v2.0/'}keys`,
        keyConditions: [{ issuer: [...issuers, ...anyTenant] }, { issuer: absent }],
        tokenTypes: ['JWT'],
        accessTokenEvidence: [
          { ...common, scp: present },
          { ...common, roles: present },
        ],
        claimProfile: {
          clientId: client,
          scope: 'scp',
          roles: 'roles',
          tenant: 'tid',
          clientToken: { idtyp: 'app' },
          userToken: { scp: present },
        },
        optionalClaims: ['jti'],
      },
    ] as const
  }),
  [
    'googleServiceIdentity',
    () => googleServiceIdentity({ serviceAccounts: ['a@b.iam.gserviceaccount.com'] }),
    {
      issuer: 'https://accounts.google.com',
      algorithms: ['RS256'],
      jwksUri: 'https://www.googleapis.com/oauth2/v3/certs',
      tokenTypes: ['JWT'],
      accessTokenEvidence: { email: ['a@b.iam.gserviceaccount.com'], email_verified: true },
      claimProfile: { clientId: 'azp' },
      optionalClaims: noClient,
    },
  ],
  [
    'googleIap',
    () => googleIap({ audience: '/projects/1/apps/a' }),
    {
      issuer: 'https://cloud.google.com/iap',
      audience: '/projects/1/apps/a',
      algorithms: ['ES256'],
      jwksUri: 'https://www.gstatic.com/iap/verify/public_key-jwk',
      tokenHeader: 'X-Goog-IAP-JWT-Assertion',
      tokenTypes: ['JWT', null],
      accessTokenEvidence: { iss: 'https://cloud.google.com/iap' },
      optionalClaims: noClient,
      clockToleranceSeconds: 30,
    },
  ],
  [
    'github',
    () => github({ clientId: 'Iv1.8a', credential: 'the secret' as never }),
    {
      issuer: 'https://github.com/login/oauth',
      audienceFrom: { claims: { client_id: ['Iv1.8a'] } },
      introspection: {
        endpoint: 'https://api.github.com/applications/Iv1.8a/token',
        credential: 'the secret',
        introspectJwts: true,
        tokenCheck: {
          tokenMember: 'access_token',
          claims: {
            sub: 'user.id',
            client_id: 'app.client_id',
            scope: 'scopes',
            preferred_username: 'user.login',
          },
          headers: { accept: 'application/vnd.github+json', 'user-agent': 'portcullis' },
        },
      },
      claimProfile: { clientId: 'client_id', scope: 'scope', userToken: { preferred_username: present } },
    },
  ],
  ...[
    [{ repositoryIds: ['7'] }, { repository_id: ['7'] }] as const,
    [{ repositoryOwnerIds: ['8'] }, { repository_id: present, repository_owner_id: ['8'] }] as const,
  ].map(
    ([given, evidence]) =>
      [
        `githubActions of ${Object.keys(given)}`,
        () => githubActions(given as never),
        {
          issuer: 'https://token.actions.githubusercontent.com',
          algorithms: ['RS256'],
          tokenTypes: ['JWT'],
          accessTokenEvidence: { run_id: present, ...evidence },
          claimProfile: { tenant: 'repository_owner_id', clientToken: { run_id: present } },
          optionalClaims: ['client_id'],
        },
      ] as const,
  ),
  ...[
    [{ projectIds: ['7'] }, { project_id: ['7'] }] as const,
    [{ namespaceIds: ['8'] }, { project_id: present, namespace_id: ['8'] }] as const,
  ].map(
    ([given, evidence]) =>
      [
        `gitlabCi of ${Object.keys(given)}`,
        () => gitlabCi(given as never),
        {
          issuer: 'https://gitlab.com',
          algorithms: ['RS256'],
          tokenTypes: ['JWT'],
          accessTokenEvidence: { job_id: present, ...evidence },
          claimProfile: { tenant: 'namespace_id', clientToken: { job_id: present } },
          optionalClaims: noClient,
        },
      ] as const,
  ),
  [
    'cognito',
    () => cognito({ userPoolId: 'eu-central-1_AbC', clientIds: ['app'] }),
    {
      issuer: 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbC',
      audienceFrom: { claims: { client_id: ['app'] } },
      algorithms: ['RS256'],
      tokenTypes: [null],
      accessTokenEvidence: { token_use: 'access' },
      claimProfile: {
        clientId: 'client_id',
        scope: 'scope',
        roles: 'cognito:groups',
        userToken: { username: present },
      },
      optionalClaims: ['jti'],
    },
  ],
  [
    'clerk',
    () => clerk({ issuer, clientIds: ['app'] }),
    {
      issuer,
      audienceFrom: { claims: { client_id: ['app'] } },
      algorithms: ['RS256'],
      tokenTypes: ['at+jwt'],
      claimProfile: { clientId: 'client_id', scope: ['scope', 'scp'] },
      optionalClaims: ['jti'],
    },
  ],
  [
    'clerkSession',
    () => clerkSession({ issuer, origins: ['http://a.test'] }),
    {
      issuer,
      audienceFrom: { claims: { azp: ['http://a.test'] } },
      algorithms: ['RS256'],
      headerConditions: [{ cat: ['cl_B7d4PD111AAA', 'cl_I7d4PD111III'] }, { cat: absent }],
      tokenTypes: ['JWT'],
      accessTokenEvidence: [
        { sid: present, azp: ['http://a.test'], sts: { not: 'pending' } },
        { sid: present, azp: ['http://a.test'], sts: absent },
      ],
      claimProfile: { roles: ['o.rol', 'org_role'], tenant: ['o.id', 'org_id'], userToken: { sid: present } },
      optionalClaims: noClient,
    },
  ],
  ...[true, false].map((guests) => {
    const user = { session_id: present, role: present }
    const registered = [
      { ...user, is_anonymous: false },
      { ...user, is_anonymous: absent },
    ]
    return [
      guests ? 'supabase with guests' : 'supabase',
      () => supabase({ project: 'abc', ...(guests && { guests }) }),
      {
        issuer: 'https://abc.supabase.co/auth/v1',
        audience: 'authenticated',
        algorithms: ['ES256', 'RS256'],
        tokenTypes: ['JWT'],
        accessTokenEvidence: guests ? user : registered,
        claimProfile: {
          clientId: 'client_id',
          scope: 'scope',
          roles: 'role',
          userToken: { session_id: present },
        },
        optionalClaims: noClient,
      },
    ] as const
  }),
  ...[true, false].map(
    (guests) =>
      [
        guests ? 'firebase with guests' : 'firebase',
        () => firebase({ project: 'abc', ...(guests && { guests }) }),
        {
          issuer: 'https://securetoken.google.com/abc',
          audience: 'abc',
          algorithms: ['RS256'],
          jwksUri: 'https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com',
          tokenTypes: ['JWT'],
          accessTokenEvidence: guests ? { firebase: present } : { 'firebase.sign_in_provider': { not: 'anonymous' } },
          claimProfile: { roles: 'roles', tenant: 'firebase.tenant', userToken: { firebase: present } },
          optionalClaims: noClient,
        },
      ] as const,
  ),
  [
    'workos',
    () => workos({ domain: 'a.authkit.app' }),
    {
      issuer: 'https://a.authkit.app',
      algorithms: ['RS256'],
      tokenTypes: ['at+jwt', 'JWT'],
      accessTokenEvidence: [{ client_id: present, scope: present }, { client_id: { sameAs: 'sub' } }],
      claimProfile: {
        clientId: 'client_id',
        scope: 'scope',
        roles: ['roles', 'role', 'permissions'],
        tenant: 'org_id',
      },
    },
  ],
  [
    'kubernetes',
    () => kubernetes({ issuer, jwksUri: `${issuer}/jwks` }),
    {
      issuer,
      jwksUri: `${issuer}/jwks`,
      tokenTypes: [null],
      accessTokenEvidence: { 'kubernetes.io': present, sub: { startsWith: 'system:serviceaccount:' } },
      claimProfile: {
        tenant: [['kubernetes.io', 'namespace']],
        clientToken: { sub: { startsWith: 'system:serviceaccount:' } },
      },
      optionalClaims: noClient,
    },
  ],
  [
    'spiffe',
    () => spiffe({ issuer, trustDomain: 'a.test', jwksUri: `${issuer}/jwks` }),
    {
      issuer,
      algorithms: ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512'],
      jwksUri: `${issuer}/jwks`,
      keyUses: ['sig', 'jwt-svid'],
      tokenTypes: ['JWT', 'JOSE', null],
      accessTokenEvidence: { sub: { startsWith: 'spiffe://a.test/' } },
      claimProfile: { clientToken: { sub: { startsWith: 'spiffe://a.test/' } } },
      optionalClaims: ['jti', 'client_id', 'iat'],
    },
  ],
  [
    'hydra',
    () => hydra({ issuer }),
    {
      issuer,
      tokenTypes: ['JWT'],
      accessTokenEvidence: [
        { client_id: present, scp: present },
        { client_id: present, scope: present },
      ],
      claimProfile: { clientId: 'client_id', scope: ['scp', 'scope'], roles: 'ext.roles' },
      optionalLogoutClaims: ['exp'],
    },
  ],
  [
    'zitadel',
    () => zitadel({ issuer, projectId: '12' }),
    {
      issuer,
      audience: '12',
      tokenTypes: ['JWT'],
      accessTokenEvidence: { jti: present, auth_time: absent },
      claimProfile: {
        clientId: ['client_id', 'azp'],
        scope: 'scope',
        roles: { claim: 'urn:zitadel:iam:org:project:12:roles', form: 'object-keys' },
        tenant: 'urn:zitadel:iam:user:resourceowner:id',
      },
    },
  ],
  [
    'authentik',
    () => authentik({ host: 'id.test', application: 'app', clientId: 'c' }),
    {
      issuer: 'https://id.test/application/o/app/',
      audience: 'c',
      tokenTypes: ['JWT'],
      accessTokenEvidence: { azp: present, uid: present },
      claimProfile: { clientId: 'azp', scope: 'scope', roles: 'groups' },
      optionalClaims: ['jti'],
    },
  ],
  [
    'cloudflareAccess',
    () => cloudflareAccess({ team: 'a', audience: 'tag' }),
    {
      issuer: 'https://a.cloudflareaccess.com',
      audience: 'tag',
      algorithms: ['RS256'],
      jwksUri: 'https://a.cloudflareaccess.com/cdn-cgi/access/certs',
      tokenHeader: 'Cf-Access-Jwt-Assertion',
      tokenTypes: ['JWT'],
      accessTokenEvidence: { type: 'app' },
      claimProfile: {
        clientId: 'common_name',
        subjectStandIn: 'common_name',
        userToken: { common_name: absent },
      },
      optionalClaims: noClient,
    },
  ],
  [
    'duende',
    () => duende({ issuer }),
    { issuer, tokenTypes: ['at+jwt'], claimProfile: { subjectStandIn: 'client_id', scope: 'scope', roles: 'role' } },
  ],
  [
    'springAuthorizationServer',
    () => springAuthorizationServer({ issuer, clientIds: ['app'] }),
    {
      issuer,
      audience: ['app'],
      tokenTypes: [null, 'at+jwt'],
      accessTokenEvidence: { nbf: present, azp: absent },
      claimProfile: { clientId: 'client_id', scope: 'scope' },
      optionalClaims: ['client_id'],
    },
  ],
]

/** What is left out of a preset where its parameter is left out. */
const leftOut: readonly (readonly [name: string, make: () => IssuerOptions, member: keyof IssuerOptions])[] = [
  ['clerk', () => clerk({ issuer }), 'audienceFrom'],
  ['kubernetes', () => kubernetes({ issuer }), 'jwksUri'],
  ['spiffe', () => spiffe({ issuer, trustDomain: 'a.test' }), 'jwksUri'],
  ['springAuthorizationServer', () => springAuthorizationServer({ issuer }), 'audience'],
]

const long = 'eu-central-1_AbC'
const id = tenant

/** Parameters that differ from a good one by a single character or part. */
const nearMisses: readonly (readonly [name: string, make: (given: string) => unknown, given: readonly string[]])[] = [
  ['a host', (domain) => auth0({ domain }), ['-a.test', 'a.test-', 'a.test:', 'a.test:x', 'a.test:1x', 'a_b.test', '']],
  ['a host of Okta', (domain) => okta({ domain }), ['a-admin.okta.com', '-a.okta.com', 'a.okta.com/', 'a.okta.com-']],
  [
    'a GUID',
    (one) => entra({ tenant: one, audience: 'a' }),
    [
      `x${id}`,
      `${id}x`,
      id.slice(1),
      id.slice(0, -1),
      `${id.slice(0, 8)}-${id.slice(9, 13)}`,
      id.replace('1111', '111g'),
    ],
  ],
  ['a number', (one) => githubActions({ repositoryIds: [one] }), ['x1', '1x', '']],
  ['a word', (team) => cloudflareAccess({ team, audience: 'a' }), ['.a', 'a.', '']],
  [
    'a pool',
    (userPoolId) => cognito({ userPoolId, clientIds: ['a'] }),
    [`x${long}`, `${long}-`, 'eu-1_A', 'eu-central-_A', 'eu-central-1_', 'eur-central-1_A', 'eu-1-1_A'],
  ],
  [
    'an origin',
    (one) => clerkSession({ issuer, origins: [one] }),
    ['xhttps://a.test', 'https://a.test/', 'ftp://a.test', 'https://', 'https://a b'],
  ],
  [
    'a service account',
    (one) => googleServiceIdentity({ serviceAccounts: [one] }),
    [
      '@a.gserviceaccount.com',
      'a b@a.gserviceaccount.com',
      'a@b@c.gserviceaccount.com',
      'a@gserviceaccount.com',
      'a@a.gserviceaccount.comx',
      'a@aXgserviceaccount.com',
      'a@a.gserviceaccountXcom',
      'a@a/b.gserviceaccount.com',
    ],
  ],
  ['a trust domain', (trustDomain) => spiffe({ issuer, trustDomain }), ['A.test', 'a.test/', '/a.test', '']],
  ['a client of GitHub', (clientId) => github({ clientId, credential: 'x' as never }), ['/a', 'a/', '../a', '']],
]

describe('presets', () => {
  it.each(values)('[REAL-02] %s says all of this to the server, and no more', (_name, make, value) => {
    expect(make()).toStrictEqual(value)
  })

  it.each(leftOut)('[REAL-02] %s says nothing of what it is not told', (_name, make, member) => {
    expect(make()).not.toHaveProperty(member)
  })

  it.each(nearMisses)('[REAL-02] refuse what is nearly %s', (_name, make, given) => {
    for (const one of given) expect(() => make(one), one).toThrow(TypeError)
  })

  it('[REAL-02] read the roles of the realm alone where keycloak is told no client', () => {
    expect(keycloak({ issuer }).claimProfile?.roles).toEqual(['realm_access.roles'])
  })

  it.each(['us-gov-west-1_AbC', 'eu-central-12_AbC'])('[REAL-02] find the region of the pool %s', (userPoolId) => {
    const [region] = userPoolId.split('_')
    const { issuer: address } = cognito({ userPoolId, clientIds: ['a'] })
    expect(address).toBe(`https://cognito-idp.${region}.amazonaws.com/${userPoolId}`)
  })

  it('take hosts with a port, in upper case, and of one character', () => {
    expect(auth0({ domain: 'A.test:8443' }).issuer).toBe('https://A.test:8443/')
    expect(auth0({ domain: 'a' }).issuer).toBe('https://a/')
    expect(okta({ domain: 'ADMIN.okta.com' }).issuer).toBe('https://ADMIN.okta.com/oauth2/default')
    expect(okta({ domain: 'a.x-admin.test' }).issuer).toBe('https://a.x-admin.test/oauth2/default')
  })

  it.each<[string, () => unknown]>([
    ['auth0: `domain`', () => auth0({ domain: '' })],
    ['okta: `domain`', () => okta({ domain: '' })],
    ['okta: `authorizationServer`', () => okta({ domain: 'a.okta.com', authorizationServer: '' })],
    ['entra: `tenant`', () => entra({ tenant: '', audience: 'a' })],
    ['entraTenants: `tenants`', () => entraTenants({ tenants: [], audience: 'a' })],
    ['entraTenants: `tenants`', () => entraTenants({ tenants: ['common'], audience: 'a' })],
    ['workos: `domain`', () => workos({ domain: '' })],
    ['zitadel: `projectId`', () => zitadel({ issuer, projectId: '' })],
    ['authentik: `application`', () => authentik({ host: 'a', application: '', clientId: 'c' })],
    ['authentik: `host`', () => authentik({ host: '', application: 'a', clientId: 'c' })],
    ['cloudflareAccess: `team`', () => cloudflareAccess({ team: '', audience: 'a' })],
    ['spiffe: `trustDomain`', () => spiffe({ issuer, trustDomain: '' })],
    ['supabase: `project`', () => supabase({ project: '' })],
    ['firebase: `project`', () => firebase({ project: '' })],
    ['github: `clientId`', () => github({ clientId: '', credential: 'x' as never })],
    ['cognito: `userPoolId`', () => cognito({ userPoolId: '', clientIds: ['a'] })],
    ['cognito: `clientIds`', () => cognito({ userPoolId: long, clientIds: [] })],
    ['clerk: `clientIds`', () => clerk({ issuer, clientIds: [] })],
    ['clerkSession: `origins`', () => clerkSession({ issuer, origins: [] })],
    ['googleServiceIdentity: `serviceAccounts`', () => googleServiceIdentity({ serviceAccounts: [] })],
    ['githubActions: `repositoryIds` or `repositoryOwnerIds`', () => githubActions({} as never)],
    ['gitlabCi: `projectIds` or `namespaceIds`', () => gitlabCi({} as never)],
  ])('name %s where it is wrong, with an example', (what, make) => {
    expect(make).toThrow(new RegExp(`^${what} takes a (text|list) such as \\W+\\w`))
  })
})
