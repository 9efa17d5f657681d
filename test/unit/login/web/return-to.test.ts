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
})
