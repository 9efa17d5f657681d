import { TokenStoreError } from '../../errors/index.js'
import { failureCode } from '../../kit/failure-code.js'
import { pause } from '../../kit/time-limit.js'

/** The part of `@napi-rs/keyring` that is used. */
interface KeyringModule {
  readonly AsyncEntry: new (
    service: string,
    account: string,
    options: { readonly linux: { readonly store: 'secret-service' | 'keyutils' } },
  ) => {
    getPassword(signal: AbortSignal): Promise<string | null>
    setPassword(password: string, signal: AbortSignal): Promise<void>
    deleteCredential(signal: AbortSignal): Promise<boolean>
  }
}

/** One secret per account, as the operating system keeps them. */
export interface Keyring {
  get(account: string): Promise<string | undefined>
  set(account: string, secret: string): Promise<void>
  /** False when there was none. */
  delete(account: string): Promise<boolean>
}

/** Where the secrets are, and how long one call may take: a prompt that no user answers included. */
export interface KeyringSettings {
  readonly service: string
  readonly linuxStore: 'secret-service' | 'keyutils'
  readonly timeoutMs: number
}

/** Texts of the keyring's own, by which a keyring that is closed is told from one that is missing. Matched, never shown. */
const refusal = /\block|unlock|prompt|dismiss|denied|interaction|not receive a reply/i

/**
 * GNOME's keyring ends itself now and then while programs open it (its work item 196, `assertion 'client' failed`; seen
 * in about one of 20,000 calls under load), and the desktop starts it again. Each call may be made twice without harm.
 */
const pausesBeforeRetryMs = [100, 400, 1000]

/** Makes a {@link Keyring}. The package is loaded at the first call. */
export function createKeyring({ service, linuxStore, timeoutMs }: KeyringSettings): Keyring {
  let loading: Promise<KeyringModule> | undefined
  let hasAnswered = false

  /** Tries again only what failed in a keyring that worked before. */
  async function call<T>(account: string, work: (entry: Entry, signal: AbortSignal) => Promise<T>): Promise<T> {
    for (const pauseMs of pausesBeforeRetryMs) {
      try {
        return await callOnce(account, work)
      } catch (error) {
        if (!hasAnswered || (error as TokenStoreError).code !== 'ERR_TOKEN_STORE_UNAVAILABLE') throw error
        await pause(pauseMs)
      }
    }
    return callOnce(account, work)
  }

  async function callOnce<T>(account: string, work: (entry: Entry, signal: AbortSignal) => Promise<T>): Promise<T> {
    loading ??= load()
    const { AsyncEntry } = await loading
    const controller = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    const expiry = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(fail('LOCKED', `The keyring did not answer in ${timeoutMs} ms: it may be asking for its password.`))
      }, timeoutMs)
    })
    try {
      const entry = new AsyncEntry(service, account, { linux: { store: linuxStore } })
      const answer = await Promise.race([work(entry, controller.signal), expiry])
      hasAnswered = true
      return answer
    } catch (error) {
      controller.abort()
      throw classify(error)
    } finally {
      clearTimeout(timer)
    }
  }

  return {
    get: (account) => call(account, async (entry, signal) => (await entry.getPassword(signal)) ?? undefined),
    set: (account, secret) => call(account, (entry, signal) => entry.setPassword(secret, signal)),
    delete: (account) => call(account, (entry, signal) => entry.deleteCredential(signal)),
  }
}

type Entry = InstanceType<KeyringModule['AsyncEntry']>

async function load(): Promise<KeyringModule> {
  try {
    return await import('@napi-rs/keyring')
  } catch (error) {
    const code = failureCode(error)
    throw fail('UNAVAILABLE', `The package @napi-rs/keyring cannot be loaded (${code}): install it beside portcullis.`)
  }
}

function classify(error: unknown): TokenStoreError {
  if (error instanceof TokenStoreError) return error
  const isRefusal = error instanceof Error && refusal.test(error.message)
  if (isRefusal) return fail('LOCKED', 'The keyring is locked, or refuses this program.')
  return fail('UNAVAILABLE', 'There is no keyring here that works: no Secret Service, Keychain or Credential Manager.')
}

function fail(code: 'LOCKED' | 'UNAVAILABLE', detail: string): TokenStoreError {
  return new TokenStoreError(`ERR_TOKEN_STORE_${code}`, detail)
}
