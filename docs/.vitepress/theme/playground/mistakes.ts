/** The ordinary mistakes: what each of them changes in a request that nothing is wrong with. */
import type { Choices } from './choices.js'

/** A request that is about to be made. Its members are there to be changed. */
export interface Draft {
  header: Record<string, unknown>
  claims: Record<string, unknown>
  signer: 'issuer' | 'another key' | 'a shared secret' | 'nothing'
  /** Claims that are changed after the token was signed. */
  changedLater: Record<string, unknown> | undefined
  /** Whether the token is bound to the key of the client. */
  isBound: boolean
  sentAs: SentAs
  /** What the proof is for, where it is not this request; `undefined` for no proof. */
  proof: { readonly method?: string; readonly url?: string } | undefined
  /** What is sent in the place of the token. */
  instead: ((token: string) => string) | undefined
}

/** How a token is sent. */
export type SentAs = 'Bearer' | 'DPoP' | 'nothing'

/** One mistake. */
export interface Mistake {
  readonly label: string
  readonly group: 'None' | 'Whose and for whom' | 'Times' | 'Which token' | 'Key and signature' | 'Rights' | 'Sending'
  /** What the API has to demand for the mistake to show. */
  demands?(choices: Choices): Partial<Choices>
  /** @param now - in seconds. */
  make(draft: Draft, now: number): void
}

const claims = (changed: Record<string, unknown>) => (draft: Draft) => {
  Object.assign(draft.claims, changed)
}

const isAllowed = (choices: Choices): Partial<Choices> => (choices.dpop === 'off' ? { dpop: 'allowed' } : {})

