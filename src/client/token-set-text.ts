/*
 * A token set as text, and back: what stores keep. Does not encrypt: that is for the store.
 */
import { isJsonObject, isStringArray, type JsonObject, parseJsonObject } from '../kit/json.js'
import { ClientCallError } from './errors.js'
import { freezeTokenSet, type TokenSet } from './token-set.js'

/** The members of an answer that hold a token, and where a set has it. */
const tokenMembers = { access_token: 'accessToken', refresh_token: 'refreshToken', id_token: 'idToken' } as const

const tokenTypes: readonly unknown[] = ['Bearer', 'DPoP', 'N_A'] satisfies readonly TokenSet['tokenType'][]

/**
 * A token set as text, in a versioned form that {@link parseTokenSet} reads. The text holds the tokens: keep it where
 * tokens may be kept, and nowhere else.
 *
 * @group Tokens
 */
export function serializeTokenSet(tokens: TokenSet): string {
  const { tokenType, expiresAt, issuedAt, scope, issuedTokenType, refreshExpiresAt } = tokens
  const { accessToken, refreshToken, idToken, raw } = tokens
  // A token that the answer holds too is written once.
  const inRaw = Object.entries(tokenMembers).filter(
    ([name, member]) => isText(raw[name]) && raw[name] === tokens[member],
  )
  const repeated = inRaw.map(([name]) => name)
  const answer = Object.fromEntries(Object.entries(raw).filter(([name]) => !repeated.includes(name)))
  return JSON.stringify({
    v: 1,
    ...{ tokenType, expiresAt, issuedAt, scope, issuedTokenType, refreshExpiresAt },
    ...{ accessToken, refreshToken, idToken, answer, repeated },
  })
}

/**
 * Reads what {@link serializeTokenSet} wrote. Does NOT tell whether the tokens are still good.
 *
 * @throws {@link ClientCallError} `ERR_CLIENT_ARGUMENT` for any other text, that of a later version included.
 * @group Tokens
 */
export function parseTokenSet(text: string): TokenSet {
  const value = parseJsonObject(text)
  if (value === undefined || !isKept(value)) {
    throw new ClientCallError('ERR_CLIENT_ARGUMENT', {
      message: 'The text is no token set, or one of a version that is not known here.',
    })
  }
  const { tokenType, expiresAt, issuedAt, scope, issuedTokenType, refreshExpiresAt } = value
  const { accessToken, refreshToken, idToken, answer, repeated } = value
  const names = Object.entries(tokenMembers).filter(([name]) => repeated.includes(name))
  const raw = { ...answer, ...Object.fromEntries(names.map(([name, member]) => [name, value[member]])) }
  return freezeTokenSet({
    ...{ tokenType, expiresAt, issuedAt, scope, issuedTokenType, refreshExpiresAt },
    ...{ accessToken, refreshToken, idToken, raw },
  })
}

type KeptTokenSet = Omit<TokenSet, 'metadata' | 'raw'> & {
  readonly answer: JsonObject
  readonly repeated: readonly string[]
}

function isKept(value: JsonObject): value is JsonObject & KeptTokenSet {
  const { v, tokenType, expiresAt, issuedAt, scope, issuedTokenType, refreshExpiresAt } = value
  const { accessToken, refreshToken, idToken, answer, repeated } = value
  return (
    v === 1 &&
    isText(accessToken) &&
    tokenTypes.includes(tokenType) &&
    Number.isFinite(issuedAt) &&
    [expiresAt, refreshExpiresAt].every((time) => time === undefined || Number.isFinite(time)) &&
    [refreshToken, idToken, issuedTokenType].every((member) => member === undefined || isText(member)) &&
    isStringArray(scope) &&
    isJsonObject(answer) &&
    isStringArray(repeated)
  )
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}
