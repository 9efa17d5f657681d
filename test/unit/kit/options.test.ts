import { describe, expect, it } from 'vitest'
import { ConfigurationError } from '../../../src/errors/index.js'
import {
  anything,
  checkOptions,
  checkValue,
  choice,
  faultOf,
  fieldValue,
  flag,
  func,
  integer,
  members,
  methods,
  misspelt,
  object,
  oneOrMore,
  orFalse,
  type Rule,
  type Rules,
  refuseRepeats,
  required,
  text,
  textMap,
  textOrTexts,
  texts,
  toList,
} from '../../../src/kit/options.js'

const failure = (check: () => unknown): string => {
  try {
    check()
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigurationError)
    return (error as Error).message
  }
  return 'nothing thrown'
}

interface Example {
  readonly issuer: string
  readonly resource?: string | undefined
  readonly clockToleranceSeconds?: number | undefined
}
const rules: Rules<Example> = { issuer: required(text), resource: text, clockToleranceSeconds: integer(0, 300) }

describe('the names of options', () => {
  it('accepts known names, all or none of them', () => {
    expect(failure(() => checkOptions('It', { issuer: 'i', resource: undefined }, rules))).toBe('nothing thrown')
    expect(failure(() => checkOptions('It', {} as Partial<Example>, { ...rules, issuer: text }))).toBe('nothing thrown')
  })

  it.each([
    ['issuers', 'issuer'],
    ['Resource', 'resource'],
    ['isuer', 'issuer'],
    ['clockTolerance', 'clockToleranceSeconds'],
  ])('suggests the nearest name for %s', (given, suggestion) => {
    const message = `It has no option \`${given}\`. Did you mean \`${suggestion}\`?`
    expect(failure(() => checkOptions('It', { issuer: 'i', [given]: 1 }, rules))).toBe(message)
  })

  it.each([
    ['issuer2', ['issues', 'issuer'], 'issuer'],
    ['isur', ['issuer'], 'issuer'],
    ['abc', ['axyc'], 'axyc'],
    ['rezzzurce', ['resource'], 'resource'],
  ])('suggests for %s of %j the nearest, at most a third of its letters away, or two', (given, known, suggestion) => {
    const fault = faultOf('It', { [given]: 1 }, Object.fromEntries(known.map((name) => [name, anything])))
    expect(fault).toContain(`Did you mean \`${suggestion}\`?`)
  })

  it.each(['is', 'zzzzzzzzz'])('suggests none for %s', (given) => {
    expect(faultOf('It', { issuer: 'i', [given]: 1 }, rules)).toContain('Known options:')
  })

  it('lists all names where none is near', () => {
    expect(failure(() => checkOptions('It', { verbosity: 1 } as never, rules))).toBe(
      'It has no option `verbosity`. Known options: issuer, resource, clockToleranceSeconds.',
    )
    expect(failure(() => checkOptions('It', { verbosity: 1 } as object, {}))).toContain('has no option `verbosity`')
  })

  it('refuses what is no object', () => {
    for (const options of [null, undefined, true, false, 'text', 5, [], () => {}]) {
      expect(failure(() => checkOptions('It', options as never, rules))).toBe('It must be an object.')
    }
  })

  it('does not compile with a name too few or too many', () => {
    const options: Example = { issuer: 'i' }
    // @ts-expect-error `resource` and `clockToleranceSeconds` have no rule
    checkOptions('It', options, { issuer: text })
    // @ts-expect-error `isuer` is no option
    const one: Rules<Example> = { ...rules, isuer: text }
    expect(() => checkOptions('It', options, one)).not.toThrow()
    // @ts-expect-error an option of a part is forgotten
    members<Example>({ issuer: text })
    const either: Rules<{ readonly a: string } | { readonly b: string }> = { a: text, b: text }
    expect(faultOf('It', { b: '' }, either)).toBe('`b` takes a non-empty string.')
  })
})

