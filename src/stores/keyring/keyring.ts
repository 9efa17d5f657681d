import { TokenStoreError } from '../../errors/index.js'
import { pause } from '../../kit/time-limit.js'
import { createKeyringCalls, type KeyringCall } from './keyring-thread.js'

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
  const callKeyring = createKeyringCalls(service, linuxStore)
  let hasAnswered = false

  /** Tries again only what failed in a keyring that worked before. */
  async function call(wanted: KeyringCall): Promise<unknown> {
    for (const pauseMs of pausesBeforeRetryMs) {
      try {
        return await callOnce(wanted)
      } catch (error) {
        if (!hasAnswered || (error as TokenStoreError).code !== 'ERR_TOKEN_STORE_UNAVAILABLE') throw error
        await pause(pauseMs)
      }
    }
    return callOnce(wanted)
  }

  async function callOnce(wanted: KeyringCall): Promise<unknown> {
    const controller = new AbortController()
    const timer = setTimeout(() => {
      const detail = `The keyring did not answer in ${timeoutMs} ms: it may be asking for its password.`
      controller.abort(fail('LOCKED', detail))
    }, timeoutMs)
    try {
      const answer = await callKeyring(wanted, controller.signal)
      hasAnswered = true
      return answer
    } catch (error) {
      throw classify(error)
    } finally {
      clearTimeout(timer)
    }
  }

  return {
    get: async (account) => ((await call({ method: 'getPassword', account })) as string | null) ?? undefined,
    set: async (account, secret) => void (await call({ method: 'setPassword', account, secret })),
    delete: async (account) => (await call({ method: 'deleteCredential', account })) as boolean,
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
