/**
 * Tells the time in milliseconds since the Unix epoch, as `Date.now` does. Injected everywhere time is read, so that
 * tests can freeze it.
 */
export type Clock = () => number

/** The system clock. */
export const systemClock: Clock = () => Date.now()

/** Milliseconds from some fixed point on, for durations: the time of day may be set back meanwhile. */
export const monotonicClock: Clock = () => performance.now()
