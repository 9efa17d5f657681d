import { describe, expect, it } from 'vitest'
import { isPublicAddress, isPublicHostname } from '../../../../../src/kit/fetch/network/public-address.js'

describe('isPublicAddress', () => {
  it.each(['8.8.8.8', '172.15.0.1', '172.32.0.1', '100.128.0.1', '2606:4700:4700::1111', '64:ff9b::8.8.8.8'])(
    '[JWKS-08] takes %s',
    (address) => {
      expect(isPublicAddress(address)).toBe(true)
    },
  )

  it.each([
    '127.0.0.1',
    '169.254.169.254',
    '192.88.99.1',
    '240.0.0.1',
    '::1',
    '::ffff:8.8.8.8',
    'fe80::1%eth0',
    'fd12::1',
    '2001::1',
    '64:ff9b::127.0.0.1',
    '64:ff9b:1::8.8.8.8',
    '1.2.3',
    'issuer.example',
    '',
  ])('[JWKS-08] refuses %s', (address) => {
    expect(isPublicAddress(address)).toBe(false)
  })
})

describe('isPublicHostname', () => {
  it('[JWKS-08] takes names with a dot, and judges literal addresses', () => {
    for (const host of ['issuer.example', 'issuer.example.', 'internal.example', '8.8.8.8', '[2606:4700::1]']) {
      expect(isPublicHostname(host), host).toBe(true)
    }
    for (const host of ['intranet', 'a.internal', 'a.internal.', 'router.lan', '10.0.0.1', '[::1]', '[', '.', '']) {
      expect(isPublicHostname(host), host).toBe(false)
    }
  })
})
