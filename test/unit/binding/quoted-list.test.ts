import { describe, expect, it } from 'vitest'
import { readPairs, splitOutsideQuotes } from '../../../src/binding/quoted-list.js'

describe('splitOutsideQuotes', () => {
  it('[SEC-04] splits at separators outside of quotes only', () => {
    expect(splitOutsideQuotes('a="1,2", b=3 ,c', ',')).toEqual(['a="1,2"', 'b=3', 'c'])
    expect(splitOutsideQuotes('a="x\\",y",b', ',')).toEqual(['a="x\\",y"', 'b'])
    expect(splitOutsideQuotes('a\\,b', ',')).toEqual(['a\\', 'b'])
    expect(splitOutsideQuotes('', ',')).toEqual([''])
  })

  it('[SEC-04] gives nothing when a quote stays open, which could swallow what the proxy appended', () => {
    expect(splitOutsideQuotes('host="evil, host=good', ',')).toBeUndefined()
    expect(splitOutsideQuotes('x="a\\", host=good', ',')).toBeUndefined()
    expect(splitOutsideQuotes('x=", for="[::1]";host="good.example"', ',')).toBeUndefined()
  })
})

describe('readPairs', () => {
  it('[SEC-04] reads names in lower case and values without quotes', () => {
    const pairs = readPairs('Proto=https; HOST="a;b\\"c";empty=')
    expect([...(pairs ?? [])]).toEqual([
      ['proto', 'https'],
      ['host', 'a;b"c'],
      ['empty', ''],
    ])
  })

  it.each(['', 'a', '=b', 'a=1;', 'a=1;A=2', 'a="1'])('[SEC-04] refuses %j', (text) => {
    expect(readPairs(text)).toBeUndefined()
  })
})
