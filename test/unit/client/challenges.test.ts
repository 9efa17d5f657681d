import { type ChallengeFields, readChallenges, readStepUp } from 'portcullis/client'
import { describe, expect, it } from 'vitest'

/** Scheme, then token68 or parameters, of each challenge. */
function read(fields: ChallengeFields): unknown[] {
  return readChallenges(fields).map(({ scheme, token68, parameters }) => [
    scheme,
    token68 ?? Object.fromEntries(parameters),
  ])
}

const fields = ['Bearer realm="a, b", error="invalid_token"', 'DPoP algs="ES256 PS256"'] as const
const both = fields.join(', ')
const readBoth = [
  ['bearer', { realm: 'a, b', error: 'invalid_token' }],
  ['dpop', { algs: 'ES256 PS256' }],
]

describe('readChallenges', () => {
  it.each<[name: string, fields: ChallengeFields]>([
    ['one comma list', both],
    ['several fields', fields],
    ['a field that goes on in the next', ['Bearer realm="a, b"', 'error="invalid_token", DPoP algs="ES256 PS256"']],
    [
      'the headers of an answer',
      new Headers([
        ['www-authenticate', fields[0]],
        ['WWW-Authenticate', fields[1]],
      ]),
    ],
    ['empty elements', `, ,${both.replaceAll(', ', ' ,, \t,')},`.replace('a ,, \t,b', 'a, b')],
    ['blanks around the equals sign', both.replaceAll('=', ' \t= ')],
    ['upper case', both.replace('Bearer', 'BEARER').replace('realm', 'REALM').replace('algs', 'aLgS')],
    ['several spaces after the scheme', both.replace('Bearer ', 'Bearer    ')],
    ['tokens instead of quoted strings', both.replace('"invalid_token"', 'invalid_token')],
    ['a quoted pair', both.replace('invalid_token', 'invalid\\_tok\\en')],
  ])('[HTTP-05] [HTTP-06] reads the same from %s', (_name, fields) => {
    expect(read(fields)).toEqual(readBoth)
  })

  it.each<[fields: ChallengeFields]>([[''], [' , ,'], [null], [undefined], [[]], [new Headers()]])(
    '[HTTP-06] reads nothing from %o',
    (fields) => {
      expect(read(fields)).toEqual([])
    },
  )

  it('[HTTP-06] [C-04] starts a challenge where a token is followed by a blank, a comma or the end', () => {
    expect(read('Bearer')).toEqual([['bearer', {}]])
    expect(read('Bearer, DPoP algs="ES256", Negotiate')).toEqual([
      ['bearer', {}],
      ['dpop', { algs: 'ES256' }],
      ['negotiate', {}],
    ])
    expect(read('Bearer , DPoP ')).toEqual([
      ['bearer', {}],
      ['dpop', {}],
    ])
  })

  it('[HTTP-06] keeps schemes and parameters it does not know, and values nobody expects', () => {
    expect(read(`Newauth realm="apps", type=1, title="Login to \\"apps\\"", Basic realm="simple"`)).toEqual([
      ['newauth', { realm: 'apps', type: '1', title: 'Login to "apps"' }],
      ['basic', { realm: 'simple' }],
    ])
    expect(read('X-~!#$ __proto__="x", empty="", text="\té\\é, DPoP y=z"')).toEqual([
      [
        'x-~!#$',
        Object.fromEntries([
          ['__proto__', 'x'],
          ['empty', ''],
          ['text', '\téé, DPoP y=z'],
        ]),
      ],
    ])
  })

  it('[HTTP-05] tells token68 from parameters', () => {
    expect(read('Negotiate YII+/-._~==, Bearer x=y')).toEqual([
      ['negotiate', 'YII+/-._~=='],
      ['bearer', { x: 'y' }],
    ])
    expect(read('A b')).toEqual([['a', 'b']])
    expect(read('A b=')).toEqual([['a', 'b=']])
    expect(read('A b=c')).toEqual([['a', { b: 'c' }]])
    expect(read('A b= , B')).toEqual([
      ['a', 'b='],
      ['b', {}],
    ])
  })

  it.each([
    ['a parameter that comes twice', 'Bearer error="a", scope="x", ERROR="b"'],
    ['a quote inside of a token', 'Bearer error=a"b"'],
    ['a value that is neither token nor quoted string', 'Bearer realm=https://a.example/?b=", c"'],
    ['a missing comma', 'Bearer error="a" scope="x"'],
    ['an empty value', 'Bearer error=, scope="x"'],
    ['parameters after token68', 'Bearer abc, scope="x"'],
    ['a word too many', 'Bearer abc def, scope="x"'],
    ['a tab after the scheme', 'Bearer\terror="a"'],
    ['a control character', 'Bearer error="a\u0000"'],
  ])('[BEAR-07] [HTTP-06] leaves a challenge out alone for %s', (_name, broken) => {
    const schemes = readChallenges(`Basic, ${broken}, DPoP algs="ES256"`).map(({ scheme }) => scheme)
    expect(schemes).toEqual(['basic', 'dpop'])
  })

  it.each([
    ['Bearer realm="x", scope=', []],
    ['Bearer realm="x", scope=, DPoP algs="ES256"', ['dpop']],
    ['A a=1, B b=2, C c=3, x=, D d=4', ['a', 'b', 'd']],
    ['A a=1, B b=2, x=, C c=3, D d=4', ['a', 'c', 'd']],
  ])('[HTTP-05] leaves out of %s the challenge whose parameter has no value', (text, schemes) => {
    expect(readChallenges(text).map(({ scheme }) => scheme)).toEqual(schemes)
  })

  it('[HTTP-06] takes what stands before any challenge for none', () => {
    expect(read('error="a", "b, c", Bearer ="a", Bearer x=y')).toEqual([['bearer', { x: 'y' }]])
  })

  it.each(['Bearer error="DPoP, x=y', 'Bearer error="DPoP, x=y\\', 'Bearer a=b, "', 'Bearer error="a" "DPoP'])(
    '[HTTP-06] reads no challenge out of a quote that stays open: %s',
    (text) => {
      expect(read(`Basic, ${text}, DPoP x=y`)).toEqual([['basic', {}]])
    },
  )

  it('[HTTP-06] reads 16,384 characters, and none of more', () => {
    const text = `Bearer x="${'a'.repeat(16_373)}"`
    expect(text).toHaveLength(16_384)
    expect(read(text)).toHaveLength(1)
    expect(read(`${text} `)).toEqual([])
    expect(read([text, ''])).toEqual([])
  })
})

