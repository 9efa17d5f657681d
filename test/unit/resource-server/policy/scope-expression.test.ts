import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ConfigurationError } from '../../../../src/errors/index.js'
import type { ScopeExpression } from '../../../../src/resource-server/policy/requirement.js'
import {
  compileScope,
  type ImpliedScopes,
  toImpliedScopes,
} from '../../../../src/resource-server/policy/scope-expression.js'

const nothingImplied: ImpliedScopes = new Map()
const satisfied = (expression: ScopeExpression, granted: string, implies = nothingImplied) =>
  compileScope(expression, implies).isSatisfiedBy(granted.split(' '))
const needed = (expression: ScopeExpression, granted = '', implies = nothingImplied) =>
  compileScope(expression, implies).neededFrom(granted.split(' ')).join(' ')

describe('compileScope', () => {
  it('[BEAR-13] takes a string as a list of which all are needed, whatever the order', () => {
    expect(satisfied('read write', 'write other read')).toBe(true)
    expect(satisfied(' read   write ', 'write read')).toBe(true)
    expect(satisfied('read write', 'read')).toBe(false)
    expect(satisfied(['read', 'write'], 'read write')).toBe(true)
    expect(satisfied(['read', 'write'], 'write')).toBe(false)
  })

  it('[BEAR-13] matches whole scopes in their letter case: no prefix, no substring', () => {
    for (const granted of ['Read', 'READ', 'rea', 'read2', 'read:all', 'spread', 'read,write', '']) {
      expect(satisfied('read', granted), granted).toBe(false)
    }
  })

  it('[BEAR-13] is not bothered by duplicates', () => {
    expect(satisfied('read read', 'read')).toBe(true)
    expect(satisfied('read', 'read read')).toBe(true)
    expect(needed(['read read', 'read'])).toBe('read')
  })

  it('nests all and any', () => {
    const expression: ScopeExpression = { all: ['read', { any: ['mail', { all: ['calendar', 'contacts'] }] }] }
    expect(satisfied(expression, 'read mail')).toBe(true)
    expect(satisfied(expression, 'read calendar contacts')).toBe(true)
    expect(satisfied(expression, 'read calendar')).toBe(false)
    expect(satisfied(expression, 'mail')).toBe(false)
    expect(satisfied({ any: ['a b', ['c', 'd']] }, 'c d')).toBe(true)
    expect(satisfied({ any: ['a b', ['c', 'd']] }, 'a c')).toBe(false)
  })

  it('[C-33] names every scope the operation needs, held ones among them', () => {
    expect(needed('read write', 'read')).toBe('read write')
    expect(needed({ all: ['read', { any: ['mail', 'calendar'] }] })).toBe('read mail')
  })

  it('names the alternative of which the least lacks', () => {
    const expression: ScopeExpression = { any: ['a b', 'c d', 'e f g'] }
    expect(needed(expression)).toBe('a b')
    expect(needed(expression, 'd')).toBe('c d')
    expect(needed(expression, 'e f b')).toBe('a b')
    expect(needed(expression, 'e f')).toBe('e f g')
  })

  it('counts what a broader scope includes as held when it picks an alternative', () => {
    const implies = new Map([['admin', ['c', 'd']]])
    expect(needed({ any: ['a b', 'c d e'] }, 'admin', implies)).toBe('c d e')
  })

  it('lets a broader scope stand for those it implies, over any number of steps', () => {
    const implies = new Map([
      ['admin', ['write']],
      ['write', ['read', 'list']],
    ])
    expect(satisfied('read', 'admin', implies)).toBe(true)
    expect(satisfied('read list write', 'admin', implies)).toBe(true)
    expect(satisfied('admin', 'write read list', implies)).toBe(false)
    expect(satisfied('other', 'admin', implies)).toBe(false)
    expect(satisfied('read', 'other', implies)).toBe(false)
    expect(satisfied('read', 'other admin', implies)).toBe(true)
    expect(needed('read', '', implies)).toBe('read')
  })

  it('follows a cycle of implications once around', () => {
    const implies = new Map([
      ['a', ['b']],
      ['b', ['c']],
      ['c', ['a']],
      ['self', ['self']],
    ])
    for (const granted of ['a', 'b', 'c']) {
      for (const demanded of ['a', 'b', 'c']) expect(satisfied(demanded, granted, implies)).toBe(true)
      expect(satisfied('self', granted, implies)).toBe(false)
    }
  })

  it('agrees with a plain reading of the expression, for any expression and any grant', () => {
    const scope = fc.constantFrom('a', 'b', 'c', 'd')
    const { expression } = fc.letrec<{ expression: ScopeExpression }>((tie) => ({
      expression: fc.oneof(
        { maxDepth: 3 },
        scope,
        fc.array(tie('expression'), { minLength: 1, maxLength: 3 }),
        fc.record({ all: fc.array(tie('expression'), { minLength: 1, maxLength: 3 }) }),
        fc.record({ any: fc.array(tie('expression'), { minLength: 1, maxLength: 3 }) }),
      ) as fc.Arbitrary<ScopeExpression>,
    }))
    fc.assert(
      fc.property(expression, fc.uniqueArray(scope), (demanded, granted) => {
        const rule = compileScope(demanded, nothingImplied)
        expect(rule.isSatisfiedBy(granted)).toBe(holds(demanded, granted))
        expect(rule.isSatisfiedBy([...granted, ...rule.neededFrom(granted)])).toBe(true)
      }),
    )
  })

  it.each([
    ['an empty string', ''],
    ['a blank string', '  '],
    ['an empty array', []],
    ['an empty all', { all: [] }],
    ['an empty any', { any: [] }],
    ['an empty string within', ['read', '']],
    ['a quote', 'read"'],
    ['a backslash', 'read\\'],
    ['a line break', 'read\r\nwrite'],
    ['a tab', 'read\twrite'],
    ['a letter beyond ASCII', 'réad'],
    ['null', null],
    ['a number', 5],
    ['a member that is no expression', ['read', 5]],
    ['a member that is null', { any: [null] }],
    ['a string where a list belongs', { any: 'read' }],
    ['a string where a list of all belongs', { all: 'read' }],
    ['both all and any', { all: ['read'], any: ['write'] }],
    ['another member', { some: ['read'] }],
    ['a misspelt member beside a good one', { all: ['read'], nay: ['write'] }],
    ['an empty object', {}],
  ])('refuses %s', (_what, expression) => {
    expect(() => compileScope(expression as ScopeExpression, nothingImplied)).toThrow(ConfigurationError)
  })

  it('takes one scope with a comma in a list', () => {
    expect(satisfied(['a,b'], 'a,b')).toBe(true)
    expect(satisfied(['a,b'], 'a b')).toBe(false)
  })
})

