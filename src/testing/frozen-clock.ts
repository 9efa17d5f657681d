import type { Clock } from '../kit/clock.js'

/**
 * A clock that moves only when told to. Times are milliseconds since the Unix epoch.
 *
 * @group Testing
 */
export interface FrozenClock {
  /** Give this to the server under test and to {@link createTestIssuer}, so that both live at the same moment. */
  readonly now: Clock
  /** Moves the clock by `ms`; a negative number moves it back. */
  advance(ms: number): void
  /** Moves the clock to `ms` since the epoch. */
  set(ms: number): void
}

/**
 * Makes a clock that stands still. It touches no timer: code that waits in real time goes on waiting in real time.
 *
 * @param startMs - where it stands at first. Default 2026-01-01T00:00:00Z.
 * @example
 * ```ts
 * const clock = createFrozenClock()
 * const issuer = createTestIssuer({ clock: clock.now })
 * const server = createResourceServer({ resource, issuer: issuer.issuer, fetch: issuer.fetch, clock: clock.now })
 * const token = issuer.mintToken()
 * clock.advance(3_600_000) // the token has expired
 * ```
 * @group Testing
 */
export function createFrozenClock(startMs: number = Date.UTC(2026, 0, 1)): FrozenClock {
  let nowMs = startMs
  return {
    now: () => nowMs,
    advance(ms) {
      nowMs += ms
    },
    set(ms) {
      nowMs = ms
    },
  }
}
