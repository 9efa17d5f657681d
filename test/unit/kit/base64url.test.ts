import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hasCanonicalTail, isBase64url } from '../../../src/kit/base64url.js'

describe('isBase64url', () => {
  it('[JOSE-01] accepts what an encoder writes for any bytes but none', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1 }), (bytes) => {
        expect(isBase64url(Buffer.from(bytes).toString('base64url'))).toBe(true)
      }),
    )
  })

  it('[JOSE-01] [C-29] accepts a text exactly when decoding and encoding it gives the same text', () => {
    const unit = fc.constantFrom(...'AQgwBCDxyz019-_+/= .{"é')
    fc.assert(
      fc.property(fc.string({ unit, minLength: 1, maxLength: 12 }), (text) => {
        expect(isBase64url(text)).toBe(Buffer.from(text, 'base64url').toString('base64url') === text)
      }),
      { numRuns: 2000 },
    )
  })

  it('[JOSE-02] [C-29] refuses the empty text, padding, blanks, line ends and characters of other alphabets', () => {
    for (const text of ['', 'AA==', 'AAA=', 'A A', 'AAAA\n', 'AA+A', 'AA/A', '{"a"', 'AAAé']) {
      expect(isBase64url(text), JSON.stringify(text)).toBe(false)
    }
  })

  it('[C-29] refuses a length no bytes encode to, and spare bits that are not zero', () => {
    for (const text of ['A', 'AAAAA', 'AB', 'AAB', 'A_', 'AA_']) expect(isBase64url(text), text).toBe(false)
  })
})

describe('hasCanonicalTail', () => {
  it('knows the one last character of each spare-bit pattern', () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    expect([...alphabet].filter((last) => hasCanonicalTail(`A${last}`))).toEqual([...'AQgw'])
    expect([...alphabet].filter((last) => hasCanonicalTail(`AA${last}`))).toEqual([...'AEIMQUYcgkosw048'])
    expect([...alphabet].every((last) => hasCanonicalTail(`AAA${last}`))).toBe(true)
  })
})
