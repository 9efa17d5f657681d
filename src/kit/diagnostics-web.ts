import type { TracedOperation } from './event-sink.js'
import type { PortcullisEvent } from './events.js'

/** `#diagnostics` where there are no channels. `diagnostics-node.ts` is its counterpart. */
export const eventChannel = { hasSubscribers: false, publish(_event: PortcullisEvent): void {} }

/** None, for no kind of work. */
export const workChannels: Readonly<Partial<Record<TracedOperation, undefined>>> = {}
