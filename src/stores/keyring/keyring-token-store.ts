import { dirname, join } from 'node:path'
import { sha256Base64url } from '#crypto'
import { type Clock, systemClock } from '../../kit/clock.js'
import { isStringArray } from '../../kit/json.js'
import { checkOptions, choice, func, integer, methods, type Rules, text } from '../../kit/options.js'
import type { LockStore, TokenStore } from '../contract.js'
import { createFileLock } from '../file/file-lock.js'
import { tokenDirectory } from '../file/token-directory.js'
import { createLockedTokenStore, createQueue, type TextBackend } from '../locked-token-store.js'
import { probeTokenStore } from '../probe-token-store.js'
import { unlessDamaged } from '../token-entry.js'
import { createKeyring } from './keyring.js'
import { createKeyringTexts, type KeyringTexts } from './keyring-texts.js'

/** Options of {@link createKeyringTokenStore}. @group Token stores */
export interface KeyringTokenStoreOptions {
  /** The name under which the keyring shows the entries. Default `portcullis`. */
  readonly service?: string | undefined
  /**
   * Which keyring of Linux, where there are two. Default `secret-service`, that of the desktop. `keyutils` is the keyring
   * of the kernel: entries are lost at reboot.
   */
  readonly linuxStore?: 'secret-service' | 'keyutils' | undefined
  /** How long one call of the keyring may take, a prompt for its password included. Default 10,000. */
  readonly timeoutMs?: number | undefined
  /** What keeps processes apart that write the same entry. Default: a file lock in the state folder of this user. */
  readonly lock?: LockStore | undefined
  /** Default: the system clock. */
  readonly clock?: Clock | undefined
}

/** A token store in the keyring of the operating system. @group Token stores */
export interface KeyringTokenStore extends TokenStore {
  /**
   * Writes an entry, reads it back and deletes it. Only this shows that a keyring works: where there is none, reading
   * finds nothing and says no more. Call it before a login begins.
   *
   * @throws {@link TokenStoreError}
   */
  probe(): Promise<void>
}

const rules: Rules<KeyringTokenStoreOptions> = {
  service: text,
  linuxStore: choice('secret-service', 'keyutils'),
  timeoutMs: integer(1, 600_000),
  lock: methods('acquire'),
  clock: func,
}

/** No hash has this name. */
const keyList = 'keys'

/**
 * Keeps tokens in the keyring: Secret Service on Linux, Keychain on macOS, Credential Manager on Windows; in pieces small
 * enough for each. Protects from other users and from whoever gets the disk; other programs of this user can ask for the
 * entries too, on macOS after a prompt. There is no other store behind it: where the keyring fails, so does the call.
 *
 * Needs the package `@napi-rs/keyring`, which is loaded when the store is first used.
 *
 * @throws {@link ConfigurationError} for an option that is wrong or unknown.
 * @group Token stores
 */
export function createKeyringTokenStore(options: KeyringTokenStoreOptions = {}): KeyringTokenStore {
  checkOptions('createKeyringTokenStore', options, rules)
  const { service = 'portcullis', linuxStore = 'secret-service', timeoutMs = 10_000, clock = systemClock } = options
  // An answer to a prompt, and everything after it: one call of the keyring takes milliseconds then.
  const workMs = 2 * timeoutMs
  const lock = options.lock ?? createFileLock({ directory: join(dirname(tokenDirectory()), 'locks') })
  const texts = createKeyringTexts(createKeyring({ service, linuxStore, timeoutMs }))
  const persistent = process.platform !== 'linux' || linuxStore !== 'keyutils'
  const description = { kind: 'keyring', atRest: 'os', location: service, persistent } as const
  const store = createLockedTokenStore(createBackend(texts, lock, workMs), lock, clock, description, 2 * workMs)
  return Object.freeze<KeyringTokenStore>({ ...store, probe: () => probeTokenStore(store) })
}

function createBackend(texts: KeyringTexts, lock: LockStore, workMs: number): TextBackend {
  const exclusively = createQueue(lock, workMs)

  /** A list that is damaged is begun anew: it only serves `keys`. */
  async function readKeys(): Promise<readonly string[]> {
    const text = await unlessDamaged(texts.read(keyList))
    const keys: unknown = text === undefined ? [] : JSON.parse(text)
    return isStringArray(keys) ? keys : []
  }

  async function changeKeys(key: string, isWanted: boolean): Promise<void> {
    if ((await readKeys()).includes(key) === isWanted) return
    await exclusively(keyList, async (confirm) => {
      const others = (await readKeys()).filter((other) => other !== key)
      await texts.write(keyList, JSON.stringify(isWanted ? [...others, key] : others), confirm)
    })
  }

  return {
    read: async (key) => texts.read(await sha256Base64url(key)),
    async write(key, text, confirm) {
      await changeKeys(key, true)
      await texts.write(await sha256Base64url(key), text, confirm)
    },
    async remove(key) {
      const wasThere = await texts.remove(await sha256Base64url(key))
      await changeKeys(key, false)
      return wasThere
    },
    async *texts() {
      for (const key of await readKeys()) {
        const text = await unlessDamaged(texts.read(await sha256Base64url(key)))
        if (text !== undefined) yield text
      }
    },
  }
}
