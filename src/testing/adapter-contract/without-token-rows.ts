import { bearer, type ContractRow, plainBearer, plainDpop, proven, refused } from './contract-row.js'

/** Requests without credentials, or with none that count (E-01). */
export const withoutToken: readonly ContractRow[] = [
  {
    title: '[E-01] [HTTP-04] [BEAR-06] [BEAR-10] [C-05] challenges a request without credentials',
    request: () => ({ path: '/me' }),
    status: 401,
    challenges: [plainBearer, plainDpop],
    fields: { ...refused, 'Content-Type': [] },
    body: '',
  },
  {
    title: '[E-01] [MCP-04] names the scopes a route needs',
    request: () => ({ path: '/mail' }),
    status: 401,
    challenges: [`${plainBearer}, scope="mail:read"`, `${plainDpop}, scope="mail:read"`],
  },
  {
    title: '[E-01] [HTTP-11] takes credentials of a foreign scheme for none',
    request: () => ({ path: '/me', fields: [['Authorization', 'Basic dXNlcjpwYXNz']] }),
    status: 401,
    challenges: [plainBearer, plainDpop],
  },
  {
    title: '[E-01] [HTTP-11] takes them for none also where their grammar knows commas',
    request: () => ({ path: '/me', fields: [['Authorization', 'Digest username="u", realm="r", uri="/me"']] }),
    status: 401,
    challenges: [plainBearer, plainDpop],
  },
  {
    title: '[E-01] offers DPoP alone where bound tokens are demanded',
    request: () => ({ path: '/bound' }),
    status: 401,
    challenges: [plainDpop],
  },
  {
    title: '[E-01] offers Bearer alone where DPoP is off',
    request: () => ({ path: '/unbound' }),
    status: 401,
    challenges: [plainBearer],
  },
  {
    title: '[E-01] [HTTP-11] takes a DPoP credential for none where DPoP is off',
    request: (kit) => ({ path: '/unbound', fields: proven(kit, '/unbound') }),
    status: 401,
    challenges: [plainBearer],
  },
  {
    title: '[C-01] does not look into the query',
    request: ({ issuer }) => ({ path: `/me?access_token=${issuer.mintToken()}` }),
    status: 401,
    challenges: [plainBearer, plainDpop],
  },
  {
    title: '[C-01] does not count a token in the query as a second one',
    request: ({ issuer }) => ({ path: '/me?access_token=x', fields: bearer(issuer.mintToken()) }),
    status: 200,
  },
  {
    title: '[C-02] does not look into the body',
    request: ({ issuer }) => ({
      method: 'POST',
      path: '/me',
      fields: [['Content-Type', 'application/x-www-form-urlencoded']],
      body: `access_token=${issuer.mintToken()}`,
    }),
    status: 401,
    challenges: [plainBearer, plainDpop],
  },
  {
    title: '[ADP-03] takes an OPTIONS request that is not a preflight for a request like any other',
    request: () => ({ method: 'OPTIONS', path: '/me' }),
    status: 401,
    challenges: [plainBearer, plainDpop],
  },
  {
    title: '[ADP-06] challenges HEAD without a body',
    request: () => ({ method: 'HEAD', path: '/me' }),
    status: 401,
    challenges: [plainBearer, plainDpop],
    body: '',
  },
  {
    title: '[ADP-02] [ADP-03] [DPOP-24] keeps what the application set on a refused answer',
    request: () => ({ path: '/fields' }),
    status: 401,
    challenges: ['Basic realm="app"', plainBearer, plainDpop],
    fields: {
      Vary: ['Accept'],
      'Access-Control-Allow-Origin': ['https://app.example'],
      'Access-Control-Expose-Headers': ['X-Total, WWW-Authenticate, DPoP-Nonce'],
      'Cache-Control': ['no-store'],
    },
  },
]
