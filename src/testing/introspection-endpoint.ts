import { isJsonObject, type JsonObject } from '../kit/json.js'
import { type IssuerAnswer, jsonAnswer } from './behaviour.js'
import { signCompact } from './compact-jws.js'
import type { EndpointRequest } from './endpoint-request.js'
import type { SigningKey } from './signing-key.js'

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
