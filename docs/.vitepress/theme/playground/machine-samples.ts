import { issuerField, type ProviderSample } from './provider-sample.js'

/** Presets for the tokens of machines and proxies, in which no user asks for scopes. */
export const machineSamples = {
  kubernetes: {
    title: 'Kubernetes service accounts',
    fields: [issuerField('https://kubernetes.default.svc.cluster.local')],
    typ: undefined,
    algorithm: 'RS256',
    claims: () => ({ sub: 'system:serviceaccount:shop:web', 'kubernetes.io': { namespace: 'shop' } }),
  },
  spiffe: {
    title: 'SPIFFE',
    fields: [
      issuerField('https://spire.example.org'),
      { name: 'trustDomain', label: 'Trust domain', value: 'example.org' },
    ],
    typ: 'JWT',
    algorithm: 'ES256',
    claims: ({ trustDomain }) => ({ sub: `spiffe://${trustDomain}/ns/shop/sa/web` }),
  },
  githubActions: {
    title: 'GitHub Actions',
    fields: [{ name: 'repositoryIds', label: 'Repositories, by id', value: '74', isList: true }],
    typ: 'JWT',
    algorithm: 'RS256',
    claims: ({ repositoryIds }) => ({
      sub: 'repo:octo-org/octo-repo:ref:refs/heads/main',
      repository_id: repositoryIds,
      repository_owner_id: '65',
      run_id: '100',
    }),
  },
  gitlabCi: {
    title: 'GitLab CI',
    fields: [
      issuerField('https://gitlab.com'),
      { name: 'projectIds', label: 'Projects, by id', value: '20', isList: true },
    ],
    typ: 'JWT',
    algorithm: 'RS256',
    claims: ({ projectIds }) => ({
      sub: 'project_path:acme/shop:ref_type:branch:ref:main',
      project_id: projectIds,
      namespace_id: '72',
      job_id: '302',
    }),
  },
  googleIap: {
    title: 'Google Identity-Aware Proxy',
    fields: [{ name: 'audience', label: 'Backend', value: '/projects/123456/global/backendServices/789' }],
    typ: 'JWT',
    algorithm: 'ES256',
    claims: () => ({ sub: 'accounts.google.com:1', email: 'alice@example.com' }),
  },
  googleServiceIdentity: {
    title: 'Google service accounts',
    fields: [
      {
        name: 'serviceAccounts',
        label: 'Service accounts',
        value: 'caller@my-project.iam.gserviceaccount.com',
        isList: true,
      },
    ],
    typ: 'JWT',
    algorithm: 'RS256',
    claims: ({ serviceAccounts }) => ({ sub: '1122', azp: '1122', email: serviceAccounts, email_verified: true }),
  },
  cloudflareAccess: {
    title: 'Cloudflare Access',
    fields: [
      { name: 'team', label: 'Team', value: 'example' },
      { name: 'audience', label: 'Audience tag', value: '32eafc7626e737136d1ee29b4e5b2cc2' },
    ],
    typ: 'JWT',
    algorithm: 'RS256',
    claims: () => ({ sub: '7335', type: 'app', email: 'alice@example.com' }),
  },
} satisfies Record<string, ProviderSample>
