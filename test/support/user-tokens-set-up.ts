import { createMemoryLockStore, type PortcullisEvent } from 'portcullis'
import { createMemoryTokenStore, createUserTokens, type TokenStore, type UserTokensOptions } from 'portcullis/login'
import { expect } from 'vitest'
import { rotatingServer } from './rotating-server.js'

/** A store whose functions a test replaces. */
export type MutableStore = { -readonly [Name in keyof TokenStore]: TokenStore[Name] }

/** A store that other processes share, as far as `createUserTokens` can tell. */
export function shared(inner: TokenStore, more: Partial<TokenStore> = {}): MutableStore {
  return { ...inner, describe: () => ({ ...inner.describe(), persistent: true }), ...more }
}

/** A rotating server, a store and a lock, and processes that share them. */
export function setUpUserTokens({ lifeSeconds = 100, rotates = true } = {}) {
  const server = rotatingServer({ clock: Date.now, lifeSeconds, rotates })
  const inner = createMemoryTokenStore({ clock: Date.now })
  const lock = createMemoryLockStore({ clock: Date.now })
  const events: PortcullisEvent[] = []
  const reasons: string[] = []
  return {
    ...{ server, inner, lock, events, reasons },
    /** Each call is another process: a store object of its own, over the same entries. */
    open: (more: Partial<UserTokensOptions> = {}, store = shared(inner)) =>
      createUserTokens({
        ...{ provider: server.provider, store, lock, key: 'user' },
        onEvent: (event) => void events.push(event),
        onReauthRequired: (reason) => void reasons.push(reason),
        ...more,
      }),
    types: () => events.map(({ type }) => type),
  }
}

export const reauth = (reason: string) =>
  expect.objectContaining({ name: 'ReauthenticationRequiredError', code: 'ERR_REAUTHENTICATION_REQUIRED', reason })

/** What a promise rejects with; `undefined` where it does not. */
export const rejected = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  )
