/*
 * ID tokens (OpenID Connect Core §3.1.3.7): signature, claims and hashes, by the keys the server publishes. Does not ask
 * whether the user's session at the server still lasts.
 */
import { constantTimeEqual, encodeBase64url } from '#crypto'
import { isPortcullisError } from '../errors/index.js'
import type { KeySource } from '../issuer/key-source.js'
import { algorithmTraits, isSignatureAlgorithm, type SignatureAlgorithm } from '../jws/algorithms.js'
import { type CompactJws, comparableType, readCompactJws, readJsonSegment } from '../jws/compact-jws.js'
import type { VerificationKey } from '../jws/verification-key.js'
import { isStringArray, type JsonObject, ownMember } from '../kit/json.js'
import type { IdTokenOptions } from './client-options.js'
import { DiscoveryError } from './errors.js'
import { IdTokenError, LoginError } from './login-errors.js'
import { malformed, signedText } from './signed-text.js'

/** What an ID token says, verified. Frozen. Without `nonce`, which is spent. @group ID tokens */
export interface IdTokenClaims {
  readonly iss: string
  readonly sub: string
  readonly aud: string | readonly string[]
  readonly exp: number
  readonly iat: number
  readonly [name: string]: unknown
}

/** What an ID token has to match. @group ID tokens */
export interface IdTokenExpectations {
  /** The one of the authorization request. Left out only where there was no such request, as with devices. */
  readonly nonce?: string | undefined
  /** As requested by `max_age`: `auth_time` must be there, and not be older. */
  readonly maxAgeSeconds?: number | undefined
  /** As requested by `acr_values`: `acr` must be one of them. */
  readonly acrValues?: readonly string[] | undefined
  /** What came with it, for `at_hash` and `c_hash`. */
  readonly accessToken?: string | undefined
  readonly code?: string | undefined
}

/** Which ID tokens are this client's, and how they are judged. */
export interface IdTokenSettings {
  readonly clientId: string
  readonly keys: KeySource
  /** The metadata of the server. */
  readonly metadata: JsonObject
  /** Whether the `iss` of these claims is that of the server. */
  readonly isIssuer: (claims: JsonObject) => boolean
  readonly options: IdTokenOptions
  /** Milliseconds since the Unix epoch. */
  readonly nowMs: number
}

/**
 * Verifies an ID token: form, decryption, header, signature, then the claims in the order of the specification.
 *
 * @throws {@link IdTokenError}; {@link LoginError} `ERR_LOGIN_SUBJECT` without a usable `sub`; {@link DiscoveryError}
 * while the keys cannot be had.
 */
export async function verifyIdToken(
  idToken: string,
  expected: IdTokenExpectations,
  settings: IdTokenSettings,
): Promise<IdTokenClaims> {
  const { payload, algorithm } = await verifySigned(idToken, settings)
  checkClaims(payload, expected, settings)
  await checkHash(payload, 'at_hash', expected.accessToken, algorithm)
  await checkHash(payload, 'c_hash', expected.code, algorithm)
  const { nonce: _spent, ...claims } = payload
  return Object.freeze(claims) as IdTokenClaims
}

/**
 * Form, decryption, header and signature of a JWT that the server made for this client. Looks at no claim.
 *
 * @param listed - the member of the metadata that names the algorithms for it.
 * @throws {@link IdTokenError}; {@link DiscoveryError} while the keys cannot be had.
 */
export async function verifySigned(
  text: string,
  settings: IdTokenSettings,
  listed?: string,
): Promise<{ readonly payload: JsonObject; readonly algorithm: SignatureAlgorithm }> {
  const jws = readCompactJws(await signedText(text, settings.options))
  const header = jws && readJsonSegment(jws.headerSegment)
  if (jws === undefined || header === undefined) throw malformed('no signed JWT with a JSON object')
  const algorithm = acceptedAlgorithm(header, settings, listed)
  await checkSignature(jws, header, algorithm, settings.keys)
  return { payload: jws.payload, algorithm }
}

/** What an ID token says, decrypted, and with NOTHING verified; `undefined` where it cannot be read. */
export async function readIdTokenClaims(idToken: string, options: IdTokenOptions): Promise<JsonObject | undefined> {
  return readCompactJws(await signedText(idToken, options).catch(() => ''))?.payload
}

/** The error for keys that cannot be had: nothing is known of the token. */
export function keysUnavailable(error: unknown): DiscoveryError {
  const cause = isPortcullisError(error) ? error : undefined
  const message = 'The keys of the authorization server cannot be fetched'
  return new DiscoveryError('ERR_DISCOVERY_UNAVAILABLE', { message, detail: cause?.detail, cause })
}

/** Types of other JWTs; an ID token has `JWT` or none. */
const foreignTypes: ReadonlySet<string> = new Set(['at+jwt', 'logout+jwt', 'dpop+jwt', 'token-introspection+jwt'])

function acceptedAlgorithm(
  header: JsonObject,
  { metadata, options }: IdTokenSettings,
  listed: string | undefined,
): SignatureAlgorithm {
  const typ = ownMember(header, 'typ')
  if (typ !== undefined && (typeof typ !== 'string' || foreignTypes.has(comparableType(typ)))) {
    throw malformed('`typ` names another kind of token')
  }
  if (Object.hasOwn(header, 'crit') || Object.hasOwn(header, 'b64')) throw malformed('`crit` or `b64` in the header')
  const alg = ownMember(header, 'alg')
  if (isSignatureAlgorithm(alg) && acceptedAlgorithms(metadata, options, listed).includes(alg)) return alg
  throw unsigned('`alg` is not one that this client accepts')
}

