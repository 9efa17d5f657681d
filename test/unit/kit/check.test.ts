import { describe, expect, it } from 'vitest'
import { ConfigurationError } from '../../../src/errors/index.js'
import {
  booleanOption,
  choiceOption,
  functionOption,
  integerOption,
  listOption,
  numberOption,
  textOption,
} from '../../../src/kit/check.js'

const failure = (check: () => unknown): string => {
  try {
    check()
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigurationError)
    return (error as Error).message
  }
  return 'nothing thrown'
}

describe('numberOption', () => {
  const bounds = { min: 1, max: 300, fallback: 60 }

  it('takes numbers within the bounds, and the default for none', () => {
    for (const value of [1, 60.5, 300]) expect(numberOption('n', value, bounds)).toBe(value)
    expect(numberOption('n', undefined, bounds)).toBe(60)
    expect(numberOption('n', undefined, { ...bounds, fallback: undefined })).toBeUndefined()
  })

  it('refuses any other value, falsy ones among them, and says what to write', () => {
    for (const value of [0, 301, -1, Number.NaN, Number.POSITIVE_INFINITY, '60', '', null, false, 60n, [60]]) {
      const message = failure(() => numberOption('n', value, bounds))
      expect(message, String(value)).toBe('`n` takes a number from 1 to 300; leave it out for 60.')
    }
    expect(failure(() => numberOption('n', 0, { ...bounds, fallback: undefined }))).toMatch(/for no limit\.$/)
  })
})

describe('integerOption', () => {
  const bounds = { min: 1, max: 300, fallback: 60 }

  it('takes whole numbers within the bounds, and the default for none', () => {
    for (const value of [1, 60, 300]) expect(integerOption('n', value, bounds)).toBe(value)
    expect(integerOption('n', undefined, bounds)).toBe(60)
    expect(integerOption('n', undefined, { ...bounds, fallback: undefined })).toBeUndefined()
  })

  it('refuses fractions and other values, and says what to write', () => {
    for (const value of [1.5, 299.999, Number.NaN, Number.POSITIVE_INFINITY, '60', '', null, true, 60n, [60]]) {
      const message = failure(() => integerOption('n', value, bounds))
      expect(message, String(value)).toBe('`n` takes an integer from 1 to 300; leave it out for 60.')
    }
    for (const value of [0, 301, -1])
      expect(failure(() => integerOption('n', value, bounds))).toContain('from 1 to 300')
    expect(failure(() => integerOption('n', 1.5, { ...bounds, fallback: undefined }))).toMatch(/for no limit\.$/)
  })
})

describe('listOption', () => {
  it('takes a string or a list, and keeps a copy of its own', () => {
    const given = ['a', 'b']
    const list = listOption('l', given, [])
    given.push('c')
    expect(list).toEqual(['a', 'b'])
    expect(Object.isFrozen(list)).toBe(true)
    expect(listOption('l', 'a', [])).toEqual(['a'])
    expect(listOption('l', undefined, ['x'])).toEqual(['x'])
  })

  it('refuses anything else', () => {
    for (const value of ['', [], [''], ['a', ''], ['a', undefined], [null], null, 5, {}, new Set(['a'])]) {
      expect(failure(() => listOption('l', value, []))).toContain('`l` takes a non-empty string')
    }
  })
})

describe('the other checks', () => {
  it('take what they are for, and say so of anything else', () => {
    expect(textOption('t', 'a')).toBe('a')
    expect(textOption('t', undefined)).toBeUndefined()
    expect(failure(() => textOption('t', ''))).toContain('`t` takes a non-empty string')
    expect(choiceOption('c', 'b', ['a', 'b'], 'a')).toBe('b')
    expect(choiceOption('c', undefined, ['a', 'b'], undefined)).toBeUndefined()
    expect(failure(() => choiceOption('c', 'B', ['a', 'b'], 'a'))).toBe("`c` takes one of 'a', 'b'.")
    expect(failure(() => choiceOption('c', '', ['a', 'b'], undefined))).toBe("`c` takes one of 'a', 'b'.")
    const call = () => 1
    expect(functionOption('f', call)).toBe(call)
    expect(functionOption('f', undefined)).toBeUndefined()
    expect(failure(() => functionOption('f', null))).toContain('`f` takes a function')
    expect(booleanOption('b', false, true)).toBe(false)
    expect(booleanOption('b', undefined, true)).toBe(true)
    expect(failure(() => booleanOption('b', 'false', true))).toContain('`b` takes true or false')
  })
})
