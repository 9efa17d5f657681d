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

  it('[S2-54] takes no name for ours that has other blanks around it: browsers let any subdomain set those', () => {
    for (const blank of ['\u00a0', '\u0085', '\u000b', '\u000c', '\ufeff', '\u2003']) {
      const cookie = `${blank}__Host-a=evil; __Host-a${blank}=evil; __Host-a=own`
      expect(readCookies(requestFacts({ headers: { cookie } })).get('__Host-a'), escape(blank)).toBe('own')
    }
    const cookie = ' \t __Host-a \t= own\t ;b='
    expect([...readCookies(requestFacts({ headers: { cookie } }))]).toEqual([
      ['__Host-a', 'own'],
      ['b', ''],
    ])
  })

  it('writes them for the whole host, and for no script', () => {
    const attributes = { secure: true, sameSite: 'Lax', maxAgeSeconds: 60.5 } as const
    expect(setCookie('a', '1', attributes)).toBe('a=1; Path=/; Max-Age=60; HttpOnly; Secure; SameSite=Lax')
    expect(setCookie('a', '', { secure: false, sameSite: 'None', maxAgeSeconds: -5 })).toBe(
      'a=; Path=/; Max-Age=0; HttpOnly; SameSite=None',
    )
  })
})
