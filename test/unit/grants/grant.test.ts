import { ConfigurationError, createGrants, type Grant, type GrantsOptions } from 'portcullis'
import { describe, expect, it } from 'vitest'
import { toGrantSettings } from '../../../src/grants/grant.js'
import { calendar, setUpGrants } from '../../support/grants-set-up.js'

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

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['a relative reference', '/calendar'],
    ['a resource with a fragment', `${calendar}#x`],
    ['an unknown option', { resource: calendar, scopes: 'a' }],
    ['a wrong mode', { resource: calendar, mode: 'eager' }],
    ['neither resource nor audience', { resource: calendar, sendResource: false }],
    ['an empty audience', { resource: calendar, audience: '' }],
    ['a scope that is no text', { resource: calendar, scope: [7] }],
    ['an actor that is a token', { resource: calendar, actor: 'token' }],
    ['an empty token type', { resource: calendar, requestedTokenType: '' }],
    ['an issuer that is no text', { resource: calendar, issuer: 7 }],
    ['a sendResource that is no boolean', { resource: calendar, sendResource: 'no' }],
    ['an allowNarrowerScope that is no boolean', { resource: calendar, allowNarrowerScope: 1 }],
    ['a plain http origin', { resource: calendar, allowedOrigins: ['http://calendar.example'] }],
    ['origins that are no list of text', { resource: calendar, allowedOrigins: [null] }],
    ['an origin with a path', { resource: calendar, allowedOrigins: ['https://calendar.example/v1'] }],
    ['an origin with a query', { resource: calendar, allowedOrigins: ['https://calendar.example/?x'] }],
    ['an empty scope', { resource: calendar, scope: ' ' }],
    ['two scopes in one item', { resource: calendar, scope: ['a b'] }],
    ['a scope with a quote', { resource: calendar, scope: 'a"' }],
  ])('[RI-01] [REAL-19] refuses %s', (_name, grant) => {
    expect(() => toGrantSettings(grant as Grant)).toThrow(ConfigurationError)
  })
})

describe('createGrants', () => {
  const { client } = setUpGrants()

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['no client', {}],
    ['an empty list of clients', { client: [] }],
    ['what is no client', { client: [client, {}] }],
    ['two clients of one issuer', { client: [client, client] }],
    ['an unknown option', { client, cache: {} }],
    ['a refusal remembered for minutes', { client, refusalSeconds: 61 }],
    ['a timeout of nothing', { client, exchangeTimeoutMs: 0 }],
    ['a fetch timeout of nothing', { client, fetchTimeoutMs: -1 }],
    ['a mapping that is no function', { client, mapRefusal: 403 }],
    ['a client without an issuer', { client: { ...client, issuer: '' } }],
    ['a client with half a key', { client: { ...client, dpop: { proof: () => 'x' } } }],
    ['a client that is null', { client: null }],
    ['a store that stores nothing', { client, store: {} }],
    ['a store that cannot delete', { client, store: { get() {}, set() {} } }],
    ['no store, said by null', { client, store: null }],
    ['a lock that locks nothing', { client, lock: {} }],
    ['a lock that is a function', { client, lock: () => {} }],
    ['a fetch that is no function', { client, fetch: {} }],
    ['a clock that stands', { client, clock: 7 }],
    ['a monotonic clock that stands', { client, monotonicClock: 7 }],
    ['a listener that is no function', { client, onEvent: [] }],
    ['half a millisecond', { client, exchangeTimeoutMs: 1.5 }],
    ['half a second', { client, refusalSeconds: 0.5 }],
    ['a time that is no number', { client, fetchTimeoutMs: Number.NaN }],
  ])('[REAL-19] refuses %s', (_name, options) => {
    expect(() => createGrants(options as GrantsOptions)).toThrow(ConfigurationError)
  })

  it('[REAL-19] says what a store and a lock must have', () => {
    expect(() => createGrants({ client, store: {} as never })).toThrow(
      '`store` takes an object with the functions get,',
    )
    expect(() => createGrants({ client, lock: {} as never })).toThrow('`lock` takes an object with the functions acq')
  })

  it('refuses grants that cannot be right when they are declared', () => {
    const grants = createGrants({ client })
    expect(() => grants.prepare([calendar, { resource: calendar }])).toThrow(/twice/)
    expect(() => grants.prepare(calendar as never)).toThrow(ConfigurationError)
    expect(() => grants.prepare([{ resource: calendar, issuer: 'https://unknown.example' }])).toThrow(
      ConfigurationError,
    )
  })
})
