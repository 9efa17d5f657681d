import { describe, expect, it } from 'vitest'
import { ConfigurationError } from '../../../src/errors/index.js'
import { createTrustedProxies, readElements } from '../../../src/http/trusted-proxies.js'

describe('createTrustedProxies', () => {
  it('[MTLS-04] [SEC-04] trusts nobody by default', () => {
    const isTrusted = createTrustedProxies([])
    expect(isTrusted('127.0.0.1')).toBe(false)
    expect(isTrusted('::1')).toBe(false)
    expect(isTrusted(undefined)).toBe(false)
  })

  it.each([
    ['10.0.0.5', '10.0.0.5', true],
    ['10.0.0.5', '10.0.0.6', false],
    ['10.0.0.0/8', '10.200.3.4', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['10.0.0.5', '::ffff:10.0.0.5', true],
    ['::ffff:10.0.0.5', '10.0.0.5', true],
    ['::ffff:10.0.0.0/104', '10.9.9.9', true],
    ['::ffff:10.0.0.0/104', '11.9.9.9', false],
    ['2001:db8::/32', '2001:db8:1::1', true],
    ['2001:db8::/32', '2001:db9::1', false],
    ['::1', '::1', true],
    ['::1', '127.0.0.1', false],
    ['fe80::/10', 'fe80::1%eth0', true],
    ['10.0.0.5', '::ffff:a00:5', true],
    ['10.0.0.5', '0:0:0:0:0:FFFF:0A00:0005', true],
    ['10.0.0.5', '::ffff:a00:6', false],
    ['10.0.0.5', '::10.0.0.5', false],
    ['10.0.0.5', '64:ff9b::10.0.0.5', false],
    ['64:ff9b::/96', '64:ff9b::10.0.0.5', true],
    ['::ffff:10.0.0.0/95', '10.0.0.5', false],
    ['10.0.0.5', '167772165', false],
    ['10.0.0.5', '0x0a000005', false],
    ['10.0.0.5', '10.5', false],
    ['8.0.0.5', '010.0.0.5', false],
    ['10.0.0.5', '10.0.0.5:443', false],
    ['10.0.0.5', '10.0.0.5, 10.0.0.5', false],
    ['10.0.0.5', '[::ffff:10.0.0.5]', false],
    ['10.0.0.5', ' 10.0.0.5', false],
    ['10.0.0.5', 'not an address', false],
    ['10.0.0.5', '', false],
  ])('[DPOP-08] [SEC-04] with %s declared, %s is trusted: %s', (entry, address, expected) => {
    expect(createTrustedProxies([entry])(address)).toBe(expected)
  })

  it('[SEC-04] tries every entry', () => {
    const isTrusted = createTrustedProxies(['192.0.2.1', '2001:db8::/32', '10.0.0.0/8'])
    expect(isTrusted('10.1.1.1')).toBe(true)
  })

  it.each([
    '',
    'proxy.example.com',
    '10.0.0',
    '10',
    '0x0a000005',
    '010.0.0.1',
    '10.0.0.0/33',
    '10.0.0.0/',
    '::/129',
    '*',
  ])('[SEC-04] refuses the entry %j with a sentence', (entry) => {
    expect(() => createTrustedProxies([entry])).toThrow(ConfigurationError)
    expect(() => createTrustedProxies([entry])).toThrow(/takes IP addresses and CIDR ranges/)
  })

  it.each(['0.0.0.0/0', '::/0', '10.0.0.0/0', '::ffff:0.0.0.0/96'])(
    '[SEC-04] refuses %s, which would trust everybody',
    (entry) => {
      expect(() => createTrustedProxies([entry])).toThrow(/would trust every peer/)
    },
  )
})

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
    const before = process.cpuUsage()
    for (const piece of ['"', '\\', '\\"', ' ', '\t;', 'a=', 'a=;', 'a="";', '=', 'a="\\'] as const) {
      for (const start of ['', 'a=', 'a="']) readElements(`${start}${piece.repeat(100_000)}\u0000"`)
    }
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(10_000)
  })
})
