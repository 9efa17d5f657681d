import type { Actor } from '../../auth/auth.js'
import { isJsonObject, ownMember } from '../../kit/json.js'

const maxDepth = 8

/**
 * Reads an `act` claim (RFC 8693 §4.1): who acts for the subject, earlier actors nested inside. `null` when it is
 * malformed or nests deeper than 8: such a token must be refused. `exp`, `nbf` and `aud` inside it mean nothing.
 */
export function readActor(value: unknown, depth = 1): Actor | undefined | null {
  if (value === undefined) return undefined
  if (!isJsonObject(value) || depth > maxDepth) return null
  const sub = ownMember(value, 'sub')
  const iss = ownMember(value, 'iss')
  if (typeof sub !== 'string' || sub === '' || (iss !== undefined && typeof iss !== 'string')) return null
  const act = readActor(ownMember(value, 'act'), depth + 1)
  if (act === null) return null
  return Object.freeze({ sub, ...(iss !== undefined && { iss }), ...(act !== undefined && { act }) })
}

/** Whether a `may_act` claim is usable: absent, or an object with a string `sub` (RFC 8693 §4.4). */
export function isReadableMayAct(value: unknown): boolean {
  if (value === undefined) return true
  return isJsonObject(value) && typeof ownMember(value, 'sub') === 'string'
}
