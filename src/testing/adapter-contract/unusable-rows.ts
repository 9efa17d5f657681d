import { algs, bearer, boundToken, type ContractRow, invalidToken, metadata, refusedJson } from './contract-row.js'

/** Tokens that are no good (E-04, E-07, E-11). */
export const unusable: readonly ContractRow[] = [
  {
    title: '[E-04] [BEAR-09] [BEAR-11] [DPOP-23] refuses an expired token on the scheme it came by',
    request: ({ issuer }) => ({ path: '/me', fields: bearer(issuer.mintToken({}, { lifetimeSeconds: -120 })) }),
    status: 401,
    challenges: invalidToken('The access token expired'),
    fields: refusedJson,
    body: { error: 'invalid_token', error_description: 'The access token expired' },
  },
  {
    title: '[E-04] refuses a forged signature',
    request: ({ issuer }) => ({ path: '/me', fields: bearer(issuer.mintToken({}, { tamper: 'signature' })) }),
    status: 401,
    challenges: invalidToken('The signature of the access token is not valid'),
  },
  {
    title: '[E-04] [MCP-05] refuses a token for another audience',
    request: ({ issuer }) => ({ path: '/me', fields: bearer(issuer.mintToken({ aud: 'https://api.example.com' })) }),
    status: 401,
    challenges: invalidToken('The access token is meant for another audience'),
  },
  {
    title: '[E-04] [E-15] refuses a foreign issuer and does not repeat its name',
    request: ({ issuer }) => ({ path: '/me', fields: bearer(issuer.mintToken({ iss: 'https://evil.example' })) }),
    status: 401,
    challenges: invalidToken('The access token comes from an issuer that is not trusted here'),
  },
  {
    title: '[E-04] [ADP-08] refuses a very long token',
    request: () => ({ path: '/me', fields: bearer('a'.repeat(15_000)) }),
    status: 401,
    challenges: invalidToken('The access token is of a kind that is not accepted here'),
  },
  {
    title: '[ADP-05] [E-04] refuses a bad token where a token is optional too',
    request: ({ issuer }) => ({
      path: '/optional',
      fields: bearer(issuer.mintToken({}, { lifetimeSeconds: -120 })),
    }),
    status: 401,
    challenges: invalidToken('The access token expired'),
  },
  {
    title: '[E-11] refuses a certificate-bound token without the certificate',
    request: ({ issuer }) => ({
      path: '/me',
      fields: bearer(issuer.mintToken({ cnf: { 'x5t#S256': 'A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0' } })),
    }),
    status: 401,
    challenges: invalidToken('The access token is bound to a client certificate that was not presented'),
  },
  {
    title: '[E-07] [DPOP-13] refuses a DPoP-bound token that comes as Bearer',
    request: (kit) => ({ path: '/me', fields: bearer(boundToken(kit)) }),
    status: 401,
    challenges: invalidToken('The access token is bound to a key and cannot be sent as a Bearer token'),
  },
  {
    title: '[E-07] [DPOP-13] refuses it where DPoP is off, and then offers Bearer alone',
    request: (kit) => ({ path: '/unbound', fields: bearer(boundToken(kit)) }),
    status: 401,
    challenges: invalidToken('The access token is bound to a key and cannot be sent as a Bearer token').slice(0, 1),
  },
  {
    title: '[E-07] [DPOP-13] refuses it where bound tokens are demanded',
    request: (kit) => ({ path: '/bound', fields: bearer(boundToken(kit)) }),
    status: 401,
    challenges: invalidToken('The access token is bound to a key and cannot be sent as a Bearer token'),
  },
  {
    title: '[C-15] refuses a token bound in a way that cannot be checked here',
    request: ({ issuer }) => ({ path: '/me', fields: bearer(issuer.mintToken({ cnf: { kid: 'k1' } })) }),
    status: 401,
    challenges: invalidToken('The access token is bound in a way that cannot be checked here'),
  },
  {
    title: '[RAR-02] [E-04] refuses authorization details that are no array of objects',
    request: ({ issuer }) => ({ path: '/me', fields: bearer(issuer.mintToken({ authorization_details: 'payment' })) }),
    status: 401,
    challenges: invalidToken('A claim of the access token has an unusable value'),
  },
  {
    title: '[DPOP-26] refuses an unbound token where bound ones are demanded, on the scheme to learn about',
    request: ({ issuer }) => ({ path: '/bound', fields: bearer(issuer.mintToken()) }),
    status: 401,
    challenges: [
      `DPoP error="invalid_token", ${algs}, ${metadata}, error_description="The access token is not bound to a key"`,
    ],
  },
]
