import { describe, expect, it } from 'vitest'
import { checkReturnTo } from '../../../../src/login/web/return-to.js'
import { badTargets, goodTargets } from '../../../support/return-to-corpus.js'

const base = new URL('https://app.example.com')

describe('checkReturnTo', () => {
  it.each(goodTargets)('[A7] takes %j', (wanted, path) => {
    expect(checkReturnTo(wanted, base)).toBe(path)
  })

  it.each(badTargets)('[A7] [AZ-10] refuses %j', (wanted) => {
    expect(checkReturnTo(wanted, base)).toBeUndefined()
  })

  it('[A7] takes 2,048 characters', () => {
    const longest = `/${'a'.repeat(2047)}`
    expect([checkReturnTo(longest, base), checkReturnTo(`${longest}a`, base)]).toEqual([longest, undefined])
  })

  it('[A7] [AZ-10] lets nothing off the origin, whatever a browser makes of it', () => {
    for (const wanted of [...goodTargets.map(([text]) => text as string), ...badTargets]) {
      const path = checkReturnTo(wanted, base)
      if (path === undefined) continue
      expect(new URL(path, 'https://app.example.com/auth/callback').origin).toBe(base.origin)
      expect(new URL(base.origin + path).origin).toBe(base.origin)
      expect(path).toMatch(/^\/(?![/\\])[\x21-\x7e]*$/)
    }
    expect(goodTargets.length + badTargets.length).toBeGreaterThanOrEqual(80)
  })

  it('[A7] [AZ-10] lets none of all texts of four parts off the origin, each of which may be one that URLs give a meaning', () => {
    const parts = ['', '/', '\\', '.', '%2e', '%2F', '%5c', ':', '@', '?', '#', '\t', 'https:', 'evil.example']
    const texts = (count: number): string[] =>
      count === 0 ? [''] : texts(count - 1).flatMap((text) => parts.map((part) => text + part))
    let taken = 0
    for (const text of new Set(texts(3))) {
      const path = checkReturnTo(`/${text}`, base)
      if (path === undefined) continue
      taken += 1
      const asked = new URL(`/${text}`, base)
      expect([path, asked.origin]).toEqual([asked.pathname + asked.search + asked.hash, base.origin])
      expect(new URL(path, 'https://app.example.com/auth/callback').origin).toBe(base.origin)
    }
    expect(taken).toBeGreaterThan(100)
  })
})
