import type { Auth } from '../../auth/auth.js'
import { isJsonObject, ownMember } from '../../kit/json.js'

/** Somebody who wants to act for the subject of a token, by the claims that identify them. @group Resource server */
export interface ActorIdentity {
  /** The client, or the subject of the actor's token. */
  readonly sub: string
  /** Who issued that identity. Default: the issuer of the subject's token. */
  readonly iss?: string | undefined
  /** Whatever else identifies them: `client_id`, for instance. */
  readonly [claim: string]: unknown
}

/**
 * Whether the token of `auth` says that `actor` may act for its subject (RFC 8693 §4.4): true when every member of its
 * `may_act` matches, false when one does not, `undefined` when the token makes no such statement, and policy decides.
 * An issuer left out, here or there, is the token's own.
 *
 * Reads `auth.claims`: a claims schema of yours must keep `may_act`. Does NOT verify that `actor` is who it claims to be.
 *
 * @group Resource server
 */
export function mayAct(auth: Pick<Auth<unknown>, 'claims' | 'issuer'>, actor: ActorIdentity): boolean | undefined {
  const allowed = isJsonObject(auth.claims) ? ownMember(auth.claims, 'may_act') : undefined
  if (allowed === undefined) return undefined
  if (!isJsonObject(allowed) || ownMember(allowed, 'sub') === undefined) return false
  const { iss = auth.issuer, ...identity } = actor
  const known: Readonly<Record<string, unknown>> = { ...identity, iss }
  const wanted = { iss: auth.issuer, ...allowed }
  return Object.entries(wanted).every(([name, value]) => typeof value === 'string' && ownMember(known, name) === value)
}
