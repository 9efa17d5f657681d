import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createKeyTable, readKeys, readRuledJwk } from '../../../src/issuer/key-table.js'
import { testKey } from '../../support/key-material.js'

const rsaJwk = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' })

function tableOf(...entries: unknown[]) {
  return createKeyTable(readKeys(entries, []).keys)
}

describe('a key table', () => {
  it('answers for a known kid with one array made before', () => {
    const table = tableOf(testKey('a').jwk, testKey('b').jwk)
    expect(table.candidates('a', 'ES256')).toBe(table.candidates('a', 'ES256'))
  })

  it('[JWKS-06] tells keys of one kid apart by type and algorithm', () => {
    const table = tableOf({ ...testKey('a').jwk, kid: 'same' }, { ...rsaJwk, kid: 'same' })
    expect(table.candidates('same', 'ES256')).toEqual([table.keys[0]])
    expect(table.candidates('same', 'PS256')).toEqual([table.keys[1]])
    expect(table.candidates('same', 'EdDSA')).toEqual([])
  })

  it('[JWKS-06] [REAL-05] gives as many keys of one kid as there are, in order', () => {
    const kids = Array.from({ length: 40 }, (_, index) => `k${index}`)
    const table = tableOf(...kids.map((kid) => ({ ...testKey(kid).jwk, kid: 'same' })))
    expect(table.keys).toHaveLength(40)
    expect(table.candidates('same', 'ES256')).toEqual(table.keys)
  })

  it('[S4-11] gives the keys of a kid whatever their type where no algorithm is asked for', () => {
    const table = tableOf({ ...testKey('a').jwk, kid: 'same' }, { ...rsaJwk, kid: 'same' }, testKey('b').jwk)
    expect(table.candidates('same', undefined)).toEqual(table.keys.slice(0, 2))
    expect(table.candidates(undefined, undefined)).toEqual(table.keys)
  })

  it('tells whether a name is known', () => {
    const table = tableOf(testKey('a').jwk)
    expect([table.hasName('a'), table.hasName('b'), table.hasName('__proto__'), table.hasName(undefined)]).toEqual([
      true,
      false,
      false,
      true,
    ])
  })

  it('[JOSE-07] gives no key that does not fit the algorithm', () => {
    expect(tableOf(testKey('a').jwk).candidates('a', 'RS256')).toEqual([])
  })

  it('[JWKS-05] finds a key without kid by its type', () => {
    const { kid, ...nameless } = testKey('a').jwk
    const table = tableOf(nameless, rsaJwk)
    expect(table.candidates(undefined, 'ES256')).toEqual([table.keys[0]])
    expect(table.candidates(String(kid), 'ES256')).toEqual([])
    expect(table.candidates('undefined', 'ES256')).toEqual([])
  })

  it('[JOSE-15] knows no kid but those in the set', () => {
    const table = tableOf({ ...testKey('a').jwk, kid: '__proto__' })
    expect(table.candidates('__proto__', 'ES256')).toHaveLength(1)
    for (const kid of ['constructor', 'toString', 'size']) expect(table.candidates(kid, 'ES256')).toEqual([])
  })
})

describe('readKeys', () => {
  it('[JOSE-16] skips bad entries, saying why, and counts a repeated one once', () => {
    const { keys, skipped } = readKeys([7, testKey('a').jwk, { kty: 'quantum' }, { ...testKey('a').jwk }], [])
    expect(keys.map(({ kid }) => kid)).toEqual(['a'])
    expect(skipped).toEqual([
      { code: 'not_an_object', index: 0 },
      { code: 'kty', index: 2 },
    ])
  })

  it('[JWKS-07] keeps the objects of unchanged keys', () => {
    const before = readKeys([{ ...rsaJwk, kid: 'r' }, testKey('a').jwk], []).keys
    const after = readKeys([testKey('b').jwk, { ...rsaJwk, kid: 'r', x5t: 'new' }], before).keys
    expect(after[1]).toBe(before[0])
    expect(readKeys([{ ...rsaJwk, kid: 'r', alg: 'RS256' }], before).keys[0]).not.toBe(before[0])
  })
})

describe('the rules of one issuer', () => {
  const rules = { uses: ['sig', 'own'], accepts: (jwk: Readonly<Record<string, unknown>>) => jwk['tenant'] === 'a' }
  const jwk = testKey('a').jwk

  it('pass keys of its uses, and with the members it demands', () => {
    for (const use of ['sig', 'own', undefined]) {
      expect(readKeys([{ ...jwk, use, tenant: 'a' }], [], rules).skipped, use).toEqual([])
    }
    const entries = [
      { ...jwk, use: 'enc', tenant: 'a' },
      jwk,
      { ...jwk, tenant: 'b' },
      { kty: 'oct', k: 'x', tenant: 'a' },
    ]
    expect(readKeys(entries, [], rules)).toEqual({
      keys: [],
      skipped: [
        { code: 'use', index: 0 },
        { code: 'key_conditions', index: 1 },
        { code: 'key_conditions', index: 2 },
        { code: 'private_or_symmetric', index: 3 },
      ],
    })
    expect(readKeys([7, { ...jwk, use: 'enc', tenant: 'b' }], [], rules).skipped).toEqual([
      { code: 'not_an_object', index: 0 },
      { code: 'use', index: 1 },
    ])
    expect(readRuledJwk(jwk, rules)).toEqual({ code: 'key_conditions', reason: 'not as keyConditions demands' })
  })
})
