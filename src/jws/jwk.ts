import { decodeBase64url, encodeBase64url } from '#crypto'
import type { KeyRefusalCode } from '../kit/failure-code.js'
import { isJsonObject, isStringArray, type JsonObject, ownMember } from '../kit/json.js'
import { algorithmTraits, type SignatureAlgorithm } from './algorithms.js'
import { isBase64url } from './compact-jws.js'
import type { PublicJwk } from './crypto/platform-crypto.js'

/** A public signature key as it was published: checked, and without the members that are not used here. */
export interface PublishedJwk extends PublicJwk {
  readonly alg?: SignatureAlgorithm
  readonly kid?: string
}

/** Why a JWK cannot be used, as a code for events and in words for a message; holds nothing of the key. */
export interface JwkRefusal {
  readonly code: KeyRefusalCode
  readonly reason: string
}

const signatureUse: readonly string[] = ['sig']
const secretMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'] as const
const coordinateCharacters: ReadonlyMap<unknown, number> = new Map([
  ['P-256', 43],
  ['P-384', 64],
  ['P-521', 88],
])
const minModulusBits = 2048
const maxModulusBits = 8192
/** 8192 bits in base64url, and a leading zero byte. */
const maxModulusCharacters = 1368
const ed25519Characters = 43

/**
 * Reads a public JWK for signature checks (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2). Refuses private and symmetric
 * members, a `use` that is not in `uses`, `key_ops` without `verify`, an `alg` this library cannot check or that does not
 * fit the key, RSA moduli outside 2048 to 8192 bits or with
 * the ROCA fingerprint, RSA exponents that are even, under 3 or over 2^32, coordinates that are not full-width
 * base64url, and Ed25519 points of small order. Unknown members are ignored. It does not check that a
 * point lies on its curve (`createSignatureCheck` does), nor `x5c` and its relatives. Never throws.
 */
export function readPublicJwk(value: unknown, uses: readonly string[] = signatureUse): PublishedJwk | JwkRefusal {
  if (!isJsonObject(value)) return refusal('not_an_object', 'not a JSON object')
  const refused = refusalOfUse(value, uses)
  if (refused !== undefined) return refused
  const key = readKeyMaterial(value)
  if ('reason' in key) return key
  const alg = ownMember(value, 'alg')
  if (alg !== undefined && !algorithmFitsKey(key, alg)) return refusal('alg', 'alg is not one this key can sign with')
  const kid = ownMember(value, 'kid')
  if (kid !== undefined && typeof kid !== 'string') return refusal('kid', 'kid is not a string')
  return Object.freeze({
    ...key,
    ...(alg === undefined ? {} : { alg: alg as SignatureAlgorithm }),
    ...(kid === undefined ? {} : { kid }),
  })
}

/**
 * Whether a key may check signatures of `algorithm`: type and curve fit (RFC 7518 §3.1), and `alg`, where the JWK has
 * one, is that very algorithm. `EdDSA` and `Ed25519` are one (RFC 9864).
 */
export function fitsAlgorithm(jwk: PublishedJwk, algorithm: SignatureAlgorithm): boolean {
  if (!algorithmFitsKey(jwk, algorithm)) return false
  return jwk.alg === undefined || jwk.alg === algorithm || jwk.kty === 'OKP'
}

function algorithmFitsKey(jwk: PublicJwk, algorithm: unknown): boolean {
  const traits = typeof algorithm === 'string' ? algorithmTraits.get(algorithm) : undefined
  return traits !== undefined && traits.kty === jwk.kty && traits.crv === jwk.crv
}

function refusal(code: KeyRefusalCode, reason: string): JwkRefusal {
  return { code, reason }
}

function refusalOfUse(jwk: JsonObject, uses: readonly string[]): JwkRefusal | undefined {
  if (secretMembers.some((name) => Object.hasOwn(jwk, name))) {
    return refusal('private_or_symmetric', 'holds private or symmetric key material')
  }
  const use = ownMember(jwk, 'use')
  if (use !== undefined && !uses.includes(use as string)) return refusal('use', `use is not ${uses.join(' or ')}`)
  const operations = ownMember(jwk, 'key_ops')
  if (operations === undefined) return undefined
  if (isStringArray(operations) && operations.includes('verify')) return undefined
  return refusal('key_ops', 'key_ops has no verify')
}

function readKeyMaterial(jwk: JsonObject): PublicJwk | JwkRefusal {
  switch (ownMember(jwk, 'kty')) {
    case 'RSA':
      return readRsa(ownMember(jwk, 'n'), ownMember(jwk, 'e'))
    case 'EC':
      return readEc(ownMember(jwk, 'crv'), ownMember(jwk, 'x'), ownMember(jwk, 'y'))
    case 'OKP':
      return readOkp(ownMember(jwk, 'crv'), ownMember(jwk, 'x'))
    default:
      return refusal('kty', 'kty is not RSA, EC or OKP')
  }
}

