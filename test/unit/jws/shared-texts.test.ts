import { beforeEach, describe, expect, it, vi } from 'vitest'
import { readCompactJws, shareTexts } from '../../../src/jws/compact-jws.js'

const kept = vi.hoisted(() => new Map<string, string>())

/** A cache that is seen from outside: which of two equal texts is in memory cannot be told otherwise. */
vi.mock('../../../src/kit/bounded-cache.js', () => ({
  createBoundedCache: () => ({
    get: (key: string) => kept.get(key),
    set: (key: string, text: string) => kept.set(key, text),
  }),
}))

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
const read = (claims: object) => readCompactJws(`${encode({ alg: 'ES256' })}.${encode(claims)}.AAAA`)?.payload
const names = ['iss', 'aud', 'scope'] as const

beforeEach(() => {
  shareTexts({ iss: 'another', aud: 'another', scope: 'another' })
  kept.clear()
})

describe.each(names)('the text of %s', (name) => {
  it('is kept once its token was accepted, and no sooner', () => {
    expect(read({ [name]: 'one' })).toEqual({ [name]: 'one' })
    expect([...kept]).toEqual([])
    shareTexts({ [name]: 'one' })
    expect([...kept]).toEqual([['one', 'one']])
  })

  it('is the kept one in later tokens, also after others', () => {
    shareTexts({ [name]: 'one' })
    kept.set('one', '(kept)')
    expect(read({ [name]: 'one' })).toEqual({ [name]: 'one' })
    shareTexts({ [name]: 'two' })
    expect(read({ [name]: 'one' })).toEqual({ [name]: '(kept)' })
    expect(read({ [name]: 'other' })).toEqual({ [name]: 'other' })
    shareTexts({ [name]: 'one' })
    expect(kept.get('one')).toBe('(kept)')
  })

  it('is not looked up where the last token had the same', () => {
    shareTexts({ [name]: 'one' })
    kept.set('one', '(kept)')
    shareTexts({ [name]: 'one' })
    expect(read({ [name]: 'one' })).toEqual({ [name]: 'one' })
  })

  it('is not kept where it is long or no text, which changes nothing for the others', () => {
    shareTexts({ [name]: 'one' })
    const longest = 'a'.repeat(512)
    for (const value of [`${longest}a`, 7, null, ['list'], { a: 1 }, undefined]) shareTexts({ [name]: value })
    expect([...kept.keys()]).toEqual(['one'])
    kept.set('one', '(kept)')
    expect(read({ [name]: 'one' })).toEqual({ [name]: 'one' })
    shareTexts({ [name]: longest })
    expect([...kept.keys()]).toEqual(['one', longest])
  })
})