describe('readStepUp', () => {
  const read = (text: string) => readStepUp(readChallenges(text))
  const error = 'error="insufficient_user_authentication"'

  it.each(['max_age="300"', 'max_age=300'])('[STEP-07] reads what to ask for, with %s', (maxAge) => {
    expect(read(`Bearer ${error}, acr_values="phr mfa", ${maxAge}, scope="pay"`)).toEqual({
      acrValues: ['phr', 'mfa'],
      maxAgeSeconds: 300,
      scope: ['pay'],
    })
  })

  it('[STEP-07] reads acr_values that are a token, and needs neither', () => {
    expect(read(`Bearer ${error}, acr_values=mfa`)).toEqual({ acrValues: ['mfa'], maxAgeSeconds: undefined, scope: [] })
    expect(read(`Bearer ${error}, max_age=0`)).toEqual({ acrValues: [], maxAgeSeconds: 0, scope: [] })
    expect(read(`Bearer ${error}`)).toEqual({ acrValues: [], maxAgeSeconds: undefined, scope: [] })
  })

  it.each(['-1', '1.5', '1e3', 'x', '', ' 5', '99999999999'])('[STEP-07] leaves out max_age="%s"', (value) => {
    expect(read(`Bearer ${error}, max_age="${value}"`)?.maxAgeSeconds).toBeUndefined()
  })

  it('[STEP-07] finds the challenge that asks, whatever its scheme', () => {
    expect(read(`Bearer scope="a", DPoP ${error}, acr_values="mfa"`)?.acrValues).toEqual(['mfa'])
  })

  it('[STEP-07] reads nothing from a challenge with another error, or none', () => {
    expect(read('Bearer error="invalid_token", acr_values="mfa"')).toBeUndefined()
    expect(read('Bearer acr_values="mfa"')).toBeUndefined()
    expect(read('')).toBeUndefined()
  })
})
