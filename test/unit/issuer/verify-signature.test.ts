import fc from 'fast-check'
import { createSigningKey, signCompact } from 'portcullis/testing'
import { describe, expect, it } from 'vitest'
import { InvalidTokenError } from '../../../src/errors/index.js'
import type { KeySource } from '../../../src/issuer/key-source.js'
import { createStaticKeys } from '../../../src/issuer/static-keys.js'
import { readJoseHeader, verifySignature } from '../../../src/issuer/verify-signature.js'
import { readCompactJws } from '../../../src/jws/compact-jws.js'
import type { VerificationKey } from '../../../src/jws/verification-key.js'

const encode = (header: unknown) =>
  Buffer.from(typeof header === 'string' ? header : JSON.stringify(header)).toString('base64url')
const read = (header: unknown) => readJoseHeader(encode(header))
const refusal = (header: unknown): string => {
  try {
    read(header)
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidTokenError)
    return (error as InvalidTokenError).code
  }
  return 'none'
}

describe('readJoseHeader', () => {
  it('reads what decides how a token is checked', () => {
    expect(read({ alg: 'ES256', kid: 'a', typ: 'at+jwt', cty: 'x' })).toEqual({ alg: 'ES256', kid: 'a', typ: 'at+jwt' })
    expect(read({ alg: 'RS256' })).toEqual({ alg: 'RS256', kid: undefined, typ: null })
  })

  it('[JOSE-06] [JWT-13] [AT-02] refuses every algorithm but the asymmetric ones it knows, in their letter case', () => {
    const wrong = [
      'none',
      'None',
      'NONE',
      'noNE',
      '',
      'HS256',
      'HS384',
      'HS512',
      'rs256',
      'RS256 ',
      'ES256K',
      'RSA-OAEP',
      'dir',
      'toString',
      '__proto__',
      'constructor',
    ]
    for (const alg of [...wrong, undefined, null, 1, true, ['RS256'], { alg: 'RS256' }]) {
      expect(refusal({ alg }), JSON.stringify(alg)).toBe('ERR_TOKEN_ALGORITHM')
    }
    expect(refusal('{"__proto__":{"alg":"RS256"}}')).toBe('ERR_TOKEN_ALGORITHM')
  })

  it('[JOSE-03] refuses every crit: none is supported', () => {
    for (const crit of [['exp'], ['b64'], ['alg'], ['x', 'x'], ['missing'], [], 'exp', null, 1, {}, [1], undefined]) {
      const header = { alg: 'ES256', exp: 1, ...(crit === undefined ? {} : { crit }) }
      expect(refusal(header), JSON.stringify(crit)).toBe(crit === undefined ? 'none' : 'ERR_TOKEN_CRITICAL_HEADER')
    }
  })

  it('[JOSE-04] refuses b64, listed in crit or not, false or not', () => {
    for (const b64 of [false, true, 'false', null]) {
      expect(refusal({ alg: 'ES256', b64 })).toBe('ERR_TOKEN_CRITICAL_HEADER')
      expect(refusal({ alg: 'ES256', b64, crit: ['b64'] })).toBe('ERR_TOKEN_CRITICAL_HEADER')
    }
  })

  it('[JOSE-15] takes any string as kid, and refuses anything else', () => {
    for (const kid of ['', '__proto__', '../../etc/passwd', "' OR 1=1", 'https://evil.test/jwks', 'a'.repeat(1000)]) {
      expect(read({ alg: 'ES256', kid }).kid).toBe(kid)
    }
    for (const kid of [1, null, true, ['a'], { a: 1 }]) {
      expect(refusal({ alg: 'ES256', kid }), JSON.stringify(kid)).toBe('ERR_TOKEN_MALFORMED')
    }
  })

  it('[JOSE-18] compares typ as a media type', () => {
    for (const typ of ['at+jwt', 'AT+JWT', 'at+JWT', 'application/at+jwt', 'Application/AT+jwt']) {
      expect(read({ alg: 'ES256', typ }).typ, typ).toBe('at+jwt')
    }
    expect(read({ alg: 'ES256', typ: 'application/x/at+jwt' }).typ).toBe('application/x/at+jwt')
    expect(read({ alg: 'ES256', typ: 'text/at+jwt' }).typ).toBe('text/at+jwt')
    expect(read({ alg: 'ES256', typ: '' }).typ).toBe('')
    for (const typ of [1, null, ['at+jwt'], { typ: 'at+jwt' }]) {
      expect(refusal({ alg: 'ES256', typ }), JSON.stringify(typ)).toBe('ERR_TOKEN_TYPE')
    }
  })

  it('[JOSE-14] hands out neither jku, jwk, x5u nor x5c', () => {
    const header = { alg: 'ES256', jku: 'https://evil.test', jwk: {}, x5u: 'https://evil.test', x5c: ['a'], x5t: 'a' }
    expect(Object.keys(read(header)).sort()).toEqual(['alg', 'kid', 'typ'])
  })

  it('[JOSE-05] reads the last of two members of one name', () => {
    expect(read('{"alg":"none","alg":"ES256","kid":"a","kid":"b"}')).toMatchObject({ alg: 'ES256', kid: 'b' })
    expect(refusal('{"alg":"ES256","alg":"none"}')).toBe('ERR_TOKEN_ALGORITHM')
  })

  it('[JWT-11] refuses a header of more than 8 KiB or 32 levels', () => {
    const padded = (bytes: number) =>
      JSON.stringify({ alg: 'ES256', p: '' }).replace('""', `"${'a'.repeat(bytes - 22)}"`)
    expect(refusal(padded(8192))).toBe('none')
    expect(refusal(padded(8194))).toBe('ERR_TOKEN_MALFORMED')
    const nested = (depth: number) => `{"alg":"ES256","x":${'['.repeat(depth)}${']'.repeat(depth)}}`
    expect(refusal(nested(31))).toBe('none')
    expect(refusal(nested(32))).toBe('ERR_TOKEN_MALFORMED')
  })

  it('[ADP-08] refuses junk as malformed, and throws nothing else', () => {
    for (const junk of ['', 'null', '[]', '1', '"a"', '{', '{}}']) expect(refusal(junk)).toBe('ERR_TOKEN_MALFORMED')
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(refusal(text)).toMatch(/^ERR_TOKEN_/)
      }),
    )
  })
})

