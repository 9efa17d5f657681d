/*
 * Keys that sign client assertions and DPoP proofs: a CryptoKey, a JWK, or a key held elsewhere such as in a KMS.
 */
import { exportJWK, importJWK, type JWK, SignJWT } from 'jose'
import { encodeBase64url } from '#crypto'
import { ConfigurationError } from '../../errors/index.js'
import { isSignatureAlgorithm, type SignatureAlgorithm } from '../../jws/algorithms.js'
import { isJsonObject } from '../../kit/json.js'
import { checkOptions, func, object, type Rules, required, takes, text } from '../../kit/options.js'

/** A private key held by this process. @group Credentials */
export interface LocalSigningKey {
  /** A private `CryptoKey` (best not extractable) or a private JWK. RSA, P-256, P-384, P-521 or Ed25519. */
  readonly key: CryptoKey | JWK
  /** Default: the `kid` of the JWK. */
  readonly kid?: string | undefined
  /** The public JWK, for {@link jwksDocument}. Needed for a `CryptoKey` only; taken from a private JWK otherwise. */
  readonly publicJwk?: JWK | undefined
}

/** A private key somewhere else: a KMS, an HSM, a sidecar. @group Credentials */
export interface RemoteSigningKey {
  readonly kid: string
  readonly alg: SignatureAlgorithm
  /** Signs the bytes and gives the raw JWS signature (for ECDSA r and s side by side, RFC 7518 §3.4). */
  sign(data: Uint8Array): Promise<Uint8Array>
  readonly publicJwk?: JWK | undefined
}

/** A key that signs client assertions. @group Credentials */
export type SigningKey = LocalSigningKey | RemoteSigningKey

/** The claims of an assertion. */
export type AssertionClaims = Readonly<Record<string, string | number | string[]>>

/** One key, ready to sign. */
export interface Signer {
  readonly kid: string | undefined
  /** The algorithms the key can sign with, in order of preference. */
  readonly algorithms: readonly SignatureAlgorithm[]
  readonly publicJwk: JWK | undefined
  sign(header: Readonly<Record<string, string>>, claims: AssertionClaims): Promise<string>
}

/** @throws `ConfigurationError` for a key that cannot sign. */
export function createSigner(key: SigningKey): Signer {
  if (!isJsonObject(key)) throw unusable()
  if ('sign' in key) {
    // A remote signer may be an object of the application's own, with members that do not concern us.
    const { kid, alg, sign, publicJwk } = key
    checkOptions('A key of `keys`', { kid, alg, sign, publicJwk }, remoteRules)
    return remoteSigner(key as RemoteSigningKey)
  }
  checkOptions('A key of `keys`', key, localRules)
  return isCryptoKey(key.key) ? cryptoKeySigner(key, key.key) : jwkSigner(key, key.key)
}

const localRules: Rules<LocalSigningKey> = { key: required(object), kid: text, publicJwk: object }
const remoteRules: Rules<RemoteSigningKey> = {
  kid: required(text),
  alg: required(takes(isSignatureAlgorithm, 'a signature algorithm such as ES256')),
  sign: required(func),
  publicJwk: object,
}

function isCryptoKey(key: CryptoKey | JWK): key is CryptoKey {
  return 'algorithm' in key && 'usages' in key
}

function remoteSigner(key: RemoteSigningKey): Signer {
  const encode = (value: object) => encodeBase64url(new TextEncoder().encode(JSON.stringify(value)))
  return {
    kid: key.kid,
    algorithms: [key.alg],
    publicJwk: describe(key.publicJwk, key.kid, key.alg),
    async sign(header, claims) {
      const input = `${encode(header)}.${encode(claims)}`
      return `${input}.${encodeBase64url(await key.sign(new TextEncoder().encode(input)))}`
    },
  }
}

function cryptoKeySigner({ kid, publicJwk }: LocalSigningKey, key: CryptoKey): Signer {
  if (key.type !== 'private' || !key.usages.includes('sign')) throw unusable()
  const algorithms = algorithmsOfCryptoKey(key)
  return {
    kid,
    algorithms,
    publicJwk: describe(publicJwk, kid, algorithms[0]),
    sign: (header, claims) => signWith(key, header, claims),
  }
}

