/** The presets that the playground offers: what they ask for, and what an access token of each looks like. */
import type { IssuerOptions } from '../../../../src/index.js'
import * as presets from '../../../../src/providers/index.js'
import { machineSamples } from './machine-samples.js'
import { issuerField, type ProviderSample } from './provider-sample.js'

const asText = { claim: 'scope' } as const
const user = { sub: 'alice' }

/** By the name of the preset, in the order in which they are offered. */
export const providerSamples = {
  rfc9068: {
    title: 'Any server by RFC 9068',
    fields: [issuerField('https://login.example.com')],
    typ: 'at+jwt',
    algorithm: 'ES256',
    scope: asText,
    claims: () => ({ ...user, client_id: 'web' }),
  },
  keycloak: {
    title: 'Keycloak',
    fields: [issuerField('https://sso.example.com/realms/main')],
    typ: 'JWT',
    algorithm: 'RS256',
    scope: asText,
    claims: () => ({ ...user, typ: 'Bearer', azp: 'web', sid: 's-1', realm_access: { roles: ['buyer'] } }),
  },
  auth0: {
    title: 'Auth0',
    fields: [{ name: 'domain', label: 'Domain', value: 'example.eu.auth0.com' }],
    typ: 'JWT',
    algorithm: 'RS256',
    scope: asText,
    claims: () => ({ sub: 'auth0|6123', azp: 'spa-client' }),
  },
  okta: {
    title: 'Okta',
    fields: [
      { name: 'domain', label: 'Domain', value: 'example.okta.com' },
      { name: 'authorizationServer', label: 'Authorization server', value: 'default' },
    ],
    typ: undefined,
    algorithm: 'RS256',
    scope: { claim: 'scp', isList: true },
    claims: () => ({ sub: 'alice@example.com', ver: 1, cid: '0oa1', uid: '00u1' }),
  },
  entra: {
    title: 'Microsoft Entra ID',
    fields: [
      { name: 'tenant', label: 'Tenant', value: '9f5a2c3e-1111-4000-8000-000000000001' },
      { name: 'audience', label: 'Client id of the API', value: '6e74172b-be56-4843-9ff4-e66a39bb12e3' },
    ],
    typ: 'JWT',
    algorithm: 'RS256',
    scope: { claim: 'scp' },
    claims: ({ tenant }) => ({
      sub: 'pairwise-1',
      oid: 'o-1',
      tid: tenant,
      ver: '2.0',
      azp: '1f3c5e7a-aaaa-4000-8000-00000000000a',
    }),
  },
  cognito: {
    title: 'Amazon Cognito',
    fields: [
      { name: 'userPoolId', label: 'User pool', value: 'eu-central-1_AbCdEfGhI' },
      { name: 'clientIds', label: 'App clients', value: '1h57kf5cpq17m0eml12EXAMPLE', isList: true },
    ],
    typ: undefined,
    algorithm: 'RS256',
    scope: asText,
    hasNoAudience: true,
    claims: ({ clientIds }) => ({ sub: '4b21', token_use: 'access', client_id: clientIds, username: 'alice' }),
  },
  clerk: {
    title: 'Clerk, OAuth applications',
    fields: [issuerField('https://clerk.example.com')],
    typ: 'at+jwt',
    algorithm: 'RS256',
    scope: asText,
    claims: () => ({ sub: 'user_1', client_id: 'Ab12Cd34' }),
  },
  clerkSession: {
    title: 'Clerk, sessions',
    fields: [
      issuerField('https://happy-cat-1.clerk.accounts.dev'),
      { name: 'origins', label: 'Origins', value: 'https://app.example.com', isList: true },
    ],
    typ: 'JWT',
    algorithm: 'RS256',
    hasNoAudience: true,
    claims: ({ origins }) => ({ sub: 'user_1', sid: 'sess_1', azp: origins, sts: 'active', v: 2 }),
  },
  supabase: {
    title: 'Supabase',
    fields: [{ name: 'project', label: 'Project', value: 'abcdefghijklmnopqrst' }],
    typ: 'JWT',
    algorithm: 'ES256',
    scope: asText,
    claims: () => ({
      ...user,
      role: 'authenticated',
      session_id: 's-1',
      is_anonymous: false,
      client_id: 'app',
    }),
  },
  firebase: {
    title: 'Firebase',
    fields: [{ name: 'project', label: 'Project', value: 'my-project' }],
    typ: 'JWT',
    algorithm: 'RS256',
    claims: () => ({ sub: 'uid-1', user_id: 'uid-1', firebase: { identities: {}, sign_in_provider: 'password' } }),
  },
  workos: {
    title: 'WorkOS Connect',
    fields: [{ name: 'domain', label: 'Domain', value: 'example.authkit.app' }],
    typ: 'at+jwt',
    algorithm: 'RS256',
    scope: asText,
    claims: () => ({ sub: 'user_1', client_id: 'client_1', org_id: 'org_1' }),
  },
  zitadel: {
    title: 'Zitadel',
    fields: [
      issuerField('https://example.zitadel.cloud'),
      { name: 'projectId', label: 'Project', value: '270000000000000001' },
    ],
    typ: 'JWT',
    algorithm: 'RS256',
    claims: () => ({ sub: '2701', client_id: '2702' }),
  },
  authentik: {
    title: 'authentik',
    fields: [
      { name: 'host', label: 'Host', value: 'id.example.com' },
      { name: 'application', label: 'Application', value: 'my-app' },
      { name: 'clientId', label: 'Client id', value: 'web-client' },
    ],
    typ: 'JWT',
    algorithm: 'RS256',
    scope: asText,
    claims: ({ clientId }) => ({ ...user, azp: clientId, uid: 'x1', groups: ['buyers'] }),
  },
  hydra: {
    title: 'Ory Hydra',
    fields: [issuerField('https://hydra.example.com/')],
    typ: 'JWT',
    algorithm: 'RS256',
    scope: { claim: 'scp', isList: true },
    claims: () => ({ ...user, client_id: 'app' }),
  },
  duende: {
    title: 'Duende IdentityServer',
    fields: [issuerField('https://identity.example.com')],
    typ: 'at+jwt',
    algorithm: 'RS256',
    scope: { claim: 'scope', isList: true },
    claims: () => ({ ...user, client_id: 'web', idp: 'local' }),
  },
  springAuthorizationServer: {
    title: 'Spring Authorization Server',
    fields: [issuerField('https://spring.example.com')],
    typ: undefined,
    algorithm: 'RS256',
    scope: { claim: 'scope', isList: true },
    claims: () => ({ ...user, nbf: 0 }),
  },
  ...machineSamples,
} satisfies Partial<Record<keyof typeof presets, ProviderSample>>

/** The name of a preset that the playground offers. */
export type ProviderName = keyof typeof providerSamples

/** A sample by its name, in its general form. */
export function sampleOf(name: ProviderName): ProviderSample {
  return providerSamples[name]
}

const byName: ReadonlyMap<string, unknown> = new Map(Object.entries(presets))

/** Calls the preset itself. Throws what it throws. */
export function issuerBy(name: ProviderName, parameters: Readonly<Record<string, unknown>>): IssuerOptions {
  const preset = byName.get(name) as (given: object) => IssuerOptions
  return preset(parameters)
}
