import { describe, expect, it } from 'vitest'
import { readCookies, setCookie } from '../../../src/http/cookies.js'
import { requestFacts } from '../../support/request-facts.js'

describe('cookies', () => {
  it('reads those of a request, the first of a name, whatever else is there', () => {
    const cookie = ['a=1; b = 2 ;c;=4; a=3; d=x=y; ', 'e=5']
    expect([...readCookies(requestFacts({ headers: { cookie } }))]).toEqual([
      ['a', '1'],
      ['b', '2'],
      ['d', 'x=y'],
      ['e', '5'],
    ])
    expect(readCookies(requestFacts()).size).toBe(0)
  })

  it('writes them for the whole host, and for no script', () => {
    const attributes = { secure: true, sameSite: 'Lax', maxAgeSeconds: 60.5 } as const
    expect(setCookie('a', '1', attributes)).toBe('a=1; Path=/; Max-Age=60; HttpOnly; Secure; SameSite=Lax')
    expect(setCookie('a', '', { secure: false, sameSite: 'None', maxAgeSeconds: -5 })).toBe(
      'a=; Path=/; Max-Age=0; HttpOnly; SameSite=None',
    )
  })
})
