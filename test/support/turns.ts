/** Numbers from 0 to 1 that are the same in every run (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/**
 * Lets everything that waits for its turn go on in an order of its own. `pass` lets time go by, and is told whether
 * something waits.
 */
export function createTurns(random: () => number, pass: (isWaiting: boolean) => Promise<unknown>) {
  const waiting: (() => void)[] = []
  const turn = () => new Promise<void>((resolve) => void waiting.push(resolve))
  return {
    /** A function that waits for a turn before it is called, and for another before it answers. */
    taking:
      <Arguments extends unknown[], T>(call: (...args: Arguments) => Promise<T>) =>
      async (...args: Arguments): Promise<T> => {
        await turn()
        const answer = await call(...args)
        await turn()
        return answer
      },
    async untilSettled(work: Promise<unknown>) {
      let isSettled = false
      void work.finally(() => {
        isSettled = true
      })
      for (;;) {
        await pass(waiting.length > 0)
        if (isSettled) return
        waiting.splice(Math.floor(random() * waiting.length), 1)[0]?.()
      }
    },
  }
}
