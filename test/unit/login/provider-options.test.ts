import { clientSecretBasic } from 'portcullis/client'
import type { ProviderOptions } from 'portcullis/login'
import { describe, expect, it } from 'vitest'
import { presetRules, toProviderSettings } from '../../../src/login/provider-options.js'
import { expectRules } from '../../support/option-rules.js'

const credential = clientSecretBasic({ clientId: 'app', clientSecret: 's' })
const least = { name: 'corporate', issuer: 'https://as.example', credential }
const settingsOf = (options: object = {}) => toProviderSettings({ ...least, ...options } as ProviderOptions)
const endpoints = {
  ...{ authorization: 'https://as.example/go?x#y', token: 'https://as.example/token' },
  ...{ jwks: 'https://as.example/jwks', userinfo: 'https://as.example/me' },
}
const oauth2 = { type: 'oauth2', issuer: undefined, endpoints }

describe('the settings of a provider', () => {
  it('are complete where only what is needed was said', () => {
    expect(settingsOf()).toEqual({
      ...{
        name: 'corporate',
        type: 'oidc',
        discoveryMode: 'auto',
        issuer: 'https://as.example',
        label: 'https://as.example',
        serverId: 'https://as.example',
      },
      ...{
        prompt: undefined,
        scopes: ['openid', 'profile', 'email'],
        target: { resource: undefined, audience: undefined },
      },
      ...{ parameters: {}, par: 'auto', fetchUserInfo: false, subject: 'sub', transactionSeconds: 600, preset: {} },
      rotatesRefreshTokens: true,
      client: { credential, issuer: 'https://as.example', discovery: 'oidc' },
    })
    expect(settingsOf(oauth2)).toMatchObject({
      ...{ type: 'oauth2', discoveryMode: 'manual', issuer: undefined, label: 'https://as.example/go', scopes: [] },
      ...{ fetchUserInfo: true, client: { endpoints, issuer: 'https://as.example/go', discovery: false } },
    })
  })

  it('are what was said', () => {
    const preset = { scopeSeparator: ',' }
    const given = {
      ...{ prompt: 'login', scopes: ['openid', 'x'], parameters: { a: 'b' }, par: 'always', fetchUserInfo: 'optional' },
      ...{ subject: 'id', transactionSeconds: 30, rotatesRefreshTokens: false },
    }
    const settings = settingsOf({ ...given, resource: 'https://r', audience: 'a', timeoutMs: 5, [presetRules]: preset })
    expect(settings).toMatchObject({ ...given, preset, target: { resource: 'https://r', audience: 'a' } })
    expect(settings.client).toEqual({ credential, issuer: 'https://as.example', discovery: 'oidc', timeoutMs: 5 })
    const optionalLogoutClaims = ['exp']
    expect(settingsOf({ optionalLogoutClaims }).client).toMatchObject({ optionalLogoutClaims })
    expect(Object.isFrozen(settings) && Object.isFrozen(settings.scopes)).toBe(true)
  })

  it.each([
    [{}, 'auto', 'oidc'],
    [{ discovery: 'oauth2' }, 'auto', 'oauth2'],
    [{ type: 'oauth2' }, 'auto', 'auto'],
    [{ endpoints: {} }, 'auto', 'oidc'],
    [{ endpoints: { token: undefined } }, 'auto', 'oidc'],
    [{ endpoints: { token: 'https://as.example/t' } }, 'hybrid', 'oidc'],
    [{ discovery: false, endpoints }, 'manual', false],
    [oauth2, 'manual', false],
  ])('say what is discovered: %j', (options, discoveryMode, discovery) => {
    const settings = settingsOf(options)
    expect([settings.discoveryMode, settings.client.discovery]).toEqual([discoveryMode, discovery])
  })

  it('refuse each option that cannot be right, with its bounds', () => {
    const text = 'takes a non-empty string.'
    expectRules(
      [
        [
          'name',
          ['a', '0', 'a-b_c', `a${'b'.repeat(63)}`],
          [undefined, '', '-a', 'A', 'a.b', `a${'b'.repeat(64)}`, ' a', 'a ', 5],
          'takes 1 to 64 lower-case letters, digits, - and _.',
        ],
        ['type', [undefined, 'oidc'], ['saml'], "takes one of 'oidc', 'oauth2'."],
        [
          'optionalLogoutClaims',
          [undefined, [], ['exp']],
          ['exp', ['iat'], ['exp', 'jti']],
          'takes a list of exp only',
        ],
        ['issuer', [], ['', 5], text],
        ['credential', [], [undefined, {}], 'takes a credential'],
        ['scopes', [undefined, ['openid']], ['openid', ['']], 'takes an array of non-empty strings.'],
        ['resource', [undefined, 'a', ['a']], [5], 'takes a non-empty string or an array of them.'],
        ['audience', [undefined, 'a', ['a']], [5], 'takes a non-empty string or an array of them.'],
        ['parameters', [undefined, {}, { a: 'b' }], [{ a: 1 }], 'takes an object of strings.'],
        ['prompt', [undefined, 'a', ['a']], [5], 'takes a non-empty string or an array of them.'],
        ['par', [undefined, 'auto', 'always', 'never'], ['x'], "takes one of 'auto', 'always', 'never'."],
        ['fetchUserInfo', [undefined, true, false, 'optional'], ['x'], "takes one of true, false, 'optional'."],
        ['subject', [undefined, 'id'], [''], text],
        ['transactionSeconds', [undefined, 30, 3600], [29, 3601], 'takes a whole number from 30 to 3600.'],
        ['rotatesRefreshTokens', [undefined, true, false], ['x'], 'takes true or false.'],
        ['timeoutMs', [undefined, 1], [0], 'takes a whole number'],
      ],
      settingsOf,
    )
  })

  it.each([
    [{ issuer: undefined }, 'A provider of type `oidc` needs `issuer`: without it no ID token can be verified.'],
    [{ scopes: ['profile'] }, '`scopes` of a provider of type `oidc` must include `openid`.'],
    ...[false, 'optional'].map((fetchUserInfo) => [
      { ...oauth2, fetchUserInfo },
      'A provider of type `oauth2` needs userinfo: nothing else says who the user is.',
    ]),
    ...['authorization', 'token', 'jwks'].map((name) => [
      { discovery: false, endpoints: { ...endpoints, [name]: undefined } },
      `Without discovery \`endpoints.${name}\` must say where it is.`,
    ]),
    ...['authorization', 'token', 'userinfo'].map((name) => [
      { ...oauth2, endpoints: { ...endpoints, [name]: undefined } },
      `Without discovery \`endpoints.${name}\` must say where it is.`,
    ]),
    [{ discovery: false }, 'Without discovery `endpoints.authorization` must say where it is.'],
    [{ nam: 'x' }, 'createProvider has no option `nam`. Did you mean `name`?'],
    [{ clientId: 'x' }, 'createProvider has no option `clientId`.'],
  ] as [object, string][])('refuse what does not go together: %j', (options, message) => {
    expect(() => settingsOf(options)).toThrow(message)
  })
})
