import { ConfigurationError, createGrants, type Grant, type GrantsOptions } from 'portcullis'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { toGrantSettings } from '../../../src/grants/grant.js'
import { accessOf, calendar, caller, setUpGrants } from '../../support/grants-set-up.js'
import { scriptedLock } from '../../support/scripted-lock.js'

describe('toGrantSettings', () => {
  it('[RI-01] fills in what a bare resource leaves open', () => {
    expect(toGrantSettings(calendar)).toEqual({
      resource: calendar,
      audience: [],
      sendResource: true,
      scope: [],
      allowNarrowerScope: false,
      requestedTokenType: undefined,
      actor: undefined,
      issuer: undefined,
      mode: 'required',
      allowedOrigins: new Set(['https://calendar.example']),
    })
  })

  it('[D04] orders scope and audience, so that their order makes no other token', () => {
    const one = toGrantSettings({ resource: calendar, scope: 'b  a b', audience: ['y', 'x'] })
    const other = toGrantSettings({ resource: calendar, scope: ['a', 'b'], audience: ['x', 'y'] })
    expect([one.scope, one.audience]).toEqual([other.scope, other.audience])
  })

  it.each([
    ['https://calendar.example/v1?x=1', ['https://calendar.example']],
    ['http://127.0.0.1:8080/v1', ['http://127.0.0.1:8080']],
    ['http://calendar.example/', []],
    ['https://user:secret@calendar.example/', []],
    ['urn:example:calendar', []],
  ])('[D18] lets tokens for %s go to %j', (resource, origins) => {
    expect([...toGrantSettings(resource).allowedOrigins]).toEqual(origins)
  })

  it('[D18] takes origins the application names instead', () => {
    const { allowedOrigins } = toGrantSettings({
      resource: 'urn:x',
      allowedOrigins: ['https://a.example/', 'http://[::1]:1'],
    })
    expect([...allowedOrigins]).toEqual(['https://a.example', 'http://[::1]:1'])
  })

  const uri = 'A grant needs `resource`: an absolute URI without fragment (RFC 8707 §2).'
  const list = 'takes a non-empty string or a non-empty array of them.'
  const origin = '`allowedOrigins` takes origins: tokens would go to other paths there all the same.'
  const scopes = '`scope` of a grant takes scopes in one text, or one scope in each item of an array.'
  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'A grant must be an object.'],
    ['a relative reference', '/calendar', uri],
    ['a resource that only turns into text', { resource: new URL(calendar) }, uri],
    ['a list of one resource', { resource: [calendar] }, uri],
    ['a resource with a fragment', `${calendar}#x`, uri],
    ['an unknown option', { resource: calendar, scopes: 'a' }, 'A grant has no option `scopes`. Did you mean `scope`?'],
    ['a wrong mode', { resource: calendar, mode: 'eager' }, "`mode` takes one of 'required', 'optional', 'lazy'."],
    [
      'neither resource nor audience',
      { resource: calendar, sendResource: false },
      'A grant with `sendResource: false` needs an `audience`.',
    ],
    ['an empty audience', { resource: calendar, audience: '' }, `\`audience\` ${list}`],
    ['a scope that is no text', { resource: calendar, scope: [7] }, `\`scope\` ${list}`],
    ['an actor that is a token', { resource: calendar, actor: 'token' }, '`actor` takes a function.'],
    ['an empty token type', { resource: calendar, requestedTokenType: '' }, '`requestedTokenType` takes a non-empty'],
    ['an issuer that is no text', { resource: calendar, issuer: 7 }, '`issuer` takes an issuer or a function.'],
    ['an empty issuer', { resource: calendar, issuer: '' }, '`issuer` takes an issuer or a function.'],
    ['a sendResource that is no boolean', { resource: calendar, sendResource: 'no' }, '`sendResource` takes true or'],
    ['an allowNarrowerScope of 1', { resource: calendar, allowNarrowerScope: 1 }, '`allowNarrowerScope` takes true or'],
    ['a plain http origin', { resource: calendar, allowedOrigins: ['http://calendar.example'] }, '`allowedOrigins`'],
    ['origins that are no list of text', { resource: calendar, allowedOrigins: [null] }, `\`allowedOrigins\` ${list}`],
    ['an origin with a path', { resource: calendar, allowedOrigins: ['https://calendar.example/v1'] }, origin],
    ['an origin with a query', { resource: calendar, allowedOrigins: ['https://calendar.example/?x'] }, origin],
    ['an empty scope', { resource: calendar, scope: ' ' }, '`scope` of a grant names no scope.'],
    ['two scopes in one item', { resource: calendar, scope: ['a b'] }, scopes],
    ['a scope with a quote', { resource: calendar, scope: 'a"' }, scopes],
  ])('[RI-01] [REAL-19] refuses %s, and says what would be right', (_name, grant, message) => {
    expect(() => toGrantSettings(grant as Grant)).toThrow(ConfigurationError)
    expect(() => toGrantSettings(grant as Grant)).toThrow(message)
  })

  it('takes each mode', () => {
    for (const mode of ['required', 'optional', 'lazy'] as const) {
      expect(toGrantSettings({ resource: calendar, mode }).mode).toBe(mode)
    }
  })
})

