import type { ClaimsSchema } from '../../index.js'
import type { ContractSettings } from './contract-row.js'
import { bearer, type ContractRow, invalidToken, metadata, refusedJson, resource } from './contract-row.js'

const lacksScope = (scope: string) => [
  `Bearer error="insufficient_scope", scope="${scope}", ${metadata}, error_description="The access token does not grant the required scope"`,
]

/** What `/nested` makes of a scope: read, and mail or the whole of the calendar. */
const nested: readonly ContractRow[] = [
  ...['read mail:read', 'calendar:list calendar:read read'].map((scope) => ({
    title: `[BEAR-12] [BEAR-13] finds "${scope}" enough for a nested expression`,
    request: ({ issuer }: Parameters<ContractRow['request']>[0]) => ({
      path: '/nested',
      fields: bearer(issuer.mintToken({ scope })),
    }),
    status: 200,
  })),
  ...(
    [
      ['read', 'read mail:read'],
      ['mail:read', 'read mail:read'],
      ['read calendar:list', 'read mail:read'],
      ['calendar:read calendar:list', 'read calendar:read calendar:list'],
      ['', 'read mail:read'],
    ] as const
  ).map(([scope, needed]) => ({
    title: `[E-05] [C-33] [MCP-08] names "${needed}" to a token with "${scope}"`,
    request: ({ issuer }: Parameters<ContractRow['request']>[0]) => ({
      path: '/nested',
      fields: bearer(issuer.mintToken({ scope })),
    }),
    status: 403,
    challenges: lacksScope(needed),
  })),
]

/** Claims whose `plan`, if there is one, is free or paid. */
const planSchema: ClaimsSchema = {
  '~standard': {
    version: 1,
    vendor: 'contract',
    validate(value) {
      const { plan = 'free' } = value as { plan?: unknown }
      return plan === 'free' || plan === 'paid' ? { value } : { issues: [{ message: 'an unknown plan' }] }
    },
  },
}

/** What an application may decide about good tokens: a hierarchy of scopes, a schema for claims, revocation. */
export const policySettings: ContractSettings = {
  name: 'has a scope hierarchy, a claims schema and a word on revocation',
  options: () => ({
    implies: { 'mail:all': ['mail:write'], 'mail:write': 'mail:read' },
    claims: planSchema,
    isRevoked(auth) {
      if (auth.subject === 'unsure') return Promise.reject(new Error('a secret of the deny list'))
      return Promise.resolve(auth.subject === 'revoked')
    },
  }),
  rows: [
    {
      title: '[MCP-09] lets a scope suffice that implies the needed one',
      request: ({ issuer }) => ({ path: '/mail', fields: bearer(issuer.mintToken({ scope: 'mail:write' })) }),
      status: 200,
    },
    {
      title: '[MCP-09] follows the hierarchy over several levels',
      request: ({ issuer }) => ({ path: '/mail', fields: bearer(issuer.mintToken({ scope: 'mail:all' })) }),
      status: 200,
    },
    {
      title: '[MCP-09] [BEAR-13] knows no hierarchy by prefix',
      request: ({ issuer }) => ({ path: '/mail', fields: bearer(issuer.mintToken({ scope: 'mail' })) }),
      status: 403,
      challenges: lacksScope('mail:read'),
    },
    {
      title: '[BEAR-13] wants all scopes of a list',
      request: ({ issuer }) => ({ path: '/all', fields: bearer(issuer.mintToken({ scope: 'write' })) }),
      status: 403,
      challenges: lacksScope('read write'),
    },
    {
      title: '[BEAR-13] takes them in any order, twice or not',
      request: ({ issuer }) => ({ path: '/all', fields: bearer(issuer.mintToken({ scope: 'write read write' })) }),
      status: 200,
    },
    {
      title: '[BEAR-13] takes case for what it is',
      request: ({ issuer }) => ({ path: '/all', fields: bearer(issuer.mintToken({ scope: 'Read Write' })) }),
      status: 403,
      challenges: lacksScope('read write'),
    },
    ...nested,
    {
      title: '[E-04] refuses claims that do not fit the schema, and does not repeat them',
      request: ({ issuer }) => ({ path: '/me', fields: bearer(issuer.mintToken({ plan: 'stolen-plan' })) }),
      status: 401,
      challenges: invalidToken('A claim of the access token has an unusable value'),
      check: ({ body }) => {
        if (body.includes('stolen-plan')) throw new Error('a claim value is in the answer')
      },
    },
    {
      title: '[E-04] accepts claims that fit the schema',
      request: ({ issuer }) => ({ path: '/me', fields: bearer(issuer.mintToken({ sub: 'alice', plan: 'paid' })) }),
      status: 200,
      body: { subject: 'alice', scheme: 'Bearer', resource, scope: 'read' },
    },
    {
      title: '[BEAR-09] [E-04] refuses a token the application calls revoked',
      request: ({ issuer }) => ({ path: '/me', fields: bearer(issuer.mintToken({ sub: 'revoked' })) }),
      status: 401,
      challenges: invalidToken('The access token was revoked'),
      fields: refusedJson,
    },
    {
      title: '[STEP-06] tells a revoked token nothing of what the route demands',
      request: ({ issuer }) => ({ path: '/gold', fields: bearer(issuer.mintToken({ sub: 'revoked' })) }),
      status: 401,
      challenges: invalidToken('The access token was revoked'),
    },
    {
      title: '[E-13] [C-17] answers 503 without a challenge when revocation cannot be asked about',
      request: ({ issuer }) => ({ path: '/me', fields: bearer(issuer.mintToken({ sub: 'unsure' })) }),
      status: 503,
      fields: { ...refusedJson, 'Retry-After': ['5'] },
      body: {
        error: 'temporarily_unavailable',
        error_description: 'A store this server depends on cannot be reached',
      },
    },
  ],
}
