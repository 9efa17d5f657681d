import type { Confirmation } from '../../auth/auth.js'
import { InvalidTokenError } from '../../errors/index.js'
import { isJsonObject, ownMember } from '../../kit/json.js'

/**
 * Reads a `cnf` claim (RFC 7800 §3.1). Members it does not know are ignored beside `jkt` or `x5t#S256`. `undefined` for
 * a token that is not bound: no claim, or, where the issuer's options say so, a claim with unknown members alone.
 *
 * @throws {@link InvalidTokenError} `ERR_TOKEN_CONFIRMATION` for a claim that is no object or an empty one, a known
 * member that is no string or an empty one, and for unknown members alone unless those are ignored.
 */
export function readConfirmation(cnf: unknown, unknownMembersAlone: 'refuse' | 'ignore'): Confirmation | undefined {
  if (cnf === undefined) return undefined
  if (!isJsonObject(cnf) || Object.keys(cnf).length === 0) refuse('cnf is no object with members')
  const jkt = readMember(ownMember(cnf, 'jkt'))
  const thumbprint = readMember(ownMember(cnf, 'x5t#S256'))
  if (jkt !== undefined || thumbprint !== undefined) return Object.freeze({ jkt, 'x5t#S256': thumbprint })
  return unknownMembersAlone === 'ignore' ? undefined : refuse('cnf has no member known here')
}

function readMember(value: unknown): string | undefined {
  if (value === undefined || (typeof value === 'string' && value !== '')) return value
  return refuse('a member of cnf is no string')
}

function refuse(detail: string): never {
  throw new InvalidTokenError('ERR_TOKEN_CONFIRMATION', { detail })
}
