import { InvalidTokenError } from '../../errors/index.js'
import { maxJsonDepth } from '../../jws/compact-jws.js'
import { freezeWithin, isJsonObject, type JsonObject, ownMember } from '../../kit/json.js'
import { invalidClaim } from './claim-values.js'
import { introspectionFailure } from './introspection-failure.js'
import { readClaims } from './read-claims.js'
import type { ClaimRules, VerifiedEntry } from './token-rules.js'
import { comparableType, foreignTokenTypes } from './token-type.js'

/**
 * Judges what an authorization server says about a token (RFC 7662 §2.2): only the boolean `active: true` counts, and
 * every member that is there is held against the same rules as the claim of a JWT. `iss` must be the issuer that was
 * asked; `token_use`, `typ` and `token_type` must not name another kind of token, since servers call refresh tokens
 * active as well; `token_type` must fit `cnf` (RFC 9449 §6.2). Does NOT compare the audience, nor judge `cnf`.
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
  checkKind(answer)
  checkTokenType(answer)
  if (!freezeWithin(answer, maxJsonDepth)) invalidClaim('depth')
  return readClaims({ issuer, key: undefined }, answer, rules, nowMs)
}

/** Other kinds of token than access tokens, as servers name them, without `_`, `-` and a final `token`. */
const otherKinds: ReadonlySet<string> = new Set([
  'refresh',
  'offline',
  'id',
  'serializedid',
  'logout',
  'backchannellogout',
  'initialaccess',
  'registrationaccess',
  'code',
  'authorizationcode',
  'devicecode',
  'usercode',
  'idjag',
  'txn',
  'saml1',
  'saml2',
])

function checkKind(answer: JsonObject): void {
  for (const name of ['token_use', 'typ', 'token_type']) {
    const kind = ownMember(answer, name)
    if (kind === undefined || kind === null) continue
    if (typeof kind !== 'string' || namesOtherKind(kind))
      throw new InvalidTokenError('ERR_TOKEN_TYPE', { detail: name })
  }
}

function namesOtherKind(kind: string): boolean {
  return foreignTokenTypes.has(comparableType(kind)) || otherKinds.has(plainKind(kind))
}

/** `urn:ietf:params:oauth:token-type:refresh_token`, `Refresh-Token` and `refresh` are all `refresh`. */
function plainKind(kind: string): string {
  const start = Math.max(kind.lastIndexOf(':'), kind.lastIndexOf('/')) + 1
  const letters = kind
    .slice(start)
    .toLowerCase()
    .replaceAll(/[\s_-]/g, '')
  return letters.replace(/\+jwt$/, '').replace(/token$/, '')
}

/** A `token_type` that names the kind and not the scheme: some servers write it there. */
const accessTokenKinds: ReadonlySet<string> = new Set(['access', 'at', 'jwt'])

/**
 * Together with the check of the binding this settles that the scheme fits the token type: a token bound to a key comes
 * by DPoP alone, any other one by Bearer alone.
 */
function checkTokenType(answer: JsonObject): void {
  const given = ownMember(answer, 'token_type')
  if (typeof given !== 'string') return
  const type = given.toLowerCase()
  if (type !== 'bearer' && type !== 'dpop' && !accessTokenKinds.has(plainKind(given))) {
    throw new InvalidTokenError('ERR_TOKEN_TYPE', { detail: 'token_type' })
  }
  const cnf = ownMember(answer, 'cnf')
  const bound = isJsonObject(cnf) && Object.hasOwn(cnf, 'jkt')
  if (bound !== (type === 'dpop')) throw new InvalidTokenError('ERR_TOKEN_CONFIRMATION', { detail: 'token_type' })
}
