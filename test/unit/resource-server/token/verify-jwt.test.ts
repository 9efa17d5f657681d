import { getHeapSnapshot } from 'node:v8'
import fc from 'fast-check'
import { createResourceServer } from 'portcullis'
import {
  createFrozenClock,
  createSigningKey,
  createTestIssuer,
  requestFacts,
  type SigningKey,
  signCompact,
} from 'portcullis/testing'
import { describe, expect, it } from 'vitest'
import { InvalidTokenError } from '../../../../src/errors/index.js'
import type { KeySource } from '../../../../src/issuer/key-source.js'
import { createStaticKeys } from '../../../../src/issuer/static-keys.js'
import { readJoseHeader, verifySignature } from '../../../../src/issuer/verify-signature.js'
import { readCompactJws } from '../../../../src/jws/compact-jws.js'
import type { VerificationKey } from '../../../../src/jws/verification-key.js'
import { createBoundedCache } from '../../../../src/kit/bounded-cache.js'
import { toClaimProfileSettings } from '../../../../src/resource-server/token/claim-profile.js'
import { type JwtSettings, type KnownHeader, verifyJwt } from '../../../../src/resource-server/token/verify-jwt.js'

const resource = 'https://api.example.com'

function setUp(keys: readonly SigningKey[]) {
  const clock = createFrozenClock()
  const issuer = createTestIssuer({ clock: clock.now, audience: resource })
  issuer.withdrawKey(issuer.signingKey().kid)
  for (const { publicJwk } of keys) issuer.publishKey(publicJwk)
  const server = createResourceServer({ resource, issuer: issuer.issuer, fetch: issuer.fetch, clock: clock.now })
  const call = async (token: string) => {
    const result = await server.authenticate(requestFacts({ headers: { authorization: `Bearer ${token}` } }))
    return result.ok ? 'ok' : result.error.code
  }
  return { issuer, call, server, clock }
}

const withoutKid = (key: SigningKey): SigningKey => {
  const { kid: _, ...publicJwk } = key.publicJwk
  return { ...key, publicJwk }
}

describe('verifyJwt', () => {
  it('[JWT-09] accepts tokens of every key that shares a header, whichever was seen first', async () => {
    const keys = [withoutKid(createSigningKey()), withoutKid(createSigningKey())]
    const { issuer, call } = setUp(keys)
    const header = { kid: undefined }
    for (const key of [...keys, ...[...keys].reverse(), ...keys]) {
      expect(await call(issuer.mintToken({}, { key, header }))).toBe('ok')
    }
    expect(await call(issuer.mintToken({}, { key: createSigningKey(), header }))).toBe('ERR_TOKEN_SIGNATURE')
  })

  it('[JWT-09] accepts tokens of two keys with one kid', async () => {
    const keys = [createSigningKey({ kid: 'same' }), createSigningKey({ kid: 'same' })]
    const { issuer, call } = setUp(keys)
    for (const key of [...keys, ...keys]) expect(await call(issuer.mintToken({}, { key }))).toBe('ok')
    expect(await call(issuer.mintToken({}, { key: createSigningKey({ kid: 'same' }) }))).toBe('ERR_TOKEN_SIGNATURE')
  })

  it('[JWT-09] refuses a forged token under a header it knows', async () => {
    const key = createSigningKey()
    const { issuer, call } = setUp([key])
    expect(await call(issuer.mintToken({}, { key }))).toBe('ok')
    for (const tamper of ['payload', 'signature'] as const) {
      expect(await call(issuer.mintToken({}, { key, tamper }))).toBe('ERR_TOKEN_SIGNATURE')
    }
  })

  it('[C-30] remembers neither a raw token nor a slice that keeps it in memory', async () => {
    const key = createSigningKey()
    const { issuer, server } = setUp([key])
    const kept = issuer.mintToken({}, { key, header: { 'x-kept': true } })
    const needles: string[] = []
    // Needles are held backwards, so that only a token still in memory can match them.
    const verifyOne = async (token: string) => {
      const { token: received } = await server.verify(token)
      needles.push([...received.slice(-60)].reverse().join(''))
    }
    await verifyOne(issuer.mintToken({}, { key }))
    await verifyOne(kept)
    const heap = await readHeap()
    const isInMemory = needles.map((needle) => heap.includes([...needle].reverse().join('')))
    expect(isInMemory).toEqual([false, true])
    expect(kept).toHaveLength(kept.length)
  })
})

async function readHeap(): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of getHeapSnapshot()) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

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

describe('a header', () => {
  it('[REAL-03] is remembered with its key once a token is accepted, and not before', async () => {
    const knownHeaders = createBoundedCache<KnownHeader>(10)
    const issuer = 'https://issuer.test'
    const rules: JwtSettings = {
      issuer,
      algorithms: new Set(['ES256']),
      tokenTypes: new Set(['at+jwt']),
      keys: createStaticKeys([key.publicJwk]),
      knownHeaders,
      showsAccessToken: () => false,
      profile: toClaimProfileSettings(),
      optionalClaims: new Set(),
      clockToleranceMs: 0,
      maxTokenAgeMs: undefined,
    }
    const claims = { iss: issuer, sub: 's', aud: 'a', jti: 'j', client_id: 'c', iat: 1000, exp: 1300 }
    const verify = async (payload: object) => verifyJwt(jwsOf(payload), rules, 1_100_000)
    await expect(verify({ ...claims, exp: 1050 })).rejects.toMatchObject({ code: 'ERR_TOKEN_EXPIRED' })
    expect(knownHeaders.size).toBe(0)
    await verify(claims)
    expect(knownHeaders.size).toBe(1)
  })
})
