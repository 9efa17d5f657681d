import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { TokenStore } from '../../src/stores/contract.js'
import { countUp } from '../support/count-up-processes.js'

/** A token store that several processes share. */
export interface ProcessesUnderTest {
  readonly store: TokenStore
  /** What another process needs to make the same store with `createTokenStore`. */
  readonly settings: object
}

/** What every token store that processes share has to do. */
export function describeProcesses(name: string, create: () => Promise<ProcessesUnderTest>): void {
  describe(`${name} as a token store of processes`, () => {
    it('[S1-41] loses no replacement of several processes', async () => {
      const { store, settings } = await create()
      const key = `user-${randomUUID()}`
      await countUp(settings, key, 3, 12)
      expect((await store.get(key))?.tokens).toBe('36')
    })
  })
}
