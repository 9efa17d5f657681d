import fc from 'fast-check'
import { requestFacts } from 'portcullis/testing'
import { describe, expect, it } from 'vitest'
import type { RequestFacts } from '../../../../src/http/request-facts.js'
import type { BearerMethod } from '../../../../src/resource-server/token/read-credentials.js'
import {
  checkTokenHeader,
  isToken68,
  readBearerToken,
  readCredentials,
} from '../../../../src/resource-server/token/read-credentials.js'

const everyMethod: readonly BearerMethod[] = ['header', 'body', 'query']
const form = { 'content-type': 'application/x-www-form-urlencoded' }

const read = (
  request: Parameters<typeof requestFacts>[0],
  methods: readonly BearerMethod[] = ['header'],
  dpop = true,
) => {
  const found = readCredentials(requestFacts(request), { bearerMethods: methods }, dpop)
  return found.error === undefined
    ? `${found.scheme} ${found.token} by ${found.method}`
    : `${found.error.code} ${found.scheme ?? ''}`.trim()
}
const readField = (authorization: string | readonly string[], dpop = true) =>
  read({ headers: { authorization } }, ['header'], dpop)

describe('readCredentials from the Authorization field', () => {
  it('[BEAR-01] [HTTP-01] [S0-64] [S0-74] takes the scheme in any letter case', () => {
    for (const scheme of ['Bearer', 'bearer', 'BEARER', 'bEaReR']) {
      expect(readField(`${scheme} abc`)).toBe('Bearer abc by header')
    }
    for (const scheme of ['DPoP', 'dpop', 'DPOP']) expect(readField(`${scheme} abc`)).toBe('DPoP abc by header')
  })

  it('[HTTP-01] takes the scheme as a whole', () => {
    for (const field of ['BearerX abc', 'Bear abc', 'XBearer abc', 'Bearer- abc', 'DPoPs abc', 'Bearer.DPoP abc']) {
      expect(readField(field), field).toBe('ERR_TOKEN_MISSING')
    }
  })

  it('[HTTP-02] takes one space or more before the token', () => {
    expect(readField('Bearer    abc')).toBe('Bearer abc by header')
    expect(readField('DPoP  abc')).toBe('DPoP abc by header')
  })

  it('[HTTP-03] hands the token over byte for byte', () => {
    const token = 'aZ09-._~+/AbC=='
    expect(readField(`Bearer ${token}`)).toBe(`Bearer ${token} by header`)
  })

  it.each([
    'Bearer',
    'Bearer ',
    'Bearer    ',
    'bearer',
    'Bearer\tabc',
    'Bearer,abc',
    'Bearer=abc',
    'Bearer"abc"',
    'Bearer\u00a0abc',
    'Bearer\0abc',
  ])('[E-02] [HTTP-02] calls %j malformed, not missing', (field) => {
    expect(readField(field)).toBe('ERR_REQUEST_MALFORMED Bearer')
  })

  it('[E-02] names the scheme the malformed credentials were sent by', () => {
    expect(readField('DPoP')).toBe('ERR_REQUEST_MALFORMED DPoP')
    expect(readField('DPoP\tabc')).toBe('ERR_REQUEST_MALFORMED DPoP')
  })

  it('[E-01] [HTTP-11] counts credentials of other schemes as none', () => {
    const others = ['Basic dXNlcjpwdw==', 'Digest a=b', 'Negotiate', '', 'abc', '=', ' Bearer abc']
    for (const field of [...others, 'Basic dXNlcjpwdw Bearer ', 'Basic dXNlcjpwdw DPoP ']) {
      expect(readField(field), field).toBe('ERR_TOKEN_MISSING')
    }
    expect(readField([])).toBe('ERR_TOKEN_MISSING')
  })

  it('[HTTP-11] counts the DPoP scheme as unsupported where DPoP is off', () => {
    expect(readField('DPoP abc', false)).toBe('ERR_TOKEN_MISSING')
    expect(readField('Bearer abc', false)).toBe('Bearer abc by header')
  })

  it('[C-03] [HTTP-09] refuses several fields, equal ones and unsupported ones among them', () => {
    for (const fields of [
      ['Bearer a', 'Bearer b'],
      ['Bearer a', 'Bearer a'],
      ['Bearer a', 'Basic b'],
      ['Basic a', 'Basic b'],
      ['', ''],
    ]) {
      expect(readField(fields), fields.join()).toBe('ERR_REQUEST_AMBIGUOUS')
    }
  })

  it('[HTTP-10] never reads Proxy-Authorization', () => {
    expect(read({ headers: { 'proxy-authorization': 'DPoP abc' } })).toBe('ERR_TOKEN_MISSING')
  })

  it('[BEAR-15] never reads a cookie', () => {
    expect(read({ headers: { cookie: 'access_token=abc; Bearer=abc' } }, everyMethod)).toBe('ERR_TOKEN_MISSING')
  })
})

