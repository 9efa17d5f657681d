import { describe, expect, it } from 'vitest'
import { checkReturnTo } from '../../../../src/login/web/return-to.js'

const base = new URL('https://app.example.com')

const good = [
  ['/', '/'],
  ['/me', '/me'],
  ['/me?tab=2#top', '/me?tab=2#top'],
  ['/a/../b', '/b'],
  ['/search?q=https://elsewhere.example', '/search?q=https://elsewhere.example'],
  ['/search?q=a%5Cb%0Ac', '/search?q=a%5Cb%0Ac'],
  ['/%C3%A9', '/%C3%A9'],
  ['/é', '/%C3%A9'],
  ['/@evil.example', '/@evil.example'],
  ['/:80', '/:80'],
  ['/javascript:alert(1)', '/javascript:alert(1)'],
  ['/#//evil.example', '/#//evil.example'],
  ['/?//evil.example', '/?//evil.example'],
  ['/a%252fb', '/a%252fb'],
]

const bad = [
  undefined,
  null,
  '',
  'me',
  '?a',
  '#a',
  ' /me',
  '\t/me',
  '\n/me',
  '.',
  './me',
  '../me',
  '//evil.example',
  '///evil.example',
  '////evil.example',
  '/\\evil.example',
  '\\/evil.example',
  '\\\\evil.example',
  '/\\/evil.example',
  '/\\\\evil.example',
  '/\t/evil.example',
  '/\n/evil.example',
  '/\r/evil.example',
  '/\r\nSet-Cookie: a=b',
  '/\u0000',
  '/\u001f',
  '/\u007f',
  '/%09/evil.example',
  '/%0a/evil.example',
  '/%0D%0ASet-Cookie:%20a=b',
  '/%00',
  '/%7f',
  '/%5Cevil.example',
  '/%5cevil.example',
  '/%5C%5Cevil.example',
  '/%2Fevil.example',
  '/%2f%2fevil.example',
  '/a//b',
  '/a/%2Fb',
  '/.//evil.example',
  '/..//evil.example',
  '/a/..//evil.example',
  '/%2e//evil.example',
  '/%2e%2e/%2fevil.example',
  '/.%2F/evil.example',
  '/./%2Fevil.example',
  '/%',
  '/%E0%A4%A',
  '/%zz',
  '/%C0%AF/evil.example',
  'https://app.example.com/me',
  'https://evil.example',
  'https:evil.example',
  'https:/evil.example',
  'http://evil.example',
  'HTTPS://evil.example',
  'javascript:alert(1)',
  'JaVaScRiPt:alert(1)',
  'data:text/html,x',
  'vbscript:x',
  'blob:https://app.example.com/x',
  'file:///etc/passwd',
  'about:blank',
  'mailto:a@example.com',
  '@evil.example',
  'evil.example',
  'app.example.com.evil.example/',
  '%2F%2Fevil.example',
  '%2fme',
  '／/evil.example',
  '/'.repeat(3),
  `/${'a'.repeat(2048)}`,
]

describe('checkReturnTo', () => {
  it.each(good)('[A7] takes %j', (wanted, path) => {
    expect(checkReturnTo(wanted, base)).toBe(path)
  })

  it.each(bad)('[A7] refuses %j', (wanted) => {
    expect(checkReturnTo(wanted, base)).toBeUndefined()
  })

  it('[A7] lets nothing off the origin, whatever a browser makes of it', () => {
    for (const wanted of [...good.map(([text]) => text as string), ...bad]) {
      const path = checkReturnTo(wanted, base)
      if (path === undefined) continue
      expect(new URL(path, 'https://app.example.com/auth/callback').origin).toBe(base.origin)
      expect(new URL(base.origin + path).origin).toBe(base.origin)
      expect(path).toMatch(/^\/(?![/\\])[\x21-\x7e]*$/)
    }
    expect(good.length + bad.length).toBeGreaterThanOrEqual(80)
  })
})
