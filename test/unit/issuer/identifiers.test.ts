import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ConfigurationError } from '../../../src/errors/index.js'
import { checkIssuer, checkUrl, isIssuer } from '../../../src/issuer/identifiers.js'

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
    ['white space before it', ' https://api.example.com'],
    ['white space after it', 'https://api.example.com '],
    ['a line break in the scheme', 'ht\ntps://api.example.com'],
    ['a port out of range', 'https://api.example.com:65536'],
    ['a host that is no IPv6 address', 'https://[::g]'],
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
    for (const issuer of [
      'https://a.example?b',
      'https://a.example/?',
      'https://a.example/?https://b.example/.well-known/jwks.json',
    ]) {
      expect(() => checkIssuer('issuer', issuer, false)).toThrow(/no query/)
    }
  })
})

describe('what a refused URL is told', () => {
  it.each([
    [undefined, '`url` takes an absolute https URL, in ASCII and without spaces around it.'],
    ['https:/a.example', '`url` takes an absolute https URL, in ASCII and without spaces around it.'],
    ['https://u@a.example', '`url` must hold neither user information nor a fragment.'],
    ['https://:p@a.example', '`url` must hold neither user information nor a fragment.'],
    ['https://a.example#', '`url` must hold neither user information nor a fragment.'],
    ['ftp://a.example', '`url` takes an https URL, not ftp:'],
    [
      'http://127.0.0.1:1',
      '`url` is an http URL on a loopback host. Write `allowInsecureLoopback: true` to accept it in development.',
    ],
    [
      'http://a.example:8080/x',
      "`url` takes an https URL: over http anybody on the way could read tokens. For a server of a private network in development, write `dangerouslyAllowInsecureHosts: ['a.example:8080']`.",
    ],
  ])('%j: %s', (url, message) => {
    expect(() => checkUrl('url', url, false)).toThrow(new ConfigurationError(message))
  })
})

describe('an issuer that is the URL of a document', () => {
  it.each([
    ['https://a.example/.well-known/openid-configuration', 'https://a.example'],
    ['https://a.example/t/.well-known/openid-configuration', 'https://a.example/t'],
    ['https://a.example/.well-known/oauth-authorization-server/tenant', 'https://a.example/tenant'],
    ['https://a.example/.well-known/jwks.json', 'https://a.example'],
    ['http://localhost:1/.well-known/jwks.json', 'http://localhost:1'],
  ])('%s is refused, and the issuer written out', (url, issuer) => {
    expect(() => checkIssuer('issuer', url, true)).toThrow(
      new ConfigurationError(
        `\`issuer\` is the URL of a document of the issuer. Write the issuer itself, '${issuer}'; it is the \`issuer\` of that document, character by character.`,
      ),
    )
  })

  it.each([
    'https://a.example/.well-known',
    'https://a.example/.well-known/other',
    'https://a.example/.well-known/openid-configurations',
    'https://a.example/well-known/openid-configuration',
    'https://a.example/.well-known/jwksXjson',
    'https://a.example/jwks.json',
  ])('%s is none', (url) => {
    expect(checkIssuer('issuer', url, false)).toBe(url)
  })
})

describe('isIssuer', () => {
  it('[C-07] says what checkIssuer does', () => {
    expect(isIssuer('https://a.example', false)).toBe(true)
    expect(isIssuer('http://localhost:1', true)).toBe(true)
    for (const text of [
      'http://localhost:1',
      'https://a.example?',
      'https://a.example/.well-known/jwks.json',
      'x',
      '',
    ]) {
      expect(isIssuer(text, false), text).toBe(false)
    }
  })
})
