import { join } from 'node:path'
import { hasRedis, startRedis } from '../support/redis.js'
import { hasSecretService, startSecretService } from '../support/secret-service.js'
import { createAgeKey, hasSops } from '../support/sops.js'
import type { World } from './open-tokens.js'

/** A store that processes share, and how fast it is. */
export interface Place {
  readonly name: string
  readonly world: Omit<World, 'origin'>
  /** How many processes are killed at a time. */
  readonly kills: number
  /** How many interleavings are promised of it, as many as it does in some ten minutes; and how many at a time. */
  readonly interleavings: number
  readonly parallel: number
  stop?(): Promise<void>
}

type OpenPlace = (folder: string) => Promise<Place | undefined>

/** Starts what each store needs. `undefined` where the machine does not have it; says so, and fails on CI. */
export const places: Readonly<Record<string, OpenPlace>> = {
  file: async (folder) => {
    const world = { store: { kind: 'file', directory: join(folder, 'entries') }, lockDirectory: join(folder, 'locks') }
    return { name: 'file', world, kills: 4, interleavings: 10_000, parallel: 8 }
  },
  encrypted: async (folder) => {
    const store = { kind: 'encrypted', directory: join(folder, 'entries') }
    const world = { store, lockDirectory: join(folder, 'locks'), seed: 5 }
    return { name: 'encrypted file', world, kills: 4, interleavings: 10_000, parallel: 8 }
  },
  keyring: async (folder) => {
    if (!hasSecretService('soak of the keyring')) return undefined
    const { env, stop } = await startSecretService('unlocked')
    // For the processes, which inherit it, and for this one: the keyring looks for its D-Bus there.
    Object.assign(process.env, env)
    const store = { kind: 'keyring', service: 'portcullis-soak', timeoutMs: 20_000 }
    const world = { store, lockDirectory: join(folder, 'locks'), writeMs: 200 }
    return { name: 'keyring, file lock', world, kills: 2, interleavings: 1000, parallel: 4, stop }
  },
  sops: async (folder) => {
    if (!hasSops('soak of SOPS')) return undefined
    const { recipient, env } = createAgeKey()
    const store = { kind: 'sops', directory: join(folder, 'entries'), ageRecipients: recipient, env }
    const world = { store, lockDirectory: join(folder, 'locks'), writeMs: 150 }
    return { name: 'SOPS', world, kills: 3, interleavings: 1000, parallel: 2 }
  },
  redis: async () => {
    if (!hasRedis('soak of Redis')) return undefined
    const { port, stop } = await startRedis()
    const world = { store: { kind: 'redis' }, redisPort: port, seed: 6 }
    // A lock in Redis outlives its process, by 30 s.
    return { name: 'Redis', world, kills: 48, interleavings: 10_000, parallel: 32, stop }
  },
}
