import { InvalidTokenError } from '../errors/index.js'
import { maxJsonDepth } from '../lib/compact-jws.js'
import { freezeWithin, isJsonObject, type JsonObject, ownMember } from '../lib/json.js'
import { invalidClaim } from './claim-values.js'
import { introspectionFailure } from './introspection-failure.js'
import { readClaims } from './read-claims.js'
import type { ClaimRules, VerifiedEntry } from './token-rules.js'

/**
 * Judges what an authorization server says about a token (RFC 7662 §2.2): only the boolean `active: true` counts, and
 * every member that is there is held against the same rules as the claim of a JWT. `iss` must be the issuer that was
 * asked; `token_type` must fit `cnf` (RFC 9449 §6.2). Does NOT compare the audience, nor judge `cnf`.
 *
 * @param rules - how members are judged, and which of them may lack.
 * @throws {@link InvalidTokenError} for a token that is inactive or fails a rule.
 * @throws {@link UnavailableError} for an answer without a boolean `active`.
 */
export function readIntrospectedToken(
  issuer: string,
  answer: JsonObject,
  rules: ClaimRules,
  nowMs: number,
): VerifiedEntry {
  const active = ownMember(answer, 'active')
  if (typeof active !== 'boolean') throw introspectionFailure('active is no boolean')
  if (!active) throw new InvalidTokenError('ERR_TOKEN_INACTIVE')
  const iss = ownMember(answer, 'iss')
  if (iss !== undefined && iss !== issuer) throw new InvalidTokenError('ERR_TOKEN_ISSUER')
  checkTokenType(answer)
  if (!freezeWithin(answer, maxJsonDepth)) invalidClaim('depth')
  return readClaims({ issuer, key: undefined }, answer, rules, nowMs)
}

/**
 * Together with the check of the binding this settles that the scheme fits the token type: a token bound to a key comes
 * by DPoP alone, any other one by Bearer alone.
 */
function checkTokenType(answer: JsonObject): void {
  const given = ownMember(answer, 'token_type')
  if (given === undefined) return
  const type = typeof given === 'string' ? given.toLowerCase() : undefined
  if (type !== 'bearer' && type !== 'dpop') throw new InvalidTokenError('ERR_TOKEN_TYPE', { detail: 'token_type' })
  const cnf = ownMember(answer, 'cnf')
  const bound = isJsonObject(cnf) && Object.hasOwn(cnf, 'jkt')
  if (bound !== (type === 'dpop')) throw new InvalidTokenError('ERR_TOKEN_CONFIRMATION', { detail: 'token_type' })
}