function readRsa(n: unknown, e: unknown): PublicJwk | JwkRefusal {
  const modulus = readInteger(n, maxModulusCharacters)
  if (modulus === undefined) return refusal('modulus', 'n is not a base64url integer of an accepted size')
  const bits = bitLength(modulus)
  if (bits < minModulusBits || bits > maxModulusBits) return refusal('modulus_size', 'n is not of 2048 to 8192 bits')
  if (hasRocaFingerprint(modulus)) return refusal('roca', 'n can be factored (ROCA, CVE-2017-15361)')
  const exponent = readInteger(e, 8)
  if (exponent === undefined || !isExponent(exponent)) return refusal('exponent', 'e is not an odd number of 3 to 2^32')
  return { kty: 'RSA', n: encodeBase64url(modulus), e: encodeBase64url(exponent) }
}

/** Without leading zero bytes, which RFC 7518 §6.3.1.1 forbids and some servers write all the same. */
function readInteger(value: unknown, maxCharacters: number): Uint8Array | undefined {
  if (typeof value !== 'string' || value.length > maxCharacters || !isBase64url(value)) return undefined
  const bytes = decodeBase64url(value)
  const first = bytes.findIndex((byte) => byte !== 0)
  return first === -1 ? undefined : bytes.subarray(first)
}

function bitLength(integer: Uint8Array): number {
  return integer.length * 8 - (Math.clz32(integer[0] as number) - 24)
}

function isExponent(bytes: Uint8Array): boolean {
  const value = bytes.reduce((sum, byte) => sum * 256 + byte, 0)
  return value >= 3 && value < 2 ** 32 && value % 2 === 1
}

function readEc(crv: unknown, x: unknown, y: unknown): PublicJwk | JwkRefusal {
  const characters = coordinateCharacters.get(crv)
  if (characters === undefined) return refusal('curve', 'crv is not P-256, P-384 or P-521')
  if (!isOctets(x, characters) || !isOctets(y, characters))
    return refusal('coordinates', 'x or y is not a full-width coordinate')
  return { kty: 'EC', crv: crv as string, x, y }
}

function readOkp(crv: unknown, x: unknown): PublicJwk | JwkRefusal {
  if (crv !== 'Ed25519') return refusal('curve', 'crv is not Ed25519')
  if (!isOctets(x, ed25519Characters)) return refusal('coordinates', 'x is not of 32 bytes')
  if (isWeakPoint(decodeBase64url(x))) return refusal('weak_point', 'x is a point that anybody can sign for')
  return { kty: 'OKP', crv, x }
}

function isOctets(value: unknown, characters: number): value is string {
  return typeof value === 'string' && value.length === characters && isBase64url(value)
}

const generator = 65_537
/** The largest prime factor of the number that keys of 1984 bits and more are built on: the 126th prime. */
const largestPrime = 701

function powersModulo(prime: number): ReadonlySet<number> {
  const powers = new Set<number>()
  for (let power = 1; !powers.has(power); power = (power * generator) % prime) powers.add(power)
  return powers
}

/**
 * Whether an RSA modulus of 1984 bits or more, big-endian, comes from the key generator whose keys can be factored
 * (CVE-2017-15361). Each of its primes is a power of 65537 modulo every small prime, and so is their product: the
 * discrete logarithm exists for all of them (Nemec, Sys, Svenda, Klinec, Matyas: The Return of Coppersmith's Attack, CCS
 * 2017, §3). A random modulus passes for one with a probability of 2^-167, and as a rule fails at one of the first primes: so
 * no table of them is made.
 * @internal
 */
export function hasRocaFingerprint(modulus: Uint8Array): boolean {
  const primes: number[] = []
  for (let candidate = 3; candidate <= largestPrime; candidate += 2) {
    if (primes.some((prime) => candidate % prime === 0)) continue
    primes.push(candidate)
    if (!powersModulo(candidate).has(remainder(modulus, candidate))) return false
  }
  return true
}

function remainder(integer: Uint8Array, prime: number): number {
  let rest = 0
  for (const byte of integer) rest = (rest * 256 + byte) % prime
  return rest
}

const smallOrder: ReadonlySet<string> = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
])

/**
 * Whether an encoded Ed25519 point is one of the eight of small order, or no canonical encoding at all (RFC 8032 §5.1.3):
 * signatures under such a key can be made without any secret, and platforms accept them. Does not check that the point
 * lies on the curve.
 */
function isWeakPoint(encoded: Uint8Array): boolean {
  // The highest bit is the sign of x; y = -1 is the last canonical value.
  const digits = Array.from(encoded, (byte, index) => (index === 31 ? byte & 0x7f : byte).toString(16).padStart(2, '0'))
  const y = digits.join('')
  return smallOrder.has(y) || /^(?:e[c-f]|f.)(?:ff){30}7f$/.test(y)
}
