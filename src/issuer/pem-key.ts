/*
 * Public keys in PEM (RFC 7468): SubjectPublicKeyInfo (RFC 5280 §4.1.2.7, RFC 8410), `RSA PUBLIC KEY` (RFC 8017 A.1.1), and
 * the key of a certificate. Read here, since WebCrypto reads no PEM and imports only asynchronously. It takes the numbers out
 * and checks none of them: `readPublicJwk` does. It verifies nothing of a certificate.
 */
import { decodeBase64url, encodeBase64url } from '#crypto'
import { isBase64url } from '../jws/compact-jws.js'
import type { PublicJwk } from '../jws/crypto/platform-crypto.js'
import type { JwkRefusal } from '../jws/jwk.js'

/** A value of DER (X.690): its tag, and the bytes after its length. */
interface Element {
  readonly tag: number
  readonly bytes: Uint8Array
}

const maxPemCharacters = 16_384
const tags = { integer: 0x02, bitString: 0x03, sequence: 0x30, version: 0xa0 } as const
const rsaEncryption = '2a864886f70d010101'
const ecPublicKey = '2a8648ce3d0201'
const ed25519 = '2b6570'
const curves: ReadonlyMap<string, string> = new Map([
  ['2a8648ce3d030107', 'P-256'],
  ['2b81040022', 'P-384'],
  ['2b81040023', 'P-521'],
])
const unreadable: JwkRefusal = { code: 'pem', reason: 'a PEM block whose key cannot be read' }

/**
 * Gives the public key of a PEM text as a JWK without `kid` and `alg`. Text around the block is ignored, as OpenSSL writes
 * some. Takes RSA, P-256, P-384, P-521 and Ed25519. Of a certificate it checks neither signature, nor name, nor time. Never
 * throws.
 */
export function readPemKey(text: string): PublicJwk | JwkRefusal {
  if (text.length > maxPemCharacters) return { code: 'pem', reason: 'a PEM text of more than 16,384 characters' }
  const [block, further] = [...text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----([^-]*)-----END \1-----/g)]
  if (block === undefined) return { code: 'pem', reason: 'a text that is no PEM (-----BEGIN PUBLIC KEY-----)' }
  if (further !== undefined) return { code: 'pem', reason: 'more than one PEM block: give each as a text of its own' }
  const [, label = '', body = ''] = block
  if (label.includes('PRIVATE'))
    return { code: 'private_or_symmetric', reason: 'holds private or symmetric key material' }
  const base64url = body
    .replace(/[\s=]+/g, '')
    .replaceAll('+', '-')
    .replaceAll('/', '_')
  if (!isBase64url(base64url)) return unreadable
  return readKey(label, decodeBase64url(base64url))
}

function readKey(label: string, der: Uint8Array): PublicJwk | JwkRefusal {
  if (label === 'PUBLIC KEY') return readSubjectPublicKeyInfo(sequenceOf(readElements(der)?.[0]))
  if (label === 'RSA PUBLIC KEY') return readRsa(der)
  if (label === 'CERTIFICATE') return readSubjectPublicKeyInfo(keyOfCertificate(der))
  return { code: 'pem', reason: 'a PEM block that is neither PUBLIC KEY, RSA PUBLIC KEY nor CERTIFICATE' }
}

/** The seventh field of what is signed, the version left out (RFC 5280 §4.1). */
function keyOfCertificate(der: Uint8Array): readonly Element[] | undefined {
  const signed = sequenceOf(sequenceOf(readElements(der)?.[0])?.[0])
  return sequenceOf(signed?.filter(({ tag }) => tag !== tags.version)[5])
}

function readSubjectPublicKeyInfo(info: readonly Element[] | undefined): PublicJwk | JwkRefusal {
  const [algorithm, parameter] = sequenceOf(info?.[0]) ?? []
  const key = info?.[1]
  if (algorithm === undefined || key?.tag !== tags.bitString || key.bytes[0] !== 0) return unreadable
  const bytes = key.bytes.subarray(1)
  switch (toHex(algorithm.bytes)) {
    case rsaEncryption:
      return readRsa(bytes)
    case ecPublicKey:
      return readPoint(curves.get(parameter === undefined ? '' : toHex(parameter.bytes)), bytes)
    case ed25519:
      return { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(bytes) }
    default:
      return { code: 'pem', reason: 'a PEM key that is not RSA, EC or Ed25519' }
  }
}

function readRsa(der: Uint8Array): PublicJwk | JwkRefusal {
  const [n, e] = sequenceOf(readElements(der)?.[0]) ?? []
  if (n?.tag !== tags.integer || e?.tag !== tags.integer) return unreadable
  return { kty: 'RSA', n: encodeBase64url(n.bytes), e: encodeBase64url(e.bytes) }
}

/** An uncompressed point (SEC 1 §2.3.3): 4, then both coordinates. */
function readPoint(crv: string | undefined, bytes: Uint8Array): PublicJwk | JwkRefusal {
  if (crv === undefined) return { code: 'curve', reason: 'crv is not P-256, P-384 or P-521' }
  if (bytes[0] !== 4) return { code: 'pem', reason: 'a PEM key with a compressed point' }
  const middle = (bytes.length + 1) / 2
  return { kty: 'EC', crv, x: encodeBase64url(bytes.subarray(1, middle)), y: encodeBase64url(bytes.subarray(middle)) }
}

function sequenceOf(element: Element | undefined): readonly Element[] | undefined {
  return element?.tag === tags.sequence ? readElements(element.bytes) : undefined
}

/** The elements that stand one after another; `undefined` where one goes past the end, or has a length of another form. */
function readElements(der: Uint8Array): readonly Element[] | undefined {
  const elements: Element[] = []
  let at = 0
  while (at < der.length) {
    const first = der[at + 1] ?? 0x80
    const lengthBytes = first < 0x80 ? 0 : first - 0x80
    const start = at + 2 + lengthBytes
    const length = lengthBytes === 0 ? first : der.subarray(at + 2, start).reduce((sum, byte) => sum * 256 + byte, 0)
    if (first === 0x80 || lengthBytes > 2 || start + length > der.length) return undefined
    elements.push({ tag: der[at] as number, bytes: der.subarray(start, start + length) })
    at = start + length
  }
  return elements
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
