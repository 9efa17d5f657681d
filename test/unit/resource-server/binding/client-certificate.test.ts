import { describe, expect, it } from 'vitest'
import {
  type CertificateSource,
  certificateThumbprint,
  createClientCertificateReader,
} from '../../../../src/resource-server/binding/client-certificate.js'
import { derBase64, pem } from '../../../support/certificates.js'
import { victim } from '../../../support/envoy.js'
import { type FactsOverrides, requestFacts } from '../../../support/request-facts.js'

const proxy = '10.0.0.1'
const der = Buffer.from(derBase64, 'base64')
const escapedPem = encodeURIComponent(pem)
/** As AWS writes it: `+`, `/` and `=` stay as they are. */
const awsPem = escapedPem.replaceAll('%2B', '+').replaceAll('%2F', '/').replaceAll('%3D', '=')

function read(certificateFrom: CertificateSource, facts: FactsOverrides) {
  const isTrustedProxy = (address: string | undefined) => address === proxy
  const reading = createClientCertificateReader({ certificateFrom, isTrustedProxy })(
    requestFacts({ remoteAddress: proxy, ...facts }),
  )
  return reading.certificate === undefined ? (reading.thumbprint ?? reading.detail) : Buffer.from(reading.certificate)
}

const good = [
  ['rfc9440', 'client-cert', `:${derBase64}:`],
  ['xfcc', 'x-forwarded-client-cert', `Hash=${victim.hex};Cert="${escapedPem}";Subject="CN=mtls, O=\\"x\\"";URI=`],
  ['nginx', 'x-ssl-client-cert', escapedPem],
  ['aws', 'x-amzn-mtls-clientcert-leaf', awsPem],
  ['aws', 'x-amzn-mtls-clientcert', awsPem + encodeURIComponent(pem.replace('MII', 'MIJ'))],
] as const

describe('createClientCertificateReader', () => {
  it('[MTLS-01] reads the certificate of the TLS connection', () => {
    expect(read('connection', { certificate: der })).toEqual(der)
    expect(read('connection', {})).toBe('no certificate on the connection')
    expect(read('connection', { certificate: new Uint8Array() })).toBe('no certificate on the connection')
  })

  it('[MTLS-01] finds none where the facts know nothing of TLS', () => {
    const readConnection = createClientCertificateReader({
      certificateFrom: 'connection',
      isTrustedProxy: () => false,
    })
    const facts = { method: 'GET', url: '/', headerValues: () => [] }
    expect(readConnection(facts)).toEqual({ detail: 'no certificate on the connection' })
  })

  it.each(good)('[MTLS-04] %s reads %s', (source, name, value) => {
    expect(read(source, { headers: { [name]: value } })).toEqual(der)
  })

  it.each(good)('[MTLS-04] [SEC-04] %s ignores %s of a peer that is no trusted proxy', (source, name, value) => {
    for (const remoteAddress of ['203.0.113.9', '']) {
      expect(read(source, { headers: { [name]: value }, remoteAddress })).toBe('the peer is not a trusted proxy')
    }
  })

  it.each(good)('[MTLS-04] [SEC-04] %s refuses %s when it occurs twice', (source, name, value) => {
    expect(read(source, { headers: { [name]: [value, value] } })).toBe('several certificate fields')
  })

  it.each(good)('[MTLS-04] reads no field unless told to: not %s from %s', (_, name, value) => {
    expect(read('connection', { headers: { [name]: value } })).toBe('no certificate on the connection')
  })

  it('[MTLS-04] does not look at the connection where a field is configured', () => {
    expect(read('nginx', { certificate: der })).toBe('no certificate field')
    expect(read('nginx', { certificate: der, headers: { 'x-ssl-client-cert': ' ' } })).toBe('no certificate field')
  })

  it('[MTLS-04] refuses both AWS fields at once', () => {
    const headers = { 'x-amzn-mtls-clientcert': awsPem, 'x-amzn-mtls-clientcert-leaf': awsPem }
    expect(read('aws', { headers })).toBe('several certificate fields')
  })

  const { hex, x5t } = victim
  const chain = `Chain="${escapedPem}"`

  it.each([
    [`Hash=${hex}`, x5t],
    [`hash="${hex.toUpperCase()}"`, x5t],
    [`By=a;By=b;${chain};HASH=${hex};Subject="";URI=;URI=x;DNS=a;DNS=b`, x5t],
    [`By=a;cert=${escapedPem};Subject="CN=a;b\\",Cert=x"`, der],
  ])('[REAL-11] reads what one element says once: %s', (value, expected) => {
    expect(read('xfcc', { headers: { 'x-forwarded-client-cert': value } })).toEqual(expected)
  })

  it.each([
    `Hash=${hex},Hash=${hex}`,
    `By=a;Cert="${escapedPem}",By=b;Cert=${escapedPem}`,
    `Cert=${escapedPem};Cert=${escapedPem}`,
    `Hash=${hex};Cert=${escapedPem};Hash=${hex}`,
    `Hash=${hex};Hash=${hex}`,
    `URI=x;Cert=${escapedPem}`,
    `DNS=x;Hash=${hex}`,
    `Subject="x";Hash=${hex}`,
    `Unheard=x;Hash=${hex}`,
    `Subject="open,Cert="${escapedPem}"`,
    `Subject=CN="x;Hash=${hex}"`,
    `Hash=${hex};Subject="a"b"`,
    `Hash=${hex};`,
    `Hash=${hex};Cert=`,
    `Hash=;Cert=${escapedPem}`,
    `Hash=${hex}0`,
    `Hash=${hex.slice(1)}`,
    `Hash=${hex.replace(/./, 'g')}`,
    `By=a;${chain}`,
    'By=a;Subject="";URI=',
  ])('[REAL-11] refuses %s', (value) => {
    expect(read('xfcc', { headers: { 'x-forwarded-client-cert': value } })).toBe('the certificate field is malformed')
  })

  it.each([
    ['rfc9440', 'client-cert', derBase64],
    ['rfc9440', 'client-cert', `:${derBase64}`],
    ['rfc9440', 'client-cert', `:${derBase64}:, :${derBase64}:`],
    ['rfc9440', 'client-cert', '::'],
    ['rfc9440', 'client-cert', ':A:'],
    ['rfc9440', 'client-cert', ':AAAA:'],
    ['rfc9440', 'client-cert', `:${derBase64.replace('M', '!')}:`],
    ['nginx', 'x-ssl-client-cert', pem.replaceAll('\n', ' ').replace('BEGIN', 'END')],
    ['nginx', 'x-ssl-client-cert', '%'],
    ['nginx', 'x-ssl-client-cert', '%FF'],
    ['nginx', 'x-ssl-client-cert', escapedPem.slice(0, 60)],
    ['nginx', 'x-ssl-client-cert', `x${escapedPem}`],
    ['nginx', 'x-ssl-client-cert', `${escapedPem}x`],
    ['nginx', 'x-ssl-client-cert', `${escapedPem}, ${escapedPem}`],
    ['aws', 'x-amzn-mtls-clientcert', `${awsPem},${awsPem}`],
    ['aws', 'x-amzn-mtls-clientcert', `${awsPem}${awsPem}-----BEGIN`],
    ['aws', 'x-amzn-mtls-clientcert', derBase64],
    ['xfcc', 'x-forwarded-client-cert', escapedPem],
  ] as const)('[MTLS-04] %s gives no certificate for a malformed %s', (source, name, value) => {
    expect(read(source, { headers: { [name]: value } })).toBe('the certificate field is malformed')
  })
})

