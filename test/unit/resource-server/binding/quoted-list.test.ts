import { describe, expect, it } from 'vitest'
import { readElements } from '../../../../src/resource-server/binding/trusted-proxies.js'

describe('readElements', () => {
  it('[SEC-04] reads names in lower case and values without quotes and escapes', () => {
    expect(readElements('Proto=https; HOST="a;b\\"c,\\\\" ;empty=')).toEqual([
      [
        ['proto', 'https'],
        ['host', 'a;b"c,\\'],
        ['empty', ''],
      ],
    ])
  })

  it('[SEC-04] separates elements at commas outside of quotes only, and keeps names that come again', () => {
    expect(readElements('a="1,2", b=3 ;b=4,c=')).toEqual([
      [['a', '1,2']],
      [
        ['b', '3'],
        ['b', '4'],
      ],
      [['c', '']],
    ])
    expect(readElements('for=[::1]:80;by=a=b\\c')).toEqual([
      [
        ['for', '[::1]:80'],
        ['by', 'a=b\\c'],
      ],
    ])
  })

  it.each([
    '',
    'a',
    '=b',
    'a=1;',
    'a=1,',
    ',a=1',
    ';a=1',
    'a=1,,b=2',
    'a=1;;b=2',
    'a =1',
    'a="1',
    'a="1\\"',
    'a="1"2',
    'a="1" b="2"',
    'a=1"',
    'a= "1"',
    'a=1"2"',
    'a="1""2"',
    'x=", for="[::1]";host="good.example"',
    'host="evil, host=good',
    'a=1\n;b=2\u0000"',
  ])('[REAL-11] [SEC-04] refuses %j', (text) => {
    expect(readElements(text)).toBeUndefined()
  })

  it('[ADP-08] takes linear time, whatever the text holds', () => {
    const startedAt = performance.now()
    for (const piece of ['"', '\\', '\\"', ' ', '\t;', 'a=', 'a=;', 'a="";', '=', 'a="\\'] as const) {
      for (const start of ['', 'a=', 'a="']) readElements(`${start}${piece.repeat(100_000)}\u0000"`)
    }
    expect(performance.now() - startedAt).toBeLessThan(2000)
  })
})
