import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InvalidTokenError } from '../../../src/errors/index.js'
import {
  comparableType,
  copySegment,
  dateIn,
  hasCanonicalTail,
  invalidClaim,
  isBase64url,
  maxTokenLength,
  missingClaim,
  numericDate,
  ownClaims,
  readCompactJws,
  readJsonSegment,
  shareTexts,
  textClaim,
  textIn,
} from '../../../src/jws/compact-jws.js'

const encode = (value: string | Uint8Array) => Buffer.from(value).toString('base64url')
const header = encode('{"alg":"ES256"}')
const payload = encode('{"iss":"https://issuer.test"}')
const signature = encode('sixty-four bytes would be here')
const token = `${header}.${payload}.${signature}`

describe('readCompactJws', () => {
  it('[JOSE-01] takes three base64url segments with a JSON object as payload apart', () => {
    expect(readCompactJws(token)).toEqual({
      headerSegment: header,
      signingInput: `${header}.${payload}`,
      signature: Buffer.from(signature, 'base64url'),
      payload: { iss: 'https://issuer.test' },
    })
  })

  it.each([
    ['nothing', ''],
    ['dots alone', '..'],
    ['one segment', header],
    ['two segments', `${header}.${payload}`],
    ['four segments', `${token}.${signature}`],
    ['the five segments of a JWE', `${token}.${signature}.${signature}`],
    ['an empty header', `.${payload}.${signature}`],
    ['an empty payload', `${header}..${signature}`],
    ['an empty signature', `${header}.${payload}.`],
  ])('[JOSE-01] refuses %s', (_what, text) => {
    expect(readCompactJws(text)).toBeUndefined()
  })

  it.each(['{', '"', '=', '+', '/', ' ', '\t', '\n', '\r\n', '\0', 'é', '\u2028', '\ud800', ',', '%41'])(
    '[JOSE-02] [C-29] refuses a segment that holds %j, wherever it stands',
    (text) => {
      for (let at = 0; at <= token.length; at += 7) {
        expect(readCompactJws(token.slice(0, at) + text + token.slice(at)), String(at)).toBeUndefined()
      }
    },
  )

  it('[JOSE-02] refuses the JSON serialization', () => {
    const json = JSON.stringify({ protected: header, payload, signature })
    expect(readCompactJws(json)).toBeUndefined()
    expect(readCompactJws(`${header}.${payload}.${json}`)).toBeUndefined()
  })

  it('[C-29] accepts no second spelling of a segment: spare bits must be zero', () => {
    for (const [index, segment] of [header, payload, signature].entries()) {
      if (segment.length % 4 === 0) continue
      const parts = [header, payload, signature]
      parts[index] = segment.slice(0, -1) + nextLetter(segment.slice(-1))
      expect(Buffer.from(parts[index] as string, 'base64url')).toEqual(Buffer.from(segment, 'base64url'))
      expect(readCompactJws(parts.join('.')), segment).toBeUndefined()
    }
  })

  it.each(['[]', 'null', '"text"', '1', 'true', '', '{', '{"a":1}x', "{'a':1}", '{"a":1,}', '\ufeff{"a":1}'])(
    '[JOSE-01] refuses the payload %j, which is no JSON object',
    (json) => {
      expect(readCompactJws(`${header}.${encode(json) || 'AA'}.${signature}`)).toBeUndefined()
    },
  )

  it('[JWT-10] refuses a payload that is not UTF-8', () => {
    const bytes = Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')])
    expect(readCompactJws(`${header}.${encode(bytes)}.${signature}`)).toBeUndefined()
  })

  it('[JOSE-05] keeps the last of two members of one name', () => {
    const twice = encode('{"iss":"https://first.test","iss":"https://last.test"}')
    expect(readCompactJws(`${header}.${twice}.${signature}`)?.payload).toEqual({ iss: 'https://last.test' })
  })

  it('[ADP-08] never throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(readCompactJws(text)).toBeUndefined()
        expect(readJsonSegment(text)).toBeUndefined()
      }),
    )
  })
})

function nextLetter(letter: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return alphabet.charAt(alphabet.indexOf(letter) + 1)
}

describe('readJsonSegment', () => {
  const nested = (levels: number) => encode(`${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`)

  it('[JOSE-01] reads one JSON object, frozen, and nothing else', () => {
    const read = readJsonSegment(encode('{"alg":"ES256","list":[{}]}'))
    expect(read).toEqual({ alg: 'ES256', list: [{}] })
    expect([Object.isFrozen(read), Object.isFrozen(read?.['list'])]).toEqual([true, true])
    for (const json of ['[]', 'null', '"text"', '{', '']) expect(readJsonSegment(encode(json)), json).toBeUndefined()
    expect(readJsonSegment('_w')).toBeUndefined()
  })

  it('[JWT-11] reads JSON of up to 32 levels', () => {
    expect(readJsonSegment(nested(32))).toBeDefined()
    expect(readJsonSegment(nested(33))).toBeUndefined()
  })
})

describe('copySegment', () => {
  it('gives the same text', () => {
    for (const text of [header, payload, 'AA', '-_-_']) expect(copySegment(text)).toBe(text)
  })
})

describe('the longest token', () => {
  it('[JWT-11] has 16 KiB', () => {
    expect(maxTokenLength).toBe(16_384)
  })
})

