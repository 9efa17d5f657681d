import { compactVerify, createLocalJWKSet, jwtVerify } from 'jose'
import { brokenJwts, createTestIssuer, deepJson } from 'portcullis/testing'
import { describe, expect, it } from 'vitest'

const issuer = createTestIssuer()
const parts = issuer.tokenParts()
const broken = brokenJwts(parts)
const keySet = createLocalJWKSet({ keys: [{ ...parts.key.publicJwk, kty: 'EC' }] })

/** A decoder that forgives takes these for good tokens: only a strict parser stands in the way. */
const forgivable = [
  'padding after the header',
  'padding after the payload',
  'padding after the signature',
  'white space in the payload',
  'a character of no alphabet',
  'a signature with spare bits set',
]
const wellSigned = [
  'a payload that is no JSON',
  'a payload that is an array',
  'a payload that is null',
  'a payload that is no UTF-8',
  'claims nested 1,000 levels deep',
]

describe('brokenJwts', () => {
  it('names at least twenty different defects', () => {
    expect(Object.keys(broken).length).toBeGreaterThanOrEqual(20)
    expect(new Set(Object.values(broken)).size).toBe(Object.keys(broken).length)
  })

  it.each(Object.keys(broken).filter((name) => !forgivable.includes(name) && !/deep|UTF-8/.test(name)))(
    'makes a token that jose refuses: %s',
    async (defect) => {
      await expect(jwtVerify(broken[defect] ?? '', keySet)).rejects.toThrow()
    },
  )

  it.each(wellSigned)('signs properly what has %s', async (defect) => {
    await expect(compactVerify(broken[defect] ?? '', keySet)).resolves.toBeDefined()
  })

  it.each(forgivable)('differs from a good token in nothing else: %s', (defect) => {
    const segments = (broken[defect] ?? '').split('.').map((segment) => Buffer.from(segment, 'base64url'))
    expect(JSON.parse(String(segments[0]))).toEqual(parts.header)
    expect(JSON.parse(String(segments[1]))).toEqual(parts.payload)
    expect(segments[2]).toHaveLength(64)
  })
})

describe('deepJson', () => {
  it('nests as many objects as told', () => {
    expect(deepJson(3)).toBe('{"a":{"a":{"a":1}}}')
  })
})
