import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readMetadata, usableMetadata } from '../../src/issuer/discovery.js'
import { readKeys } from '../../src/issuer/key-table.js'
import { readPublicJwk } from '../../src/jws/jwk.js'
import { FetchFailure } from '../../src/kit/fetch/fetch-failure.js'
import { isPublicHostname, readSecureUrl } from '../../src/kit/fetch/secure-url.js'
import { cacheLifetimeMs } from '../../src/kit/refreshing.js'
import { testKey } from '../support/key-material.js'

const memberOfJwk = fc.constantFrom(
  'kty',
  'crv',
  'x',
  'y',
  'n',
  'e',
  'd',
  'k',
  'alg',
  'use',
  'key_ops',
  'kid',
  '__proto__',
)
const valueOfJwk = fc.oneof(
  fc.constantFrom('RSA', 'EC', 'OKP', 'oct', 'P-256', 'Ed25519', 'ES256', 'sig', 'AQAB', 'A'.repeat(43)),
  fc.jsonValue(),
  fc.base64String(),
)
const junkJwk = fc.dictionary(memberOfJwk, valueOfJwk)

describe('junk', () => {
  it('[JOSE-16] [JOSE-20] as a JWK is a key or a reason, and never a key with a secret in it', () => {
    fc.assert(
      fc.property(fc.oneof(fc.anything(), junkJwk), (value) => {
        const read = readPublicJwk(value)
        if ('reason' in read) return void expect(read.reason).toBeTypeOf('string')
        expect(Object.keys(read).every((name) => /^(?:kty|n|e|crv|x|y|alg|kid)$/.test(name))).toBe(true)
      }),
    )
  })

  it('[JOSE-16] beside a good key leaves the good key', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.jsonValue(), junkJwk)), fc.nat(), (junk, at) => {
        const entries = [...junk]
        entries.splice(at % (junk.length + 1), 0, { ...testKey('good').jwk } as never)
        expect(readKeys(entries, []).keys.some(({ kid }) => kid === 'good')).toBe(true)
      }),
    )
  })

  it('[ASM-06] as metadata is metadata or a FetchFailure', () => {
    const name = fc.oneof(
      fc.constantFrom('jwks_uri', 'token_endpoint', 'mtls_endpoint_aliases', 'scopes_supported', '__proto__'),
      fc.string(),
    )
    const value = fc.oneof(fc.jsonValue(), fc.webUrl(), fc.constant(['a']))
    fc.assert(
      fc.property(fc.dictionary(name, value), (members) => {
        try {
          const metadata = usableMetadata(
            readMetadata({ ...members, issuer: 'https://a.example' }, 'https://a.example'),
            false,
          )
          expect(metadata.issuer).toBe('https://a.example')
          if (metadata.jwks_uri !== undefined) expect(metadata.jwks_uri).toMatch(/^https:/i)
        } catch (error) {
          expect(error).toBeInstanceOf(FetchFailure)
        }
      }),
    )
  })

  it('[JWKS-02] as Cache-Control and Age gives a lifetime within the bounds', () => {
    const text = fc.stringMatching(/^[!-~]{0,20}(?:max-age=[0-9a-f"-]{0,30})?$/)
    fc.assert(
      fc.property(text, text, (cacheControl, age) => {
        const headers = new Headers({ 'cache-control': cacheControl, age })
        const lifetimeMs = cacheLifetimeMs(headers, { minSeconds: 60, maxSeconds: 3600, defaultSeconds: 600 })
        expect(lifetimeMs).toBeGreaterThanOrEqual(60_000)
        expect(lifetimeMs).toBeLessThanOrEqual(3_600_000)
      }),
    )
  })

  it('[JWKS-08] as a host never gets to a private IPv4 address, however it is written', () => {
    const octet = fc.nat(255)
    const address = fc.tuple(fc.constantFrom(10, 127, 0), octet, octet, octet)
    fc.assert(
      fc.property(address, fc.nat(3), ([a, b, c, d], form) => {
        const number = ((a * 256 + b) * 256 + c) * 256 + d
        const hex = (value: number) => value.toString(16).padStart(4, '0')
        const mapped = `[::ffff:${hex(a * 256 + b)}:${hex(c * 256 + d)}]`
        const text = [`${a}.${b}.${c}.${d}`, String(number), `0x${number.toString(16)}`, mapped][form]
        const url = readSecureUrl(`https://${text}/`, false)
        expect(url).toBeDefined()
        expect(isPublicHostname((url as URL).hostname)).toBe(false)
      }),
    )
  })
})
