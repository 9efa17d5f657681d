/*
 * One attempt to sign in, from the redirect to the callback, and its sealed form for keeping it outside, such as in a
 * cookie. Does not keep it.
 */
import type { AuthorizationChecks } from '../client/grant-types/authorization-url.js'
import { hideSecrets } from '../kit/hidden.js'
import { isStringArray, type JsonObject, parseJsonObject } from '../kit/json.js'
import { createSealer, type SealKey } from '../stores/sealer.js'

/**
 * One attempt to sign in. Frozen data, good once and for 10 minutes: keep it where only this browser or this process brings
 * it back, sealed by {@link sealTransaction} where that is outside. `state`, `nonce` and `codeVerifier` are hidden.
 *
 * @group Login
 */
export interface LoginTransaction extends AuthorizationChecks {
  readonly v: 1
  readonly id: string
  /** The name of the provider. */
  readonly provider: string
  readonly issuer: string
  readonly clientId: string
  /** As it was given: check it where you use it. */
  readonly returnTo: string | undefined
  /** Seconds since the Unix epoch. */
  readonly createdAt: number
  /** Seconds since the Unix epoch. */
  readonly expiresAt: number
}

/** Builds a transaction of its members, the secrets hidden. */
export function freezeTransaction(members: LoginTransaction): LoginTransaction {
  const { state, nonce, codeVerifier, scope, resource, acrValues, ...shown } = members
  const lists = {
    scope: Object.freeze([...scope]),
    resource: Object.freeze([...resource]),
    acrValues: acrValues && Object.freeze([...acrValues]),
  }
  return hideSecrets({ ...shown, ...lists }, { state, nonce, codeVerifier })
}

/**
 * Seals a transaction (AES-256-GCM) so that it can be kept by a browser.
 *
 * @param keys - the first seals, all open.
 * @param place - where it will be kept, such as the name of the cookie: it opens nowhere else.
 * @throws `ConfigurationError` for keys that are not 32 bytes.
 * @group Login
 */
export async function sealTransaction(
  transaction: LoginTransaction,
  keys: readonly SealKey[],
  place: string,
): Promise<string> {
  const { state, nonce, codeVerifier } = transaction
  return createSealer(keys).seal(JSON.stringify({ ...transaction, state, nonce, codeVerifier }), placeOf(place))
}

/**
 * Opens a sealed transaction; `undefined` where it was altered, is of another place, or was sealed with a key that is not
 * in the ring. Does NOT look whether it has expired: `redeem` does.
 *
 * @throws `ConfigurationError` for keys that are not 32 bytes.
 * @group Login
 */
export async function openTransaction(
  sealed: string,
  keys: readonly SealKey[],
  place: string,
): Promise<LoginTransaction | undefined> {
  const members = parseJsonObject((await createSealer(keys).open(sealed, placeOf(place))) ?? '')
  return members !== undefined && isTransaction(members) ? freezeTransaction(members) : undefined
}

/** Tells sealed transactions from whatever else is sealed with the same keys. */
function placeOf(place: string): string {
  return `login-transaction:${place}`
}

const texts = ['id', 'provider', 'issuer', 'clientId', 'redirectUri', 'state', 'nonce', 'codeVerifier'] as const

/** Whether these are the members of a transaction of this version. */
export function isTransaction(members: JsonObject | LoginTransaction): members is LoginTransaction {
  const { v, scope, resource, acrValues = [], maxAgeSeconds = 0, createdAt, expiresAt } = members
  const hasTexts = texts.every((name) => typeof members[name] === 'string' && members[name] !== '')
  const hasLists = [scope, resource, acrValues].every(isStringArray)
  return v === 1 && hasTexts && hasLists && [maxAgeSeconds, createdAt, expiresAt].every(Number.isFinite)
}
