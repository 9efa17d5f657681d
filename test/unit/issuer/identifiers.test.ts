import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ConfigurationError } from '../../../src/errors/index.js'
import { checkIssuer, checkUrl } from '../../../src/issuer/identifiers.js'

describe('checkUrl', () => {
  it.each([
    'https://api.example.com',
    'https://api.example.com/',
    'https://API.example.com:443/a/../b/?x=%7e',
    'https://[2001:db8::1]:8443/a',
    'HTTPS://api.example.com',
  ])('accepts %s', (url) => {
    expect(checkUrl('resource', url, false)).toBeInstanceOf(URL)
  })

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['a number', 5],
    ['a URL object', new URL('https://api.example.com')],
    ['an empty string', ''],
    ['a host name', 'api.example.com'],
    ['a path', '/mcp'],
    ['a scheme-relative URL', '//api.example.com'],
    ['white space around it', ' https://api.example.com '],
    ['a line break', 'https://api.example.com/\r\nx: y'],
    ['a NUL', 'https://api.example.com/\0'],
    ['a quote', 'https://api.example.com/"'],
    ['a backslash', 'https:\\\\api.example.com'],
    ['one slash', 'https:/api.example.com'],
    ['no slash', 'https:api.example.com'],
    ['no host', 'https:///api'],
    ['letters beyond ASCII', 'https://bücher.example'],
    ['user information', 'https://user:secret@api.example.com'],
    ['an empty user', 'https://@api.example.com'],
    ['a fragment', 'https://api.example.com/#a'],
    ['an empty fragment', 'https://api.example.com/#'],
    ['another scheme', 'ftp://api.example.com'],
    ['a script', 'javascript:alert(1)'],
    ['data', 'data:application/json,{}'],
  ])('refuses %s', (_what, url) => {
    expect(() => checkUrl('resource', url, true)).toThrow(ConfigurationError)
  })

  it('[BEAR-16] refuses http off loopback whatever the switch says', () => {
    for (const host of ['api.example.com', '10.0.0.1', 'localhost.example.com', '128.0.0.1', '[::2]', '0.0.0.0']) {
      expect(() => checkUrl('issuer', `http://${host}`, true), host).toThrow(/takes an https URL/)
    }
  })

  it('[BEAR-16] accepts http on loopback by the named switch alone', () => {
    for (const host of ['localhost', 'a.localhost:3000', '127.0.0.1:3000', '127.9.9.9', '[::1]:3000']) {
      expect(checkUrl('issuer', `http://${host}/x`, true).protocol, host).toBe('http:')
      expect(() => checkUrl('issuer', `http://${host}/x`, false), host).toThrow(/Write `allowInsecureLoopback: true`/)
    }
  })

  it('[REAL-41] says of an http URL of another host how a development server is allowed', () => {
    for (const allowed of [false, true, new Set(['other:8080'])]) {
      expect(() => checkUrl('issuer', 'http://keycloak:8080/realms/x', allowed)).toThrow(
        "`dangerouslyAllowInsecureHosts: ['keycloak:8080']`",
      )
    }
    expect(checkUrl('issuer', 'http://keycloak:8080/realms/x', new Set(['keycloak:8080'])).port).toBe('8080')
  })

  it('throws nothing but a ConfigurationError, whatever it is given', () => {
    fc.assert(
      fc.property(fc.anything(), fc.boolean(), (value, allowed) => {
        try {
          checkUrl('resource', value, allowed)
        } catch (error) {
          expect(error).toBeInstanceOf(ConfigurationError)
        }
      }),
    )
  })
})

describe('checkIssuer', () => {
  it('[C-07] [C-19] leaves the identifier as it is, byte for byte', () => {
    for (const issuer of [
      'https://a.example',
      'https://a.example/',
      'https://A.example:443/x/../y',
      'https://a.example/%7e',
    ]) {
      expect(checkIssuer('issuer', issuer, false)).toBe(issuer)
    }
  })

  it('refuses a query (RFC 8414 §2), also an empty one', () => {
    for (const issuer of ['https://a.example?b', 'https://a.example/?']) {
      expect(() => checkIssuer('issuer', issuer, false)).toThrow(/no query/)
    }
  })
})
