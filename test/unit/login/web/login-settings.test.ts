import { createMemoryLockStore, createMemoryRevocationStore } from 'portcullis'
import {
  cookieSessions,
  createMemorySessionStore,
  createMemoryTokenStore,
  type LoginOptions,
  type Provider,
} from 'portcullis/login'
import { describe, expect, it } from 'vitest'
import { ConfigurationError } from '../../../../src/errors/index.js'
import { systemClock } from '../../../../src/kit/clock.js'
import { toLoginSettings } from '../../../../src/login/web/login-settings.js'
import { expectRules } from '../../../support/option-rules.js'
import { sealKeys } from '../../../support/web-login-set-up.js'

const named = (name: string) => ({ name, redeem: () => undefined }) as unknown as Provider
const least: LoginOptions = { baseUrl: 'https://app.example', providers: [named('one')], keys: sealKeys }
const settingsOf = (options: Partial<LoginOptions> = {}) => toLoginSettings({ ...least, ...options })

describe('the settings of a login', () => {
  it('are complete where only what is needed was said', () => {
    const settings = settingsOf()
    expect(settings).toEqual({
      base: new URL('https://app.example/'),
      routesUrl: 'https://app.example/auth',
      paths: ['/auth'],
      providers: new Map([['one', least.providers[0]]]),
      keys: sealKeys,
      secure: true,
      store: expect.objectContaining({ touch: expect.any(Function) }),
      tokens: { store: expect.objectContaining({ replace: expect.any(Function) }) },
      revocations: expect.objectContaining({ isEmpty: true }),
      idleSeconds: 86_400,
      absoluteSeconds: 604_800,
      rolling: true,
      claims: [
        ...['name', 'given_name', 'family_name', 'nickname', 'preferred_username', 'login'],
        ...['email', 'email_verified', 'picture', 'avatar_url', 'locale', 'zoneinfo'],
      ],
      onLogin: undefined,
      onError: undefined,
      responseMode: 'query',
      postLogoutRedirect: 'https://app.example/',
      logoutAtProvider: true,
      limit: {},
      pages: undefined,
      trustedProxies: [],
      onEvent: undefined,
      clock: systemClock,
    })
    expect(settings.keys).not.toBe(sealKeys)
  })

  it('are what was said', () => {
    const given = {
      ...{ onLogin: () => undefined, onError: () => undefined, pages: () => '', onEvent: () => undefined },
      ...({ responseMode: 'form_post', logoutAtProvider: false, limit: false, tokens: false } as const),
      ...{ clock: () => 5, claims: ['team'], trustedProxies: ['10.0.0.0/8'], sessions: cookieSessions() },
    }
    const session = { idleSeconds: 60, absoluteSeconds: 31_536_000, rolling: false }
    const { sessions, ...same } = given
    expect(settingsOf({ ...given, session })).toMatchObject({
      ...{ ...same, ...session },
      store: sessions,
      revocations: undefined,
    })
  })

  it.each([
    ['https://app.example', '/', 'https://app.example/auth', ['/auth'], 'https://app.example/'],
    ['https://app.example/', '/bye?a', 'https://app.example/auth', ['/auth'], 'https://app.example/bye?a'],
    [
      'https://app.example/a/b//',
      '/',
      'https://app.example/a/b/auth',
      ['/a/b/auth', '/auth'],
      'https://app.example/a/b/',
    ],
    ['https://app.example', 'https://www.example/x', 'https://app.example/auth', ['/auth'], 'https://www.example/x'],
  ])('make every URL of baseUrl: %s, %s', (baseUrl, postLogoutRedirect, routesUrl, paths, after) => {
    expect(settingsOf({ baseUrl, postLogoutRedirect })).toMatchObject({ routesUrl, paths, postLogoutRedirect: after })
  })

  it('refuse each option that cannot be right by itself, with its bounds', () => {
    const [tokens, sessions] = [createMemoryTokenStore(), createMemorySessionStore()]
    const functions = (...names: string[]) => Object.fromEntries(names.map((name) => [name, () => undefined]))
    expectRules(
      [
        [
          'basePath',
          ['/a', '/a/b-c.d_e~f'],
          ['a', '/a/', '/', '', '//a', '/a b', '/a?', 5],
          'takes a path such as `/auth`',
        ],
        [
          'revocations',
          [createMemoryRevocationStore()],
          [{}, functions('revoke'), functions('revokedAt')],
          'takes an object with',
        ],
        [
          'session.idleSeconds',
          [60, 31_536_000],
          [59, 31_536_001, 60.5, '60'],
          'takes a whole number from 60 to 31536000.',
        ],
        ['session.absoluteSeconds', [60, 31_536_000], [59, 31_536_001], 'takes a whole number from 60 to 31536000.'],
        ['session.rolling', [true, false], ['no'], 'takes true or false.'],
        ['session', [{}], [5], 'must be an object.'],
        ['claims', [[], ['a']], ['a', ['']], 'takes an array of non-empty strings.'],
        ['onLogin', [() => undefined], [true], 'takes a function.'],
        ['onError', [() => undefined], [true], 'takes a function.'],
        ['pages', [() => ''], [true], 'takes a function.'],
        ['onEvent', [() => undefined], [true], 'takes a function.'],
        ['clock', [() => 5], [5], 'takes a function.'],
        ['responseMode', ['query', 'form_post'], ['fragment', ''], "takes one of 'query', 'form_post'."],
        ['postLogoutRedirect', ['/', 'https://b.example'], ['', 5], 'takes a non-empty string.'],
        [
          'postLogoutRedirect',
          [],
          ['http://b.example', 'web+https://b.example', 'javascript:1', 'bye'],
          'takes a path of the application, or an https URL.',
        ],
        ['logoutAtProvider', [true, false], [1], 'takes true or false.'],
        ['limit.max', [1, 10_000], [0, 10_001], 'takes a whole number from 1 to 10000.'],
        ['limit.windowSeconds', [1, 3600], [0, 3601], 'takes a whole number from 1 to 3600.'],
        ['limit', [false, {}], [true], 'must be an object.'],
        ['trustedProxies', [[], ['10.0.0.0/8']], ['10.0.0.0/8'], 'takes an array of non-empty strings.'],
        ['allowInsecureLoopback', [true, false], ['yes'], 'takes true or false.'],
        ['tokens', [false, { store: tokens, lock: createMemoryLockStore() }], [true], 'must be an object.'],
        [
          'tokens.store',
          [tokens],
          [{}, sessions, null],
          'takes an object with the functions get, set, replace, delete, describe.',
        ],
      ],
      settingsOf,
    )
    for (const wrong of [{}, functions('get', 'set', 'touch'), functions('set', 'touch', 'delete'), null]) {
      expect(() => settingsOf({ sessions: wrong as never, tokens: false })).toThrow('`sessions` takes an object with')
    }
    expect(() => settingsOf({ tokens: { store: tokens, lock: {} as never } })).toThrow(
      '`tokens.lock` takes an object with',
    )
  })

  it.each<[string, object, string]>([
    ['no baseUrl', { baseUrl: undefined }, '`baseUrl` takes a non-empty string.'],
    ['no keys', { keys: undefined }, 'key'],
    ['a key that is too short', { keys: [{ id: 'k', secret: new Uint8Array(31) }] }, '32'],
    [
      'no providers',
      { providers: undefined },
      '`providers` takes a list of what createProvider() makes, at least one.',
    ],
    ['an empty list of providers', { providers: [] }, '`providers` takes a list'],
    ['a provider that is none', { providers: [named('one'), {}] }, '`providers` takes a list'],
    ['a provider that is nothing', { providers: [null] }, '`providers` takes a list'],
    ['no list of providers', { providers: named('one') }, '`providers` takes a list'],
    [
      'two providers of one name',
      { providers: [named('one'), named('one')] },
      '`providers` lists one twice; list it once.',
    ],
    [
      'sessions without a word about tokens',
      { sessions: cookieSessions() },
      '`tokens` says where the tokens of these sessions are: `{ store, lock }`, or `false` to keep none.',
    ],
    ['a name it does not know', { baseURL: 'x' }, 'createLogin has no option `baseURL`. Did you mean `baseUrl`?'],
    ...[
      'app.example',
      'ftp://app.example',
      'https://app.example/?a',
      'https://app.example/#a',
      'https://user@app.example',
      'web+https://app.example',
      'web+http://app.example',
    ].map(
      (baseUrl) =>
        [baseUrl, { baseUrl }, '`baseUrl` takes an https URL without query, fragment and user.'] as [
          string,
          object,
          string,
        ],
    ),
    ...[
      { baseUrl: 'http://localhost' },
      { baseUrl: 'http://localhost', allowInsecureLoopback: false },
      { baseUrl: 'http://app.example', allowInsecureLoopback: true },
    ].map(
      (given) =>
        [
          JSON.stringify(given),
          given,
          '`baseUrl` is http: take https, or on `localhost` say `allowInsecureLoopback: true` for development.',
        ] as [string, object, string],
    ),
  ])('refuse %s', (_what, options, words) => {
    expect(() => settingsOf(options)).toThrow(ConfigurationError)
    expect(() => settingsOf(options)).toThrow(words)
  })

  it('keep sessions and tokens by the clock of the login', async () => {
    let nowMs = 5000
    const { store, tokens } = settingsOf({ clock: () => nowMs })
    const entry = { v: 1, version: '1', tokens: '{}', savedAt: 5 } as const
    const memory = store as ReturnType<typeof createMemorySessionStore>
    await memory.set('a', 'text', 1000)
    if (tokens) await tokens.store.set('a', entry, { ttlMs: 1000 })
    const found = async () => [await memory.get('a'), tokens && (await tokens.store.get('a'))?.version]
    expect(await found()).toEqual(['text', '1'])
    nowMs += 1000
    expect(await found()).toEqual([undefined, undefined])
  })

  it('are for http on this machine alone, and say so', () => {
    const settings = settingsOf({ baseUrl: 'http://127.0.0.1:3000', allowInsecureLoopback: true })
    expect(settings).toMatchObject({ secure: false, routesUrl: 'http://127.0.0.1:3000/auth' })
  })

  it('have a list of logouts where the sessions are its own, or a store was given', async () => {
    const events: object[] = []
    const onEvent = (event: object) => void events.push(event)
    const shared = createMemoryRevocationStore()
    const given = settingsOf({
      sessions: cookieSessions(),
      tokens: false,
      revocations: shared,
      onEvent,
      clock: () => 5000,
    })
    await given.revocations?.revoke({ issuer: 'https://as.example', jti: 'x' })
    const check = (list: typeof given.revocations) =>
      (async () => list?.check({ issuer: 'https://as.example', subject: 'a', tokenClaims: { iat: 1, jti: 'x' } }))()
    await expect(check(given.revocations)).rejects.toMatchObject({ code: 'ERR_TOKEN_REVOKED' })
    const other = settingsOf({ sessions: cookieSessions(), tokens: false, revocations: shared, clock: () => 5000 })
    await expect(check(other.revocations)).rejects.toMatchObject({ code: 'ERR_TOKEN_REVOKED' })
    expect(await check(settingsOf({ clock: () => 5000 }).revocations)).toBeUndefined()
    let nowMs = 5000
    const own = settingsOf({ clock: () => nowMs }).revocations
    await own?.revoke({ issuer: 'https://as.example', jti: 'x' })
    await expect(check(own)).rejects.toMatchObject({ code: 'ERR_TOKEN_REVOKED' })
    // A mark lasts as long as a session may.
    nowMs += 604_800_000
    expect(await check(own)).toBeUndefined()
  })
})
