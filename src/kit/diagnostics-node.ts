/** `#diagnostics` where there is `node:diagnostics_channel`. `diagnostics-web.ts` is its counterpart. */
import { channel, tracingChannel } from 'node:diagnostics_channel'
import type { TracedOperation, TracedWork } from './event-sink.js'

/** Every event, whoever else listens. */
export const eventChannel = channel('portcullis:event')

const operations = ['keys', 'discovery', 'introspection', 'exchange', 'client'] as const satisfies TracedOperation[]

const channels = Object.fromEntries(
  operations.map((operation) => [operation, tracingChannel(`portcullis:${operation}`)]),
) as Record<TracedOperation, ReturnType<typeof tracingChannel>>

/** Runs `work` with the events of a tracing channel around it, where somebody subscribed to one. */
export function traceOnChannel<T>(work: TracedWork, run: () => Promise<T>): Promise<T> {
  const found = channels[work.operation]
  return found.hasSubscribers ? found.tracePromise(run, { ...work }) : run()
}