describe('toImpliedScopes', () => {
  const message = "`implies` takes an object of scopes by scope, as in { 'files:write': ['files:read'] }."

  it('takes one scope or a list of them', () => {
    expect([...toImpliedScopes({ admin: 'write', write: ['read', 'list'] })]).toEqual([
      ['admin', ['write']],
      ['write', ['read', 'list']],
    ])
    expect([...toImpliedScopes()]).toEqual([])
  })

  it.each([
    null,
    [],
    'admin',
    { 'two scopes': 'read' },
    { admin: ['read', 'two scopes'] },
    { ok: 'read', '"': 'read' },
  ])('refuses %j', (implies) => {
    expect(() => toImpliedScopes(implies as never)).toThrow(message)
  })

  it.each([{ admin: undefined }, { admin: 5 }, { admin: [] }, { admin: ['read', 5] }])(
    'names the entry that is wrong in %o',
    (implies) => {
      expect(() => toImpliedScopes(implies as never)).toThrow(/`implies\.admin`/)
    },
  )
})

function holds(expression: ScopeExpression, granted: readonly string[]): boolean {
  if (typeof expression === 'string') return granted.includes(expression)
  if ('any' in expression) return expression.any.some((member) => holds(member, granted))
  const members = 'all' in expression ? expression.all : (expression as readonly ScopeExpression[])
  return members.every((member) => holds(member, granted))
}
