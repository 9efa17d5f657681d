import {
  badProof,
  boundToken,
  type ContractKit,
  type ContractRow,
  metadata,
  type ProofChanges,
  proofOf,
  proven,
} from './contract-row.js'

const malformed = badProof('The DPoP proof is malformed')

/** Fields that hold no proof. */
const garbage: readonly ContractRow[] = ['', 'garbage', 'a.b.c', '{"a":1}', '=.=.=', 'a'.repeat(9000)].map((value) => ({
  title: `[E-08] [C-11] [DPOP-01] [ADP-08] refuses ${JSON.stringify(value.slice(0, 20))} for a proof`,
  request: (kit: ContractKit) => ({
    path: '/me',
    fields: [
      ['Authorization', `DPoP ${boundToken(kit)}`],
      ['DPoP', value],
    ],
  }),
  status: 401,
  challenges: malformed,
}))

/** What a thief or a broken client changes in a proof, and what that is called. */
const changes: readonly (readonly [
  ids: string,
  what: string,
  ProofChanges | ((kit: ContractKit) => ProofChanges),
  string,
])[] = [
  ['[DPOP-02]', 'of another type', { header: { typ: 'JWT' } }, 'The DPoP proof is malformed'],
  [
    '[DPOP-02] [C-32]',
    'by an algorithm that is not accepted',
    { header: { alg: 'ES384' } },
    'The DPoP proof is signed with an algorithm that is not accepted',
  ],
  ['[DPOP-02]', 'without a signature', { header: { alg: 'none' }, key: 'none' }, 'The DPoP proof is malformed'],
  [
    '[DPOP-02]',
    'that gives its private key away',
    ({ client }) => ({ header: { jwk: { ...client.publicJwk, d: 'AQAB' } } }),
    'The DPoP proof holds an unusable key',
  ],
  ['[DPOP-03]', 'with a forged signature', { tamper: 'signature' }, 'The signature of the DPoP proof is not valid'],
  [
    '[DPOP-04]',
    'without a jti',
    { claims: { jti: undefined } },
    'A claim of the DPoP proof is missing or has an unusable value',
  ],
  [
    '[DPOP-04] [DPOP-12]',
    'that names no access token',
    { accessToken: undefined },
    'A claim of the DPoP proof is missing or has an unusable value',
  ],
  ['[DPOP-05]', 'for another method', { method: 'POST' }, 'The DPoP proof is meant for another method'],
  ['[DPOP-05]', 'for the method in lower case', { method: 'get' }, 'The DPoP proof is meant for another method'],
  ['[DPOP-06]', 'for another path', { url: 'https://api.example.com/mail' }, 'The DPoP proof is meant for another URI'],
  ['[DPOP-06]', 'for another origin', { url: 'http://api.example.com/me' }, 'The DPoP proof is meant for another URI'],
  [
    '[DPOP-09] [C-09]',
    'that is too old',
    ({ issuer }) => ({ claims: { iat: Number(issuer.tokenParts().payload['iat']) - 61 } }),
    'The DPoP proof is outside the accepted time window',
  ],
  [
    '[DPOP-16] [C-09]',
    'from the future',
    ({ issuer }) => ({ claims: { iat: Number(issuer.tokenParts().payload['iat']) + 11 } }),
    'The DPoP proof is outside the accepted time window',
  ],
  [
    '[DPOP-10] [C-12]',
    'for another token',
    (kit) => ({ accessToken: boundToken(kit) }),
    'The DPoP proof belongs to another access token',
  ],
]

/** Proofs with one thing wrong (RFC 9449 §4.3). */
export const brokenProofs: readonly ContractRow[] = [
  ...garbage,
  ...changes.map(([ids, what, change, description]) => ({
    title: `[E-08] ${ids} refuses a proof ${what}`,
    request: (kit: ContractKit) => ({
      path: '/me',
      fields: proofOf(kit, boundToken(kit), '/me', typeof change === 'function' ? change(kit) : change),
    }),
    status: 401,
    challenges: badProof(description),
  })),
  {
    title: '[E-08] [DPOP-01] refuses two proofs joined into one field',
    request(kit) {
      const [authorization, [, proof]] = proven(kit, '/me')
      return { path: '/me', fields: [authorization, ['DPoP', `${proof}, ${proof}`]] }
    },
    status: 401,
    challenges: badProof('The request carries more than one DPoP proof'),
  },
  {
    title: '[DPOP-23] [E-05] puts a missing scope on the scheme the client used',
    request: (kit) => ({ path: '/mail', fields: proven(kit, '/mail') }),
    status: 403,
    challenges: [
      `DPoP error="insufficient_scope", scope="mail:read", algs="ES256 PS256", ${metadata}, error_description="The access token does not grant the required scope"`,
    ],
  },
]
