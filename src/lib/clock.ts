/**
 * Tells the time in milliseconds since the Unix epoch, as `Date.now` does. Injected everywhere time is read, so that
 * tests can freeze it.
 */
export type Clock = () => number

/** The system clock. */
export const systemClock: Clock = () => Date.now()
