import { describe, expect, it } from 'vitest'
import { createLimiter } from '../../../../src/login/web/login-limit.js'
import { requestFacts } from '../../../support/request-facts.js'

const from = (remoteAddress: string | undefined, ...forwarded: string[]) =>
  requestFacts({ ...(remoteAddress === undefined ? {} : { remoteAddress }), headers: { 'x-forwarded-for': forwarded } })

describe('createLimiter', () => {
  it('lets a client start ten logins at once, and then one every six seconds', () => {
    const limit = createLimiter({}, [])
    for (let count = 0; count < 10; count += 1) expect(limit(from('192.0.2.1'), 0)).toBeUndefined()
    expect(limit(from('192.0.2.1'), 0)).toBe(6)
    expect(limit(from('192.0.2.2'), 0)).toBeUndefined()
    expect(limit(from('192.0.2.1'), 6000)).toBeUndefined()
    expect(limit(from('192.0.2.1'), 6000)).toBe(6)
  })

  it('counts the 64 bits of IPv6 that one subscriber has, and IPv4 the same in either spelling', () => {
    const limit = createLimiter({ max: 1 }, [])
    expect(limit(from('2001:db8:1:2::1'), 0)).toBeUndefined()
    expect(limit(from('2001:db8:1:2:ffff::9'), 0)).toBe(60)
    expect(limit(from('2001:db8:1:3::1'), 0)).toBeUndefined()
    expect(limit(from('::ffff:192.0.2.1'), 0)).toBeUndefined()
    expect(limit(from('192.0.2.1'), 0)).toBe(60)
    // Networks whose parts are the same digits one after another.
    expect([limit(from('1:17::1'), 0), limit(from('c:3::1'), 0)]).toEqual([undefined, undefined])
  })

  it('believes X-Forwarded-For of declared proxies alone, from the right', () => {
    const limit = createLimiter({ max: 1 }, ['10.0.0.0/8'])
    expect(limit(from('10.0.0.1', '203.0.113.9, 192.0.2.1', '10.0.0.2'), 0)).toBeUndefined()
    expect(limit(from('10.0.0.1', '198.51.100.7, 192.0.2.1'), 0)).toBe(60)
    expect(limit(from('192.0.2.5', '192.0.2.1'), 0)).toBeUndefined()
    expect(limit(from('192.0.2.5', '192.0.2.9'), 0)).toBe(60)
  })

  it('limits nobody where the client is not known', () => {
    const limit = createLimiter({ max: 1 }, ['10.0.0.0/8'])
    for (const facts of [
      from(undefined),
      from(undefined, '192.0.2.1'),
      from('10.0.0.1', 'unknown'),
      from('nonsense'),
    ]) {
      expect([limit(facts, 0), limit(facts, 0)]).toEqual([undefined, undefined])
    }
    expect([limit(from('10.0.0.9'), 0), limit(from('10.0.0.9'), 0)]).toEqual([undefined, 60])
  })
})
