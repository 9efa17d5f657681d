import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { freezeWithin, isJsonObject, isStringArray, ownMember, parseJsonObject } from '../../../src/kit/json.js'

describe('parseJsonObject', () => {
  it('reads an object', () => {
    expect(parseJsonObject('{"a":[1,null]}')).toEqual({ a: [1, null] })
  })

  it('gives undefined for anything else', () => {
    for (const text of ['', '{', '[]', 'null', '"a"', '1', 'true', '{}{}', 'undefined']) {
      expect(parseJsonObject(text), text).toBeUndefined()
    }
  })

  it('[JOSE-05] keeps only the last of several members of one name', () => {
    expect(parseJsonObject('{"alg":"none","alg":"RS256"}')).toEqual({ alg: 'RS256' })
  })

  it('never throws, whatever it is fed', () => {
    const junk = fc.oneof(fc.string({ unit: 'binary' }), fc.json())
    fc.assert(
      fc.property(junk, (text) => {
        const value = parseJsonObject(text)
        expect(value === undefined || isJsonObject(value)).toBe(true)
      }),
    )
    expect(parseJsonObject('{"a":'.repeat(100_000))).toBeUndefined()
  })
})

describe('isJsonObject', () => {
  it('tells objects from null, arrays and primitives', () => {
    expect(isJsonObject({})).toBe(true)
    for (const value of [null, [], 'a', 1, true, undefined]) expect(isJsonObject(value)).toBe(false)
  })
})

describe('ownMember', () => {
  it('[JOSE-15] finds own members only, never inherited ones', () => {
    const object = parseJsonObject('{"a":1,"__proto__":2}') ?? {}
    expect(ownMember(object, 'a')).toBe(1)
    expect(ownMember(object, '__proto__')).toBe(2)
    for (const name of ['constructor', 'toString', 'hasOwnProperty', 'b']) {
      expect(ownMember(object, name), name).toBeUndefined()
    }
    expect(ownMember({}, '__proto__')).toBeUndefined()
  })
})

describe('isStringArray', () => {
  it('demands an array of strings and nothing else', () => {
    expect(isStringArray([])).toBe(true)
    expect(isStringArray(['a', ''])).toBe(true)
    for (const value of ['a', ['a', 1], [['a']], { 0: 'a', length: 1 }, null]) expect(isStringArray(value)).toBe(false)
  })
})

describe('freezeWithin', () => {
  function isDeepFrozen(value: unknown): boolean {
    if (typeof value !== 'object' || value === null) return true
    return Object.isFrozen(value) && Object.values(value).every(isDeepFrozen)
  }

  it('freezes any JSON value all the way down', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        expect(freezeWithin(value, 8)).toBe(true)
        expect(isDeepFrozen(value)).toBe(true)
      }),
    )
  })

  it('counts levels: as many as allowed pass, one more does not', () => {
    expect(freezeWithin({ a: { b: [1] } }, 3)).toBe(true)
    expect(freezeWithin({ a: { b: [{}] } }, 3)).toBe(false)
    expect(freezeWithin('text', 0)).toBe(true)
    expect(freezeWithin({}, 0)).toBe(false)
  })

  it('leaves objects that are not plain as they are', () => {
    const date = new Date(0)
    const bare = Object.create(null)
    const holder = { date, bare }
    expect(freezeWithin(holder, 4)).toBe(true)
    expect(Object.isFrozen(holder)).toBe(true)
    expect(Object.isFrozen(bare)).toBe(true)
    expect(Object.isFrozen(date)).toBe(false)
  })
})