/** What the server may sign with, for this client. */
export function acceptedAlgorithms(
  metadata: JsonObject,
  { algorithms }: IdTokenOptions,
  listed = 'id_token_signing_alg_values_supported',
): readonly string[] {
  const names = ownMember(metadata, listed)
  return algorithms ?? (isStringArray(names) ? names : ['RS256'])
}

function unsigned(detail: string): IdTokenError {
  return new IdTokenError('ERR_ID_TOKEN_SIGNATURE', { detail })
}

/** The most signature checks one token may cost. */
const maxChecks = 16

/** Tries the keys of that name that fit the algorithm; where none signed, those the server has published since. */
async function checkSignature(
  jws: CompactJws,
  header: JsonObject,
  algorithm: SignatureAlgorithm,
  keys: KeySource,
): Promise<void> {
  const kid = ownMember(header, 'kid')
  if (kid !== undefined && typeof kid !== 'string') throw malformed('`kid` is no text')
  try {
    const known = await keys.find(kid, algorithm)
    if (await isSignedByOneOf(known, jws, algorithm)) return
    const others = known.length === 0 ? [] : await keys.findOthers(kid, algorithm, known)
    if (await isSignedByOneOf(others, jws, algorithm)) return
  } catch (error) {
    throw keysUnavailable(error)
  }
  throw unsigned('no key of the server made it')
}

async function isSignedByOneOf(
  keys: readonly VerificationKey[],
  { signingInput, signature }: CompactJws,
  algorithm: SignatureAlgorithm,
): Promise<boolean> {
  for (const key of keys.slice(0, maxChecks)) {
    const check = await key.signatureCheck(algorithm)
    if (check !== undefined && (await check(signingInput, signature))) return true
  }
  return false
}

function checkClaims(claims: JsonObject, expected: IdTokenExpectations, settings: IdTokenSettings): void {
  if (!settings.isIssuer(claims)) throw new IdTokenError('ERR_ID_TOKEN_ISSUER')
  checkAudience(claims, settings)
  checkTimes(claims, expected, settings)
  const nonce = ownMember(claims, 'nonce')
  if (expected.nonce !== undefined && !(typeof nonce === 'string' && constantTimeEqual(nonce, expected.nonce))) {
    throw new IdTokenError('ERR_ID_TOKEN_NONCE')
  }
  const acr = ownMember(claims, 'acr')
  if (expected.acrValues !== undefined && !expected.acrValues.includes(acr as string)) {
    throw new IdTokenError('ERR_ID_TOKEN_ACR')
  }
  const subject = ownMember(claims, 'sub')
  if (typeof subject !== 'string' || subject === '' || subject.length > 255) throw new LoginError('ERR_LOGIN_SUBJECT')
}

function checkAudience(claims: JsonObject, { clientId, options }: IdTokenSettings): void {
  const given = ownMember(claims, 'aud')
  const audiences = typeof given === 'string' ? [given] : given
  const azp = ownMember(claims, 'azp')
  const wrong = (detail: string) => new IdTokenError('ERR_ID_TOKEN_AUDIENCE', { detail })
  if (!isStringArray(audiences) || !audiences.includes(clientId)) throw wrong('`aud` does not name this client')
  if (azp !== undefined && azp !== clientId) throw wrong('`azp` names another client')
  const others = audiences.filter((audience) => audience !== clientId)
  if (others.length > 0 && azp === undefined) throw wrong('several audiences, and no `azp`')
  const { trustedAudiences = others } = options
  if (others.some((audience) => !trustedAudiences.includes(audience))) throw wrong('an audience that is not trusted')
}

function checkTimes(claims: JsonObject, { maxAgeSeconds }: IdTokenExpectations, settings: IdTokenSettings): void {
  const { clockToleranceSeconds: tolerance = 60 } = settings.options
  const now = settings.nowMs / 1000
  const seconds = (name: string): number => {
    const value = ownMember(claims, name)
    if (typeof value === 'number' && Number.isFinite(value)) return value
    throw malformed(`\`${name}\` is missing or no number`)
  }
  const outOfTime = (detail: string): IdTokenError => new IdTokenError('ERR_ID_TOKEN_EXPIRED', { detail })
  if (seconds('exp') <= now - tolerance) throw outOfTime('`exp` is past')
  if (seconds('iat') > now + tolerance) throw outOfTime('`iat` is in the future')
  if (Object.hasOwn(claims, 'nbf') && seconds('nbf') > now + tolerance) throw outOfTime('`nbf` is in the future')
  if (maxAgeSeconds === undefined) return
  const authTime = ownMember(claims, 'auth_time')
  const age = typeof authTime === 'number' ? now - authTime : Number.NaN
  if (!(age >= -tolerance && age <= maxAgeSeconds + tolerance)) throw new IdTokenError('ERR_ID_TOKEN_AUTH_TIME')
}

/** The left half of the hash that belongs to the algorithm (OpenID Connect Core §3.1.3.6, §3.3.2.11). */
async function checkHash(
  claims: JsonObject,
  name: 'at_hash' | 'c_hash',
  hashed: string | undefined,
  algorithm: SignatureAlgorithm,
): Promise<void> {
  const given = ownMember(claims, name)
  if (given === undefined || hashed === undefined) return
  // Ed25519 hashes with SHA-512 inside (RFC 8032 §5.1).
  const hash = algorithmTraits.get(algorithm)?.hash ?? 'SHA-512'
  const digest = new Uint8Array(await crypto.subtle.digest(hash, new TextEncoder().encode(hashed)))
  if (given === encodeBase64url(digest.subarray(0, digest.length / 2))) return
  throw new IdTokenError('ERR_ID_TOKEN_HASH', { detail: name })
}
