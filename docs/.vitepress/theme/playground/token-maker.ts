/** Makes requests with WebCrypto, right or wrong as asked. Keys stay in memory, and private ones cannot be read out. */
import type { JsonObject } from '../../../../src/index.js'
import type { PublicJwk } from '../../../../src/jws/crypto/platform-crypto.js'
import { encodeBase64url, sha256Base64url } from '../../../../src/jws/crypto/web.js'
import { thumbprint } from '../../../../src/jws/thumbprint.js'
import type { Choices } from './choices.js'
import { expectedAudience, expectedScopes, expectedSignIn, firstValues, toIssuer } from './gate-set-up.js'
import { type Draft, mistakeOf, type SentAs } from './mistakes.js'
import { sampleOf } from './provider-samples.js'

/** What a request consists of, as the form has it. */
export interface SentRequest {
  token: string
  sentAs: SentAs
  proof: string
  method: string
  path: string
  /** The key set of the issuer, as text. */
  keySet: string
}

/** What the visitor wants in the token; an empty text leaves the claim as the API expects it. */
export interface Wishes {
  algorithm: MadeAlgorithm | ''
  subject: string
  audience: string
  scope: string
  lifetimeSeconds: string
  /** Further claims, as a JSON object. */
  further: string
}

const encoder = new TextEncoder()
const ecdsa = { name: 'ECDSA', namedCurve: 'P-256' }
const rsa = {
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  modulusLength: 2048,
  publicExponent: new Uint8Array([1, 0, 1]),
}

/** By `alg`: how keys are made, and how they sign. */
const algorithms = {
  ES256: { keys: ecdsa, signature: { name: 'ECDSA', hash: 'SHA-256' } },
  RS256: { keys: rsa, signature: rsa },
  EdDSA: { keys: { name: 'Ed25519' }, signature: { name: 'Ed25519' } },
} as const

/** An algorithm that tokens are made with. */
export type MadeAlgorithm = keyof typeof algorithms

/** All of them; a browser may not have EdDSA. */
export const madeAlgorithms = Object.keys(algorithms) as readonly MadeAlgorithm[]

interface Keys {
  readonly privateKey: CryptoKey
  readonly publicJwk: PublicJwk
}

/** Makes requests, with the same keys each time. */
export interface TokenMaker {
  /** @throws Error with a sentence, for further claims that are no JSON object, and as the preset does. */
  make(choices: Choices, wishes: Wishes, request: Pick<SentRequest, 'method' | 'path'>): Promise<SentRequest>
}

/** Makes a {@link TokenMaker}, whose keys are made when first needed. */
export function createTokenMaker(): TokenMaker {
  const made = new Map<string, Promise<Keys>>()
  const keysOf = (owner: string, algorithm: MadeAlgorithm): Promise<Keys> => {
    const name = `${owner} ${algorithm}`
    const keys = made.get(name) ?? makeKeys(algorithm)
    made.set(name, keys)
    return keys
  }
  return {
    async make(choices, wishes, { method, path }) {
      const sample = sampleOf(choices.provider)
      const algorithm = wishes.algorithm === '' ? sample.algorithm : wishes.algorithm
      const now = Math.floor(Date.now() / 1000)
      const draft = firstDraft(choices, wishes, algorithm, now)
      mistakeOf(choices.mistake).make(draft, now)
      const [issuer, other, client] = await Promise.all([
        keysOf('issuer', algorithm),
        draft.signer === 'another key' ? keysOf('other', algorithm) : undefined,
        keysOf('client', 'ES256'),
      ])
      if (draft.isBound) draft.claims['cnf'] = { jkt: await thumbprint(client.publicJwk) }
      const signed = await signToken(draft, algorithm, other ?? issuer)
      const token = draft.instead?.(signed) ?? signed
      const target = { method, url: `${originOf(choices.resource)}${path}`, ...draft.proof }
      const proof = draft.proof === undefined ? '' : await makeProof(client, target, token, now)
      const published = { ...issuer.publicJwk, kid: keyName, alg: algorithm, use: 'sig' }
      return {
        token,
        sentAs: draft.sentAs,
        proof,
        method,
        path,
        keySet: JSON.stringify({ keys: [published] }, null, 2),
      }
    },
  }
}

const keyName = 'playground'

