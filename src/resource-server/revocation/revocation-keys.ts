import { sha256Base64url } from '#crypto'
import { ConfigurationError } from '../../errors/index.js'
import { type JsonObject, ownMember } from '../../kit/json.js'
import { type MaybePromise, whenReady } from '../../kit/maybe-promise.js'

/**
 * What `server.revoke` shall refuse from now on: one token by `jti`, or all tokens of a user or a session that were
 * issued so far.
 *
 * @group Revocation
 */
export interface Revocation {
  /** Whose tokens: one of the server's issuers. */
  readonly issuer: string
  /** The one token with this `jti`. Stands alone. */
  readonly jti?: string | undefined
  /** Alone: every token of this subject. With `sid`: see there. */
  readonly sub?: string | undefined
  /** Every token of this session; together with `sub` also the tokens of that subject that name no session. */
  readonly sid?: string | undefined
  /**
   * Tokens of `sub` and `sid` are revoked when their `iat` is not later than this time, in seconds since the Unix epoch
   * by the issuer's clock; tokens without `iat` always are. Default: now, and the issuer's `clockToleranceSeconds` ahead,
   * since a token from a clock that runs ahead by as much is accepted.
   */
  readonly atSeconds?: number | undefined
}

/** What of a verified token decides whether it is revoked. */
export interface RevocableToken {
  readonly issuer: string
  readonly subject: string
  readonly tokenClaims: JsonObject
}

/** The keys of a token in a revocation store: digests, so that no claim value is stored. The first may stand for `jti`. */
export interface TokenKeys {
  readonly keys: readonly string[]
  /** How many of the first keys revoke the token whenever it was issued. */
  readonly exact: number
}

/** What a revocation marks in a store. */
export interface RevocationMarks {
  readonly keys: readonly string[]
  /** The key of the subject, where the marks are those of one of its sessions. */
  readonly widerKey: string | undefined
}

type Kind = 'jti' | 'sub' | 'sid' | 'sub-without-sid'

/**
 * The keys under which a revocation is stored.
 *
 * @throws {@link ConfigurationError} when it does not say what to revoke, or says it twice.
 */
export async function revocationMarks({ issuer, jti, sub, sid }: Revocation): Promise<RevocationMarks> {
  const named = [jti, sub, sid].filter((value) => value !== undefined)
  if (named.length === 0 || !named.every((value) => typeof value === 'string' && value !== '')) {
    throw new ConfigurationError('`revoke` takes `jti`, `sub` or `sid`: non-empty strings.')
  }
  if (jti !== undefined) {
    if (named.length > 1) throw new ConfigurationError('`revoke` takes either `jti`, or `sub` and `sid`.')
    return { keys: await digestAll(issuer, [['jti', jti]]), widerKey: undefined }
  }
  if (sid === undefined) return { keys: await digestAll(issuer, [['sub', sub as string]]), widerKey: undefined }
  if (sub === undefined) return { keys: await digestAll(issuer, [['sid', sid]]), widerKey: undefined }
  const marked = [
    ['sub', sub],
    ['sid', sid],
    ['sub-without-sid', sub],
  ] as const
  const [widerKey, ...keys] = await digestAll(issuer, marked)
  return { keys, widerKey }
}

/** The keys that revoke a token. */
export function tokenKeys({ issuer, subject, tokenClaims }: RevocableToken): MaybePromise<TokenKeys> {
  const jti = ownMember(tokenClaims, 'jti')
  const sid = ownMember(tokenClaims, 'sid')
  const session = typeof sid === 'string' ? (['sid', sid] as const) : (['sub-without-sid', subject] as const)
  const named = typeof jti === 'string' ? ([['jti', jti]] as const) : []
  return whenReady(digestAll(issuer, [...named, ['sub', subject], session]), (keys) => ({ keys, exact: named.length }))
}

function digestAll(
  issuer: string,
  named: readonly (readonly [kind: Kind, value: string])[],
): MaybePromise<readonly string[]> {
  const digests = named.map(([kind, value]) => sha256Base64url(JSON.stringify([kind, issuer, value])))
  return digests.every((digest) => typeof digest === 'string') ? digests : Promise.all(digests)
}
