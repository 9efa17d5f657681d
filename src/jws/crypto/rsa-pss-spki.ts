/*
 * An RSA public key in SubjectPublicKeyInfo form with the id-RSASSA-PSS algorithm and fixed parameters (RFC 4055 §3.1).
 * A key in that form carries padding, hash and salt length with it, so that `crypto.verify` can take the bare
 * `KeyObject`: the options object costs 11 to 37 µs a call on Node 24.
 */
const oid = {
  rsassaPss: [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a],
  mgf1: [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08],
  hash: {
    'SHA-256': [0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01],
    'SHA-384': [0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02],
    'SHA-512': [0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03],
  },
} as const

const saltLength = { 'SHA-256': 32, 'SHA-384': 48, 'SHA-512': 64 } as const

const tag = { integer: 0x02, bitString: 0x03, nullValue: 0x05, sequence: 0x30, context: 0xa0 } as const

function der(type: number, ...parts: ReadonlyArray<ArrayLike<number>>): number[] {
  const body = parts.flatMap((part) => Array.from(part))
  if (body.length < 0x80) return [type, body.length, ...body]
  const length: number[] = []
  for (let rest = body.length; rest > 0; rest >>= 8) length.unshift(rest & 0xff)
  return [type, 0x80 | length.length, ...length, ...body]
}

/** The DER bytes of the RSA key whose `RSAPublicKey` (RFC 8017 A.1.1) is given, bound to RSASSA-PSS with `hash`. */
export function rsaPssSpki(rsaPublicKey: Uint8Array, hash: 'SHA-256' | 'SHA-384' | 'SHA-512'): Uint8Array {
  const hashAlgorithm = der(tag.sequence, oid.hash[hash], [tag.nullValue, 0])
  const parameters = der(
    tag.sequence,
    der(tag.context, hashAlgorithm),
    der(tag.context + 1, der(tag.sequence, oid.mgf1, hashAlgorithm)),
    der(tag.context + 2, der(tag.integer, [saltLength[hash]])),
  )
  return Uint8Array.from(
    der(tag.sequence, der(tag.sequence, oid.rsassaPss, parameters), der(tag.bitString, [0], rsaPublicKey)),
  )
}