describe('rules', () => {
  it('are held against a value by itself too', () => {
    expect(failure(() => checkValue('a.b', '', text))).toBe('`a.b` takes a non-empty string.')
    expect(failure(() => checkValue('a.b', undefined, text))).toBe('nothing thrown')
  })

  const faults = (rule: Rule, ...values: readonly unknown[]) => values.filter((value) => rule('n', value) !== undefined)

  it('pass what is absent, unless it is required', () => {
    const part = members<Example>(rules)
    for (const rule of [text, flag, func, integer(1), choice('a'), methods('get'), oneOrMore, anything, part]) {
      expect(rule('n', undefined)).toBeUndefined()
    }
    expect(required(text)('n', undefined)).toBe('`n` takes a non-empty string.')
    expect(required(members<Example>(rules))('n', undefined)).toBe('`n` must be an object.')
  })

  it('take whole numbers within bounds, both included', () => {
    const wrong = [0, 301, -1, Number.NaN, Number.POSITIVE_INFINITY, '60', '', null, false, 60n, [60]]
    expect(faults(integer(1, 300), 1, 300, 60.5, ...wrong)).toEqual([60.5, ...wrong])
    expect(integer(1)('n', 2 ** 31)).toBe('`n` takes a whole number from 1 to 2147483647.')
  })

  it('take texts and lists of texts', () => {
    const neither = [[''], ['a', ''], ['a', undefined], [null], null, 5, {}, new Set(['a']), '']
    expect(faults(textOrTexts, 'a', ['a', 'b'], [], ...neither)).toEqual(neither)
    expect(faults(oneOrMore, 'a', ['a', 'b'], [], ...neither)).toEqual([[], ...neither])
    const given = ['a', 'b']
    const list = toList(given)
    given.push('c')
    expect(list).toEqual(['a', 'b'])
    expect(Object.isFrozen(list)).toBe(true)
    expect(toList('ab')).toEqual(['ab'])
  })

  it('take what they are for, and say so of anything else', () => {
    expect(choice('a', false)('c', 'B')).toBe("`c` takes one of 'a', false.")
    expect(faults(choice('a', false), 'a', false, 'false', '', null)).toEqual(['false', '', null])
    expect(func('f', null)).toBe('`f` takes a function.')
    expect(flag('b', 'false')).toBe('`b` takes true or false.')
    const store = methods('get', 'set')
    expect(faults(store, { get() {}, set() {} }, { get() {} }, { get: 1, set: 2 }, null, 'x')).toHaveLength(4)
    expect(store('s', {})).toBe('`s` takes an object with the functions get, set.')
    expect(faults(orFalse(text), false, 'a', true)).toEqual([true])
    expect(anything('x', Symbol())).toBeUndefined()
  })

  it.each<[string, Rule, readonly unknown[], readonly unknown[]]>([
    ['true or false', flag, [true, false], ['false', 0, null]],
    ['a function', func, [() => {}, class {}], ['x', {}, null]],
    ['an object', object, [{}], [[], null, 'x']],
    ['an array of non-empty strings', texts, [[], ['a']], ['a', [''], null]],
    ['a non-empty string or an array of them', textOrTexts, ['a', []], ['']],
    ['a non-empty string or a non-empty array of them', oneOrMore, ['a', ['a']], [[]]],
    [
      'an object of strings',
      textMap,
      [{}, { a: 'b', c: undefined, d: '' }],
      [[], ['a'], null, 'a', { a: 5 }, { a: 'b', c: null }, { a: undefined, c: {} }],
    ],
    [
      '1 to 256 characters of visible ASCII',
      fieldValue,
      ['a', ' ~', 'a'.repeat(256)],
      ['', 'a'.repeat(257), 'a\n', '\ra', 'ä', '\x7f', 5, ['a'], null],
    ],
  ])('take %s, and nothing else', (words, rule, right, wrong) => {
    expect(faults(rule, ...right, ...wrong)).toEqual(wrong)
    expect(rule('n', wrong[0])).toBe(`\`n\` takes ${words}.`)
  })

  it('take functions on whatever may have them', () => {
    const withFunctions = Object.assign(() => {}, { get() {} })
    expect(faults(methods('get'), withFunctions)).toEqual([withFunctions])
  })

  it('look into parts, and name the option by its path', () => {
    const part = members<{ inner: Example }>({ inner: members<Example>(rules) })
    expect(part('outer', { inner: { issuer: '' } })).toBe('`outer.inner.issuer` takes a non-empty string.')
    expect(part('outer', { inner: { isuer: '' } })).toBe('`outer.inner` has no option `isuer`. Did you mean `issuer`?')
    expect(part('outer', { inner: 5 })).toBe('`outer.inner` must be an object.')
    expect(faultOf('It', { issuer: '' }, rules, 'pre.')).toBe('`pre.issuer` takes a non-empty string.')
  })

  it('refuse a value that a list holds twice', () => {
    expect(failure(() => refuseRepeats('l', ['a', 'b', 'a']))).toBe('`l` lists a twice; list it once.')
    expect(failure(() => refuseRepeats('l', ['a', 'b']))).toBe('nothing thrown')
  })
})

describe('misspelt', () => {
  it.each([
    ['isuer', 'issuer'],
    ['ISSUER', 'issuer'],
    ['resuorce', 'Resource'],
    ['issuer', undefined],
    ['xyzissuer', undefined],
    ['other', undefined],
  ])('takes %s for a slip of %s', (name, meant) => {
    expect(misspelt(name, ['issuer', 'Resource'])).toBe(meant)
  })
})