describe('createGrants', () => {
  const { client } = setUpGrants()

  const clients = '`client` takes an OAuth client of portcullis/client, or an array of them.'
  const store = '`store` takes an object with the functions get, set, delete.'
  const lock = '`lock` takes an object with the functions acquire.'
  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'createGrants must be an object.'],
    ['no client', {}, clients],
    ['an empty list of clients', { client: [] }, clients],
    ['what is no client', { client: [client, {}] }, clients],
    ['a client that exchanges nothing', { client: { issuer: 'https://as.example', clientId: 'x' } }, clients],
    ['a client that is a function', { client: Object.assign(() => {}, client) }, clients],
    ['two clients of one issuer', { client: [client, client] }, '`client` holds two clients of one issuer.'],
    ['an unknown option', { client, cache: {} }, 'createGrants has no option `cache`.'],
    [
      'a refusal remembered for minutes',
      { client, refusalSeconds: 61 },
      '`refusalSeconds` takes a whole number from 0',
    ],
    [
      'a timeout of nothing',
      { client, exchangeTimeoutMs: 0 },
      '`exchangeTimeoutMs` takes a whole number from 1 to 600000',
    ],
    [
      'a fetch timeout of nothing',
      { client, fetchTimeoutMs: -1 },
      '`fetchTimeoutMs` takes a whole number from 1 to 600000',
    ],
    ['a mapping that is no function', { client, mapRefusal: 403 }, '`mapRefusal` takes a function.'],
    ['a client without an issuer', { client: { ...client, issuer: '' } }, clients],
    ['a client whose issuer is no text', { client: { ...client, issuer: 7 } }, clients],
    ['a client with half a key', { client: { ...client, dpop: { proof: () => 'x' } } }, clients],
    ['a client with the other half', { client: { ...client, dpop: { thumbprint: () => 'x' } } }, clients],
    ['a client whose key is null', { client: { ...client, dpop: null } }, clients],
    ['a client that is null', { client: null }, clients],
    ['a store that stores nothing', { client, store: {} }, store],
    ['a store that cannot delete', { client, store: { get() {}, set() {} } }, store],
    ['a store that cannot get', { client, store: { delete() {}, set() {} } }, store],
    ['a store that cannot set', { client, store: { get() {}, delete() {} } }, store],
    ['no store, said by null', { client, store: null }, store],
    ['a lock that locks nothing', { client, lock: {} }, lock],
    ['a lock that is a function', { client, lock: () => {} }, lock],
    ['a fetch that is no function', { client, fetch: {} }, '`fetch` takes a function.'],
    ['a clock that stands', { client, clock: 7 }, '`clock` takes a function.'],
    ['a monotonic clock that stands', { client, monotonicClock: 7 }, '`monotonicClock` takes a function.'],
    ['a listener that is no function', { client, onEvent: [] }, '`onEvent` takes a function.'],
    ['half a millisecond', { client, exchangeTimeoutMs: 1.5 }, '`exchangeTimeoutMs`'],
    ['half a second', { client, refusalSeconds: 0.5 }, '`refusalSeconds`'],
    ['a time that is no number', { client, fetchTimeoutMs: Number.NaN }, '`fetchTimeoutMs`'],
  ])('[REAL-19] refuses %s, and says what would be right', (_name, options, message) => {
    expect(() => createGrants(options as GrantsOptions)).toThrow(ConfigurationError)
    expect(() => createGrants(options as GrantsOptions)).toThrow(message)
  })

  it('refuses grants that cannot be right when they are declared', () => {
    const grants = createGrants({ client })
    expect(() => grants.prepare([calendar, { resource: calendar }])).toThrow(/`grants`.*twice/)
    expect(() => grants.prepare(calendar as never)).toThrow('Grants are declared as an array.')
    expect(() => grants.prepare([{ resource: calendar, issuer: 'https://unknown.example' }])).toThrow(
      "`client` holds no client of the issuer that a grant names, or that the caller's token comes from.",
    )
  })

  it('[D18] goes out by the fetch of the platform where no other is given', async () => {
    const asked = vi.spyOn(globalThis, 'fetch').mockResolvedValue(new Response('fine'))
    onTestFinished(() => asked.mockRestore())
    const access = await accessOf(setUpGrants(), caller('alice-token'), calendar)
    expect(await (await access.fetch(calendar)('/events')).text()).toBe('fine')
    expect(String(asked.mock.calls[0]?.[0])).toBe(`${calendar}events`)
    expect(new Headers(asked.mock.calls[0]?.[1]?.headers).get('authorization')).toMatch(/^Bearer alice-token@/)
  })

  it('[S3-10] waits for the grants of a request whatever the mode of the others', async () => {
    const setUp = setUpGrants()
    const declared: Grant[] = [{ resource: 'https://lazy.example/', mode: 'lazy' }, calendar]
    const { access, failure } = await setUp.grants.prepare(declared)(caller('alice-token'))
    expect(failure).toBeUndefined()
    expect(access.token(calendar)).toContain('alice-token')
    expect(setUp.exchanges()).toBe(1)
  })

  it('[S4-12] [REAL-44] is degraded where a store or the lock fails, or one circuit of several is open', async () => {
    const down = () => Promise.reject(new TypeError('down'))
    const store = { get: () => undefined, set: down, delete: () => undefined }
    const both = setUpGrants({ store, lock: { acquire: down } })
    await both.grants.prepare([calendar])(caller('alice-token'))
    expect(both.grants.health()).toMatchObject({
      status: 'degraded',
      store: { shared: true, failures: 1 },
      lock: { shared: true, failures: 1 },
    })
    const breakers = () => ({ token: 'closed', revocation: 'open' }) as const
    expect(createGrants({ client: { ...client, breakers } }).health().status).toBe('degraded')
    const whole = createGrants({ client }).health()
    expect(whole).toMatchObject({ status: 'ok', store: { shared: false }, lock: undefined })
  })

  it('[D01] [REAL-44] names its store where it waits for the lock', async () => {
    const { lock } = scriptedLock({ busy: 1 })
    const setUp = setUpGrants({ lock })
    await accessOf(setUp, caller('alice-token'), calendar)
    expect(setUp.events[0]).toMatchObject({ type: 'lock.waited', store: 'grants', outcome: 'lease' })
  })
})
