import {
  algs,
  bearer,
  type ContractKit,
  type ContractRow,
  invalidToken,
  metadata,
  proven,
  refusedJson,
} from './contract-row.js'

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
    title: '[E-05] [BEAR-09] answers a refusal that a handler throws as a guard would',
    request: ({ issuer }) => ({ path: '/insists', fields: bearer(issuer.mintToken()) }),
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
    title: '[E-06] [STEP-01] asks a DPoP client on its own scheme, and says nothing on the other one',
    request: (kit) => ({ path: '/gold', fields: proven(kit, '/gold') }),
    status: 401,
    challenges: [
      `DPoP error="insufficient_user_authentication", acr_values="gold silver", max_age="300", ${algs}, ${metadata}, error_description="A more recent or stronger authentication is required"`,
    ],
  },
  {
    title: '[E-06] [STEP-04] asks again when the authentication has grown too old',
    request({ issuer }) {
      const { iat } = issuer.tokenParts().payload
      return { path: '/gold', fields: bearer(issuer.mintToken({ acr: 'gold', auth_time: Number(iat) - 361 })) }
    },
    status: 401,
    challenges: [
      `Bearer error="insufficient_user_authentication", acr_values="gold silver", max_age="300", ${metadata}, error_description="A more recent or stronger authentication is required"`,
    ],
  },
  {
    title: '[C-27] [STEP-02] asks for the missing authentication and scope in one challenge',
    request: ({ issuer }) => ({ path: '/strong-mail', fields: bearer(issuer.mintToken()) }),
    status: 401,
    challenges: [
      `Bearer error="insufficient_user_authentication", acr_values="gold", max_age="0", scope="mail:read", ${metadata}, error_description="A more recent or stronger authentication is required"`,
    ],
    body: {
      error: 'insufficient_user_authentication',
      error_description: 'A more recent or stronger authentication is required',
    },
  },
  {
    title: '[C-27] does not ask for a scope the token has',
    request: ({ issuer }) => ({ path: '/strong-mail', fields: bearer(issuer.mintToken({ scope: 'mail:read' })) }),
    status: 401,
    challenges: [
      `Bearer error="insufficient_user_authentication", acr_values="gold", max_age="0", ${metadata}, error_description="A more recent or stronger authentication is required"`,
    ],
  },
  {
    title: '[STEP-06] tells a token that is not good nothing of what the route demands',
    request: ({ issuer }) => ({ path: '/gold', fields: bearer(issuer.mintToken({}, { tamper: 'signature' })) }),
    status: 401,
    challenges: invalidToken('The signature of the access token is not valid'),
  },
  ...(
    [
      ['[C-26]', 'of a token that has none', undefined],
      ['[C-26] [RAR-03]', 'that the application finds wanting', [{ type: 'payment', amount: 11 }]],
      ['[RAR-02]', 'of an unknown type', [{ type: 'refund', amount: 10 }]],
      ['[RAR-04]', 'for another resource', [{ type: 'payment', amount: 10, locations: ['https://api.example.com'] }]],
    ] as const
  ).map(([ids, what, details]) => ({
    title: `${ids} [E-05] refuses authorization details ${what}, and names no scope`,
    request: ({ issuer }: ContractKit) => ({
      path: '/payments',
      fields: bearer(issuer.mintToken({ authorization_details: details })),
    }),
    status: 403,
    challenges: [
      `Bearer error="insufficient_scope", ${metadata}, error_description="The access token does not carry the required authorization details"`,
    ],
    body: {
      error: 'insufficient_scope',
      error_description: 'The access token does not carry the required authorization details',
    },
  })),
  {
    title: '[REAL-34] denies a token without the roles, without a challenge',
    request: ({ issuer }) => ({
      path: '/staff',
      fields: bearer(issuer.mintToken({ roles: ['staff', 'night shift'] })),
    }),
    status: 403,
    challenges: [],
    body: { error: 'access_denied', error_description: 'The access token does not grant the required role' },
  },
  {
    title: '[REAL-34] lets a token with the roles through',
    request: ({ issuer }) => ({
      path: '/staff',
      fields: bearer(issuer.mintToken({ roles: ['Night shift', 'staff'] })),
    }),
    status: 200,
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
    title:
      '[E-14] [E-15] leaves a fault of the application in a guard to the framework, which tells the client nothing',
    request: ({ issuer }) => ({ path: '/faulty', fields: bearer(issuer.mintToken()) }),
    status: 500,
    check: ({ body }) => {
      if (body.includes('secret')) throw new Error(body)
    },
  },
]
