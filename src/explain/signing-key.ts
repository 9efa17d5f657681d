/** The one key that a token names, and what can be told of it. */
import { decodeBase64url, publicKeySpki, readCertificate, sha256BytesBase64url } from '#crypto'
import { shownText } from '../errors/index.js'
import { algorithmTraits, type SignatureAlgorithm } from '../jws/algorithms.js'
import type { CertificateFacts } from '../jws/crypto/platform-crypto.js'
import { fitsAlgorithm, type PublishedJwk, readPublicJwk } from '../jws/jwk.js'
import { thumbprint } from '../jws/thumbprint.js'
import { isJsonObject, isStringArray, ownMember } from '../kit/json.js'
import type { StepFinding } from './report.js'

/** A public key, described. @group Explain */
export interface KeyDescription {
  readonly kid: string | undefined
  readonly alg: string | undefined
  readonly keyType: 'RSA' | 'EC' | 'OKP'
  /** The curve, for EC and OKP keys. */
  readonly curve: string | undefined
  readonly keySizeBits: number
  /** SubjectPublicKeyInfo as PEM (RFC 7468 §13). */
  readonly publicKeyPem: string
  /** SHA-256 of the SubjectPublicKeyInfo, in hexadecimal. */
  readonly keyFingerprint: string
  /** SHA-256 JWK thumbprint (RFC 7638). */
  readonly keyThumbprint: string
  /** The first certificate of `x5c`, where there is a readable one. `undefined` also where the platform reads none. */
  readonly certificate: CertificateDescription | undefined
}

/** What a certificate of `x5c` says. It is shown, not verified: nothing here trusts it. @group Explain */
export interface CertificateDescription extends Omit<CertificateFacts, 'spki'> {
  /** Whether the certificate holds the very key of its JWK. */
  readonly isKeyOfJwk: boolean
}

/** The key to verify with, or why there is none. */
export type KeyChoice = { readonly entry: unknown; readonly jwk: PublishedJwk } | { readonly finding: StepFinding }

/**
 * Chooses the one key of a set that may have signed: by `kid` and type (RFC 7515 §4.1.4), never by trying. Without a `kid`
 * only where one key fits.
 */
export function chooseKey(entries: readonly unknown[], kid: string | undefined, alg: SignatureAlgorithm): KeyChoice {
  const named = kid === undefined ? entries : entries.filter((entry) => isJsonObject(entry) && entry['kid'] === kid)
  if (named.length === 0) return missing(entries, kid)
  const read = named.map((entry) => ({ entry, jwk: readPublicJwk(entry) }))
  const fitting = read.filter((key): key is { entry: unknown; jwk: PublishedJwk } => {
    return !('reason' in key.jwk) && fitsAlgorithm(key.jwk, alg)
  })
  const [only] = fitting
  if (fitting.length === 1 && only !== undefined) return only
  if (fitting.length > 1) return several(fitting.length, kid)
  return unusable(
    read.map(({ jwk }) => ('reason' in jwk ? jwk.reason : `it is not a key for ${alg}`)),
    alg,
  )
}

function missing(entries: readonly unknown[], kid: string | undefined): KeyChoice {
  const kids = entries.map((entry) => (isJsonObject(entry) ? entry['kid'] : undefined))
  const expected = kids
    .filter((name) => typeof name === 'string')
    .slice(0, 16)
    .map(shownText)
  const sentence =
    'The issuer publishes no key of that name: the key was withdrawn, or another server signed the token (a second environment, a copy of the realm).'
  return refusal(sentence, { expected, ...(kid === undefined ? {} : { received: shownText(kid) }) })
}

function several(count: number, kid: string | undefined): KeyChoice {
  const why = kid === undefined ? 'The token names no key (`kid`), and several fit' : 'Several keys have that name'
  return refusal(`${why}: which of them signed would be a guess. Let the server give each key a \`kid\` of its own.`, {
    expected: '1 key',
    received: `${count} keys`,
  })
}

function unusable(reasons: readonly string[], alg: SignatureAlgorithm): KeyChoice {
  const { kty, crv } = algorithmTraits.get(alg) as { kty: string; crv?: string }
  return refusal(`The key that the token names cannot be used: ${reasons[0]}.`, {
    expected: crv === undefined ? `a ${kty} key of 2048 bits or more` : `a ${kty} key on ${crv}`,
    received: reasons,
  })
}

function refusal(sentence: string, shown: Pick<StepFinding, 'expected' | 'received'>): KeyChoice {
  return { finding: { outcome: 'failed', sentence, ...shown } }
}

/**
 * Describes a key that `readPublicJwk` accepted; `entry` is what was published.
 *
 * @returns `undefined` where the platform refuses the key, such as a point off its curve.
 */
export async function describeKey(entry: unknown, jwk: PublishedJwk): Promise<KeyDescription | undefined> {
  try {
    const spki = await publicKeySpki(jwk)
    const digest = decodeBase64url(await sha256BytesBase64url(spki))
    return {
      kid: jwk.kid,
      alg: jwk.alg,
      keyType: jwk.kty,
      curve: jwk.crv,
      keySizeBits: sizeBits(jwk),
      publicKeyPem: toPem(spki),
      keyFingerprint: toHex(digest),
      keyThumbprint: await thumbprint(jwk),
      certificate: certificateOf(entry, spki),
    }
  } catch {
    return undefined
  }
}

const curveBits: Readonly<Record<string, number>> = { 'P-256': 256, 'P-384': 384, 'P-521': 521, Ed25519: 256 }

function sizeBits({ n, crv }: PublishedJwk): number {
  if (n === undefined) return curveBits[crv as string] as number
  const modulus = decodeBase64url(n)
  return modulus.length * 8 - (Math.clz32(modulus[0] as number) - 24)
}

function toPem(der: Uint8Array): string {
  const lines = btoa(String.fromCharCode(...der)).match(/.{1,64}/g) as string[]
  return `-----BEGIN PUBLIC KEY-----\n${lines.join('\n')}\n-----END PUBLIC KEY-----\n`
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function certificateOf(entry: unknown, spki: Uint8Array): CertificateDescription | undefined {
  const chain = isJsonObject(entry) ? ownMember(entry, 'x5c') : undefined
  if (!isStringArray(chain) || chain[0] === undefined) return undefined
  const facts = readCertificate(chain[0])
  if (facts === undefined) return undefined
  const { spki: certified, ...shown } = facts
  return { ...shown, isKeyOfJwk: toHex(certified) === toHex(spki) }
}
