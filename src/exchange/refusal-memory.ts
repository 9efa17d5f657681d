import type { AuthError } from '../errors/index.js'
import type { Clock } from '../lib/clock.js'
import { createTwoGenerationCache } from '../lib/two-generation-cache.js'

/** Remembers refusals for seconds, so that a refused caller does not ask the token endpoint with every request. */
export interface RefusalMemory {
  get(key: string): AuthError | undefined
  add(key: string, error: AuthError): void
}

const maxRefusals = 1000

/** Makes a bounded memory that forgets after `ttlMs`. */
export function createRefusalMemory(ttlMs: number, clock: Clock): RefusalMemory {
  const refusals = createTwoGenerationCache<{ readonly error: AuthError; readonly untilMs: number }>(maxRefusals)
  return {
    get(key) {
      const known = refusals.get(key)
      return known !== undefined && clock() < known.untilMs ? known.error : undefined
    },
    add(key, error) {
      refusals.set(key, { error, untilMs: clock() + ttlMs })
    },
  }
}
