import { createPublicKey, hash, type JsonWebKey, type KeyObject, verify } from 'node:crypto'
import { ecdsaDer, rsaPssSpki } from '../src/jws/crypto/node.js'

/*
 * What one would write by hand for one issuer, one audience, one algorithm and one key: the same checks as the library
 * makes, in straight lines, with every trick that makes Node faster, and nothing that makes it general. The limit is
 * what the library is measured against.
 */

/** What the hand-written verifiers go by. */
export interface LimitSettings {
  readonly issuer: string
  readonly audience: string
  readonly algorithm: string
  readonly jwk: JsonWebKey & { readonly kid: string }
  readonly scope: string
  /** How many verified tokens are remembered by their SHA-256; 0 for none. */
  readonly cacheEntries: number
}

export interface LimitAuth {
  readonly token: string
  readonly subject: string
  readonly clientId: string
  readonly scopes: readonly string[]
  readonly claims: Readonly<Record<string, unknown>>
  readonly expiresAt: number
  readonly jkt: string | undefined
}

type Check = (input: string, signature: string) => boolean
type Claims = Record<string, unknown>

const bearer = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/
const threeSegments = /^[\w-]+\.[\w-]+\.[\w-]+$/
const toleranceMs = 60_000

/** Makes a verifier of `Authorization: Bearer` fields. Throws for anything it does not accept. */
export function createTokenLimit(settings: LimitSettings): (authorization: string | undefined) => LimitAuth {
  const verifyToken = createVerifier(settings)
  return (authorization) => {
    const token = authorization === undefined ? undefined : bearer.exec(authorization)?.[1]
    if (token === undefined) throw new Error('no token')
    const auth = verifyToken(token, undefined)
    if (auth.jkt !== undefined) throw new Error('bound')
    return auth
  }
}

function createVerifier({ issuer, audience, algorithm, jwk, scope, cacheEntries }: LimitSettings) {
  const check = createCheck(jwk, algorithm)
  const header = { typ: 'at+jwt', alg: algorithm, kid: jwk.kid }
  const knownHeader = Buffer.from(JSON.stringify(header)).toString('base64url')
  let young = new Map<string, LimitAuth>()
  let old = new Map<string, LimitAuth>()

  function remember(key: string, auth: LimitAuth): void {
    if (young.size >= cacheEntries / 2) {
      old = young
      young = new Map()
    }
    young.set(key, auth)
  }

  function verifyAnew(token: string): LimitAuth {
    const first = token.indexOf('.')
    const second = token.indexOf('.', first + 1)
    if (token.slice(0, first) !== knownHeader) throw new Error('header')
    if (!check(token.slice(0, second), token.slice(second + 1))) throw new Error('signature')
    const claims = JSON.parse(Buffer.from(token.slice(first + 1, second), 'base64url').toString('utf8')) as Claims
    if (claims['iss'] !== issuer) throw new Error('iss')
    const { aud } = claims
    if (aud !== audience && !(Array.isArray(aud) && aud.includes(audience))) throw new Error('aud')
    return readAuth(token, claims)
  }

  return (token: string, tokenHash: string | undefined): LimitAuth => {
    if (cacheEntries === 0) return judge(verifyAnew(token), scope)
    const key = tokenHash ?? hash('sha256', token, 'base64url')
    let auth = young.get(key) ?? old.get(key)
    if (auth === undefined) {
      auth = verifyAnew(token)
      remember(key, auth)
    }
    return judge(auth, scope)
  }
}

function readAuth(token: string, claims: Claims): LimitAuth {
  const { sub, client_id: clientId, jti, iat, nbf, exp, cnf } = claims
  if (typeof sub !== 'string' || typeof clientId !== 'string' || typeof jti !== 'string') throw new Error('claims')
  if (typeof iat !== 'number' || typeof exp !== 'number') throw new Error('claims')
  const notBefore = Math.max(iat, typeof nbf === 'number' ? nbf : 0)
  if (Date.now() < notBefore * 1000 - toleranceMs) throw new Error('not yet valid')
  const granted = typeof claims['scope'] === 'string' ? claims['scope'].split(' ') : []
  const jkt = (cnf as { jkt?: string } | undefined)?.jkt
  return { token, subject: sub, clientId, scopes: granted, claims: Object.freeze(claims), expiresAt: exp, jkt }
}

/** What is checked of a remembered token too. */
function judge(auth: LimitAuth, scope: string): LimitAuth {
  if (Date.now() >= auth.expiresAt * 1000 + toleranceMs) throw new Error('expired')
  if (!auth.scopes.includes(scope)) throw new Error('scope')
  return auth
}