describe('comparableType', () => {
  it.each([
    ['at+jwt', 'at+jwt'],
    ['AT+JWT', 'at+jwt'],
    ['application/at+jwt', 'at+jwt'],
    ['Application/AT+JWT', 'at+jwt'],
    ['application/a/b', 'application/a/b'],
    ['example;part="application/"', 'example;part="application/"'],
    ['text/plain', 'text/plain'],
    ['', ''],
  ])('[JOSE-18] makes %j to %j', (typ, expected) => {
    expect(comparableType(typ)).toBe(expected)
  })
})

describe('the claims of a token by type', () => {
  const refusal = (code: string, detail: string) => expect.objectContaining({ code, detail, status: 401 })
  const thrownBy = (act: () => unknown) => {
    try {
      return ['gave', act()]
    } catch (error) {
      expect(error).toBeInstanceOf(InvalidTokenError)
      return error
    }
  }

  it('[JWT-10] are refused by name', () => {
    expect(thrownBy(() => invalidClaim('aud'))).toEqual(refusal('ERR_TOKEN_CLAIM_INVALID', 'aud'))
    expect(thrownBy(() => missingClaim('jti'))).toEqual(refusal('ERR_TOKEN_CLAIM_MISSING', 'jti'))
    expect(thrownBy(() => missingClaim('jti'))).toMatchObject({ expected: 'jti' })
  })

  it.each([0, 0.5, 1, 1e300])('[JWT-10] take %d for a date', (value) => {
    expect([dateIn(value, 'exp'), numericDate({ exp: value }, 'exp')]).toEqual([value, value])
  })

  it.each([-1, -0.1, Number.NaN, Number.POSITIVE_INFINITY, '1', null, [1], {}, true])(
    '[JWT-10] take %j for no date',
    (value) => {
      const refused = refusal('ERR_TOKEN_CLAIM_INVALID', 'exp')
      expect(thrownBy(() => dateIn(value, 'exp'))).toEqual(refused)
      expect(thrownBy(() => numericDate({ exp: value }, 'exp'))).toEqual(refused)
    },
  )

  it.each(['', 1, null, ['a'], {}, true])('[JWT-10] take %j for no text', (value) => {
    const refused = refusal('ERR_TOKEN_CLAIM_INVALID', 'sub')
    expect(thrownBy(() => textIn(value, 'sub'))).toEqual(refused)
    expect(thrownBy(() => textClaim({ sub: value }, 'sub'))).toEqual(refused)
  })

  it('[JWT-10] may be absent, and are never inherited', () => {
    expect([textIn('a', 'sub'), textClaim({ sub: 'a' }, 'sub')]).toEqual(['a', 'a'])
    expect([textIn(undefined, 'sub'), dateIn(undefined, 'exp')]).toEqual([undefined, undefined])
    const inherits = Object.create({ sub: 'a', exp: 1 })
    expect([textClaim(inherits, 'sub'), numericDate(inherits, 'exp')]).toEqual([undefined, undefined])
  })
})

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

describe('ownClaims', () => {
  const names: Record<keyof ReturnType<typeof ownClaims>, true> = {
    ...{ iss: true, sub: true, aud: true, exp: true, nbf: true, iat: true, jti: true, scope: true },
    ...{ act: true, may_act: true, authorization_details: true },
    ...{ typ: true, token_use: true, token_type: true, tokenName: true },
  }

  it.each(Object.keys(names) as (keyof typeof names)[])('[JOSE-15] never gives an inherited %s', (name) => {
    const token = (claims: object) => `${header}.${encode(JSON.stringify(claims))}.${signature}`
    for (const value of ['polluted', null]) {
      Object.defineProperty(Object.prototype, name, { value, configurable: true, writable: true })
      try {
        const payload = readCompactJws(token({ own: 1 }))?.payload ?? {}
        expect([Object.hasOwn(payload, name), ownClaims(payload)[name]]).toEqual([false, undefined])
        expect(ownClaims(readCompactJws(token({ [name]: 'own' }))?.payload ?? {})[name]).toBe('own')
      } finally {
        Reflect.deleteProperty(Object.prototype, name)
      }
    }
    expect(ownClaims({ [name]: 'own' })[name]).toBe('own')
  })

  it('makes no copy where nobody put anything into the prototype', () => {
    const claims = { iss: 'own' }
    expect(ownClaims(claims)).toBe(claims)
  })
})

describe('shareTexts', () => {
  it('changes no claim of a later token, whatever their types and lengths', () => {
    const long = 'a'.repeat(600)
    const texts = { iss: 'https://issuer.test', aud: 'https://api.test', scope: 'read write' }
    const sets = [
      texts,
      { ...texts, aud: ['a', 'b'], scope: long },
      { iss: 'https://api.test', aud: 7, scope: null },
      {},
    ]
    for (const claims of sets) shareTexts(claims)
    for (const claims of [...sets, { ...texts, iss: 'https://other.test', sub: 'alice' }]) {
      const read = readCompactJws(`${header}.${encode(JSON.stringify(claims))}.${signature}`)?.payload
      expect(read).toEqual(claims)
      expect(Object.isFrozen(read)).toBe(true)
    }
  })
})
