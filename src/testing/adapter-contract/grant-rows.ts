import { bearer, type ContractRow, metadata, plainBearer, plainDpop, refusedJson } from './contract-row.js'

/** Routes whose handlers need tokens for other services. */
export const downstream: readonly ContractRow[] = [
  {
    title: '[TX-12] hands downstream tokens to the handler',
    request: ({ issuer }) => ({ path: '/calendar', fields: bearer(issuer.mintToken({ sub: 'alice' })) }),
    status: 200,
    body: { subject: 'alice', token: 'for https://calendar.test/' },
  },
  {
    title: '[REAL-24] keeps what the grants of a router brought where a guard of the route judges again',
    request: ({ issuer }) => ({ path: '/router', fields: bearer(issuer.mintToken({ sub: 'alice', scope: 'read' })) }),
    status: 200,
    body: { subject: 'alice', token: 'for https://calendar.test/' },
  },
  {
    title: '[REAL-24] adds up the grants of a router and its route',
    request: ({ issuer }) => ({ path: '/router-and-route', fields: bearer(issuer.mintToken()) }),
    status: 200,
    body: { tokens: ['for https://calendar.test/', 'for https://contacts.test/'] },
  },
  {
    title: '[TX-14] answers a failed exchange before the handler runs, and not with 401',
    request: ({ issuer }) => ({ path: '/broken', fields: bearer(issuer.mintToken()) }),
    status: 503,
    fields: { ...refusedJson, 'Retry-After': ['5'] },
    body: {
      error: 'temporarily_unavailable',
      error_description: 'A token for a downstream service cannot be obtained at present',
    },
  },
  {
    title: '[TX-14] answers a refused exchange with 502 and no challenge',
    request: ({ issuer }) => ({ path: '/refusing', fields: bearer(issuer.mintToken()) }),
    status: 502,
    fields: refusedJson,
    body: {
      error: 'downstream_refused',
      error_description: 'The authorization server refused a token for a downstream service',
    },
  },
  {
    title: '[TX-14] [STEP-01] challenges for a step-up when the authorization server wants the user',
    request: ({ issuer }) => ({ path: '/wants-user', fields: bearer(issuer.mintToken()) }),
    status: 401,
    challenges: [
      `Bearer error="insufficient_user_authentication", ${metadata}, error_description="A more recent or stronger authentication is required"`,
    ],
    fields: refusedJson,
  },
  {
    title: '[TX-12] [E-01] exchanges nothing for a caller it does not know',
    request: () => ({ path: '/calendar' }),
    status: 401,
    challenges: [plainBearer, plainDpop],
  },
]
