import type { SignatureAlgorithm } from '../jws/algorithms.js'
import { type JwkRefusal, type PublishedJwk, readPublicJwk } from '../jws/jwk.js'
import { createVerificationKey, keyIdentity, type ManagedKey } from '../jws/verification-key.js'
import type { KeyRefusalCode } from '../kit/failure-code.js'
import type { JsonObject } from '../kit/json.js'

/** The usable keys of one answer, ready for look-up. */
export interface KeyTable {
  readonly keys: readonly ManagedKey[]
  /**
   * The keys that may have signed a token, in order: those of that `kid`, or, without one, all; of these the ones that
   * fit `algorithm`, where one is given (RFC 7517 §4.5).
   */
  candidates(kid: string | undefined, algorithm: SignatureAlgorithm | undefined): readonly ManagedKey[]
  /** Whether a key of that name is there, of whatever type. True without a name. */
  hasName(kid: string | undefined): boolean
}

/** Which entries of a key set may sign, beyond what holds for every key. */
export interface KeySettings {
  /** Accepted values of `use`, where there is one. */
  readonly uses: readonly string[]
  /** Whether the members of an entry are as demanded. */
  readonly accepts: (jwk: JsonObject) => boolean
}

/** What {@link readKeys} made of the entries of a key set. */
export interface ReadKeys {
  readonly keys: readonly ManagedKey[]
  /** Why entries were passed over, and where they stand; holds nothing of the entries. */
  readonly skipped: readonly { readonly code: KeyRefusalCode; readonly index: number }[]
}

/**
 * Reads the entries of a key set one by one: a bad one never spoils its neighbours (RFC 7517 §5). An entry equal to a
 * key in `previous` gives that very object; a repeated entry counts once.
 */
export function readKeys(
  entries: readonly unknown[],
  previous: readonly ManagedKey[],
  rules?: KeySettings | undefined,
): ReadKeys {
  const known = new Map(previous.map((key) => [key.identity, key]))
  const keys = new Set<ManagedKey>()
  const skipped: { readonly code: KeyRefusalCode; readonly index: number }[] = []
  for (const [index, entry] of entries.entries()) {
    const jwk = readRuledJwk(entry, rules)
    if ('reason' in jwk) {
      skipped.push({ code: jwk.code, index })
      continue
    }
    const identity = keyIdentity(jwk)
    const key = known.get(identity) ?? createVerificationKey(jwk)
    known.set(identity, key)
    keys.add(key)
  }
  return { keys: [...keys], skipped }
}

/** As `readPublicJwk`, and held against the rules of one issuer. */
export function readRuledJwk(value: unknown, rules: KeySettings | undefined): PublishedJwk | JwkRefusal {
  const jwk = readPublicJwk(value, rules?.uses)
  if ('reason' in jwk || rules === undefined || rules.accepts(value as JsonObject)) return jwk
  return { code: 'key_conditions', reason: 'not as keyConditions demands' }
}

/** Makes a {@link KeyTable}. A `kid` is only ever the key of a `Map`: no text in it can reach anything else. */
export function createKeyTable(keys: readonly ManagedKey[]): KeyTable {
  const byKid = new Map<string, ManagedKey[]>()
  for (const key of keys) {
    if (key.kid === undefined) continue
    const named = byKid.get(key.kid)
    if (named === undefined) byKid.set(key.kid, [key])
    else named.push(key)
  }
  return {
    keys,
    candidates(kid, algorithm) {
      const named = kid === undefined ? keys : byKid.get(kid)
      if (named === undefined) return []
      if (algorithm === undefined) return named
      const [first] = named
      if (named.length === 1 && first?.fits(algorithm) === true) return named
      return named.filter((key) => key.fits(algorithm))
    },
    hasName: (kid) => kid === undefined || byKid.has(kid),
  }
}
