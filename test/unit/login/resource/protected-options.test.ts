import { createMemoryLockStore } from 'portcullis'
import { perIssuer, publicClient } from 'portcullis/client'
import { clientCredentialsSignIn, createMemoryTokenStore, type ProtectedFetchOptions } from 'portcullis/login'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../../src/kit/clock.js'
import { toProtectedSettings } from '../../../../src/login/resource/protected-options.js'
import { expectRules } from '../../../support/option-rules.js'

const signIn = clientCredentialsSignIn()
const someCredentials = perIssuer({ 'https://as.example': publicClient({ clientId: 'a' }) })
const settingsOf = (options: object = {}) =>
  toProtectedSettings('createProtectedFetch', {
    ...{ resource: 'https://api.example/mcp', signIn },
    ...options,
  } as ProtectedFetchOptions)

describe('the settings of a protected fetch', () => {
  it('are complete where only what is needed was said', () => {
    const settings = settingsOf()
    expect(settings).toEqual({
      ...{ fetch: expect.any(Function), clock: systemClock, onEvent: expect.any(Function) },
      insecureHosts: settings.insecureHosts,
      resource: 'https://api.example/mcp',
      signIn,
      scope: [],
      ...{ credentials: undefined, documentCredential: undefined, registration: {} },
      clientName: 'Portcullis client',
      ...{ ask: undefined, issuers: undefined, chooseIssuer: undefined },
      store: expect.objectContaining({ replace: expect.any(Function) }),
      ...{ lock: undefined, user: '', dpop: undefined, timeoutMs: 30_000, onStep: undefined },
      allowsInsecure: { allowInsecureLoopback: undefined, dangerouslyAllowInsecureHosts: undefined },
    })
  })

  it('are what was said', () => {
    const given = {
      ...{ clientName: 'Name', ask: () => undefined, issuers: ['https://as.example'], chooseIssuer: () => '' },
      ...{ store: createMemoryTokenStore(), lock: createMemoryLockStore(), user: 'u', dpop: false, timeoutMs: 5 },
      ...{ onStep: () => undefined, credentials: someCredentials, clock: () => 5 },
    }
    const insecure = { allowInsecureLoopback: true, dangerouslyAllowInsecureHosts: ['as:8080'] }
    const settings = settingsOf({ ...given, ...insecure, scope: ' a  b', registration: false })
    expect(settings).toMatchObject({ ...given, scope: ['a', 'b'], allowsInsecure: insecure })
    expect([settings.registration, settingsOf({ scope: ['a b', 'c'] }).scope]).toEqual([undefined, ['a', 'b', 'c']])
    expect(settingsOf({ registration: { initialAccessToken: 'x' } }).registration).toEqual({ initialAccessToken: 'x' })
  })

  it('have the resource in one spelling, byte for byte behind its host', () => {
    const of = (resource: string) => settingsOf({ resource, allowInsecureLoopback: true }).resource
    expect(of('HTTPS://API.Example/MCP/%2f?A=B')).toBe('https://api.example/MCP/%2f?A=B')
    expect(of('https://API.example?A=//B')).toBe('https://api.example?A=//B')
    expect(of('http://LOCALHOST:3000/A')).toBe('http://localhost:3000/A')
    for (const wrong of ['http://api.example/', 'api.example', 'https://api.example/#a']) {
      expect(() => of(wrong)).toThrow('resource')
    }
  })

  it('have a client of a document: public, or with keys', async () => {
    const url = 'https://client.example/id'
    expect(settingsOf({ clientDocument: { url } }).documentCredential).toMatchObject({ method: 'none', clientId: url })
    const { privateKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
      'sign',
      'verify',
    ])
    const keys = [{ key: privateKey, kid: 'k1' }]
    expect(settingsOf({ clientDocument: { url, keys } }).documentCredential).toMatchObject({
      ...{ method: 'private_key_jwt', clientId: url },
    })
  })

  it('refuse each option that cannot be right, with its bounds', async () => {
    const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify'])
    const document = 'takes an https URL with a path.'
    expectRules(
      [
        [
          'signIn',
          [signIn, { metadata: {}, getTokens() {} }],
          [undefined, null, {}, { metadata: {} }, { getTokens() {} }],
          'takes a way to sign in, such as clientCredentialsSignIn().',
        ],
        ['resource', [], [undefined, '', 5], 'takes a non-empty string.'],
        ['scope', [undefined, 'a', ['a'], []], ['', 5], 'takes a non-empty string or an array of them.'],
        [
          'credentials',
          [undefined, someCredentials],
          [{}, { has() {} }, { for() {} }],
          'takes an object with the functions has, for.',
        ],
        ['clientDocument', [undefined], [5], 'must be an object.'],
        [
          'clientDocument.url',
          ['https://a/b', 'https://a.example:1/b/c'],
          [
            undefined,
            'https://a',
            'https://a/',
            'http://a/b',
            'https://u@a/b',
            'https://a/b?c',
            'https://a/b#c',
            'https://?/b',
            'xhttps://a/b',
            'https://[/b',
            5,
          ],
          document,
        ],
        ['registration', [undefined, false, {}], [true], 'must be an object.'],
        ['registration.metadata', [{}], [5], 'takes an object.'],
        ['registration.initialAccessToken', ['a'], [''], 'takes a non-empty string.'],
        ['registration.keys', [[]], [{}], 'takes an array of signing keys.'],
        ['clientName', [undefined, 'a'], [''], 'takes a non-empty string.'],
        ['ask', [undefined, () => undefined], [5], 'takes a function.'],
        ['issuers', [undefined, [], ['a']], ['a'], 'takes an array of non-empty strings.'],
        ['chooseIssuer', [undefined, () => ''], [5], 'takes a function.'],
        [
          'store',
          [undefined, createMemoryTokenStore()],
          [{}],
          'takes an object with the functions get, set, replace, delete, describe.',
        ],
        ['lock', [undefined, createMemoryLockStore()], [{}], 'takes an object with the functions acquire.'],
        ['user', [undefined, 'a'], [''], 'takes a non-empty string.'],
        ['dpop', [undefined, false, pair], [true, {}, { privateKey: 5 }], 'takes false, or a pair of CryptoKeys.'],
        [
          'timeoutMs',
          [undefined, 1, 2_147_483_647],
          [0, 2_147_483_648, 1.5],
          'takes a whole number from 1 to 2147483647.',
        ],
        ['onStep', [undefined, () => undefined], [5], 'takes a function.'],
        ['fetch', [undefined, fetch], [5], 'takes a function.'],
      ],
      settingsOf,
    )
    expect(() => settingsOf({ clientDocument: { url: 'https://a/b', keys: {} } })).toThrow(
      '`clientDocument.keys` takes an array of signing keys.',
    )
    expect(() => settingsOf({ resorce: 'x' })).toThrow('createProtectedFetch has no option `resorce`.')
  })

  it('keep tokens by the clock that was given', async () => {
    let nowMs = 5000
    const { store } = settingsOf({ clock: () => nowMs })
    await store.set('a', { v: 1, version: '1', tokens: '{}', savedAt: 5 }, { ttlMs: 1000 })
    expect((await store.get('a'))?.version).toBe('1')
    nowMs += 1000
    expect(await store.get('a')).toBeUndefined()
  })
})
