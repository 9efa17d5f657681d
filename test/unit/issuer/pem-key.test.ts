import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { createResourceServer } from 'portcullis'
import { createTestIssuer } from 'portcullis/testing'
import { describe, expect, it } from 'vitest'
import { readPemKey } from '../../../src/issuer/pem-key.js'
import { createStaticKeys } from '../../../src/issuer/static-keys.js'
import type { PublicJwk } from '../../../src/jws/crypto/platform-crypto.js'
import { pem as certificateOfRfc8705, createCertificate } from '../../support/certificates.js'

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).publicKey
const ed25519 = generateKeyPairSync('ed25519').publicKey
const spki = (key: KeyObject) => key.export({ type: 'spki', format: 'pem' }).toString()

function pem(label: string, ...bytes: readonly number[]): string {
  return `-----BEGIN ${label}-----\n${Buffer.from(bytes).toString('base64')}\n-----END ${label}-----\n`
}

/** The bytes of a key in SPKI, to break. */
function derOf(key: KeyObject): number[] {
  return [...key.export({ type: 'spki', format: 'der' })]
}

function reasonOf(text: string): string {
  const read = readPemKey(text)
  return 'reason' in read ? read.reason : 'read'
}

describe('a key in PEM', () => {
  it.each([
    ['RSA', rsa.publicKey],
    ['P-256', ec('P-256')],
    ['P-384', ec('P-384')],
    ['P-521', ec('P-521')],
    ['Ed25519', ed25519],
  ])('[JOSE-07] of type %s gives the numbers that the platform reads', (_name, key) => {
    expect(createStaticKeys([spki(key)]).find('any', undefined)).toHaveLength(1)
    const { n, ...jwk } = readPemKey(spki(key)) as PublicJwk
    const { n: expected, ...others } = key.export({ format: 'jwk' })
    expect(jwk).toEqual(others)
    // With the leading zero of DER, which `readPublicJwk` drops.
    if (expected !== undefined)
      expect(
        Buffer.from(n ?? '', 'base64url')
          .subarray(1)
          .toString('base64url'),
      ).toBe(expected)
  })

  it('may be of PKCS #1, and stand amid other text and line ends', () => {
    const pkcs1 = rsa.publicKey.export({ type: 'pkcs1', format: 'pem' }).toString()
    expect(readPemKey(`Public-Key: (2048 bit)\r\n${pkcs1.replaceAll('\n', '\r\n')}`)).toEqual(
      readPemKey(spki(rsa.publicKey)),
    )
  })

  it('may be that of a certificate', async () => {
    for (const certificate of [certificateOfRfc8705, (await createCertificate('issuer')).cert]) {
      expect(readPemKey(certificate)).toEqual(createPublicKey(certificate).export({ format: 'jwk' }))
    }
  })

  it('[JOSE-20] that is private is refused, and nothing of it repeated', () => {
    const secret = rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    for (const text of [secret, rsa.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString()]) {
      expect(reasonOf(text)).toBe('holds private or symmetric key material')
    }
    expect(() => createStaticKeys([secret])).toThrow(
      '`keys[0]` cannot be used: holds private or symmetric key material. Give a public RSA, EC or Ed25519 signature key in PEM',
    )
  })

  it.each([
    ['no PEM', 'secret', 'a text that is no PEM'],
    ['two of them', spki(ed25519) + spki(rsa.publicKey), 'more than one PEM block'],
    ['a label of another kind', pem('EC PARAMETERS', 6, 0), 'neither PUBLIC KEY, RSA PUBLIC KEY nor CERTIFICATE'],
    ['labels that differ', spki(ed25519).replace('END PUBLIC', 'END RSA PUBLIC'), 'a text that is no PEM'],
    ['no base64', '-----BEGIN PUBLIC KEY-----\n!\n-----END PUBLIC KEY-----', 'cannot be read'],
    ['nothing inside', '-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----', 'cannot be read'],
    ['bytes that end early', pem('PUBLIC KEY', ...derOf(ed25519).slice(0, -1)), 'cannot be read'],
    ['a length of another form', pem('PUBLIC KEY', 0x30, 0x80, 0, 0), 'cannot be read'],
    ['a length of three bytes', pem('PUBLIC KEY', 0x30, 0x83, 0, 0, 1, 0), 'cannot be read'],
    ['a tag without a length', pem('PUBLIC KEY', 0x30), 'cannot be read'],
    ['no sequence', pem('PUBLIC KEY', 0x02, 1, 1), 'cannot be read'],
    ['no bit string', pem('PUBLIC KEY', 0x30, 6, 0x30, 2, 6, 0, 2, 0), 'cannot be read'],
    ['unused bits', pem('PUBLIC KEY', ...derOf(ed25519).map((byte, at) => (at === 11 ? 1 : byte))), 'cannot be read'],
    ['PKCS #1 of no numbers', pem('RSA PUBLIC KEY', 0x30, 4, 4, 0, 4, 0), 'cannot be read'],
    ['PKCS #1 of one number', pem('RSA PUBLIC KEY', 0x30, 2, 2, 0), 'cannot be read'],
    ['PKCS #1 of nothing', pem('RSA PUBLIC KEY', 2, 0), 'cannot be read'],
    ['PKCS #1 whose first number is none', pem('RSA PUBLIC KEY', 0x30, 6, 4, 1, 1, 2, 1, 3), 'cannot be read'],
    ['PKCS #1 of broken DER', pem('RSA PUBLIC KEY', 0x30, 0x80), 'cannot be read'],
    ['no algorithm', pem('PUBLIC KEY', 0x30, 7, 2, 1, 1, 3, 2, 0, 0), 'cannot be read'],
    ['an algorithm and nothing else', pem('PUBLIC KEY', 0x30, 4, 0x30, 2, 6, 0), 'cannot be read'],
    ['a certificate of nothing', pem('CERTIFICATE', 0x30, 0), 'cannot be read'],
    ['a certificate of broken DER', pem('CERTIFICATE', 0x30, 0x80), 'cannot be read'],
    ['a certificate that is a number', pem('CERTIFICATE', 2, 1, 1), 'cannot be read'],
    ['a key of Diffie and Hellman', spki(generateKeyPairSync('x25519').publicKey), 'not RSA, EC or Ed25519'],
    ['a curve of Bitcoin', spki(ec('secp256k1')), 'crv is not P-256'],
    [
      'a curve without name',
      pem('PUBLIC KEY', 0x30, 16, 0x30, 9, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 3, 3, 0, 4, 1),
      'crv is not P-256',
    ],
    ['too much', 'a'.repeat(16_385), 'more than 16,384 characters'],
  ])('with %s is refused', (_name, text, reason) => {
    expect(reasonOf(text)).toContain(reason)
  })

  it('with a compressed point is refused', () => {
    const der = derOf(ec('P-256'))
    der[26] = 2
    expect(reasonOf(pem('PUBLIC KEY', ...der))).toBe('a PEM key with a compressed point')
  })

  it('with a point off its curve, or one of half a length, is refused', () => {
    const der = derOf(ec('P-256'))
    const off = [...der.slice(0, -1), ((der.at(-1) as number) + 1) % 256]
    expect(() => createStaticKeys([pem('PUBLIC KEY', ...off)])).toThrow('is refused by the platform')
    const short = [0x30, 88, ...der.slice(2, 24), 65, ...der.slice(25, -1)]
    expect(() => createStaticKeys([pem('PUBLIC KEY', ...short)])).toThrow('not a full-width coordinate')
  })
})