describe('readCredentials from the query', () => {
  it('[C-01] does not see a token in the query, not even as a second one, unless told to', () => {
    const url = '/?access_token=abc'
    expect(read({ url })).toBe('ERR_TOKEN_MISSING')
    expect(read({ url, headers: { authorization: 'Bearer def' } })).toBe('Bearer def by header')
    expect(read({ url }, ['header', 'body'])).toBe('ERR_TOKEN_MISSING')
  })

  it('reads it where the resource says so', () => {
    expect(read({ url: '/?a=b&access_token=abc%2B#access_token=x' }, everyMethod)).toBe('Bearer abc+ by query')
    for (const url of ['https://api.example.com/x?access_token=abc', '?access_token=abc']) {
      expect(read({ url }, everyMethod), url).toBe('Bearer abc by query')
    }
    for (const url of ['/access_token=abc', 'access_token=abc', '&access_token=abc', '', '#?access_token=abc']) {
      expect(read({ url }, everyMethod), url).toBe('ERR_TOKEN_MISSING')
    }
    expect(read({ url: '/?ACCESS_TOKEN=abc' }, everyMethod)).toBe('ERR_TOKEN_MISSING')
  })

  it('[E-02] refuses a repeated or an empty access_token', () => {
    for (const query of [
      'access_token=a&access_token=b',
      'access_token=a&access_token=a',
      'access_token=',
      'access_token',
    ]) {
      expect(read({ url: `/?${query}` }, everyMethod), query).toBe('ERR_REQUEST_MALFORMED Bearer')
    }
  })
})

