import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { normalizeTargetUri } from '../../src/resource-server/binding/request-target.js'

const segment = fc.stringMatching(/^([A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9a-fA-F]{2}){0,6}$/)
const path = fc.array(segment, { maxLength: 6 }).map((segments) => segments.map((part) => `/${part}`).join(''))
const uri = fc.tuple(fc.constantFrom('http', 'https', 'HTTPS'), fc.domain(), path).map(([s, h, p]) => `${s}://${h}${p}`)

describe('normalizeTargetUri under junk', () => {
  it('[DPOP-07] never throws, whatever it is given', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (junk) => {
        for (const text of [junk, `https://${junk}`, `https://example.com/${junk}`]) {
          const result = normalizeTargetUri(text)
          expect(result === undefined || /^https?:\/\/[\x21-\x7e]+$/.test(result)).toBe(true)
        }
      }),
    )
  })

  it('[DPOP-07] gives a form that stays as it is when normalised again', () => {
    fc.assert(
      fc.property(uri, (text) => {
        const once = normalizeTargetUri(text)
        expect(once).toBeDefined()
        expect(normalizeTargetUri(once as string)).toBe(once)
      }),
    )
  })

  it('[DPOP-07] [C-16] gives the same form with any query or fragment', () => {
    fc.assert(
      fc.property(uri, fc.constantFrom('?', '#'), fc.string(), (text, mark, rest) => {
        expect(normalizeTargetUri(text + mark + rest)).toBe(normalizeTargetUri(text))
      }),
    )
  })

  it('[DPOP-07] agrees with WHATWG URL about dot segments where no escapes are involved', () => {
    const plain = fc.array(fc.constantFrom('a', 'b', '.', '..', ''), { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(plain, (segments) => {
        const text = `https://example.com/${segments.join('/')}`
        expect(normalizeTargetUri(text)).toBe(new URL(text).href)
      }),
    )
  })
})
