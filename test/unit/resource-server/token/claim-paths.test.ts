import { describe, expect, it } from 'vitest'
import { firstClaim, readRoles, readScopes } from '../../../../src/resource-server/token/claim-paths.js'
import { toClaimProfileSettings } from '../../../../src/resource-server/token/claim-profile.js'

const first = (claims: object, tenant: readonly (string | readonly string[])[]): unknown =>
  firstClaim({ ...claims }, toClaimProfileSettings({ tenant }).tenant)
const roles = (value: unknown) => readRoles({ roles: value }, toClaimProfileSettings().roles)

describe('firstClaim', () => {
  it('takes the first name that is there', () => {
    expect(first({ azp: 'a', appid: 'b' }, ['client_id', 'appid', 'azp'])).toBe('b')
    expect(first({ azp: null, cid: 'b' }, ['azp', 'cid'])).toBe('b')
    expect(first({}, ['azp'])).toBeUndefined()
    expect(firstClaim({ a: 1 }, toClaimProfileSettings().tenant)).toBeUndefined()
  })

  it('goes down at a dot, unless a claim has that very name', () => {
    expect(first({ realm_access: { roles: ['a'] } }, ['realm_access.roles'])).toEqual(['a'])
    expect(first({ resource_access: { api: { roles: ['a'] } } }, ['resource_access.api.roles'])).toEqual(['a'])
    expect(first({ 'realm_access.roles': 'flat', realm_access: { roles: 'deep' } }, ['realm_access.roles'])).toBe(
      'flat',
    )
    for (const claims of [{ a: null }, { a: 'b' }, { a: 1 }, { a: {} }, { a: { b: null } }, {}])
      expect(first(claims, ['a.b'])).toBeUndefined()
  })

  it('[REAL-34] reads names with dots: an URL as it is, levels by a list', () => {
    expect(first({ 'https://example.com/roles': ['a'] }, ['https://example.com/roles'])).toEqual(['a'])
    expect(first({ clients: { 'my.app': { tenant: 'a' } } }, [['clients', 'my.app', 'tenant']])).toBe('a')
    expect(first({ 'a.b': 'flat', a: { b: 'deep' } }, [['a', 'b']])).toBe('deep')
    expect(first({ 'a.b': 'flat', a: { b: 'deep' } }, [['a.b']])).toBe('flat')
    expect(first({ a: { b: 'deep' } }, [['a.b']])).toBeUndefined()
    expect(first({ a: ['x'] }, ['a.length'])).toBeUndefined()
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
      expect(first({ a: {} }, [name]), name).toBeUndefined()
    }
    const polluted = JSON.parse('{"__proto__":{"roles":"x"}}')
    expect(firstClaim(polluted, toClaimProfileSettings({ tenant: '__proto__.roles' }).tenant)).toBe('x')
  })
})

describe('readScopes', () => {
  it('[AT-09] [BEAR-13] splits a string at spaces, and takes an empty one for no scope', () => {
    expect(readScopes('read write')).toEqual(['read', 'write'])
    expect(readScopes(' read  write ')).toEqual(['read', 'write'])
    for (const none of [undefined, '', ' ', '   ']) expect(readScopes(none)).toEqual([])
  })

  it('[REAL-34] takes an array of strings', () => {
    expect(readScopes(['read', 'write'])).toEqual(['read', 'write'])
    for (const value of [['read', 1], [null], {}, 5, true, [['read']]]) expect(readScopes(value)).toBeUndefined()
  })

  it('gives lists nobody can change', () => {
    for (const list of [readScopes('a'), readScopes(''), readScopes(['a']), roles('a'), roles(['a']), roles(5)]) {
      expect(Object.isFrozen(list)).toBe(true)
    }
  })
})

describe('readRoles', () => {
  it('takes a string or an array of strings, and nothing else', () => {
    expect(roles('admin')).toEqual(['admin'])
    expect(roles(['a', 'b'])).toEqual(['a', 'b'])
    for (const value of [undefined, 5, {}, ['a', 5], [['a']], true]) expect(roles(value)).toEqual([])
  })
})
