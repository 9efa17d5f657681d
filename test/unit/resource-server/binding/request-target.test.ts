import { describe, expect, it } from 'vitest'
import {
  normalizeTargetUri,
  type RequestTargetSettings,
  requestTargets,
  targetMismatch,
} from '../../../../src/resource-server/binding/request-target.js'
import { type FactsOverrides, requestFacts } from '../../../support/request-facts.js'

const proxy = '10.0.0.1'

function settings(targetOrigin: RequestTargetSettings['targetOrigin'], pathPrefix = ''): RequestTargetSettings {
  const isTrustedProxy = (address: string | undefined) => address === proxy
  return { targetOrigin, pathPrefix, resource: 'https://api.example.com/mcp?tenant=1', isTrustedProxy }
}

function target(targetOrigin: RequestTargetSettings['targetOrigin'], facts: FactsOverrides) {
  const targets = requestTargets(requestFacts(facts), settings(targetOrigin))
  expect(targets.length).toBeLessThan(2)
  return targets[0]
}

describe('requestTargets', () => {
  it('[DPOP-08] takes the origin of the resource identifier and the path of the request', () => {
    const headers = { host: 'evil.example', 'x-forwarded-host': 'evil.example', forwarded: 'host=evil.example' }
    expect(target('resource', { url: '/mcp/a?b#c', headers })).toBe('https://api.example.com/mcp/a')
    expect(target('resource', { url: 'http://internal:3000/mcp?b' })).toBe('https://api.example.com/mcp')
    expect(target('resource', { url: 'http://internal:3000?b' })).toBe('https://api.example.com')
  })

  it('[DPOP-08] takes TLS state and Host from the connection', () => {
    const headers = { host: 'a.example:8080' }
    expect(target('connection', { url: '/x?y', headers })).toBe('http://a.example:8080/x')
    expect(target('connection', { url: '/x', headers, secure: true })).toBe('https://a.example:8080/x')
    expect(target('connection', { url: '/x', headers: { ':authority': 'b.example' } })).toBe('http://b.example/x')
  })

  it('[DPOP-08] takes an absolute request target as it is, which is what Fetch requests have', () => {
    const headers = { host: 'other.example' }
    expect(target('connection', { url: 'https://a.example/x?y', headers })).toBe('https://a.example/x')
  })

  it('[DPOP-08] takes an address of IPv6 as it is', () => {
    expect(target('connection', { url: 'https://[2001:DB8::1]:8443/x' })).toBe('https://[2001:DB8::1]:8443/x')
    for (const host of ['[]', '[g::1]', '[::1', '::1', '[::1]x']) {
      expect(target('connection', { url: `https://${host}/x` }), host).toBeUndefined()
    }
  })

  it.each([
    ['x-forwarded-proto', 'xhttps'],
    ['x-forwarded-proto', 'https://evil.example/?'],
    ['x-forwarded-host', 'a.example/evil'],
    ['x-forwarded-host', 'a.example?x'],
    ['x-forwarded-host', 'a.example#x'],
    ['x-forwarded-host', ''],
  ])('[DPOP-08] [SEC-04] knows no target where %s is %j: a field holds an origin and nothing more', (name, value) => {
    const headers = { host: 'internal', [name]: value }
    expect(target('x-forwarded', { url: '/x', headers, remoteAddress: proxy })).toBeUndefined()
  })

  it('[DPOP-08] believes the connection, and not the request line, about TLS', () => {
    const facts = { url: 'https://a.example/x', secure: false }
    expect(target('connection', facts)).toBe('http://a.example/x')
    expect(target('connection', { url: 'http://a.example/x', secure: true })).toBe('https://a.example/x')
    expect(target('x-forwarded', { ...facts, remoteAddress: proxy })).toBe('http://a.example/x')
  })

  it('[DPOP-08] knows no target where Host and the authority of HTTP/2 differ', () => {
    const headers = { host: 'a.example', ':authority': 'a.example' }
    expect(target('connection', { url: '/x', headers })).toBe('http://a.example/x')
    expect(target('connection', { url: '/x', headers: { ...headers, host: 'b.example' } })).toBeUndefined()
    expect(
      target('connection', { url: '/x', headers: { ...headers, host: ['a.example', 'a.example'] } }),
    ).toBeUndefined()
  })

  it('[DPOP-08] knows no target without exactly one Host', () => {
    expect(target('connection', { url: '/x' })).toBeUndefined()
    expect(target('connection', { url: '/x', headers: { host: ['a.example', 'b.example'] } })).toBeUndefined()
  })

  it.each(['*', '', 'example.com:443', 'x', 'ftp://a.example/', 'http:/a', 'https://'])(
    '[DPOP-08] knows no target for the request target %j',
    (url) => {
      expect(target('resource', { url })).toBeUndefined()
      expect(target('connection', { url, headers: { host: 'a.example' } })).toBeUndefined()
    },
  )

  it.each([
    ['forwarded', { forwarded: 'proto=https;host=evil.example' }],
    ['x-forwarded', { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'evil.example' }],
  ] as const)('[DPOP-08] [SEC-04] ignores %s fields of a peer that is no trusted proxy', (mode, fields) => {
    const headers = { host: 'a.example', ...fields }
    expect(target(mode, { url: '/x', headers, remoteAddress: '203.0.113.9' })).toBe('http://a.example/x')
    expect(target(mode, { url: '/x', headers })).toBe('http://a.example/x')
    expect(target('connection', { url: '/x', headers, remoteAddress: proxy })).toBe('http://a.example/x')
  })

  it('[DPOP-08] believes the last Forwarded element, which the trusted proxy wrote', () => {
    const facts = (...forwarded: string[]) => ({
      url: '/x',
      headers: { host: 'internal', forwarded },
      remoteAddress: proxy,
    })
    expect(target('forwarded', facts('for=192.0.2.1;proto=https;host="a.example:8443"'))).toBe(
      'https://a.example:8443/x',
    )
    expect(target('forwarded', facts('host=evil.example;proto=http, proto=https;host=a.example'))).toBe(
      'https://a.example/x',
    )
    expect(target('forwarded', facts('host=evil.example', 'proto=https;host=a.example'))).toBe('https://a.example/x')
    expect(target('forwarded', facts('proto=https'))).toBe('https://internal/x')
    expect(target('forwarded', facts())).toBe('http://internal/x')
  })

  it('[DPOP-08] [SEC-04] knows no target when the Forwarded field cannot be read', () => {
    const facts = (forwarded: string) => ({
      url: '/x',
      headers: { host: 'internal', forwarded },
      remoteAddress: proxy,
    })
    expect(target('forwarded', facts('x="open, proto=https;host=a.example'))).toBeUndefined()
    expect(target('forwarded', facts('proto=https;proto=http'))).toBeUndefined()
  })

  it('[DPOP-08] believes the last X-Forwarded values, which the trusted proxy wrote', () => {
    const facts = (headers: Record<string, string | string[]>) => ({
      url: '/x',
      headers: { host: 'internal', ...headers },
      remoteAddress: proxy,
    })
    expect(target('x-forwarded', facts({ 'x-forwarded-proto': 'https', 'x-forwarded-host': 'a.example' }))).toBe(
      'https://a.example/x',
    )
    expect(
      target(
        'x-forwarded',
        facts({ 'x-forwarded-proto': 'http, https', 'x-forwarded-host': ['evil.example', 'a.example'] }),
      ),
    ).toBe('https://a.example/x')
    expect(target('x-forwarded', facts({ 'x-forwarded-proto': 'https' }))).toBe('https://internal/x')
  })
})

