import { describe, expect, it } from 'vitest'
import { readRetryAfter } from '../../../../src/kit/fetch/guarded-fetch.js'

describe('Retry-After', () => {
  const nowMs = Date.UTC(2027, 0, 15, 8, 0, 0)
  it.each([
    ['0', 0],
    [' 120 ', 120_000],
    ['999999999', 999_999_999_000],
    ['Fri, 15 Jan 2027 08:00:10 GMT', 10_000],
    [' Friday, 15-Jan-27 08:00:10 GMT', 10_000],
    ['Fri, 15 Jan 2027 07:00:00 GMT', 0],
    ['Sunday, nonsense', undefined],
    ['15 Jan 2027 08:00:10 GMT', undefined],
    ['1 Fri, 15 Jan 2027 08:00:10 GMT', undefined],
    ['x Fri, 15 Jan 2027 08:00:10 GMT', undefined],
    ['-1', undefined],
    ['1.5', undefined],
    ['5 s', undefined],
    ['in 5', undefined],
    ['2027', 2_027_000],
    ['1000000000', undefined],
    ['', undefined],
    [null, undefined],
  ])('reads %s as %s ms', (value, expected) => {
    expect(readRetryAfter(value, nowMs)).toBe(expected)
  })
})
