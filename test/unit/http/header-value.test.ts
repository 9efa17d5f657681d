import { describe, expect, it } from 'vitest'
import { quoted, scopeValue, textValue, uriValue } from '../../../src/http/header-value.js'

describe('header values', () => {
  it('[HTTP-08] [BEAR-08] replaces in a description what RFC 6750 forbids', () => {
    expect(textValue('a "b" \\ c\r\nd\0e\tf é😀\ud800')).toBe("a 'b' ? c??d?e?f ???")
  })

  it('[BEAR-08] keeps scopes that are scopes, parted by single spaces', () => {
    expect(scopeValue('  read \t write\n')).toBe('read write')
    expect(scopeValue('read wr"ite back\\slash é mail:send')).toBe('read mail:send')
    expect(scopeValue('"\r\n"')).toBeUndefined()
  })

  it('[BEAR-08] percent-encodes in a URI what a URI cannot hold', () => {
    expect(uriValue('https://a.example/"x\\y é\r\n?q=😀')).toBe(
      'https://a.example/%22x%5Cy%20%C3%A9%0D%0A?q=%F0%9F%98%80',
    )
    expect(uriValue('https://a.example/%7Eb?c=d&e')).toBe('https://a.example/%7Eb?c=d&e')
    expect(uriValue('\ud800')).toBe('%EF%BF%BD')
  })

  it('[HTTP-05] [HTTP-07] writes quoted-strings with escapes', () => {
    expect(quoted('a "b" \\c')).toBe('"a \\"b\\" \\\\c"')
    expect(quoted('a\r\nb')).toBe('"a??b"')
  })
})
