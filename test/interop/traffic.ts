import { setTimeout as delay } from 'node:timers/promises'

/** Requests that go on and on. */
export interface Traffic {
  /** Every outcome of one kind of request so far, each once. */
  seen(kind: string): string[]
  stop(): Promise<void>
}

/** Asks each of the questions again and again, some twenty times a second, whatever comes back. */
export function keepAsking(questions: Readonly<Record<string, () => Promise<string>>>): Traffic {
  const outcomes = new Map(Object.keys(questions).map((kind) => [kind, new Set<string>()]))
  let stopped = false
  const loops = Object.entries(questions).map(async ([kind, ask]) => {
    while (!stopped) {
      outcomes.get(kind)?.add(await ask())
      await delay(50)
    }
  })
  return {
    seen: (kind) => [...(outcomes.get(kind) ?? [])],
    async stop() {
      stopped = true
      await Promise.all(loops)
    },
  }
}
