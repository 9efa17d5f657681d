import { bearer, type ContractRow, proven, resource } from './contract-row.js'

/** Requests that get through. */
export const accepted: readonly ContractRow[] = [
  {
    title: '[ADP-05] leaves a route without a guard alone',
    request: () => ({ path: '/open' }),
    status: 200,
    body: { open: true },
  },
  {
    title: '[BEAR-01] [ADP-05] hands the verified identity to the handler',
    request: ({ issuer }) => ({ path: '/me', fields: bearer(issuer.mintToken({ sub: 'alice' })) }),
    status: 200,
    body: { subject: 'alice', scheme: 'Bearer', resource, scope: 'read' },
  },
  {
    title: '[HTTP-01] takes the scheme in any case',
    request: ({ issuer }) => ({ path: '/me', fields: [['authorization', `bEaReR  ${issuer.mintToken()}`]] }),
    status: 200,
  },
  {
    title: '[BEAR-13] lets one of several scopes suffice where the route says so',
    request: ({ issuer }) => ({ path: '/either', fields: bearer(issuer.mintToken({ scope: 'x mail:read' })) }),
    status: 200,
  },
  {
    title: '[STEP-03] [STEP-04] lets a strong and recent authentication through',
    request({ issuer }) {
      const { iat } = issuer.tokenParts().payload
      return { path: '/gold', fields: bearer(issuer.mintToken({ acr: 'silver', auth_time: iat })) }
    },
    status: 200,
  },
  {
    title: '[ADP-05] keeps the verified identity when a handler tries to put another in its place',
    request: ({ issuer }) => ({ path: '/overwrites', fields: bearer(issuer.mintToken({ sub: 'alice' })) }),
    status: 200,
    body: { subject: 'alice', scheme: 'Bearer', resource, scope: 'read' },
  },
  {
    title: '[ADP-05] serves anonymous callers where a token is optional',
    request: () => ({ path: '/optional' }),
    status: 200,
    body: { subject: null },
  },
  {
    title: '[ADP-05] tells who calls where a token is optional',
    request: ({ issuer }) => ({ path: '/optional', fields: bearer(issuer.mintToken({ sub: 'bob' })) }),
    status: 200,
    body: { subject: 'bob', scheme: 'Bearer', resource, scope: 'read' },
  },
  {
    title: '[DPOP-11] accepts a bound token with its proof',
    request: (kit) => ({ path: '/me', fields: proven(kit, '/me') }),
    status: 200,
    body: { subject: 'user-1', scheme: 'DPoP', resource, scope: 'read' },
  },
  {
    title: '[ADP-04] [DPOP-06] holds a proof against the URL the client asked for, not the one a router left',
    request: (kit) => ({ path: '/api/v1/me?page=2', fields: proven(kit, '/api/v1/me') }),
    status: 200,
  },
  {
    title: '[ADP-06] [DPOP-05] serves HEAD like GET and holds its proof against HEAD',
    request: (kit) => ({ method: 'HEAD', path: '/me', fields: proven(kit, '/me', { method: 'HEAD' }) }),
    status: 200,
    body: '',
  },
  {
    title: '[HTTP-01] [DPOP-11] takes the DPoP scheme in any case',
    request(kit) {
      const fields = proven(kit, '/me').map(([name, value]) => [name, value.replace('DPoP ', 'dPoP  ')] as const)
      return { path: '/me', fields }
    },
    status: 200,
  },
  {
    title: '[DPOP-26] accepts a bound token where bound ones are demanded',
    request: (kit) => ({ path: '/bound', fields: proven(kit, '/bound') }),
    status: 200,
  },
  {
    title: '[DPOP-06] [DPOP-07] reads the URI of a proof in whatever way it was written',
    request: (kit) => ({
      path: '/me',
      fields: proven(kit, '', { url: 'HTTPS://API.example.com:443/x/../%6De?page=2#top' }),
    }),
    status: 200,
  },
  {
    title: '[C-14] ignores a proof beside an unbound Bearer token',
    request: ({ issuer, client }) => ({
      path: '/me',
      fields: [...bearer(issuer.mintToken()), ['DPoP', client.proof({ url: 'https://api.example.com/me' })]],
    }),
    status: 200,
    body: { subject: 'user-1', scheme: 'Bearer', resource, scope: 'read' },
  },
  {
    title: '[C-14] ignores proofs that are none at all beside it',
    request: ({ issuer }) => ({ path: '/me', fields: [...bearer(issuer.mintToken()), ['DPoP', 'x'], ['DPoP', 'y']] }),
    status: 200,
  },
  {
    title: '[DPOP-01] finds the fields of a proof whatever case their names are in',
    request: (kit) => ({ path: '/me', fields: proven(kit, '/me').map(([name, value]) => [name.toLowerCase(), value]) }),
    status: 200,
  },
  {
    title: '[RAR-01] [RAR-03] [RAR-04] lets authorization details through that the application finds good',
    request: ({ issuer }) => ({
      path: '/payments',
      fields: bearer(
        issuer.mintToken({
          authorization_details: [{ type: 'unknown' }, { type: 'payment', amount: 10, locations: [resource] }],
        }),
      ),
    }),
    status: 200,
  },
  {
    title: '[C-27] lets the scope and the authentication through that a route wants together',
    request({ issuer }) {
      const { iat } = issuer.tokenParts().payload
      return {
        path: '/strong-mail',
        fields: bearer(issuer.mintToken({ scope: 'mail:read', acr: 'gold', auth_time: iat })),
      }
    },
    status: 200,
  },
  {
    title: '[DPOP-05] holds the proof of a POST against POST',
    request: (kit) => ({ method: 'POST', path: '/me', fields: proven(kit, '/me', { method: 'POST' }) }),
    status: 200,
  },
  {
    title: '[ADP-03] asks a CORS preflight for no token, and runs no handler for it',
    request: () => ({ method: 'OPTIONS', path: '/me', fields: [['Access-Control-Request-Method', 'GET']] }),
    status: 204,
    body: '',
  },
  {
    title: '[ADP-03] does so where a token is optional',
    request: () => ({ method: 'OPTIONS', path: '/optional', fields: [['Access-Control-Request-Method', 'GET']] }),
    status: 204,
    body: '',
  },
  {
    title: '[ADP-03] keeps on the answer to a CORS preflight what the application set',
    request: () => ({ method: 'OPTIONS', path: '/fields', fields: [['Access-Control-Request-Method', 'GET']] }),
    status: 204,
    challenges: ['Basic realm="app"'],
    fields: {
      'Access-Control-Allow-Origin': ['https://app.example'],
      'Access-Control-Expose-Headers': ['X-Total'],
    },
    body: '',
  },
]