const key = createSigningKey({ kid: 'k' })

function jwsOf(payload: object = {}, header: object = { alg: 'ES256', kid: 'k', typ: 'at+jwt' }) {
  return readCompactJws(signCompact({ header: header as never, payload: payload as never, key })) as never
}

/** Keys that sign nothing, and a record of how often they were asked. */
function silentKeys(count: number) {
  const checks: number[] = []
  const keys = Array.from({ length: count }, (_, index) => ({
    signatureCheck: () => () => {
      checks.push(index)
      return false
    },
  })) as unknown as readonly VerificationKey[]
  return { keys, checks }
}

describe('verifySignature', () => {
  it.each([
    ['all of the first set', 40, 40, 16],
    ['both sets', 10, 40, 16],
    ['both small sets', 3, 2, 5],
  ])('[REAL-05] makes 16 checks a token at most, over %s', async (_, known, others, expected) => {
    const first = silentKeys(known)
    const second = silentKeys(others)
    const source = { find: () => first.keys, findOthers: async () => second.keys } as unknown as KeySource
    const work = verifySignature(jwsOf(), { alg: 'ES256', kid: 'k', typ: 'at+jwt' } as never, source)
    await expect(work).rejects.toMatchObject({ code: 'ERR_TOKEN_SIGNATURE' })
    expect(first.checks.length + second.checks.length).toBe(expected)
  })

  it('[REAL-06] does not try a key twice, and counts the one tried before', async () => {
    const { keys, checks } = silentKeys(20)
    const source = { find: () => keys, findOthers: async () => [] } as unknown as KeySource
    const header = { alg: 'ES256', kid: 'k', typ: 'at+jwt' } as never
    await expect(verifySignature(jwsOf(), header, source, keys[3])).rejects.toMatchObject({
      code: 'ERR_TOKEN_SIGNATURE',
    })
    expect(checks).toHaveLength(15)
    expect(checks).not.toContain(3)
  })
})

describe('what a refused header explains', () => {
  const explained = (header: unknown) => {
    try {
      read(header)
    } catch (error) {
      const { code, detail, expected, received } = error as InvalidTokenError
      return [code, detail, expected, received]
    }
    throw new Error('expected a refusal')
  }

  it('[REAL-40] is what was expected and what came', () => {
    const none = undefined
    expect(explained('x')).toEqual(['ERR_TOKEN_MALFORMED', 'header', none, none])
    expect(explained({ alg: 'HS256' })).toEqual(['ERR_TOKEN_ALGORITHM', none, 'an asymmetric algorithm', 'HS256'])
    expect(explained({ alg: 'ES256', b64: true })).toEqual([
      'ERR_TOKEN_CRITICAL_HEADER',
      none,
      'no such member',
      'crit or b64',
    ])
    expect(explained({ alg: 'ES256', kid: 5 })).toEqual(['ERR_TOKEN_MALFORMED', 'kid', none, none])
    expect(explained({ alg: 'ES256', typ: 5 })).toEqual(['ERR_TOKEN_TYPE', none, 'a string', 5])
  })
})

describe('the keys that may have signed', () => {
  const header = { alg: 'ES256', kid: 'k', typ: 'at+jwt' } as never
  const signing = () => createStaticKeys([key.publicJwk]).held()
  const unfit = [{ signatureCheck: () => undefined }] as unknown as readonly VerificationKey[]
  const verify = (known: readonly VerificationKey[], others: readonly VerificationKey[], tried?: VerificationKey) => {
    const asked: unknown[] = []
    const findOthers = async (...given: unknown[]) => {
      asked.push(given)
      return others
    }
    const source = { find: () => known, findOthers } as unknown as KeySource
    const outcome = verifySignature(jwsOf(), header, source, tried).then(
      (signer) => signer.key,
      (error) => error.code,
    )
    return { outcome, asked }
  }

  it('[JWKS-03] are looked for again where those that are known made none of it', async () => {
    const silent = silentKeys(1).keys
    const others = signing()
    const { outcome, asked } = verify(silent, others)
    expect(await outcome).toBe(others[0])
    expect(asked).toEqual([['k', 'ES256', silent]])
  })

  it('[JWKS-03] are none where nothing fits, which is no bad signature, and asks nobody again', async () => {
    for (const known of [[], unfit]) {
      const { outcome, asked } = verify(known, signing())
      expect(await outcome).toBe('ERR_TOKEN_KEY_UNKNOWN')
      expect(asked).toEqual([])
    }
  })

  it('[REAL-06] include one that was tried before', async () => {
    const tried = silentKeys(1).keys[0]
    const { outcome, asked } = verify([], [], tried)
    expect(await outcome).toBe('ERR_TOKEN_SIGNATURE')
    expect(asked).toEqual([['k', 'ES256', [tried]]])
  })
})
