import { describe, expect, it } from 'vitest'
import type { KeySource } from '../../../../src/issuer/key-source.js'
import { createStaticKeys } from '../../../../src/issuer/static-keys.js'
import { readCompactJws } from '../../../../src/jws/compact-jws.js'
import type { VerificationKey } from '../../../../src/jws/verification-key.js'
import { createBoundedCache } from '../../../../src/kit/bounded-cache.js'
import { resolveClaimProfile } from '../../../../src/resource-server/token/claim-profile.js'
import type { KnownHeader, TokenRules } from '../../../../src/resource-server/token/verify-jwt.js'
import { verifyJwt, verifySignature } from '../../../../src/resource-server/token/verify-jwt.js'
import { createSigningKey, signCompact } from '../../../../src/testing/index.js'

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
    const rules: TokenRules = {
      issuer,
      algorithms: new Set(['ES256']),
      tokenTypes: new Set(['at+jwt']),
      keys: createStaticKeys([key.publicJwk]),
      knownHeaders,
      showsAccessToken: () => false,
      profile: resolveClaimProfile(),
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