async function makeKeys(algorithm: MadeAlgorithm): Promise<Keys> {
  const made = await crypto.subtle.generateKey(algorithms[algorithm].keys, false, ['sign', 'verify'])
  const { privateKey, publicKey } = made as CryptoKeyPair
  const { kty, crv, x, y, n, e } = await crypto.subtle.exportKey('jwk', publicKey)
  return { privateKey, publicJwk: withoutUndefined({ kty, crv, x, y, n, e }) as unknown as PublicJwk }
}

function firstDraft(choices: Choices, wishes: Wishes, algorithm: MadeAlgorithm, now: number): Draft {
  const sample = sampleOf(choices.provider)
  const { acr, isDated } = expectedSignIn(choices)
  const isBound = choices.dpop === 'required'
  return {
    header: withoutUndefined({ typ: sample.typ, alg: algorithm, kid: keyName }),
    claims: {
      iss: toIssuer(choices).issuer,
      aud: wishes.audience.trim() || expectedAudience(choices),
      iat: now,
      exp: now + (wishes.lifetimeSeconds.trim() === '' ? 300 : Number(wishes.lifetimeSeconds)),
      jti: crypto.randomUUID(),
      ...sample.claims(firstValues(choices)),
      ...scopeClaim(choices, wishes),
      ...(acr !== undefined && { acr }),
      ...(isDated && { auth_time: now - 10 }),
      ...(wishes.subject.trim() !== '' && { sub: wishes.subject.trim() }),
      ...readFurther(wishes.further),
    },
    signer: 'issuer',
    changedLater: undefined,
    isBound,
    sentAs: isBound ? 'DPoP' : 'Bearer',
    proof: isBound ? {} : undefined,
    instead: undefined,
  }
}

function scopeClaim(choices: Choices, wishes: Wishes): JsonObject {
  const { scope } = sampleOf(choices.provider)
  if (scope === undefined) return {}
  const asked = wishes.scope.trim() === '' ? expectedScopes(choices) : wishes.scope.trim().split(/\s+/)
  const granted = asked.length === 0 ? ['profile'] : asked
  return { [scope.claim]: scope.isList === true ? granted : granted.join(' ') }
}

/** @throws SyntaxError with a sentence. */
function readFurther(text: string): JsonObject {
  if (text.trim() === '') return {}
  const value = parsed(text)
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject
  throw new SyntaxError('Further claims take a JSON object, such as {"plan": "gold"}.')
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

async function signToken(draft: Draft, algorithm: MadeAlgorithm, { privateKey }: Keys): Promise<string> {
  const alg = { 'a shared secret': 'HS256', nothing: 'none' }[draft.signer as string] ?? algorithm
  const signingInput = `${segment({ ...draft.header, alg })}.${segment(draft.claims)}`
  const signature = await signatureOf(draft.signer, algorithm, privateKey, encoder.encode(signingInput))
  if (draft.changedLater === undefined) return `${signingInput}.${signature}`
  return `${segment({ ...draft.header, alg })}.${segment({ ...draft.claims, ...draft.changedLater })}.${signature}`
}

async function signatureOf(
  signer: Draft['signer'],
  algorithm: MadeAlgorithm,
  privateKey: CryptoKey,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<string> {
  if (signer === 'nothing') return ''
  if (signer !== 'a shared secret') {
    return encoded(await crypto.subtle.sign(algorithms[algorithm].signature, privateKey, bytes))
  }
  const secret = await crypto.subtle.generateKey({ name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  return encoded(await crypto.subtle.sign('HMAC', secret, bytes))
}

/** A proof of possession (RFC 9449 §4.2). */
async function makeProof(
  { privateKey, publicJwk }: Keys,
  { method, url }: { readonly method: string; readonly url: string },
  token: string,
  now: number,
): Promise<string> {
  const ath = await sha256Base64url(token)
  const claims = { jti: crypto.randomUUID(), htm: method, htu: url.replace(/[?#].*$/s, ''), iat: now, ath }
  const signingInput = `${segment({ typ: 'dpop+jwt', alg: 'ES256', jwk: publicJwk })}.${segment(claims)}`
  const signature = await crypto.subtle.sign(algorithms.ES256.signature, privateKey, encoder.encode(signingInput))
  return `${signingInput}.${encoded(signature)}`
}

function segment(members: JsonObject): string {
  return encodeBase64url(encoder.encode(JSON.stringify(members)))
}

function encoded(bytes: ArrayBuffer): string {
  return encodeBase64url(new Uint8Array(bytes))
}

function originOf(resource: string): string {
  return URL.canParse(resource) ? new URL(resource).origin : ''
}

function withoutUndefined(members: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined))
}
