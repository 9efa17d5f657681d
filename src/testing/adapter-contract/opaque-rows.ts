import { clientSecretBasic } from '../../client/index.js'
import type { ContractSettings } from './contract-row.js'
import { bearer, type ContractKit, invalidToken, metadata, proofOf, resource } from './contract-row.js'

/** Opaque tokens, by introspection (RFC 7662). */
export const opaqueSettings: ContractSettings = {
  name: 'asks the issuer about opaque tokens',
  options: (issuer) => ({
    issuer: {
      issuer: issuer.issuer,
      introspection: { credential: clientSecretBasic({ clientId: 'test-client', clientSecret: 'test-secret' }) },
    },
  }),
  rows: [
    {
      title: '[INTR-01] [INTR-03] accepts an opaque token its issuer calls active',
      request: ({ issuer }) => ({ path: '/me', fields: bearer(issuer.mintOpaqueToken({ sub: 'carol' })) }),
      status: 200,
      body: { subject: 'carol', scheme: 'Bearer', resource, scope: 'read' },
    },
    {
      title: '[BEAR-01] goes on accepting JWTs',
      request: ({ issuer }) => ({ path: '/me', fields: bearer(issuer.mintToken()) }),
      status: 200,
    },
    {
      title: '[INTR-06] [E-04] refuses an opaque token its issuer does not know',
      request: () => ({ path: '/me', fields: bearer('never-issued') }),
      status: 401,
      challenges: invalidToken('The access token is not active'),
    },
    {
      title: '[INTR-06] [E-04] refuses an opaque token that was revoked at its issuer',
      request({ issuer }) {
        const token = issuer.mintOpaqueToken()
        issuer.revoke(token)
        return { path: '/me', fields: bearer(token) }
      },
      status: 401,
      challenges: invalidToken('The access token is not active'),
      body: { error: 'invalid_token', error_description: 'The access token is not active' },
    },
    {
      title: '[INTR-03] [MCP-05] refuses an opaque token for another audience',
      request: ({ issuer }) => ({
        path: '/me',
        fields: bearer(issuer.mintOpaqueToken({ aud: 'https://api.example.com' })),
      }),
      status: 401,
      challenges: invalidToken('The access token is meant for another audience'),
    },
    {
      title: '[E-05] holds the scope of an opaque token against the route',
      request: ({ issuer }) => ({ path: '/mail', fields: bearer(issuer.mintOpaqueToken()) }),
      status: 403,
      challenges: [
        `Bearer error="insufficient_scope", scope="mail:read", ${metadata}, error_description="The access token does not grant the required scope"`,
      ],
    },
    {
      title: '[STEP-05] [E-06] holds acr and auth_time of the answer against the route',
      request: ({ issuer }) => ({ path: '/gold', fields: bearer(issuer.mintOpaqueToken({ acr: 'gold' })) }),
      status: 401,
      challenges: [
        `Bearer error="insufficient_user_authentication", acr_values="gold silver", max_age="300", ${metadata}, error_description="A more recent or stronger authentication is required"`,
      ],
    },
    {
      title: '[STEP-05] lets a strong and recent authentication through',
      request({ issuer }) {
        const { iat } = issuer.tokenParts().payload
        return { path: '/gold', fields: bearer(issuer.mintOpaqueToken({ acr: 'silver', auth_time: iat })) }
      },
      status: 200,
    },
    {
      title: '[RAR-02] reads authorization details of the answer',
      request: ({ issuer }) => ({ path: '/payments', fields: bearer(issuer.mintOpaqueToken(paymentOf(10))) }),
      status: 200,
    },
    {
      title: '[RAR-02] [C-26] refuses authorization details of the answer that do not suffice',
      request: ({ issuer }) => ({ path: '/payments', fields: bearer(issuer.mintOpaqueToken(paymentOf(11))) }),
      status: 403,
      challenges: [
        `Bearer error="insufficient_scope", ${metadata}, error_description="The access token does not carry the required authorization details"`,
      ],
    },
    {
      title: '[DPOP-11] [DPOP-25] accepts a bound opaque token with its proof',
      request: (kit) => ({ path: '/me', fields: proofOf(kit, boundOpaqueToken(kit), '/me') }),
      status: 200,
      body: { subject: 'user-1', scheme: 'DPoP', resource, scope: 'read' },
    },
    {
      title: '[DPOP-25] [E-07] refuses a bound opaque token that comes as Bearer',
      request: (kit) => ({ path: '/me', fields: bearer(boundOpaqueToken(kit)) }),
      status: 401,
      challenges: invalidToken('The access token is bound to a key and cannot be sent as a Bearer token'),
    },
  ],
}

function boundOpaqueToken({ issuer, client }: ContractKit): string {
  return issuer.mintOpaqueToken({ cnf: { jkt: client.jkt } })
}

function paymentOf(amount: number) {
  return { authorization_details: [{ type: 'payment', amount }] }
}
