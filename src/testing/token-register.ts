import { randomBytes } from 'node:crypto'
import type { Clock } from '../kit/clock.js'
import { isJsonObject, type JsonObject, parseJsonObject } from '../kit/json.js'
import { type IssuerAnswer, jsonAnswer } from './endpoint-controls.js'
import type { EndpointRequest } from './issuer-endpoints.js'
import type { SigningKey } from './key-ring.js'
import { hasValidSignature, signCompact } from './sign-compact.js'

/** Tokens as introspection sees them. @group Testing */
export interface TokenRegister {
  /**
   * An opaque token that introspection knows. Claims default as for {@link TokenMint.mintToken}.
   *
   * @param claims - replaces claims; `undefined` removes one. `active` is what introspection says, default true.
   */
  mintOpaqueToken(claims?: JsonObject): string
  /** From now on introspection calls the token, opaque or JWT, inactive. */
  revoke(token: string): void
}

/** A {@link TokenRegister} that can look tokens up. */
export interface ReadableTokenRegister extends TokenRegister {
  /** The claims of a token issued here that is neither expired nor revoked. */
  find(token: string): JsonObject | undefined
}

/** The register of one issuer. JWTs are not stored: their signature tells that they were issued here. */
export function createTokenRegister(settings: {
  readonly defaultClaims: () => JsonObject
  readonly signingKeys: () => readonly SigningKey[]
  readonly clock: Clock
}): ReadableTokenRegister {
  const opaque = new Map<string, JsonObject>()
  const revoked = new Set<string>()
  const jwtClaims = (token: string): JsonObject | undefined => {
    const issuedHere = settings.signingKeys().some((key) => hasValidSignature(token, key))
    return issuedHere ? parseJsonObject(Buffer.from(token.split('.')[1] as string, 'base64url').toString()) : undefined
  }
  return {
    mintOpaqueToken(claims) {
      const token = randomBytes(24).toString('base64url')
      opaque.set(token, { ...settings.defaultClaims(), ...claims })
      return token
    },
    revoke(token) {
      revoked.add(token)
    },
    find(token) {
      const claims = opaque.get(token) ?? jwtClaims(token)
      if (claims === undefined || revoked.has(token)) return undefined
      const { exp } = claims
      return typeof exp === 'number' && exp * 1000 <= settings.clock() ? undefined : claims
    },
  }
}

const signedType = 'application/token-introspection+jwt'

/** What the introspection endpoint asks of its issuer. */
export interface IntrospectionSettings {
  readonly issuer: string
  /** The `aud` of a signed answer. */
  readonly audience: string | readonly string[]
  readonly nowSeconds: number
  readonly key: SigningKey
  readonly find: (token: string) => JsonObject | undefined
}

/** Answers by RFC 7662 §2.2, signed by RFC 9701 §5 where the caller asks for that media type. */
export function introspectionAnswer(request: EndpointRequest, settings: IntrospectionSettings): IssuerAnswer {
  const token = new URLSearchParams(request.body).get('token')
  if (token === null) return jsonAnswer(400, { error: 'invalid_request' })
  const claims = settings.find(token)
  const answer = claims === undefined ? { active: false } : { active: true, token_type: tokenType(claims), ...claims }
  if (!request.headers['accept']?.includes(signedType)) return jsonAnswer(200, answer)
  return { status: 200, headers: { 'content-type': signedType }, body: signedAnswer(answer, settings) }
}

function signedAnswer(answer: JsonObject, { issuer, audience, nowSeconds, key }: IntrospectionSettings): string {
  const header = { typ: 'token-introspection+jwt', alg: key.algorithm, kid: key.kid }
  const payload = { iss: issuer, aud: audience, iat: nowSeconds, token_introspection: answer }
  return signCompact({ header, payload, key })
}

function tokenType({ cnf }: JsonObject): string {
  return isJsonObject(cnf) && cnf['jkt'] !== undefined ? 'DPoP' : 'Bearer'
}
