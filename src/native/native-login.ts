/** What every way to sign in on a user's machine has in common: what it is told, and how the outcome is kept. */
import { sha256Base64url } from '#crypto'
import { LoginTimeoutError } from '../client/login-errors.js'
import { type Clock, systemClock } from '../kit/clock.js'
import { FetchFailure } from '../kit/fetch/fetch-failure.js'
import { isJsonObject, ownMember, parseJsonObject } from '../kit/json.js'
import { func, methods, type Rules, takes, texts } from '../kit/options.js'
import { untilAborted, withTimeLimit } from '../kit/time-limit.js'
import { askStore } from '../login/keys-of-store.js'
import type { LoginAccount, LoginResult } from '../login/login-result.js'
import { putTokens } from '../login/put-tokens.js'
import type { SignInProvider } from '../login/resource/sign-in.js'
import type { TokenStore } from '../stores/contract.js'
import { LoginCancelledError } from './native-errors.js'

/** Where a login stands. @group Native login */
export type LoginState = 'pending' | 'in_progress' | 'redeeming' | 'completed' | 'failed' | 'timed_out' | 'cancelled'

/** Options of every way to sign in. @group Native login */
export interface NativeLoginOptions {
  /**
   * Keeps the tokens, once, under {@link NativeLogin.key}, in the place of any others. One that fails ends the login with a
   * {@link TokenStoreError}. Left out: nothing is kept.
   */
  readonly store?: TokenStore | undefined
  /** Default: those of the provider. */
  readonly scopes?: readonly string[] | undefined
  /** Told of every change, in order. What it throws ends the login. */
  readonly onStateChange?: ((state: LoginState) => void) | undefined
  /** Gives the login up: it rejects with `ERR_LOGIN_CANCELLED`. */
  readonly signal?: AbortSignal | undefined
  /** Default: the system clock. */
  readonly clock?: Clock | undefined
}

/** A login that succeeded on this machine. @group Native login */
export interface NativeLogin extends LoginResult {
  /** Where the store keeps the tokens: for `createUserTokens`. */
  readonly key: string
}

/** The rules of {@link NativeLoginOptions}. */
export const nativeLoginRules: Rules<NativeLoginOptions> = {
  store: methods('get', 'set', 'delete', 'describe'),
  scopes: texts,
  onStateChange: func,
  signal: takes((value) => value instanceof AbortSignal, 'an AbortSignal'),
  clock: func,
}

/** Runs one login and tells where it stands. `work` says itself when it is in progress, and when it redeems where it knows. */
export async function runNativeLogin(
  provider: SignInProvider,
  options: NativeLoginOptions,
  work: (tell: (state: 'in_progress' | 'redeeming') => void) => Promise<LoginResult>,
): Promise<NativeLogin> {
  const tell = (state: LoginState) => options.onStateChange?.(state)
  tell('pending')
  try {
    const result = await work(tell)
    const key = await keepLogin(provider, result, options)
    tell('completed')
    return Object.freeze({ ...result, key })
  } catch (error) {
    tell(endOf(error))
    throw error
  }
}

function endOf(error: unknown): LoginState {
  if (error instanceof LoginTimeoutError) return 'timed_out'
  return error instanceof LoginCancelledError ? 'cancelled' : 'failed'
}

/**
 * Waits for the user: no longer than `timeoutMs`, and not once `signal` aborts.
 *
 * @throws {@link LoginTimeoutError}, {@link LoginCancelledError}, or what `work` rejects with.
 */
export async function waitForUser<T>(
  work: () => Promise<T>,
  signal: AbortSignal | undefined,
  timeoutMs?: number,
): Promise<T> {
  try {
    if (timeoutMs !== undefined) return await withTimeLimit(timeoutMs, work, [signal])
    return await (signal === undefined ? work() : untilAborted(signal, work))
  } catch (error) {
    if (signal?.aborted) throw new LoginCancelledError()
    if (error instanceof FetchFailure) throw new LoginTimeoutError('ERR_LOGIN_TIMEOUT', { operation: 'login' })
    throw error
  }
}

/**
 * The key that the tokens of an account are kept under: of the issuer and the subject, never of a name.
 *
 * @group Native login
 */
export async function accountKey(providerName: string, { issuer, subject }: LoginAccount): Promise<string> {
  return `${accountPrefix(providerName)}${await sha256Base64url(`${issuer}\n${subject}`)}`
}

/** What the keys of all accounts of a provider begin with. */
export function accountPrefix(providerName: string): string {
  return `${providerName}:`
}

/** The key of the entry that names the account that is meant where none is. */
export function pointerKey(providerName: string): string {
  return `${accountPrefix(providerName)}default`
}

/**
 * Keeps the tokens under the key of the account, and makes it the account that is meant where none is named.
 *
 * @throws {@link TokenStoreError}
 */
async function keepLogin(provider: SignInProvider, login: LoginResult, options: NativeLoginOptions): Promise<string> {
  const { store, clock = systemClock } = options
  const { account, tokens } = login
  const key = await accountKey(provider.name, account)
  if (store === undefined) return key
  const { serverId = account.issuer } = provider
  await putTokens({ store, key, serverId, clock }, tokens, account)
  const pointer = { v: 1, version: crypto.randomUUID(), tokens: JSON.stringify({ key }), account } as const
  const savedAt = Math.floor(clock() / 1000)
  await askStore(store, () => store.set(pointerKey(provider.name), { ...pointer, savedAt }))
  return key
}

/**
 * The key of the account that signed in last with a provider; `undefined` where none did.
 *
 * @throws what the store rejects with.
 * @group Native login
 */
export async function defaultAccountKey(store: TokenStore, providerName: string): Promise<string | undefined> {
  const entry = await store.get(pointerKey(providerName))
  const pointer = entry === undefined ? undefined : parseJsonObject(entry.tokens)
  const key = isJsonObject(pointer) ? ownMember(pointer, 'key') : undefined
  return typeof key === 'string' ? key : undefined
}

/** Forgets which account is meant where none is named. The tokens stay. @group Native login */
export async function forgetDefaultAccount(store: TokenStore, providerName: string): Promise<void> {
  await store.delete(pointerKey(providerName))
}
