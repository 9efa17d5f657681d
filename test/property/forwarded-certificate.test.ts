import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createClientCertificateReader } from '../../src/resource-server/binding/client-certificate.js'
import { attacker, envoyElement, envoyOptions, victim } from '../support/envoy.js'
import { requestFacts } from '../support/request-facts.js'

const read = createClientCertificateReader({ certificateFrom: 'xfcc', isTrustedProxy: () => true })
const readField = (value: string) => read(requestFacts({ headers: { 'x-forwarded-client-cert': value } }))

const piece = fc.constantFrom(
  ...['"', '\\', ';', ',', '=', ' ', '\t', 'x', 'Cert', 'Hash', 'By', 'URI', ';Cert=', ',Cert="', '";Hash='],
  ...[victim.escapedPem, victim.hex, `Cert="${victim.escapedPem}"`, `Hash=${victim.hex}`],
)
const name = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''))
const names = fc.record({ subject: name, uri: fc.array(name, { maxLength: 3 }), dns: fc.array(name, { maxLength: 3 }) })

describe('X-Forwarded-Client-Cert', () => {
  it('[REAL-11] gives what the proxy said of the certificate or nothing, whatever names stand in the certificate', () => {
    fc.assert(
      fc.property(names, fc.constantFrom(...envoyOptions), (given, options) => {
        const { certificate, thumbprint } = readField(envoyElement(attacker, given, options))
        expect([undefined, attacker.der.toString('hex')]).toContain(
          certificate && Buffer.from(certificate).toString('hex'),
        )
        expect([undefined, attacker.x5t]).toContain(thumbprint)
      }),
      { numRuns: 2000 },
    )
  })

  it('[REAL-11] is never read with anything before or behind it that a client sent along', () => {
    const own = envoyElement(attacker, {}, { hash: true, cert: true, escapesSubject: true })
    fc.assert(
      fc.property(name, fc.constantFrom(',', ', '), fc.boolean(), (sent, joint, first) => {
        const reading = readField(first ? `${sent}${joint}${own}` : `${own}${joint}${sent}`)
        expect(reading).toMatchObject({ detail: 'the certificate field is malformed' })
      }),
      { numRuns: 1000 },
    )
  })

  it('[REAL-11] [ADP-08] never throws, whatever it holds', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (junk) => {
        expect(readField(junk)).toBeTypeOf('object')
      }),
    )
  })
})