/** By name, in the order in which they are offered. */
export const mistakes = {
  none: { label: 'Nothing is wrong', group: 'None', make: () => {} },
  audience: {
    label: 'For another API',
    group: 'Whose and for whom',
    make: claims({ aud: 'https://billing.example.com' }),
  },
  audienceSlash: {
    label: 'Audience with a slash',
    group: 'Whose and for whom',
    make: ({ claims }) => {
      claims['aud'] = `${[claims['aud'] ?? 'https://api.example.com'].flat()[0]}/`
    },
  },
  issuer: {
    label: 'From another server',
    group: 'Whose and for whom',
    make: claims({ iss: 'https://login.other.example' }),
  },
  issuerSlash: {
    label: 'Issuer with another slash',
    group: 'Whose and for whom',
    make: ({ claims }) => {
      const iss = String(claims['iss'])
      claims['iss'] = iss.endsWith('/') ? iss.slice(0, -1) : `${iss}/`
    },
  },
  expired: {
    label: 'Expired',
    group: 'Times',
    make: ({ claims }, now) => Object.assign(claims, { iat: now - 7200, exp: now - 3600 }),
  },
  early: {
    label: 'Not yet valid',
    group: 'Times',
    make: ({ claims }, now) => Object.assign(claims, { iat: now + 3600, exp: now + 7200 }),
  },
  milliseconds: {
    label: 'Milliseconds',
    group: 'Times',
    make: ({ claims }, now) => Object.assign(claims, { iat: now * 1000, exp: (now + 300) * 1000 }),
  },
  idToken: { label: 'ID token', group: 'Which token', make: makeIdToken },
  type: {
    label: 'Wrong typ',
    group: 'Which token',
    make: ({ header }) => {
      header['typ'] = header['typ'] === 'at+jwt' ? 'JWT' : 'logout+jwt'
    },
  },
  opaque: {
    label: 'Opaque token',
    group: 'Which token',
    make: (draft) => {
      draft.instead = () => 'oat_9hTq3ZcN1aVfB7'
    },
  },
  subject: { label: 'No sub', group: 'Which token', make: claims({ sub: undefined }) },
  algNone: {
    label: 'alg: none',
    group: 'Key and signature',
    make: (draft) => {
      draft.signer = 'nothing'
    },
  },
  secret: {
    label: 'Shared secret',
    group: 'Key and signature',
    make: (draft) => {
      draft.signer = 'a shared secret'
    },
  },
  kid: {
    label: 'Unknown kid',
    group: 'Key and signature',
    make: ({ header }) => {
      header['kid'] = 'of-last-year'
    },
  },
  signature: {
    label: 'Signed by another key',
    group: 'Key and signature',
    make: (draft) => {
      draft.signer = 'another key'
    },
  },
  changed: {
    label: 'Changed after signing',
    group: 'Key and signature',
    make: (draft) => {
      draft.changedLater = { sub: 'admin' }
    },
  },
  scope: {
    label: 'Missing scope',
    group: 'Rights',
    demands: ({ scope }) => (scope.trim() === '' ? { scope: 'orders:read' } : {}),
    make: ({ claims }) => {
      for (const name of ['scope', 'scp']) {
        if (name in claims) claims[name] = Array.isArray(claims[name]) ? ['profile'] : 'profile'
      }
    },
  },
  acr: {
    label: 'Sign-in too weak',
    group: 'Rights',
    demands: ({ acr }) => (acr.trim() === '' ? { acr: 'mfa' } : {}),
    make: claims({ acr: 'pwd' }),
  },
  authTime: {
    label: 'Sign-in too old',
    group: 'Rights',
    demands: ({ maxAgeSeconds }) => (maxAgeSeconds.trim() === '' ? { maxAgeSeconds: '300' } : {}),
    make: ({ claims }, now) => Object.assign(claims, { auth_time: now - 86_400 }),
  },
  missing: {
    label: 'No token',
    group: 'Sending',
    make: (draft) => {
      draft.sentAs = 'nothing'
    },
  },
  doubled: {
    label: '“Bearer” twice',
    group: 'Sending',
    make: (draft) => {
      draft.instead = (token) => `Bearer ${token}`
    },
  },
  boundAsBearer: {
    label: 'DPoP-bound, sent as Bearer',
    group: 'Sending',
    demands: isAllowed,
    make: (draft) => Object.assign(draft, { isBound: true, sentAs: 'Bearer', proof: undefined }),
  },
  noProof: {
    label: 'DPoP without a proof',
    group: 'Sending',
    demands: isAllowed,
    make: (draft) => Object.assign(draft, { isBound: true, sentAs: 'DPoP', proof: undefined }),
  },
  proofElsewhere: {
    label: 'Proof for another address',
    group: 'Sending',
    demands: isAllowed,
    make: (draft) => {
      Object.assign(draft, { isBound: true, sentAs: 'DPoP', proof: { url: 'http://10.0.3.7:3000/orders' } })
    },
  },
  unbound: {
    label: 'Not bound, where it has to be',
    group: 'Sending',
    demands: () => ({ dpop: 'required' }),
    make: (draft) => Object.assign(draft, { isBound: false, sentAs: 'Bearer', proof: undefined }),
  },
} satisfies Record<string, Mistake>

/** The name of a mistake. */
export type MistakeName = keyof typeof mistakes

/** A mistake by its name, in its general form. */
export function mistakeOf(name: MistakeName): Mistake {
  return mistakes[name]
}

/** What OpenID Connect says of a user to a client. */
function makeIdToken({ header, claims }: Draft, now: number): void {
  const client = claims['client_id'] ?? claims['azp'] ?? claims['cid'] ?? 'web'
  for (const name of ['scope', 'scp', 'client_id', 'cid', 'jti', 'permissions']) claims[name] = undefined
  Object.assign(claims, { aud: client, nonce: 'n-0S6_WzA2Mj', at_hash: 'MTIzNDU2Nzg5MDEyMzQ1Ng', auth_time: now - 60 })
  if ('typ' in claims) claims['typ'] = 'ID'
  if ('token_use' in claims) claims['token_use'] = 'id'
  if (header['typ'] !== undefined) header['typ'] = 'JWT'
}
