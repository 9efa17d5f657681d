import type { TracedWork } from './event-sink.js'
import type { PortcullisEvent } from './events.js'

/** `#diagnostics` where there are no channels. `diagnostics-node.ts` is its counterpart. */
export const eventChannel = { hasSubscribers: false, publish(_event: PortcullisEvent): void {} }

/** Runs `work`. */
export function traceOnChannel<T>(_work: TracedWork, run: () => Promise<T>): Promise<T> {
  return run()
}