describe('static keys without a name', () => {
  it('may have signed under any name that no other key has', () => {
    const named = { ...ec('P-256').export({ format: 'jwk' }), kid: 'a' }
    const keys = createStaticKeys([named, spki(ec('P-256')), spki(rsa.publicKey)])
    expect(keys.find('a', 'ES256')).toMatchObject([{ kid: 'a' }])
    expect(keys.find('a', 'RS256')).toEqual([])
    expect(keys.find('other', 'ES256')).toMatchObject([{ kid: undefined }])
    expect(keys.find(undefined, 'ES256')).toHaveLength(2)
  })

  it('verify the tokens of an issuer that is never asked', async () => {
    const issuer = createTestIssuer()
    const { publicJwk } = issuer.signingKey()
    const key = spki(createPublicKey({ key: { ...publicJwk }, format: 'jwk' }))
    const server = createResourceServer({
      resource: 'https://api.example.com',
      issuer: { issuer: issuer.issuer, keys: [key] },
      fetch: () => Promise.reject(new Error('asked')),
    })
    expect((await server.verify(issuer.mintToken())).subject).toBe('user-1')
    await expect(server.verify(issuer.mintToken({}, { tamper: 'signature' }))).rejects.toMatchObject({ status: 401 })
  })
})

describe('what a refused PEM text is called', () => {
  const codeOf = (text: string) => {
    const read = readPemKey(text)
    return 'code' in read ? read.code : 'read'
  }

  it('is the code of the events', () => {
    const compressed = derOf(ec('P-256')).map((byte, at) => (at === 26 ? 2 : byte))
    const unreadable = [
      'x'.repeat(16_385),
      'x',
      spki(ed25519) + spki(ed25519),
      pem('EC PARAMETERS', 6, 0),
      pem('PUBLIC KEY', 0x30),
      spki(generateKeyPairSync('x25519').publicKey),
      pem('PUBLIC KEY', ...compressed),
    ]
    for (const text of unreadable) expect(codeOf(text), text.slice(0, 80)).toBe('pem')
    expect(codeOf(spki(ec('secp256k1')))).toBe('curve')
    expect(codeOf(rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())).toBe('private_or_symmetric')
  })

  it('is none for one of 16,384 characters', () => {
    const key = spki(ed25519)
    expect(codeOf(key.padEnd(16_384))).toBe('read')
    expect(codeOf(key.padEnd(16_385))).toBe('pem')
  })

  it('is the same for base64 that ends in spare bits', () => {
    const key = spki(ed25519)
    const body = key.split('\n')[1] as string
    expect(codeOf(key.replace(body, `${body}A`))).toBe('pem')
    expect(codeOf(key.replace(body, body.slice(0, 20)))).toBe('pem')
    for (const other of ['!', '_ä', '.']) expect(codeOf(key.replace(body, `${other}${body}`)), other).toBe('pem')
  })

  it('is one for lengths that DER does not write', () => {
    const der = derOf(ed25519)
    expect(codeOf(pem('PUBLIC KEY', ...der))).toBe('read')
    const rest = der.slice(2)
    expect(codeOf(pem('PUBLIC KEY', 0x30, 0x80, ...rest))).toBe('pem')
    expect(codeOf(pem('PUBLIC KEY', 0x30, 0x83, 0, 0, rest.length, ...rest))).toBe('pem')
    expect(codeOf(pem('PUBLIC KEY', 0x30, 0x82, 0, rest.length, ...rest))).toBe('read')
    const filled = [...rest, 4, 84, ...Array<number>(84).fill(0)]
    expect(codeOf(pem('PUBLIC KEY', 0x30, 0x81, filled.length, ...filled))).toBe('read')
    expect(codeOf(pem('PUBLIC KEY', 0x30, 0x80, ...filled))).toBe('pem')
  })

  it('is one for a key that is no bit string', () => {
    const der = derOf(ed25519)
    expect([der.at(-35), codeOf(pem('PUBLIC KEY', ...der.slice(0, -35), 4, ...der.slice(-34)))]).toEqual([3, 'pem'])
  })
})