describe('a path prefix that a proxy strips', () => {
  const targets = (url: string, origin: RequestTargetSettings['targetOrigin'] = 'resource') =>
    requestTargets(requestFacts({ url, headers: { host: 'a.example' } }), settings(origin, '/api/v1'))

  it('[REAL-43] stands before the path of every request, whatever that begins with', () => {
    expect(targets('/users?x')).toEqual(['https://api.example.com/api/v1/users'])
    expect(targets('/api/v1/users')).toEqual(['https://api.example.com/api/v1/api/v1/users'])
    expect(targets('//users/')).toEqual(['https://api.example.com/api/v1//users/'])
    expect(targets('http://internal/users', 'resource')).toEqual(['https://api.example.com/api/v1/users'])
    expect(targets('/users', 'connection')).toEqual(['http://a.example/api/v1/users'])
  })

  it('[REAL-43] is the whole path of a request for the root, with a slash behind it or not', () => {
    const both = ['https://api.example.com/api/v1', 'https://api.example.com/api/v1/']
    for (const url of ['/', '/?x', 'http://internal', 'http://internal?x']) expect(targets(url), url).toEqual(both)
  })

  it.each(['/..', '/../users', '/a/../../x', '/./x', '/%2e%2e/users', '/.%2E/users', '/%2E/x', '/x/..'])(
    '[REAL-43] cannot be left: no target is known for %s',
    (url) => {
      expect(targets(url)).toEqual([])
    },
  )

  it.each(['/.well-known/x', '/...', '/a..b/', '/x/..a', '/%2e%2ex'])('[REAL-43] has no quarrel with %s', (url) => {
    expect(targets(url)).toEqual([`https://api.example.com/api/v1${url}`])
  })
})

