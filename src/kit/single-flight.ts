/** Work in progress, by key. */
export interface SingleFlight<T> {
  /** Joins the work under way for `key`, or starts it. Nothing is remembered once it settled, failure least of all. */
  run(key: string, work: () => Promise<T>): Promise<T>
  /** The work under way for `key`. */
  current(key: string): Promise<T> | undefined
}

/** Lets any number of concurrent callers share one piece of work. Holds as many entries as there is work under way. */
export function createSingleFlight<T>(): SingleFlight<T> {
  const flights = new Map<string, Promise<T>>()

  async function land(key: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } finally {
      flights.delete(key)
    }
  }

  return {
    run(key, work) {
      const joined = flights.get(key)
      if (joined !== undefined) return joined
      // The work starts a microtask later, so that it cannot land before it is entered here.
      const flight = Promise.resolve().then(() => land(key, work))
      flights.set(key, flight)
      return flight
    },
    current: (key) => flights.get(key),
  }
}
