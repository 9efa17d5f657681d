import { Redis } from 'ioredis'
import { createOAuthClient, publicClient } from 'portcullis/client'
import {
  createUserTokens,
  type LockStore,
  type TokenProvider,
  type TokenStore,
  type UserTokens,
} from 'portcullis/login'
import { createFileLock, createTokenStore, type TokenStoreSettings } from 'portcullis/native'
import { createRedisLockStore } from 'portcullis/redis'

/** What a process needs to share a store, its lock and the server with others. */
export interface World {
  readonly origin: string
  readonly store: Record<string, unknown>
  /** For a file lock; without it the lock is in Redis. */
  readonly lockDirectory?: string | undefined
  readonly redisPort?: number | undefined
  readonly seed?: number | undefined
  /** How long a write to the store takes; a process is killed within that time. Default 3. */
  readonly writeMs?: number | undefined
}

/** The parts of a world, to be wrapped before they are used. */
export interface Parts {
  readonly provider: TokenProvider
  readonly store: TokenStore
  readonly lock: LockStore
  readonly clock: () => number
  close(): void
}

/** `clock` is how late it is for access tokens; locks and stores live in real time. */
export function openParts(
  { origin, store: settings, lockDirectory, redisPort, seed }: World,
  clock: () => number = Date.now,
): Parts {
  const client = createOAuthClient({
    issuer: origin,
    credential: publicClient({ clientId: 'soak' }),
    discovery: false,
    endpoints: { token: '/token', revocation: '/revoke' },
    allowInsecureLoopback: true,
    timeoutMs: 60_000,
    retry: false,
    clock,
  })
  const redis = redisPort === undefined ? undefined : new Redis(redisPort, '127.0.0.1')
  const secret = seed === undefined ? undefined : new Uint8Array(32).fill(seed)
  const sealing = secret && { keys: [{ id: 'k', secret }], nameSecret: secret }
  const connection = redis && { client: redis, timeoutMs: 20_000 }
  const lock =
    lockDirectory === undefined
      ? createRedisLockStore({ client: redis as Redis, timeoutMs: 4000 })
      : createFileLock({ directory: lockDirectory })
  const keyringLock = settings['kind'] === 'keyring' && {
    lock: createFileLock({ directory: `${lockDirectory}/store` }),
  }
  return {
    provider: {
      name: 'soak',
      issuer: origin,
      refresh: ({ refreshToken = '' }, call) => client.refresh({ refreshToken }, call),
      async revoke({ refreshToken = '' }, call) {
        await client.revoke(refreshToken, call)
        return 'revoked'
      },
    },
    store: createTokenStore({ ...settings, ...sealing, ...connection, ...keyringLock } as TokenStoreSettings),
    lock,
    clock,
    close: () => redis?.disconnect(),
  }
}

/** The tokens of a key. */
export function openTokens({ provider, store, lock, clock }: Parts, key: string): UserTokens {
  return createUserTokens({ provider, store, lock, key, clock, refreshTimeoutMs: 60_000 })
}

const patienceMs = 60_000

/** Comes again for as long as it is told to (503), a minute at most. */
export async function patiently<T>(work: () => Promise<T>): Promise<T> {
  const startedMs = performance.now()
  for (;;) {
    try {
      return await work()
    } catch (error) {
      const { retryable } = error as { readonly retryable?: boolean }
      if (retryable !== true || performance.now() - startedMs > patienceMs) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}