describe('readCredentials from the body', () => {
  const post = { method: 'POST', headers: form, formBody: { access_token: 'abc', other: '1' } }

  it('[C-02] does not see a token in the body unless told to', () => {
    expect(read(post)).toBe('ERR_TOKEN_MISSING')
    expect(read({ ...post, headers: { ...form, authorization: 'Bearer def' } })).toBe('Bearer def by header')
    expect(read(post, ['header', 'query'])).toBe('ERR_TOKEN_MISSING')
  })

  it('[BEAR-03] reads it from an urlencoded form of a method whose body means something', () => {
    for (const method of ['POST', 'PUT', 'PATCH']) {
      expect(read({ ...post, method }, ['header', 'body']), method).toBe('Bearer abc by body')
    }
    const withCharset = { 'Content-Type': 'Application/X-WWW-Form-UrlEncoded; charset=utf-8' }
    expect(read({ ...post, headers: withCharset }, ['header', 'body'])).toBe('Bearer abc by body')
  })

  it('[BEAR-03] does not read it from any other method', () => {
    for (const method of ['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE', 'post', '']) {
      expect(read({ ...post, method }, ['header', 'body']), method).toBe('ERR_TOKEN_MISSING')
    }
  })

  it('[BEAR-03] does not read it from any other media type', () => {
    for (const type of [
      'application/json',
      'multipart/form-data; boundary=x',
      'text/plain',
      'application/x-www-form-urlencodedx',
      'application/x-www-form-urlencodedX; charset=utf-8',
      'xapplication/x-www-form-urlencoded',
      'text/plain; a=application/x-www-form-urlencoded',
      'text/plain, application/x-www-form-urlencoded',
      ' application/x-www-form-urlencoded',
      '',
    ]) {
      expect(read({ ...post, headers: { 'content-type': type } }, ['header', 'body']), type).toBe('ERR_TOKEN_MISSING')
    }
    expect(read({ ...post, headers: {} }, ['header', 'body'])).toBe('ERR_TOKEN_MISSING')
    const twice = { 'content-type': [form['content-type'], 'application/json'] }
    expect(read({ ...post, headers: twice }, ['header', 'body'])).toBe('ERR_TOKEN_MISSING')
  })

  it('[BEAR-03] [E-02] refuses a repeated, an empty or a structured access_token', () => {
    for (const access_token of [['a', 'b'], [], '', {}, { a: 'b' }, null, 5, undefined]) {
      const answer = read({ ...post, formBody: { access_token } }, ['header', 'body'])
      expect(answer, JSON.stringify(access_token)).toBe('ERR_REQUEST_MALFORMED Bearer')
    }
  })

  it('looks at own members of the body alone, whatever was made of it', () => {
    for (const formBody of [Object.create({ access_token: 'abc' }), Object.create(null), {}]) {
      expect(read({ ...post, formBody }, ['header', 'body'])).toBe('ERR_TOKEN_MISSING')
    }
  })

  it('[REAL-45] [REAL-26] calls a form that was not parsed a fault of the application, and says what to mount', () => {
    const { formBody: _, ...unaware } = requestFacts(post)
    const unparsed = [undefined, null, 'access_token=abc', [], 5].map((formBody) => ({
      ...unaware,
      formBody: () => formBody,
    }))
    for (const facts of [unaware, ...unparsed] as RequestFacts[]) {
      for (const methods of [['header', 'body'], everyMethod] as const) {
        const fault = expect.objectContaining({
          code: 'ERR_CONFIGURATION',
          status: 500,
          message: expect.stringContaining('body parser'),
        })
        expect(() => readCredentials(facts, { bearerMethods: methods }, true)).toThrow(fault)
      }
      for (const methods of [['header'], ['header', 'query']] as const) {
        expect(readCredentials(facts, { bearerMethods: methods }, true).error?.code).toBe('ERR_TOKEN_MISSING')
      }
    }
  })

  it('[REAL-45] does so beside a token in the header too: nobody can tell whether the form has another one', () => {
    const headers = { ...form, authorization: 'Bearer abc' }
    const facts = requestFacts({ method: 'POST', headers })
    expect(() => readCredentials(facts, { bearerMethods: ['header', 'body'] }, true)).toThrow(/body parser/)
  })

  it.each(['GET', 'DELETE', 'HEAD'])('[REAL-45] asks for no form of a %s, and of no other media type', (method) => {
    expect(read({ method, headers: form }, everyMethod)).toBe('ERR_TOKEN_MISSING')
    expect(read({ method: 'POST', headers: { 'content-type': 'application/json' } }, everyMethod)).toBe(
      'ERR_TOKEN_MISSING',
    )
  })

  it('[BEAR-02] [E-03] refuses two enabled methods in one request', () => {
    const header = { authorization: 'Bearer a' }
    expect(read({ ...post, headers: { ...form, ...header } }, everyMethod)).toBe('ERR_REQUEST_AMBIGUOUS')
    expect(read({ url: '/?access_token=a', headers: header }, everyMethod)).toBe('ERR_REQUEST_AMBIGUOUS')
    expect(read({ ...post, url: '/?access_token=a' }, everyMethod)).toBe('ERR_REQUEST_AMBIGUOUS')
    expect(read({ ...post, headers: { ...form, authorization: 'Bearer' } }, everyMethod)).toBe('ERR_REQUEST_AMBIGUOUS')
  })
})

describe('readBearerToken', () => {
  it('[S0-74] [BEAR-01] [HTTP-01] [HTTP-02] takes the token out of the value of an Authorization field', () => {
    expect(readBearerToken('Bearer abc.def-_~+/==')).toBe('abc.def-_~+/==')
    for (const field of ['bearer abc', 'BEARER   abc', 'bEaReR abc']) expect(readBearerToken(field), field).toBe('abc')
  })

  it.each([
    undefined,
    null,
    '',
    'abc',
    'Bearer',
    'Bearer ',
    'Bearer\tabc',
    'BearerX abc',
    ' Bearer abc',
    'Bearer abc def',
    'Bearer abc ',
    'Bearer abc, Bearer def',
    'Bearer a,b',
    'Bearer =',
    'Bearer ä',
    'Bearer abc\n',
    'DPoP abc',
    'Basic dXNlcjpwdw==',
    ['Bearer abc'],
    7,
  ])('[S0-74] finds none in %j', (field) => {
    expect(readBearerToken(field as string)).toBeUndefined()
  })
})

