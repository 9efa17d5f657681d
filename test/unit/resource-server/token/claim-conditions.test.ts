import { describe, expect, it } from 'vitest'
import { ConfigurationError } from '../../../../src/errors/index.js'
import { refuseConditions, toClaimsTest } from '../../../../src/resource-server/token/claim-conditions.js'

const holds = (conditions: unknown, claims: object): boolean | undefined =>
  toClaimsTest('conditions', conditions)?.({ ...claims })

describe('toClaimsTest', () => {
  it('is absent where nothing is given', () => {
    expect(toClaimsTest('conditions', undefined)).toBeUndefined()
  })

  it.each<[unknown, object, object[]]>([
    [{ a: 'x' }, { a: 'x' }, [{ a: 'X' }, { a: ['y'] }, { b: 'x' }, {}]],
    [{ a: 'x' }, { a: ['y', 'x'] }, [{ a: [] }, { a: [['x']] }, { a: { x: 'x' } }]],
    [{ a: 5 }, { a: 5 }, [{ a: '5' }, { a: 6 }, { a: true }]],
    [{ a: false }, { a: false }, [{ a: true }, { a: 0 }, { a: null }, {}]],
    [{ a: ['x', 7] }, { a: 7 }, [{ a: '7' }, { a: ['y'] }, {}]],
    [{ a: 'x', b: 'y' }, { a: 'x', b: 'y' }, [{ a: 'x' }, { b: 'y' }, {}]],
    [{ 'a.b': 'x' }, { a: { b: 'x' } }, [{ a: 'x' }, { b: 'x' }]],
    [{ a: { present: true } }, { a: 0 }, [{ a: null }, {}]],
    [{ a: { present: false } }, { a: null }, [{ a: false }, { a: '' }]],
    [{ a: { not: 'x' } }, { a: 'y' }, [{ a: 'x' }, { a: ['y', 'x'] }, { a: null }, {}]],
    [{ a: { not: true } }, { a: false }, [{ a: true }, {}]],
    [{ a: { not: ['x', 5] } }, { a: ['y'] }, [{ a: 'x' }, { a: 5 }, {}]],
    [{ a: { startsWith: 'ab' } }, { a: 'abc' }, [{ a: 'cab' }, { a: 'a' }, { a: ['abc'] }, { a: 5 }, {}]],
    [{ a: { endsWith: 'ab' } }, { a: 'cab' }, [{ a: 'abc' }, { a: 'b' }, { a: ['cab'] }, {}]],
    [
      { a: { sameAs: 'b' } },
      { a: 'x', b: 'x' },
      [{ a: 'x', b: 'y' }, { a: 'x' }, { a: 5, b: 5 }, { a: '', b: '' }, {}],
    ],
    [{ a: { sameAs: 'b.c' } }, { a: 'x', b: { c: 'x' } }, [{ a: 'x', b: 'x' }]],
    [[{ a: 'x' }, { b: 'y' }], { b: 'y' }, [{ b: 'x' }, {}]],
    [[{ a: 'x' }], { a: 'x' }, [{ a: 'y' }]],
  ])('[REAL-31] %j holds for %j and for nothing else', (conditions, claims, others) => {
    expect(holds(conditions, claims)).toBe(true)
    for (const other of others) expect(holds(conditions, other), JSON.stringify(other)).toBe(false)
  })

  it.each<unknown>([
    ...[null, 'x', 5, true, {}, [], [{}], [{ a: 'x' }, {}], [null], () => true],
    ...[null, '', [], ['x', null], [undefined], Number.NaN, Number.POSITIVE_INFINITY, [['x']], undefined].map((a) => ({
      a,
    })),
    ...[{}, { present: 1 }, { present: 'true' }, { not: null }, { not: [] }, { not: '' }, { not: undefined }].map(
      (a) => ({ a }),
    ),
    ...[{ startsWith: '' }, { startsWith: 5 }, { endsWith: '' }, { sameAs: '' }, { sameAs: ['b'] }].map((a) => ({ a })),
    ...[
      { like: 'x' },
      { like: true },
      { sameAs: true },
      { present: true, not: 'x' },
      { startsWith: 'x', endsWith: 'y' },
    ].map((a) => ({ a })),
    { '': 'x' },
    { a: { sameAs: 'b..c' } },
  ])('refuses %o, which could not mean what it says', (conditions) => {
    expect(() => toClaimsTest('conditions', conditions)).toThrow(ConfigurationError)
    expect(() => toClaimsTest('conditions', conditions)).toThrow(/^`conditions` takes /)
  })

  it('says how conditions are written', () => {
    expect(() => refuseConditions('name')).toThrow(
      new ConfigurationError(
        "`name` takes conditions by claim, such as { token_use: 'access' } or { azp: ['web', 'app'] }, or { not: … }, { present: true }, { startsWith: … }, { endsWith: … }, { sameAs: … } for a claim; or a list of such objects.",
      ),
    )
  })

  it('takes a copy of the values', () => {
    const values = ['x']
    const test = toClaimsTest('conditions', { a: values })
    values.push('y')
    expect(test?.({ a: 'y' })).toBe(false)
  })
})
