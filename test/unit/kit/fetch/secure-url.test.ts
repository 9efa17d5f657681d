import { describe, expect, it } from 'vitest'
import {
  isInsecureHost,
  isLoopbackHostname,
  isPublicAddress,
  isPublicHostname,
  readSecureUrl,
} from '../../../../src/kit/fetch/secure-url.js'

describe('readSecureUrl', () => {
  it('[JWKS-01] [ASM-08] takes https without user information, and nothing else', () => {
    expect(readSecureUrl('https://issuer.example/jwks?x=1', false)?.hostname).toBe('issuer.example')
    for (const text of [
      'http://issuer.example',
      'http://127.0.0.1',
      'https://user@issuer.example',
      'https://:secret@issuer.example',
      'javascript:alert(1)',
      'data:,',
      'file:///etc/passwd',
      '/jwks',
      '',
    ]) {
      expect(readSecureUrl(text, false), text).toBeUndefined()
    }
  })

  it('takes http on loopback hosts where that is allowed', () => {
    expect(readSecureUrl('http://[::1]:8080/', true)?.port).toBe('8080')
    expect(readSecureUrl('http://user@localhost/', true)).toBeUndefined()
    expect(readSecureUrl('ws://localhost/', true)).toBeUndefined()
    expect(readSecureUrl('http://localhost.example.com/', true)).toBeUndefined()
  })
})

describe('hosts that are named', () => {
  const named = new Set(['keycloak:8080', 'plain'])

  it('[REAL-41] may be http, as loopback hosts may, and no other host or port', () => {
    for (const url of [
      'http://keycloak:8080/realms/x',
      'http://KEYCLOAK:8080',
      'http://plain/',
      'http://localhost:1',
    ]) {
      expect(readSecureUrl(url, named), url).toBeInstanceOf(URL)
    }
    for (const url of [
      'http://keycloak',
      'http://keycloak:8081',
      'http://x.keycloak:8080',
      'http://plain:8080',
      'ftp://plain',
    ]) {
      expect(readSecureUrl(url, named), url).toBeUndefined()
    }
    expect(readSecureUrl('http://user@keycloak:8080/', named)).toBeUndefined()
  })

  it('[REAL-41] [JWKS-08] are let through by host and port, and none where nothing is allowed', () => {
    expect(isInsecureHost(new URL('https://keycloak:8080/'), named)).toBe(true)
    expect(isInsecureHost(new URL('https://keycloak/'), named)).toBe(false)
    expect(isInsecureHost(new URL('http://127.0.0.1/'), false)).toBe(false)
    expect(isInsecureHost(new URL('http://keycloak:8080/'), true)).toBe(false)
  })
})

describe('isLoopbackHostname', () => {
  it('knows loopback hosts from those that only look like it', () => {
    for (const host of ['localhost', 'a.localhost', '127.0.0.1', '127.255.0.3', '127.0.10.1', '127.0.0.10', '[::1]']) {
      expect(isLoopbackHostname(host), host).toBe(true)
    }
    for (const host of [
      'notlocalhost',
      'localhost.example',
      '127.0.0.1.example',
      'x.127.0.0.1',
      '128.0.0.1',
      '[::2]',
      '',
    ]) {
      expect(isLoopbackHostname(host), host).toBe(false)
    }
  })
})

describe('isPublicAddress', () => {
  it.each(['8.8.8.8', '172.15.0.1', '172.32.0.1', '100.128.0.1', '2606:4700:4700::1111', '64:ff9b::8.8.8.8'])(
    '[JWKS-08] takes %s',
    (address) => {
      expect(isPublicAddress(address)).toBe(true)
    },
  )

  it.each([
    '127.0.0.1',
    '169.254.169.254',
    '192.88.99.1',
    '240.0.0.1',
    '::1',
    '::ffff:8.8.8.8',
    'fe80::1%eth0',
    'fd12::1',
    '2001::1',
    '64:ff9b::127.0.0.1',
    '64:ff9b:1::8.8.8.8',
    '1.2.3',
    'issuer.example',
    '',
  ])('[JWKS-08] refuses %s', (address) => {
    expect(isPublicAddress(address)).toBe(false)
  })
})

describe('isPublicHostname', () => {
  it('[JWKS-08] takes names with a dot, and judges literal addresses', () => {
    for (const host of ['issuer.example', 'issuer.example.', 'internal.example', '8.8.8.8', '[2606:4700::1]']) {
      expect(isPublicHostname(host), host).toBe(true)
    }
    for (const host of [
      'intranet',
      'a.internal',
      'a.internal.',
      'router.lan',
      'home.arpa',
      '10.0.0.1',
      '[::1]',
      '[',
      '.',
      '',
    ]) {
      expect(isPublicHostname(host), host).toBe(false)
    }
  })
})