describe('isToken68', () => {
  it('[HTTP-02] [S0-75] accepts the characters of a token68 alone', () => {
    for (const token of ['a', 'a.b-c_d~e+f/g', 'a=', 'a==', '0', '_']) expect(isToken68(token), token).toBe(true)
    for (const token of ['', '=', 'a=b', 'a b', 'a,b', 'a\n', '\na', 'a\0', 'ä', 'a"', 'a%41', '{}', 'a;', 'a\u2028']) {
      expect(isToken68(token), JSON.stringify(token)).toBe(false)
    }
  })

  it('[ADP-08] takes no longer for a long run of anything', () => {
    for (const letter of ['a', '=', ' ', '\0']) expect(isToken68(`${letter.repeat(1_000_000)}!`)).toBe(false)
    expect(readField(`Bearer${' '.repeat(1_000_000)}`)).toBe('ERR_REQUEST_MALFORMED Bearer')
  })

  it('[ADP-08] never throws, whatever the field, the query and the form hold', () => {
    const junk = fc.string({ unit: 'binary' })
    const form = fc.oneof(fc.object(), fc.record({ access_token: fc.anything() }))
    fc.assert(
      fc.property(junk, junk, form, (field, query, formBody) => {
        const found = readCredentials(
          requestFacts({
            method: 'POST',
            headers: { 'content-type': 'application/x-www-form-urlencoded', authorization: field },
            url: query,
            formBody,
          }),
          { bearerMethods: everyMethod },
          true,
        )
        expect(found.error !== undefined || found.token !== '').toBe(true)
      }),
    )
  })
})

describe('readCredentials from fields of their own', () => {
  const readIn = (headers: Record<string, string | readonly string[]>, authorization = true, names = ['x-jwt']) => {
    const places = { bearerMethods: ['header'] as const, tokenFields: { names, authorization } }
    const found = readCredentials(requestFacts({ headers } as never), places, true)
    return found.error === undefined
      ? `${found.scheme} ${found.token} by ${found.method}`
      : `${found.error.code} ${found.scheme ?? ''}`.trim()
  }

  it('takes the token as it is, without a scheme', () => {
    expect(readIn({ 'x-jwt': 'abc' })).toBe('Bearer abc by header')
    expect(readIn({ 'x-jwt': 'Bearer abc' })).toBe('Bearer Bearer abc by header')
    expect(readIn({ 'x-jwt': '' })).toBe('ERR_REQUEST_MALFORMED Bearer')
    expect(readIn({})).toBe('ERR_TOKEN_MISSING')
  })

  it('[C-03] refuses two of them, in one field or in several', () => {
    expect(readIn({ 'x-jwt': ['a', 'a'] })).toBe('ERR_REQUEST_AMBIGUOUS')
    expect(readIn({ 'x-jwt': 'a', authorization: 'Bearer a' })).toBe('ERR_REQUEST_AMBIGUOUS')
    expect(readIn({ 'x-jwt': 'a', 'y-jwt': 'a' }, true, ['x-jwt', 'y-jwt'])).toBe('ERR_REQUEST_AMBIGUOUS')
    expect(readIn({ authorization: ['Bearer a', 'Basic b'] })).toBe('ERR_REQUEST_AMBIGUOUS')
  })

  it('looks at Authorization only where it is one of them', () => {
    expect(readIn({ authorization: 'Bearer abc' })).toBe('Bearer abc by header')
    expect(readIn({ authorization: 'DPoP abc' })).toBe('DPoP abc by header')
    expect(readIn({ authorization: 'Bearer abc' }, false)).toBe('ERR_TOKEN_MISSING')
    expect(readIn({ authorization: 'Bearer abc', 'x-jwt': 'def' }, false)).toBe('Bearer def by header')
  })
})

describe('checkTokenHeader', () => {
  it('takes the name of a field, and gives it in lower case', () => {
    expect(checkTokenHeader('Cf-Access-Jwt-Assertion')).toBe('cf-access-jwt-assertion')
    expect(checkTokenHeader(undefined)).toBeUndefined()
  })

  it.each(['Authorization', 'Proxy-Authorization', 'DPoP', 'Cookie', 'a b', 'ä', ':authority', 'a,b', 'a\n'])(
    'refuses %j',
    (name) => {
      expect(() => checkTokenHeader(name)).toThrow(
        '`tokenHeader` takes the name of a header field that a proxy writes the token into, such as Cf-Access-Jwt-Assertion.',
      )
    },
  )

  it.each(['', 5, null, ['x']])('refuses %j, which is no text', (name) => {
    expect(() => checkTokenHeader(name)).toThrow('`tokenHeader` takes a non-empty string.')
  })
})
