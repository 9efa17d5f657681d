import { bearer, type ContractRow, metadata, refused, refusedJson } from './row.js'

/** Good tokens that do not suffice (E-05, E-06, E-12). */
export const insufficient: readonly ContractRow[] = [
  {
    title: '[E-05] [BEAR-09] [MCP-08] refuses a token without the scope, and names it',
    request: ({ issuer }) => ({ path: '/mail', fields: bearer(issuer.mintToken({ scope: 'mail:readonly mail' })) }),
    status: 403,
    challenges: [
      `Bearer error="insufficient_scope", scope="mail:read", ${metadata}, error_description="The access token does not grant the required scope"`,
    ],
    fields: refusedJson,
    body: { error: 'insufficient_scope', error_description: 'The access token does not grant the required scope' },
  },
  {
    title: '[E-06] [STEP-01] [STEP-02] asks for a better and more recent authentication',
    request: ({ issuer }) => ({ path: '/gold', fields: bearer(issuer.mintToken({ acr: 'bronze' })) }),
    status: 401,
    challenges: [
      `Bearer error="insufficient_user_authentication", acr_values="gold silver", max_age="300", ${metadata}, error_description="A more recent or stronger authentication is required"`,
    ],
    fields: refusedJson,
  },
  {
    title: '[E-12] denies what the application denies, without a challenge',
    request: ({ issuer }) => ({ path: '/tenant', fields: bearer(issuer.mintToken({ tenant: 'other' })) }),
    status: 403,
    fields: refusedJson,
    body: {
      error: 'access_denied',
      error_description: 'The access token does not meet the requirements of this route',
    },
  },
]

/** Faults of the application (E-14). */
export const faults: readonly ContractRow[] = [
  {
    title: '[E-14] [E-15] answers a fault of the application in a guard with 500 and not a word',
    request: ({ issuer }) => ({ path: '/faulty', fields: bearer(issuer.mintToken()) }),
    status: 500,
    fields: { ...refused, 'Content-Type': [] },
    body: '',
  },
  {
    title: '[E-14] leaves errors of the handler to the framework',
    request: ({ issuer }) => ({ path: '/throws', fields: bearer(issuer.mintToken()) }),
    status: 500,
  },
]
