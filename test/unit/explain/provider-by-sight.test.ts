import { describe, expect, it } from 'vitest'
import { providerBySight } from '../../../src/explain/provider-by-sight.js'

const seen: readonly (readonly [issuer: string, name: string, preset: string])[] = [
  ['https://sso.test/realms/a', 'Keycloak', "keycloak({ issuer: 'https://sso.test/realms/a' })"],
  ['http://kc:8080/auth/realms/a', 'Keycloak', "keycloak({ issuer: 'http://kc:8080/auth/realms/a' })"],
  ['https://acme.eu.auth0.com/', 'Auth0', "auth0({ domain: 'acme.eu.auth0.com' })"],
  ['https://a.okta.com', 'Okta', "okta({ domain: 'a.okta.com', authorizationServer: 'default' })"],
  ['https://a.oktapreview.com', 'Okta', "okta({ domain: 'a.oktapreview.com', authorizationServer: 'default' })"],
  ['https://a.okta-emea.com/oauth2/x1', 'Okta', "okta({ domain: 'a.okta-emea.com', authorizationServer: 'x1' })"],
  [
    'https://login.microsoftonline.com/1a-2b/v2.0',
    'Entra ID',
    "entra({ tenant: '1a-2b', audience: '<application id>' })",
  ],
  [
    'https://sts.windows.net/1a-2b/',
    'Entra ID (version 1)',
    "entra({ tenant: '1a-2b', audience: 'api://<application id>', version: 1 })",
  ],
  [
    'https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_ab',
    'Cognito',
    "cognito({ userPoolId: 'eu-west-1_ab', clientIds: ['<client id>'] })",
  ],
  [
    'https://a.b.clerk.accounts.dev',
    'Clerk',
    "clerk({ issuer: 'https://a.b.clerk.accounts.dev', clientIds: ['<client id>'] })",
  ],
  ['https://abc.supabase.co/auth/v1', 'Supabase', "supabase({ project: 'abc' })"],
  ['https://securetoken.google.com/abc', 'Firebase', "firebase({ project: 'abc' })"],
  ['https://abc.zitadel.cloud', 'Zitadel', "zitadel({ issuer: 'https://abc.zitadel.cloud' })"],
  [
    'https://abc.cloudflareaccess.com',
    'Cloudflare Access',
    "cloudflareAccess({ team: 'abc', audience: '<audience tag>' })",
  ],
]

/** An issuer of no provider, that differs from one of theirs in a part of its form. */
const unseen: readonly string[] = [
  ...seen.flatMap(([issuer]) => [`x${issuer}`, `${issuer}/x/y`, issuer.replace(/^https?/, 'ftp')]),
  ...['https://realms/a', 'https://sso.test/realms/', 'https://sso.test/a/b/realms/c', 'https://auth0.com/'],
  ...['https://okta.com', 'https://a/b.okta.com', 'https://a.okta.com/oauth2/', 'https://a.okta.com/x'],
  ...['https://login.microsoftonline.com/common/v2.0', 'https://login.microsoftonline.com//v2.0'],
  ...['https://sts.windows.net//', 'https://sts.windows.net/tenant/', 'https://securetoken.google.com/'],
  ...['https://cognito-idp.amazonaws.com/a', 'https://cognito-idp.a/b.amazonaws.com/a'],
  ...['https://.supabase.co/auth/v1', 'https://a/b.supabase.co/auth/v1', 'https://.zitadel.cloud'],
  ...['https://a/b.zitadel.cloud', 'https://.cloudflareaccess.com', 'https://a/b.cloudflareaccess.com'],
  ...['https://.clerk.accounts.dev', 'https://a/b.clerk.accounts.dev', 'https://a/b.auth0.com/'],
]

describe('the provider that an issuer looks like one of', () => {
  it.each(seen)('[REAL-40] of %s is %s, with its preset filled in', (issuer, name, preset) => {
    expect(providerBySight(issuer)).toEqual({ name, preset })
  })

  it.each(unseen)('[REAL-40] is none for %s', (issuer) => {
    expect(providerBySight(issuer)).toBeUndefined()
  })

  it('[REAL-40] is none for a long text, and for what could end a string in source code', () => {
    const longest = `https://sso.test/realms/${'a'.repeat(200 - 'https://sso.test/realms/'.length)}`
    expect(providerBySight(longest)?.name).toBe('Keycloak')
    for (const issuer of [`${longest}a`, "https://sso.test/realms/'", 'https://sso.test/realms/ä', [seen[0]?.[0]]]) {
      expect(providerBySight(issuer)).toBeUndefined()
    }
  })
})
