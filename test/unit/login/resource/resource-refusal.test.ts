import { tokenSetFromResponse } from 'portcullis/client'
import { describe, expect, it } from 'vitest'
import {
  asksForToken,
  inWords,
  isPointless,
  operationOf,
  type Refusal,
  toRefusal,
} from '../../../../src/login/resource/resource-refusal.js'

const url = 'https://api.example/mcp?secret=1#part'
const read = (...challenges: string[]) =>
  toRefusal(new URL(url), new Headers(challenges.map((one) => ['WWW-Authenticate', one] as [string, string])))
const nothing: Refusal = {
  ...{ requestUrl: 'https://api.example/mcp?secret=1', metadataUrl: undefined, scope: [], acrValues: [] },
  ...{ maxAgeSeconds: undefined, takesDpop: false, isStepUp: false },
}

describe('what a refused request tells', () => {
  it.each<[string, string[], Partial<Refusal>]>([
    ['nothing, without a challenge', [], {}],
    ['nothing, by a scheme for no tokens', ['Basic realm="x", scope="a"'], {}],
    [
      'the metadata and the scopes',
      ['Bearer resource_metadata="https://api.example/about", scope=" a  b "'],
      { metadataUrl: 'https://api.example/about', scope: ['a', 'b'] },
    ],
    ['that bound tokens do', ['DPoP algs="ES256"'], { takesDpop: true }],
    [
      'the first of each, of all challenges',
      ['Basic scope="x"', 'Bearer error="invalid_token"', 'DPoP scope="a", resource_metadata="https://api.example/d"'],
      { takesDpop: true, scope: ['a'], metadataUrl: 'https://api.example/d' },
    ],
    ['that more scopes are wanted', ['Bearer error="insufficient_scope", scope="a"'], { scope: ['a'], isStepUp: true }],
    [
      'that a better login is wanted',
      ['Bearer error="insufficient_user_authentication", acr_values="gold silver", max_age="60"'],
      { acrValues: ['gold', 'silver'], maxAgeSeconds: 60, isStepUp: true },
    ],
    [
      'that a better login is wanted, also by the second challenge',
      ['Bearer error="invalid_token"', 'DPoP error="insufficient_user_authentication"'],
      { takesDpop: true, isStepUp: true },
    ],
  ])('is %s', (_what, challenges, refusal) => {
    expect(read(...challenges)).toEqual({ ...nothing, ...refusal })
  })

  it.each([
    [401, [], true],
    [401, ['Bearer'], true],
    [401, ['DPoP'], true],
    [401, ['Basic'], false],
    [401, ['Basic', 'Bearer'], true],
    [403, [], false],
    [403, ['Bearer error="insufficient_scope"'], true],
    [403, ['Basic'], false],
    [400, ['Bearer'], false],
    [200, ['Bearer'], false],
    [500, [], false],
  ])('%d with %j asks for a token: %s', (status, challenges, expected) => {
    const headers = new Headers(challenges.map((one) => ['WWW-Authenticate', one] as [string, string]))
    expect(asksForToken(new Response(null, { status, headers }))).toBe(expected)
  })

  it('[STEP-07] is pointless to sign in for where the token has all that is asked for', () => {
    const tokens = tokenSetFromResponse({ access_token: 'a', token_type: 'Bearer', scope: 'read write' })
    const wants = (more: Partial<Refusal>) => isPointless(tokens, { ...nothing, ...more })
    expect([wants({}), wants({ scope: ['read'] }), wants({ scope: ['read', 'write'] })]).toEqual([true, true, true])
    expect([wants({ scope: ['read', 'pay'] }), wants({ acrValues: ['gold'] }), wants({ maxAgeSeconds: 0 })]).toEqual([
      ...[false, false, false],
    ])
    expect(isPointless(undefined, nothing)).toBe(false)
  })

  it('is one operation by method, address without query, and what is wanted', () => {
    const of = (more: Partial<Refusal>, init: RequestInit = {}) => operationOf({ ...nothing, ...more }, init)
    const first = of({ scope: ['b', 'a'] })
    expect(of({ scope: ['a', 'b'], requestUrl: 'https://api.example/mcp?other' }, { method: 'get' })).toBe(first)
    const others = [
      ...[
        of({ scope: ['a'] }),
        of({ scope: ['a', 'b'] }, { method: 'POST' }),
        of({ scope: ['a', 'b'], maxAgeSeconds: 1 }),
      ],
      ...[
        of({ scope: ['a', 'b'], acrValues: ['gold'] }),
        of({ scope: ['a', 'b'], requestUrl: 'https://api.example/x' }),
      ],
    ]
    expect(new Set([first, ...others]).size).toBe(6)
  })

  it('is told in words, without the query', () => {
    expect(inWords(nothing)).toBe('https://api.example/mcp asks for a token')
    const all = { scope: ['a', 'b'], acrValues: ['gold', 'x'], takesDpop: true, metadataUrl: 'https://api.example/d' }
    expect(inWords({ ...nothing, ...all })).toBe(
      'https://api.example/mcp asks for scope a b, acr_values gold x, DPoP, metadata at https://api.example/d',
    )
  })
})