describe('the base64 of a certificate', () => {
  const read9440 = (base64: string) => read('rfc9440', { headers: { 'client-cert': ` :${base64}: ` } })
  const readPem = (base64: string) => {
    const text = `\n -----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----`
    return read('nginx', { headers: { 'x-ssl-client-cert': encodeURIComponent(text) } })
  }

  it('[MTLS-04] may end in one or two signs of padding, and have blanks around it', () => {
    for (const readOne of [read9440, readPem]) {
      expect(readOne('MA==')).toEqual(Buffer.of(0x30))
      expect(readOne('MAE=')).toEqual(Buffer.of(0x30, 1))
      expect(readOne('MAEC')).toEqual(Buffer.of(0x30, 1, 2))
    }
  })

  it('[MTLS-04] has padding nowhere else, and one spelling', () => {
    for (const base64 of ['MA==MAEC', 'MAAA==MAEC', 'MB==', 'MAF=', 'MA===', 'M']) {
      expect(readPem(base64), base64).toBe('the certificate field is malformed')
      expect(read9440(base64), base64).toBe('the certificate field is malformed')
    }
  })
})

describe('a certificate field of 100 kB', () => {
  it('[MTLS-04] [ADP-08] is read in linear time, whatever is in it', () => {
    const filler = ['=', '= ', ' ', 'A=', '%20', '%0A', '-----BEGIN CERTIFICATE-----']
    const before = process.cpuUsage()
    for (const text of filler) {
      const value = `-----BEGIN CERTIFICATE-----${text.repeat(100_000 / text.length)}A-----END CERTIFICATE-----`
      expect(read('nginx', { headers: { 'x-ssl-client-cert': value } })).toBe('the certificate field is malformed')
    }
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(1000)
  })
})

describe('certificateThumbprint', () => {
  it('[MTLS-01] [MTLS-02] [V-08] hashes the DER bytes', async () => {
    expect(await certificateThumbprint(der)).toBe('A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0')
  })
})
