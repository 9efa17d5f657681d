import { describe, expect, it } from 'vitest'
import { isLoopbackHostname, readSecureUrl } from '../../../src/lib/secure-url.js'

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

describe('isLoopbackHostname', () => {
  it('knows loopback hosts from those that only look like it', () => {
    for (const host of ['localhost', 'a.localhost', '127.0.0.1', '127.255.0.3', '[::1]']) {
      expect(isLoopbackHostname(host), host).toBe(true)
    }
    for (const host of ['notlocalhost', 'localhost.example', '127.0.0.1.example', '128.0.0.1', '[::2]', '']) {
      expect(isLoopbackHostname(host), host).toBe(false)
    }
  })
})