describe('targetMismatch', () => {
  const why = (
    htu: string,
    url: string,
    prefix = '',
    targetOrigin: RequestTargetSettings['targetOrigin'] = 'resource',
  ) => targetMismatch(htu, requestFacts({ url }), settings(targetOrigin, prefix))

  it.each([
    ['https://api.example.com/x?y', '/x#z', ''],
    ['https://api.example.com/mcp', '/', '/mcp'],
    ['https://api.example.com/mcp/', '/', '/mcp'],
    ['HTTPS://api.example.com:443/mcp/%7Ex', '/~x', '/mcp'],
  ])('[REAL-43] finds that %s names %s under the prefix "%s"', (htu, url, prefix) => {
    expect(why(htu, url, prefix)).toBeUndefined()
  })

  it('[REAL-43] names the prefix that a proxy seems to strip, if it is the path of the resource identifier', () => {
    expect(why('https://api.example.com/mcp/users', '/users')).toBe(
      'htu has the path prefix "/mcp", the request has not: if a proxy strips it, set dpop.pathPrefix',
    )
    expect(why('https://api.example.com/mcp', '/')).toMatch(/^htu has the path prefix "\/mcp"/)
    expect(why('https://api.example.com/secret/users', '/users')).toBe(
      'htu has a path prefix, the request has not: if a proxy strips it, set dpop.pathPrefix',
    )
  })

  it('[REAL-43] names no prefix where the resource identifier has a path that cannot be compared', () => {
    const odd = { ...settings('resource'), resource: 'https://api.example.com/%zz' }
    const facts = requestFacts({ url: '/users' })
    expect(targetMismatch('https://api.example.com/secret', facts, odd)).toBe('another path')
  })

  it('[REAL-43] names the prefix that is set', () => {
    expect(why('https://api.example.com/users', '/users', '/mcp')).toBe('another path; dpop.pathPrefix is "/mcp"')
    expect(why('https://api.example.com/mcp/users', '/mcp/users', '/mcp')).toBe(
      'another path; dpop.pathPrefix is "/mcp"',
    )
  })

  it('[DPOP-06] tells other reasons apart, and repeats no text of the client', () => {
    expect(why('https://api.example.com/secret', '/users')).toBe('another path')
    expect(why('https://api.example.com/xusers', '/users')).toBe('another path')
    expect(why('https://api.example.com/secret', '/')).toBe('another path')
    expect(why('https://secret.example/users', '/users')).toBe('another origin')
    expect(why('https://api.example.com.secret.example/users', '/users')).toBe('another origin')
    expect(why('https://api.example.com:8443/users', '/users')).toBe('another origin')
    expect(why('secret', '/users')).toBe('htu is no http or https URI')
    expect(why('https://api.example.com/secret', '*')).toBe('the URI of the request is not known')
    expect(why('https://api.example.com/x', '/x', '', 'connection')).toBe('the URI of the request is not known')
    expect(why('https://api.example.com/x', '/a b')).toBe('the URI of the request is not known')
  })
})

