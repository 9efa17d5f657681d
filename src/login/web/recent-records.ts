/*
 * Sessions as requests brought them lately, so that the next request with the very same text need not open and parse it
 * again. Judges none of them: its ends and its revocation are looked at on every request, wherever a record is from.
 */
import { createShortMemory } from '../../kit/bounded-cache.js'
import type { Clock } from '../../kit/clock.js'
import { freezeWithin } from '../../kit/json.js'
import type { SessionRecord } from './login-session.js'

/** How many are remembered. */
const maxRecent = 2000
/** Longer texts are read each time, so that a few large sessions do not take much memory. */
const maxRecentLength = 8192
/** How long one is remembered, used or not. */
const recentMs = 300_000
/** How deep `data` may nest in one that requests share: none of them may change what the others see. */
const maxDepth = 32

/** Remembers the last text of a session, and what was read from it, for each of the sessions used lately. */
export interface RecentRecords {
  /** The record that was read from `text`; `undefined` where it is another text than the last one. */
  get(key: string, text: string): SessionRecord | undefined
  set(key: string, text: string, record: SessionRecord): void
  forget(key: string): void
}

/** Makes a {@link RecentRecords}. `isSame` compares a text to the last one, whose length is no secret. */
export function createRecentRecords(clock: Clock, isSame: (text: string, last: string) => boolean): RecentRecords {
  const recent = createShortMemory<{ readonly text: string; readonly record: SessionRecord }>(
    maxRecent,
    recentMs,
    clock,
  )
  return {
    get(key, text) {
      const last = recent.get(key)
      return last !== undefined && isSame(text, last.text) ? last.record : undefined
    },
    set(key, text, record) {
      if (text.length <= maxRecentLength && freezeWithin(record, maxDepth)) recent.set(key, { text, record })
    },
    forget: (key) => recent.delete(key),
  }
}
