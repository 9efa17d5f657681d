import { createHash, generateKeyPairSync, sign } from 'node:crypto'

/** A signing key of a test, with the public JWK an issuer would publish. */
export interface TestKey {
  readonly kid: string
  readonly jwk: Readonly<Record<string, unknown>>
  /** The raw ES256 signature of `input`, in base64url. */
  sign(input: string): string
}

const byKid = new Map<string, TestKey>()

/** A P-256 key named `kid`; the same one at every call of a test file. */
export function testKey(kid: string): TestKey {
  const known = byKid.get(kid)
  if (known !== undefined) return known
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const key: TestKey = {
    kid,
    jwk: { ...pair.publicKey.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig' },
    sign: (input) =>
      sign('sha256', Buffer.from(input), { key: pair.privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url'),
  }
  byKid.set(kid, key)
  return key
}

/** A JWK that looks like one of P-256 and lies on no curve. */
export function offCurveJwk(kid: string): Record<string, unknown> {
  const octets = (seed: string) => createHash('sha256').update(seed).digest('base64url')
  return { kty: 'EC', crv: 'P-256', x: octets(`x${kid}`), y: octets(`y${kid}`), kid }
}

/** A set of the keys named. */
export function jwkSet(...kids: string[]): { keys: unknown[] } {
  return { keys: kids.map((kid) => testKey(kid).jwk) }
}
