import { ClientCallError, OAuthClientError, RequestTimeoutError } from '../client/errors.js'
import type { TokenSet } from '../client/token-set.js'
import type { GetTokenOptions, TokenSource } from '../client/token-source.js'
import { ConfigurationError, type TokenStoreError } from '../errors/index.js'
import { type Clock, systemClock } from '../kit/clock.js'
import { emit } from '../kit/event-sink.js'
import type { EventListener } from '../kit/events.js'
import { FetchFailure } from '../kit/fetch/fetch-failure.js'
import {
  anything,
  checkOptions,
  faultOf,
  flag,
  func,
  integer,
  methods,
  type Rules,
  required,
  takes,
} from '../kit/options.js'
import { withTimeLimit } from '../kit/time-limit.js'
import type { LockStore, StoredTokens, TokenStore } from '../stores/contract.js'
import { checkTokenKey } from '../stores/token-entry.js'
import { createCurrentTokens } from './current-tokens.js'
import { type ReauthenticationReason, ReauthenticationRequiredError } from './reauthentication-required-error.js'
import { forgetSuccessors } from './successors.js'
import { createTokenKeeper } from './token-keeper.js'
import type { TokenProvider } from './token-provider.js'

/** Options of {@link createUserTokens}. @group User tokens */
export interface UserTokensOptions {
  /** Renews and revokes. */
  readonly provider: TokenProvider
  /** Where the tokens are kept. */
  readonly store: TokenStore
  /**
   * Lets one process at a time renew them: the same one for every process that shares the store. Needed unless the store
   * is gone with the process. Has 5 s to answer.
   */
  readonly lock?: LockStore | undefined
  /** Whose tokens: 1 to 512 characters, made of issuer and subject, never of a name or an e-mail address. */
  readonly key: string
  /** How long before its end an access token is renewed, a tenth of its life at most. 0 to 3600, default 60. */
  readonly skewSeconds?: number | undefined
  /**
   * How long callers wait for the answer to a refresh. 1 to 600,000, default 10,000. The answer itself is waited for a minute
   * at least: one that is given up is lost.
   */
  readonly refreshTimeoutMs?: number | undefined
  /** How long a refresh token that was sent without an answer is left alone. 0 to 3600, default 30. */
  readonly ambiguousRetrySeconds?: number | undefined
  /** How long the server takes a spent refresh token again. Allows one immediate repeat. 0 to 3600, default 0. */
  readonly reuseGraceSeconds?: number | undefined
  /** Told once when the user has to sign in again, until tokens are set or found again. What it throws is swallowed. */
  readonly onReauthRequired?: ((reason: ReauthenticationReason) => unknown) | undefined
  readonly onEvent?: EventListener | undefined
  /** Default: the system clock. */
  readonly clock?: Clock | undefined
}

/** What {@link UserTokens.set} takes beside the tokens. @group User tokens */
export interface SetTokensOptions {
  /** Whose tokens these are; kept in the entry. */
  readonly account?: StoredTokens['account'] | undefined
}

/** How a logout went. @group User tokens */
export interface LogoutOutcome {
  /** `nothing`: there were no tokens, or `revoke` was false. `failed`: the server may still take them. */
  readonly revocation: 'revoked' | 'unsupported' | 'failed' | 'nothing'
}

/**
 * The tokens of one user with one provider. Every function rejects with a {@link ReauthenticationRequiredError}, a
 * {@link TokenStoreError} (503, and `retryable` tells) or another {@link OAuthClientError}. Functions can be taken off
 * the object.
 *
 * @group User tokens
 */
export interface UserTokens extends TokenSource, AsyncDisposable {
  /** Reads what is kept, and renews what has expired. `undefined` where there is nothing, or nothing that still serves. */
  restore(): Promise<TokenSet | undefined>
  /** Keeps the tokens of a login, in the place of any others. */
  set(tokens: TokenSet, options?: SetTokensOptions): Promise<void>
  /**
   * A token that has not expired: the known one, or a new one. Near its end the known one is given, and renewed in the
   * background. With `rejected` another one, wherever it comes from: what another process renewed meanwhile, or a refresh.
   */
  getToken(options?: GetTokenOptions): Promise<TokenSet>
  /** Whether there is a token that has not expired. Asks the store, never the server, and renews nothing. */
  isAuthenticated(): Promise<boolean>
  /** Renews the token now. The same as `getToken({ forceRefresh: true })`. */
  refresh(options?: Omit<GetTokenOptions, 'forceRefresh' | 'autoRefresh'>): Promise<TokenSet>
  /** Forgets the tokens here and in the store. Revokes nothing. */
  clear(): Promise<void>
  /**
   * Ends the session: deletes the entry, then revokes its tokens, within 3 s. A refresh that is under way, here or in
   * another process, does not bring it back.
   *
   * @throws {@link TokenStoreError} where the entry could not be deleted; the tokens were revoked all the same.
   */
  logout(options?: { readonly revoke?: boolean | undefined }): Promise<LogoutOutcome>
  /** Renews tokens ahead of their end, by one timer, until {@link close} or a logout. Does not keep the process alive. */
  startBackgroundRefresh(): void
  /**
   * Stops the timer, waits for a refresh under way, and tries once more to write what the store did not take: an answer that
   * is not kept may cost the user a login.
   */
  close(): Promise<void>
}

