import { describe, expect, it } from 'vitest'
import { ConfigurationError } from '../../../../src/errors/index.js'
import { toDpopSettings, toMtlsSettings } from '../../../../src/resource-server/binding/binding-options.js'

const secret = 's'.repeat(32)

function refusal(read: () => unknown): unknown {
  try {
    read()
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigurationError)
    return (error as ConfigurationError).message
  }
  throw new Error('expected a refusal')
}

describe('toDpopSettings', () => {
  it('fills in every default, and gives what cannot be changed', () => {
    const settings = toDpopSettings(undefined)
    expect(settings).toEqual({
      mode: 'allowed',
      algorithms: ['ES256', 'PS256', 'EdDSA', 'Ed25519'],
      maxAgeSeconds: 60,
      maxFutureSeconds: 10,
      nonce: undefined,
      replayStore: undefined,
      dangerouslyAllowReplayWhenStoreFails: false,
      targetOrigin: 'resource',
      pathPrefix: '',
    })
    expect(Object.isFrozen(settings)).toBe(true)
    expect(toDpopSettings({})).toEqual(settings)
  })

  it('takes over what is given', () => {
    const given = {
      mode: 'required',
      algorithms: ['PS256'],
      maxAgeSeconds: 5,
      maxFutureSeconds: 0,
      nonce: { secrets: [secret], maxAgeSeconds: 20, onSuccess: true },
      replayStore: { reserve: () => true },
      dangerouslyAllowReplayWhenStoreFails: true,
      targetOrigin: 'connection',
      pathPrefix: '/api',
    } as const
    expect(toDpopSettings(given)).toEqual(given)
    expect(toDpopSettings({ nonce: { secrets: [secret] } }).nonce).toEqual({
      secrets: [secret],
      maxAgeSeconds: 300,
      onSuccess: false,
    })
  })

  it.each(['off', 'allowed', 'required'] as const)('takes %s for the mode by itself too', (mode) => {
    expect(toDpopSettings(mode).mode).toBe(mode)
    expect(toDpopSettings({ mode }).mode).toBe(mode)
    expect(toMtlsSettings(mode)).toEqual({ mode, certificateFrom: 'connection' })
    expect(toMtlsSettings({ mode }).mode).toBe(mode)
  })

  it.each(['resource', 'connection', 'forwarded', 'x-forwarded'] as const)('takes the origin from %s', (origin) => {
    expect(toDpopSettings({ targetOrigin: origin }).targetOrigin).toBe(origin)
  })

  it.each([
    ['maxAgeSeconds', 1, 300],
    ['maxFutureSeconds', 0, 60],
  ])('takes %s from %d to %d', (name, min, max) => {
    for (const seconds of [min, max]) expect(toDpopSettings({ [name]: seconds })).toMatchObject({ [name]: seconds })
    for (const seconds of [min - 1, max + 1, min + 0.5]) {
      const message = `\`dpop.${name}\` takes a whole number from ${min} to ${max}.`
      expect(refusal(() => toDpopSettings({ [name]: seconds }))).toBe(message)
    }
  })

  it('takes the lifetime of nonces from 10 to 3600 seconds', () => {
    const withAge = (maxAgeSeconds: number) => toDpopSettings({ nonce: { secrets: [secret], maxAgeSeconds } })
    for (const seconds of [10, 3600]) expect(withAge(seconds).nonce?.maxAgeSeconds).toBe(seconds)
    for (const seconds of [9, 3601]) {
      expect(refusal(() => withAge(seconds))).toBe('`dpop.nonce.maxAgeSeconds` takes a whole number from 10 to 3600.')
    }
  })

  it('takes secrets of 32 bytes or more, as text or as bytes, all of them', () => {
    const given = [secret, new Uint8Array(32), `${secret}s`]
    expect(toDpopSettings({ nonce: { secrets: given } }).nonce?.secrets).toEqual(given)
    const short = [
      [],
      secret,
      [secret.slice(1)],
      [secret, new Uint8Array(31)],
      [{ length: 32 }],
      [undefined],
      undefined,
    ]
    for (const secrets of short) {
      expect(refusal(() => toDpopSettings({ nonce: { secrets } } as never))).toBe(
        '`dpop.nonce.secrets` takes one or more secrets of at least 32 bytes each.',
      )
    }
  })

  it.each<[unknown, string]>([
    [{ mode: 'on' }, "`dpop.mode` takes one of 'off', 'allowed', 'required'."],
    [
      { targetOrigin: 'host' },
      "`dpop.targetOrigin` takes one of 'resource', 'connection', 'forwarded', 'x-forwarded'.",
    ],
    [{ dangerouslyAllowReplayWhenStoreFails: 1 }, '`dpop.dangerouslyAllowReplayWhenStoreFails` takes true or false.'],
    [{ algorithms: [] }, '`dpop.algorithms` takes a non-empty string or a non-empty array of them.'],
    [{ nonce: true }, '`dpop.nonce` must be an object.'],
    [{ nonce: { secrets: [secret], onSuccess: 1 } }, '`dpop.nonce.onSuccess` takes true or false.'],
    [null, '`dpop` must be an object.'],
    [{ replayStore: {} }, '`dpop.replayStore` takes a ReplayStore, such as createRedisReplayStore gives.'],
    [{ replayStore: null }, '`dpop.replayStore` takes a ReplayStore, such as createRedisReplayStore gives.'],
  ])('refuses %j', (given, message) => {
    expect(refusal(() => toDpopSettings(given as never))).toBe(message)
  })
})

describe('the path prefix', () => {
  it.each(['/api', '/api/v1', '/a', '/.well-known', '/...', '/a..b', '/..a', '/a/..b/c', "/a_b.~!$&'()*+,;=:@-9"])(
    '[REAL-43] may be %s',
    (pathPrefix) => {
      expect(toDpopSettings({ pathPrefix }).pathPrefix).toBe(pathPrefix)
    },
  )

  it.each<unknown>([
    ...['', '/', 'api', 'x/api', '/api/', '//api', '/a//b', '/.', '/..', '/./a', '/../a', '/a/.', '/a/..', '/a/../b'],
    ...['/a?b', '/a#b', '/%61', '/a b', '/ä', '/a\n', '/a\\b', 7, null, ['/api']],
  ])('[REAL-43] may not be %j', (pathPrefix) => {
    expect(refusal(() => toDpopSettings({ pathPrefix } as never))).toBe(
      "`dpop.pathPrefix` takes what a proxy strips from the front of each path, such as '/api': a slash first, none at the end, no dot segments and no escapes.",
    )
  })
})

describe('toMtlsSettings', () => {
  it('fills in every default, and gives what cannot be changed', () => {
    expect(toMtlsSettings(undefined)).toEqual({ mode: 'allowed', certificateFrom: 'connection' })
    expect(Object.isFrozen(toMtlsSettings({}))).toBe(true)
  })

  it.each(['connection', 'rfc9440', 'xfcc', 'nginx', 'aws'] as const)('takes certificates from %s', (source) => {
    expect(toMtlsSettings({ certificateFrom: source })).toEqual({ mode: 'allowed', certificateFrom: source })
  })

  it.each<[unknown, string]>([
    [{ mode: 'on' }, "`mtls.mode` takes one of 'off', 'allowed', 'required'."],
    [
      { certificateFrom: 'header' },
      "`mtls.certificateFrom` takes one of 'connection', 'rfc9440', 'xfcc', 'nginx', 'aws'.",
    ],
    [false, '`mtls` must be an object.'],
  ])('refuses %j', (given, message) => {
    expect(refusal(() => toMtlsSettings(given as never))).toBe(message)
  })
})
