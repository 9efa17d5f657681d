import { describe, expect, it } from 'vitest'
import { ConfigurationError } from '../../../../src/errors/index.js'
import {
  firstClaim,
  readRoles,
  readScopes,
  refusePath,
  toClaimPath,
} from '../../../../src/resource-server/token/claim-paths.js'
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
    expect(first({ undefined: 'flat', a: { b: 'deep' } }, [['a', 'b']])).toBe('deep')
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

describe('readRoles in another form', () => {
  const read = (form: 'object-keys' | 'comma-list', value: unknown) =>
    readRoles({ r: value }, toClaimProfileSettings({ roles: { claim: 'r', form } }).roles)

  it('[REAL-34] takes the names of the members of an object, and nothing else', () => {
    expect(read('object-keys', { admin: { org: 1 }, editor: null })).toEqual(['admin', 'editor'])
    for (const value of ['admin', ['admin'], 5, undefined, null, {}]) expect(read('object-keys', value)).toEqual([])
  })

  it('[REAL-34] parts one text at its commas, and takes nothing else', () => {
    expect(read('comma-list', ' admin, Night shift ,,editor,')).toEqual(['admin', 'Night shift', 'editor'])
    for (const value of ['', ' , ', ['admin'], { admin: 1 }, 5, undefined])
      expect(read('comma-list', value)).toEqual([])
  })

  it('takes a text for one role in the usual form, commas and all', () => {
    expect(roles('a, b')).toEqual(['a, b'])
  })

  it('gives the list of the token itself where only one place has roles', () => {
    const both = toClaimProfileSettings({ roles: ['a', 'b'] }).roles
    expect(readRoles({ a: [], b: ['x', 'x'] }, both)).toEqual(['x', 'x'])
    expect(readRoles({ a: ['x'], b: ['x', 'y'] }, both)).toEqual(['x', 'y'])
    expect(readRoles({}, both)).toEqual([])
  })
})

describe('readScopes of many tokens', () => {
  it('gives one list for equal texts of up to 512 characters, and none of it for longer ones', () => {
    const text = 'a'.repeat(510)
    expect(readScopes(`${text} b`)).toBe(readScopes(`${text} b`))
    expect(readScopes(`${text} bc`)).not.toBe(readScopes(`${text} bc`))
    expect(readScopes(`${text} bc`)).toEqual([text, 'bc'])
  })
})

describe('toClaimPath', () => {
  it.each([
    ['roles', 'roles', undefined],
    ['a.b', 'a.b', ['a', 'b']],
    ['https://example.com/roles', 'https://example.com/roles', ['https://example', 'com/roles']],
    ['a b', 'a b', undefined],
    ['a/b$', 'a/b$', undefined],
    [['a.b'], 'a.b', undefined],
    [['a', '[0]', ' c '], undefined, ['a', '[0]', ' c ']],
  ])('[REAL-34] reads %j', (given, whole, steps) => {
    expect(toClaimPath('claim', given)).toEqual({ whole, steps })
  })

  it.each<unknown>([
    ...['', '.', 'a.', '.a', 'a..b', '$.a', '$', '/a', 'a[0]', 'a]', '[a', ' a', 'a ', '\ta', 'a\n'],
    ...[[], [''], ['a', ''], ['a', 5], [['a']], 5, null, undefined, {}, true],
  ])('[REAL-34] stops the start for %j, and says how to write it', (given) => {
    expect(() => toClaimPath('claim', given)).toThrow(ConfigurationError)
    expect(() => toClaimPath('claim', given)).toThrow(/^`claim` takes names of claims/)
  })

  it('says how the path of a claim is written', () => {
    expect(() => refusePath('claim')).toThrow(
      "`claim` takes names of claims such as 'roles' or 'realm_access.roles', or a list of them. A name that holds dots or brackets itself is written level by level: [['resource_access', 'my.app', 'roles']].",
    )
  })
})
