import { describe, expect, it } from 'vitest'
import { normalizeTargetUri } from '../../../../src/resource-server/binding/request-target.js'

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