/** A request with a DPoP proof. */
export interface LimitRequest {
  readonly authorization: string
  readonly dpop: string
  readonly method: string
  readonly url: string
}

const dpop = /^DPoP ([\w-]+\.[\w-]+\.[\w-]+)$/

/** Makes a verifier of DPoP-bound tokens with their proofs. */
export function createBoundTokenLimit(settings: LimitSettings): (request: LimitRequest) => LimitAuth {
  const verifyToken = createVerifier(settings)
  const verifyProof = createProofLimit()
  return (request) => {
    const token = dpop.exec(request.authorization)?.[1]
    if (token === undefined) throw new Error('no token')
    const tokenHash = hash('sha256', token, 'base64url')
    const auth = verifyToken(token, tokenHash)
    if (auth.jkt === undefined) throw new Error('unbound')
    verifyProof(request, tokenHash, auth.jkt)
    return auth
  }
}

/** Makes a verifier of DPoP proofs that keeps the keys it saw, and every proof for the time it could be replayed. */
export function createProofLimit(): (request: LimitRequest, tokenHash: string, jkt: string) => void {
  const keys = new Map<string, { readonly check: Check; readonly jkt: string }>()
  let seen = new Set<string>()
  let seenBefore = new Set<string>()
  let turnedAtMs = 0

  function use(id: string, nowMs: number): void {
    if (nowMs - turnedAtMs > 71_000) {
      seenBefore = seen
      seen = new Set()
      turnedAtMs = nowMs
    }
    if (seen.has(id) || seenBefore.has(id)) throw new Error('replay')
    seen.add(id)
  }

  return (request, tokenHash, jkt) => {
    const proof = request.dpop
    if (!threeSegments.test(proof)) throw new Error('proof')
    const first = proof.indexOf('.')
    const second = proof.indexOf('.', first + 1)
    const header = proof.slice(0, first)
    const key = keys.get(header) ?? readProofKey(header)
    if (key.jkt !== jkt) throw new Error('key')
    if (!key.check(proof.slice(0, second), proof.slice(second + 1))) throw new Error('signature')
    keys.set(header, key)
    const claims = JSON.parse(Buffer.from(proof.slice(first + 1, second), 'base64url').toString('utf8')) as Claims
    const nowMs = Date.now()
    if (claims['htm'] !== request.method || claims['htu'] !== request.url) throw new Error('target')
    if (typeof claims['iat'] !== 'number' || Math.abs(nowMs / 1000 - claims['iat']) > 60) throw new Error('iat')
    if (claims['ath'] !== tokenHash) throw new Error('ath')
    if (typeof claims['jti'] !== 'string') throw new Error('jti')
    use(hash('sha256', `${jkt}.${claims['jti']}`, 'base64url'), nowMs)
  }
}

function readProofKey(segment: string): { readonly check: Check; readonly jkt: string } {
  const { typ, alg, jwk } = JSON.parse(Buffer.from(segment, 'base64url').toString('utf8'))
  if (typ !== 'dpop+jwt' || alg !== 'ES256' || jwk?.d !== undefined) throw new Error('proof header')
  const { crv, kty, x, y } = jwk
  return { check: createCheck(jwk, alg), jkt: hash('sha256', JSON.stringify({ crv, kty, x, y }), 'base64url') }
}

/** A bare `KeyObject` and nothing else is what `crypto.verify` takes fastest, on Node 24 above all. */
function createCheck(jwk: JsonWebKey, algorithm: string): Check {
  const key = createPublicKey({ key: jwk, format: 'jwk' })
  if (algorithm.startsWith('ES')) {
    return (input, signature) => {
      const raw = Buffer.from(signature, 'base64url')
      const der = raw.length === 64 ? ecdsaDer(raw) : undefined
      return der !== undefined && verify('sha256', Buffer.from(input, 'latin1'), key, der)
    }
  }
  const digest = algorithm === 'EdDSA' ? null : 'sha256'
  const prepared = algorithm === 'PS256' ? pssKey(key) : key
  return (input, signature) =>
    verify(digest, Buffer.from(input, 'latin1'), prepared, Buffer.from(signature, 'base64url'))
}

function pssKey(key: KeyObject): KeyObject {
  const spki = rsaPssSpki(key.export({ format: 'der', type: 'pkcs1' }), 'SHA-256')
  return createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
}
