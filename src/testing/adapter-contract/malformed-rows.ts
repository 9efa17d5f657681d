import { algs, bearer, type ContractRow, metadata, refusedJson } from './contract-row.js'
import type { ExactRequest } from './http-exchange.js'

const malformedText = 'The credentials in the request are malformed'
const ambiguousText = 'The request carries more than one access token'
const ambiguous = {
  challenges: [
    `Bearer error="invalid_request", ${metadata}, error_description="${ambiguousText}"`,
    `DPoP error="invalid_request", ${algs}, ${metadata}, error_description="${ambiguousText}"`,
  ],
  body: { error: 'invalid_request', error_description: ambiguousText },
}

/** Malformed and repeated credentials (E-02, E-03). */
export const malformed: readonly ContractRow[] = [
  ...['Bearer', 'Bearer ', 'Bearer a b', 'Bearer a,b', 'Bearer =', 'Bearer t\u00e9', 'bearer "abc"'].map((value) => ({
    title: `[E-02] [HTTP-02] [ADP-08] refuses ${JSON.stringify(value)} as malformed`,
    request: (): ExactRequest => ({ path: '/me', fields: [['Authorization', value]] }),
    status: 400,
    challenges: [`Bearer error="invalid_request", ${metadata}, error_description="${malformedText}"`],
    fields: refusedJson,
    body: { error: 'invalid_request', error_description: malformedText },
  })),
  {
    title: '[E-02] puts a malformed DPoP credential on DPoP',
    request: () => ({ path: '/me', fields: [['Authorization', 'DPoP']] }),
    status: 400,
    challenges: [`DPoP error="invalid_request", ${algs}, ${metadata}, error_description="${malformedText}"`],
  },
  {
    title: '[E-03] [HTTP-09] [ADP-01] [C-03] refuses two Authorization fields, also when the first one is good',
    request: ({ issuer }) => ({ path: '/me', fields: [...bearer(issuer.mintToken()), ...bearer('x')] }),
    status: 400,
    ...ambiguous,
  },
  {
    title: '[ADP-05] [E-02] refuses malformed credentials where a token is optional too',
    request: () => ({ path: '/optional', fields: [['Authorization', 'Bearer']] }),
    status: 400,
    challenges: [`Bearer error="invalid_request", ${metadata}, error_description="${malformedText}"`],
  },
]
