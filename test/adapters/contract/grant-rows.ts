import { bearer, type ContractRow, plainBearer, plainDpop, refusedJson } from './row.js'

/** Routes whose handlers need tokens for other services. */
export const downstream: readonly ContractRow[] = [
  {
    title: '[TX-12] hands downstream tokens to the handler',
    request: ({ issuer }) => ({ path: '/calendar', fields: bearer(issuer.mintToken({ sub: 'alice' })) }),
    status: 200,
    body: { subject: 'alice', token: 'for https://calendar.test/' },
  },
  {
    title: '[TX-14] answers a failed exchange before the handler runs, and not with 401',
    request: ({ issuer }) => ({ path: '/broken', fields: bearer(issuer.mintToken()) }),
    status: 503,
    fields: refusedJson,
  },
  {
    title: '[TX-12] [E-01] exchanges nothing for a caller it does not know',
    request: () => ({ path: '/calendar' }),
    status: 401,
    challenges: [plainBearer, plainDpop],
  },
]
