import { describe, expect, it, vi } from 'vitest'
import { createPublicLookup, type ResolvedAddress } from '../../../../../src/kit/fetch/network/public-lookup.js'

function resolving(...addresses: string[]) {
  const resolved = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
  return vi.fn((_: string, __: object, callback: (error: Error | null, found: ResolvedAddress[]) => void) =>
    callback(null, resolved),
  )
}

describe('the look-up of a public host', () => {
  it('[JWKS-08] gives the socket exactly the addresses it judged, resolved once', () => {
    const resolve = resolving('8.8.8.8', '2606:4700::1')
    const callback = vi.fn()
    createPublicLookup(resolve)('keys.example', { all: true }, callback)
    expect(callback).toHaveBeenCalledExactlyOnceWith(null, [
      { address: '8.8.8.8', family: 4 },
      { address: '2606:4700::1', family: 6 },
    ])
    expect(resolve).toHaveBeenCalledExactlyOnceWith('keys.example', { all: true }, expect.any(Function))
  })

  it('[JWKS-08] gives the first one where one is asked for', () => {
    const callback = vi.fn()
    createPublicLookup(resolving('8.8.8.8', '9.9.9.9'))('keys.example', {}, callback)
    expect(callback).toHaveBeenCalledExactlyOnceWith(null, '8.8.8.8', 4)
  })

  it.each([['10.0.0.1'], ['8.8.8.8', '127.0.0.1'], ['fd00::1'], ['::ffff:127.0.0.1'], []])(
    '[JWKS-08] refuses a name that leads to %s',
    (...addresses) => {
      for (const all of [true, false]) {
        const callback = vi.fn()
        createPublicLookup(resolving(...addresses))('rebinding.example', { all }, callback)
        expect(callback).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ reason: 'private_address' }), [])
      }
    },
  )

  it('passes a failure of the resolver on', () => {
    const callback = vi.fn()
    createPublicLookup((_, __, done) => done(new Error('ENOTFOUND'), []))('nowhere.example', {}, callback)
    expect(callback).toHaveBeenCalledExactlyOnceWith(new Error('ENOTFOUND'), [])
  })
})