const rules: Rules<UserTokensOptions> = {
  provider: required(methods('refresh', 'revoke')),
  store: required(methods('get', 'set', 'replace', 'delete', 'describe')),
  lock: methods('acquire'),
  key: anything,
  skewSeconds: integer(0, 3600),
  refreshTimeoutMs: integer(1, 600_000),
  ambiguousRetrySeconds: integer(0, 3600),
  reuseGraceSeconds: integer(0, 3600),
  onReauthRequired: func,
  onEvent: func,
  clock: func,
}

const isTokens = (value: unknown): boolean =>
  value instanceof Object && 'accessToken' in value && typeof value.accessToken === 'string'

const getRules: Rules<GetTokenOptions> = {
  forceRefresh: flag,
  rejected: takes(isTokens, 'a token set'),
  autoRefresh: flag,
  signal: takes((value) => value instanceof AbortSignal, 'an AbortSignal'),
  timeoutMs: integer(1),
}

/**
 * Makes the one owner of a user's tokens in this process: keeps them in a store, renews them ahead of their end, and with
 * a lock so that no two processes send the same refresh token. Cheap: make one per user or per request.
 *
 * @throws {@link ConfigurationError} for an option that is wrong or unknown, and for a store that others may share without
 * a lock.
 * @group User tokens
 */
export function createUserTokens(options: UserTokensOptions): UserTokens {
  checkOptions('createUserTokens', options, rules)
  const { provider, store, lock, key, skewSeconds = 60, onReauthRequired, onEvent, clock = systemClock } = options
  checkKey(key)
  if (lock === undefined && store.describe().persistent) {
    throw new ConfigurationError(
      '`lock` is needed: other processes may share the store, and two of them must not refresh.',
    )
  }
  const settings = {
    ...{ provider, store, lock, key, skewSeconds, onReauthRequired, onEvent, clock },
    refreshTimeoutMs: options.refreshTimeoutMs ?? 10_000,
    ambiguousRetryMs: (options.ambiguousRetrySeconds ?? 30) * 1000,
    reuseGraceMs: (options.reuseGraceSeconds ?? 0) * 1000,
  }
  const keeper = createTokenKeeper(settings)
  const current = createCurrentTokens(settings, keeper)

  async function getToken(options: GetTokenOptions = {}): Promise<TokenSet> {
    const fault = faultOf('getToken', options, getRules)
    if (fault !== undefined) throw new ClientCallError('ERR_CLIENT_ARGUMENT', { message: fault })
    return waitFor(options, () => current.find(options))
  }

  async function restore(): Promise<TokenSet | undefined> {
    if ((await keeper.load()) === undefined) return undefined
    try {
      return await getToken()
    } catch (error) {
      if (error instanceof ReauthenticationRequiredError) return undefined
      throw error
    }
  }

  async function isAuthenticated(): Promise<boolean> {
    const kept = await keeper.load().catch((error: TokenStoreError) => {
      const { held } = keeper.state()
      if (held === undefined || current.isExpired(held.tokens)) throw error
      emit(onEvent, { type: 'store.failed', store: 'tokens', reason: error.code, failedOpen: true })
      return held
    })
    return kept !== undefined && !current.isExpired(kept.tokens)
  }

  async function logout({ revoke = true }: { readonly revoke?: boolean | undefined } = {}): Promise<LogoutOutcome> {
    current.stopTimer()
    const { tokens, failure } = await keeper.take()
    if (tokens !== undefined) await forgetSuccessors(settings, tokens)
    const revocation = tokens === undefined || !revoke ? 'nothing' : await keeper.revoke(tokens)
    emit(onEvent, { type: 'logout.completed', provider: provider.name, revocation })
    if (failure !== undefined) throw failure
    return { revocation }
  }

  async function close(): Promise<void> {
    current.stopTimer()
    await current.settled()
    if (keeper.state().unsaved !== undefined) await Promise.allSettled([keeper.load()])
  }

  return Object.freeze<UserTokens>({
    get dpop() {
      return provider.client?.dpop
    },
    restore,
    async set(tokens, { account } = {}) {
      if (!isTokens(tokens)) throw new ClientCallError('ERR_CLIENT_ARGUMENT', { message: '`set` takes a token set.' })
      await keeper.put(tokens, account)
      current.resetTimer()
    },
    getToken,
    isAuthenticated,
    refresh: (options) => getToken({ ...options, forceRefresh: true }),
    clear: async () => void (await logout({ revoke: false })),
    logout,
    startBackgroundRefresh: current.startTimer,
    close,
    [Symbol.asyncDispose]: close,
  })
}

function checkKey(key: string): void {
  try {
    checkTokenKey(key)
  } catch {
    throw new ConfigurationError('`key` takes text of 1 to 512 characters.')
  }
}

const foreverMs = 2_147_483_647

/** Waits no longer than the caller wants; the work goes on for others. */
async function waitFor<T>({ signal, timeoutMs }: GetTokenOptions, work: () => Promise<T>): Promise<T> {
  if (signal === undefined && timeoutMs === undefined) return work()
  try {
    return await withTimeLimit(timeoutMs ?? foreverMs, work, [signal])
  } catch (error) {
    if (error instanceof FetchFailure) throw new RequestTimeoutError('ERR_TIMEOUT', { operation: 'refresh' })
    if (signal?.aborted === true) throw new OAuthClientError('ERR_ABORTED', { operation: 'refresh' })
    throw error
  }
}