describe('normalizeTargetUri', () => {
  it.each([
    ['https://EXAMPLE.com:443/a/../b/%7euser?x=1#f', 'https://example.com/b/~user'],
    ['https://example.com', 'https://example.com/'],
  ])('[DPOP-07] [V-13] equates %s with %s', (left, right) => {
    expect(normalizeTargetUri(left)).toBe(right)
    expect(normalizeTargetUri(right)).toBe(right)
  })

  it.each([
    ['/api', '/api/'],
    ['/a%2Fb', '/a/b'],
    ['//a', '/a'],
    ['/A', '/a'],
  ])('[DPOP-07] [V-13] keeps the path %s apart from %s', (left, right) => {
    const first = normalizeTargetUri(`https://example.com${left}`)
    expect(first).toBeDefined()
    expect(first).not.toBe(normalizeTargetUri(`https://example.com${right}`))
  })

  it('[DPOP-07] [V-13] keeps http apart from https', () => {
    expect(normalizeTargetUri('http://example.com/')).toBe('http://example.com/')
    expect(normalizeTargetUri('https://example.com/')).toBe('https://example.com/')
  })

  it.each([
    ['HTTPS://example.com/', 'https://example.com/'],
    ['http://example.com:80/', 'http://example.com/'],
    ['http://example.com:443/', 'http://example.com:443/'],
    ['https://example.com:80/', 'https://example.com:80/'],
    ['https://example.com:/', 'https://example.com/'],
    ['https://example.com:8443/', 'https://example.com:8443/'],
    ['https://[2001:DB8::1]:443/x', 'https://[2001:db8::1]/x'],
    ['https://ex%41mple.com/', 'https://example.com/'],
    ['https://ex%c3%a9.com/', 'https://ex%C3%A9.com/'],
    ['https://example.com/%c3%a9', 'https://example.com/%C3%A9'],
    ['https://example.com/a%2fb', 'https://example.com/a%2Fb'],
    ['https://example.com/%41%2d%2E%5f%7E', 'https://example.com/A-._~'],
    ['https://example.com/%2541', 'https://example.com/%2541'],
    ['https://example.com/a/%2e%2E/b', 'https://example.com/b'],
    ['https://example.com/a/./b', 'https://example.com/a/b'],
    ['https://example.com/a/b/..', 'https://example.com/a/'],
    ['https://example.com/a/.', 'https://example.com/a/'],
    ['https://example.com/../..', 'https://example.com/'],
    ['https://example.com/a//../b', 'https://example.com/a/b'],
    ['https://example.com/.well-known', 'https://example.com/.well-known'],
    ['https://example.com/...', 'https://example.com/...'],
    ["https://example.com/;v=1/!$&'()*+,=:@|[]{}", "https://example.com/;v=1/!$&'()*+,=:@|[]{}"],
    ['https://example.com?x', 'https://example.com/'],
    ['https://example.com#x', 'https://example.com/'],
  ])('[DPOP-07] [C-16] brings %s into the form %s', (given, expected) => {
    expect(normalizeTargetUri(given)).toBe(expected)
  })

  it.each([
    '',
    '/path',
    'example.com/path',
    'ftp://example.com/',
    'https:///path',
    'https:example.com',
    'https://user@example.com/',
    'https://user:secret@example.com/',
    'https://example.com:123456/',
    'https://example.com:x/',
    'https://[::1/',
    'https://[evil.com]/',
    'https://exa mple.com/',
    'https://example.com\\@evil.com/',
    'https://example.com/a b',
    'https://example.com/a\\b',
    'https://example.com/%',
    'https://example.com/%2',
    'https://example.com/%zz',
    'https://example.com/é',
    'https://exämple.com/',
    'https://example.com/a\n',
    'https://example.com/\u0000',
    ' https://example.com/',
  ])('[DPOP-07] refuses %j', (given) => {
    expect(normalizeTargetUri(given)).toBeUndefined()
  })

  it('[DPOP-07] bounds the part before the query, and only that', () => {
    const origin = 'https://example.com/'
    expect(normalizeTargetUri(origin + 'a'.repeat(8192 - origin.length))).toBeDefined()
    expect(normalizeTargetUri(origin + 'a'.repeat(8193 - origin.length))).toBeUndefined()
    expect(normalizeTargetUri(`${origin}?${'a'.repeat(20_000)}`)).toBe(origin)
  })
})
