import {
  algs,
  badProof,
  boundToken,
  type ContractRow,
  metadata,
  plainBearer,
  proven,
  refusedJson,
} from './contract-row.js'

/** DPoP proofs that are no good (E-08, E-10). */
export const badProofs: readonly ContractRow[] = [
  {
    title: '[E-08] [C-11] [DPOP-12] refuses a bound token without a proof',
    request: (kit) => ({ path: '/me', fields: [['Authorization', `DPoP ${boundToken(kit)}`]] }),
    status: 401,
    challenges: badProof('The DPoP proof is missing'),
    fields: refusedJson,
  },
  {
    title: '[E-08] [DPOP-01] [ADP-01] refuses two proofs, also when both are good',
    request(kit) {
      const fields = proven(kit, '/me')
      return { path: '/me', fields: [...fields, ...fields.slice(1)] }
    },
    status: 401,
    challenges: badProof('The request carries more than one DPoP proof'),
  },
  {
    title: '[E-08] [ADP-06] [DPOP-05] refuses a proof for GET on HEAD',
    request: (kit) => ({ method: 'HEAD', path: '/me', fields: proven(kit, '/me') }),
    status: 401,
    challenges: badProof('The DPoP proof is meant for another method'),
  },
  {
    title: '[E-08] [ADP-04] refuses a proof for the path a router left',
    request: (kit) => ({ path: '/api/v1/me', fields: proven(kit, '/me') }),
    status: 401,
    challenges: badProof('The DPoP proof is meant for another URI'),
  },
  {
    title: '[E-10] [C-12] refuses a proof by another key',
    request({ issuer, client }) {
      const accessToken = issuer.mintToken({ cnf: { jkt: '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I' } })
      const { authorization, dpop } = client.headers({ url: 'https://api.example.com/me', accessToken })
      return {
        path: '/me',
        fields: [
          ['Authorization', authorization],
          ['DPoP', dpop],
        ],
      }
    },
    status: 401,
    challenges: [
      plainBearer,
      `DPoP error="invalid_token", ${algs}, ${metadata}, error_description="The access token is bound to another key"`,
    ],
  },
  {
    title: '[E-10] [C-13] refuses an unbound token under DPoP',
    request: ({ issuer }) => ({ path: '/me', fields: [['Authorization', `DPoP ${issuer.mintToken()}`]] }),
    status: 401,
    challenges: [
      plainBearer,
      `DPoP error="invalid_token", ${algs}, ${metadata}, error_description="The access token is not bound to a key"`,
    ],
  },
]
