import type { Confirmation } from '../auth/auth.js'
import { InvalidTokenError } from '../errors/index.js'
import { isJsonObject, ownMember } from '../lib/json.js'

const known: ReadonlySet<string> = new Set(['jkt', 'x5t#S256'])

/**
 * Reads a `cnf` claim (RFC 7800 §3.1). `undefined` for a token that is not bound: no claim, or, where the issuer's
 * options say to ignore them, none but members nobody here can check.
 *
 * @throws {@link InvalidTokenError} `ERR_TOKEN_CONFIRMATION` for a claim that is no object or an empty one, a known
 * member that is no string or an empty one, and for any other member unless those are ignored.
 */
export function readConfirmation(cnf: unknown, unknownMembers: 'refuse' | 'ignore'): Confirmation | undefined {
  if (cnf === undefined) return undefined
  const names = isJsonObject(cnf) ? Object.keys(cnf) : []
  if (!isJsonObject(cnf) || names.length === 0) refuse('cnf is no object with members')
  if (unknownMembers === 'refuse' && !names.every((name) => known.has(name))) refuse('cnf has an unknown member')
  const jkt = readMember(ownMember(cnf, 'jkt'))
  const thumbprint = readMember(ownMember(cnf, 'x5t#S256'))
  if (jkt === undefined && thumbprint === undefined) return undefined
  return Object.freeze({ jkt, 'x5t#S256': thumbprint })
}

function readMember(value: unknown): string | undefined {
  if (value === undefined || (typeof value === 'string' && value !== '')) return value
  return refuse('a member of cnf is no string')
}

function refuse(detail: string): never {
  throw new InvalidTokenError('ERR_TOKEN_CONFIRMATION', { detail })
}