function jwkSigner({ kid, publicJwk }: LocalSigningKey, jwk: JWK): Signer {
  if (typeof jwk.d !== 'string') throw unusable()
  const algorithms = algorithmsOfJwk(jwk)
  const name = kid ?? jwk.kid
  return {
    kid: name,
    algorithms,
    publicJwk: describe(publicJwk ?? publicPart(jwk), name, algorithms.length === 1 ? algorithms[0] : undefined),
    sign: async (header, claims) => signWith(await importJWK(jwk, header['alg'] as string), header, claims),
  }
}

function signWith(
  key: CryptoKey | Uint8Array,
  header: Readonly<Record<string, string>>,
  claims: AssertionClaims,
): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ ...header, alg: header['alg'] as string }).sign(key)
}

/** Public members only, whatever else the JWK holds. */
function publicPart({ kty, crv, x, y, n, e }: JWK): JWK {
  const members = Object.entries({ kty, crv, x, y, n, e }).filter(([, value]) => value !== undefined)
  return Object.fromEntries(members) as unknown as JWK
}

function describe(jwk: JWK | undefined, kid: string | undefined, alg: string | undefined): JWK | undefined {
  if (jwk === undefined) return undefined
  const named = { ...publicPart(jwk), ...(kid === undefined ? {} : { kid }), ...(alg === undefined ? {} : { alg }) }
  return { ...named, use: 'sig' }
}

function algorithmsOfJwk(jwk: JWK): readonly SignatureAlgorithm[] {
  if (isSignatureAlgorithm(jwk.alg)) return [jwk.alg]
  if (jwk.kty === 'RSA') return ['RS256', 'PS256']
  return algorithmsOfCurve(jwk.crv)
}

/** The algorithms a private key can sign with, in order of preference. */
export function algorithmsOfCryptoKey(key: CryptoKey): readonly SignatureAlgorithm[] {
  const algorithm = key.algorithm as { name: string; namedCurve?: string; hash?: { name: string } }
  const bits = algorithm.hash?.name.slice(-3)
  if (algorithm.name === 'RSASSA-PKCS1-v1_5') return [`RS${bits}` as SignatureAlgorithm]
  if (algorithm.name === 'RSA-PSS') return [`PS${bits}` as SignatureAlgorithm]
  return algorithmsOfCurve(algorithm.namedCurve ?? algorithm.name)
}

function algorithmsOfCurve(curve: string | undefined): readonly SignatureAlgorithm[] {
  if (curve === 'P-256') return ['ES256']
  if (curve === 'P-384') return ['ES384']
  if (curve === 'P-521') return ['ES512']
  if (curve === 'Ed25519') return ['EdDSA', 'Ed25519']
  throw unusable()
}

function unusable(): ConfigurationError {
  return new ConfigurationError(
    '`keys` takes private signing keys: RSA, P-256, P-384, P-521 or Ed25519, as CryptoKey, JWK or remote signer.',
  )
}

/** The public JWK of a public `CryptoKey`, for {@link LocalSigningKey.publicJwk}. @group Credentials */
export function publicJwkOf(key: CryptoKey): Promise<JWK> {
  return exportJWK(key)
}

const keyAlgorithms: readonly string[] = ['RSASSA-PKCS1-v1_5', 'RSA-PSS', 'ECDSA', 'Ed25519']

function isKeyOf(type: 'private' | 'public', usage: string, key: unknown): boolean {
  if (!isJsonObject(key) || key['type'] !== type || !isJsonObject(key['algorithm'])) return false
  return (
    (key as unknown as CryptoKey).usages.includes(usage as KeyUsage) &&
    keyAlgorithms.includes(String(key['algorithm']['name']))
  )
}

/** Whether `value` is a pair of keys that DPoP proofs can be made with. */
export const isDpopPair = (value: unknown): boolean =>
  isJsonObject(value) &&
  Object.keys(value).length === 2 &&
  isKeyOf('private', 'sign', value['privateKey']) &&
  isKeyOf('public', 'verify', value['publicKey']) &&
  (value['publicKey'] as CryptoKey).extractable
