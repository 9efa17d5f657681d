import { setTimeout } from 'node:timers/promises'

/** What a stretch of traffic came to. */
export interface TrafficResult {
  readonly requests: number
  /** How many were answered with anything but 200, or not at all. */
  readonly failures: number
}

/** Requests that go on until told to stop. */
export interface Traffic {
  /** From now on requests carry this token too: all known ones take turns. */
  add(token: string): void
  /** Lets it flow for so long. */
  flow(ms: number): Promise<void>
  stop(): Promise<TrafficResult>
}

/** Keeps eight requests to `url` in flight at any time. */
export function startTraffic(url: string, firstToken: string): Traffic {
  const tokens = [firstToken]
  let running = true
  let requests = 0
  let failures = 0
  const worker = async () => {
    while (running) {
      const token = tokens[requests % tokens.length]
      const good = await fetch(url, { headers: { authorization: `Bearer ${token}` } }).then(
        async (response) => (await response.text()) !== '' && response.status === 200,
        () => false,
      )
      requests += 1
      if (!good) failures += 1
    }
  }
  const workers = Array.from({ length: 8 }, worker)
  return {
    add(token) {
      tokens.push(token)
    },
    flow: (ms) => setTimeout(ms),
    async stop() {
      running = false
      await Promise.all(workers)
      return { requests, failures }
    },
  }
}
