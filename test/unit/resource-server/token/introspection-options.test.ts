import { ConfigurationError, type IntrospectionOptions } from 'portcullis'
import { describe, expect, it } from 'vitest'
import { toIntrospectionSettings } from '../../../../src/resource-server/token/introspection-options.js'

const credential = { authenticate: () => ({}) }

describe('introspection options', () => {
  it('[INTR-05] have defaults', () => {
    expect(toIntrospectionSettings(undefined, false)).toBeUndefined()
    expect(toIntrospectionSettings({ credential }, false)).toEqual({
      endpoint: undefined,
      credential,
      signedResponse: false,
      signedResponseAudience: undefined,
      introspectJwts: false,
      allowMissingAudience: false,
      cacheMs: 60_000,
      negativeCacheMs: 10_000,
      timeoutMs: 5000,
      maxInFlight: 100,
      breaker: { failureThreshold: 5, resetTimeoutMs: 10_000 },
    })
    expect(toIntrospectionSettings({ credential, breaker: false }, false)).toMatchObject({ breaker: undefined })
    expect(toIntrospectionSettings({ credential, breaker: { failureThreshold: 7 } }, false)).toMatchObject({
      breaker: { failureThreshold: 7, resetTimeoutMs: 10_000 },
    })
  })

  it('keep what is given', () => {
    const given: IntrospectionOptions = {
      endpoint: 'http://localhost:1/introspect',
      credential,
      signedResponse: true,
      signedResponseAudience: 'api',
      introspectJwts: true,
      dangerouslyAllowMissingAudience: true,
      cacheSeconds: 0,
      negativeCacheSeconds: 1,
      timeoutMs: 100,
      maxInFlight: 7,
      breaker: { failureThreshold: 1, resetTimeoutMs: 100 },
    }
    const { dangerouslyAllowMissingAudience, cacheSeconds, negativeCacheSeconds, ...same } = given
    const resolved = { allowMissingAudience: true, cacheMs: 0, negativeCacheMs: 1000 }
    expect(toIntrospectionSettings(given, true)).toEqual({ ...same, ...resolved })
    expect(() => toIntrospectionSettings(given, false)).toThrow(ConfigurationError)
  })

  it.each([
    ['no credential', { credential: undefined }],
    ['a credential that is text', { credential: 'secret' }],
    ['a credential that is null', { credential: null }],
    ['a credential without authenticate', { credential: {} }],
    ['an endpoint over http', { endpoint: 'http://a.test/introspect' }],
    ['an empty audience', { signedResponseAudience: '' }],
    ['a switch that is text', { signedResponse: 'true' }],
    ['a switch that is a number', { introspectJwts: 1 }],
    ['a dangerous switch that is text', { dangerouslyAllowMissingAudience: 'yes' }],
    ['a cache that is too long', { cacheSeconds: 3601 }],
    ['a cache that is negative', { negativeCacheSeconds: -1 }],
    ['no time at all', { timeoutMs: 0 }],
    ['an unknown member', { cacheSecond: 1 }],
    ['no request in flight', { maxInFlight: 0 }],
    ['too many in flight', { maxInFlight: 10_001 }],
    ['half a request in flight', { maxInFlight: 1.5 }],
    ['a breaker that is true', { breaker: true }],
    ['a breaker that is null', { breaker: null }],
    ['an unknown member of the breaker', { breaker: { treshold: 5 } }],
    ['half a failure', { breaker: { failureThreshold: 2.5 } }],
    ['no failure', { breaker: { failureThreshold: 0 } }],
    ['no time to recover', { breaker: { resetTimeoutMs: 99 } }],
    ['text for a time', { breaker: { resetTimeoutMs: '1000' } }],
  ])('[REAL-19] refuse %s', (_, changes) => {
    expect(() => toIntrospectionSettings({ credential, ...changes } as never, false)).toThrow(ConfigurationError)
  })

  it.each<[object | string, string]>([
    ['https://a.test', '`introspection` must be an object.'],
    [{ credential: {} }, '`introspection.credential` takes a credential of portcullis/client.'],
    [{ credential, endpoint: 'a.test' }, '`introspection.endpoint` takes an absolute https URL'],
    [{ credential, maxInFlight: 0 }, '`introspection.maxInFlight` takes a whole number from 1 to 10000.'],
    [{ credential, breaker: { x: 1 } }, '`introspection.breaker` has no option `x`.'],
    [{ credential, breaker: { failureThreshold: 0 } }, '`introspection.breaker.failureThreshold` takes'],
    [{ credential, breaker: { resetTimeoutMs: 0 } }, '`introspection.breaker.resetTimeoutMs` takes'],
  ])('[REAL-19] say of %j what is wrong', (options, message) => {
    expect(() => toIntrospectionSettings(options as never, false)).toThrow(message)
  })
})
