import { describe, expect, it } from 'vitest'
import { firstClaim, readRoles, readScopes } from '../../../src/token/claim-profile.js'

describe('firstClaim', () => {
  it('takes the first name that is there', () => {
    expect(firstClaim({ azp: 'a', appid: 'b' }, ['client_id', 'appid', 'azp'])).toBe('b')
    expect(firstClaim({ azp: null, cid: 'b' }, ['azp', 'cid'])).toBe('b')
    expect(firstClaim({}, ['azp'])).toBeUndefined()
    expect(firstClaim({ a: 1 }, [])).toBeUndefined()
  })

  it('goes down at a dot, unless a claim has that very name', () => {
    expect(firstClaim({ realm_access: { roles: ['a'] } }, ['realm_access.roles'])).toEqual(['a'])
    expect(firstClaim({ resource_access: { api: { roles: ['a'] } } }, ['resource_access.api.roles'])).toEqual(['a'])
    expect(firstClaim({ 'realm_access.roles': 'flat', realm_access: { roles: 'deep' } }, ['realm_access.roles'])).toBe(
      'flat',
    )
    expect(firstClaim({ 'https://example.com/roles': ['a'] }, ['https://example.com/roles'])).toEqual(['a'])
    for (const claims of [{ a: null }, { a: 'b' }, { a: 1 }, { a: {} }, {}])
      expect(firstClaim(claims, ['a.b'])).toBeUndefined()
  })

  it('[JWT-10] reads own members alone, at every level', () => {
    for (const name of [
      'constructor',
      '__proto__',
      'toString',
      'constructor.name',
      '__proto__.constructor',
      'a.__proto__.b',
    ]) {
      expect(firstClaim({ a: {} }, [name]), name).toBeUndefined()
    }
    expect(firstClaim(JSON.parse('{"__proto__":{"roles":"x"}}'), ['__proto__.roles'])).toBe('x')
  })
})

describe('readScopes', () => {
  it('[AT-09] [BEAR-13] splits a string at spaces, and takes an empty one for no scope', () => {
    expect(readScopes('read write', false)).toEqual(['read', 'write'])
    expect(readScopes(' read  write ', false)).toEqual(['read', 'write'])
    for (const none of [undefined, '', ' ', '   ']) expect(readScopes(none, false)).toEqual([])
  })

  it('[AT-09] takes an array of strings only where that is configured', () => {
    expect(readScopes(['read', 'write'], true)).toEqual(['read', 'write'])
    expect(readScopes(['read'], false)).toBeUndefined()
    for (const value of [['read', 1], [null], {}, 5, true, [['read']]]) expect(readScopes(value, true)).toBeUndefined()
  })

  it('gives lists nobody can change', () => {
    for (const list of [
      readScopes('a', false),
      readScopes('', false),
      readScopes(['a'], true),
      readRoles('a'),
      readRoles(['a']),
      readRoles(5),
    ]) {
      expect(Object.isFrozen(list)).toBe(true)
    }
  })
})

describe('readRoles', () => {
  it('takes a string or an array of strings, and nothing else', () => {
    expect(readRoles('admin')).toEqual(['admin'])
    expect(readRoles(['a', 'b'])).toEqual(['a', 'b'])
    for (const value of [undefined, 5, {}, ['a', 5], [['a']], true]) expect(readRoles(value)).toEqual([])
  })
})
