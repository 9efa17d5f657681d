/** `#diagnostics` where there is `node:diagnostics_channel`. `diagnostics-web.ts` is its counterpart. */
import { channel, tracingChannel } from 'node:diagnostics_channel'
import type { TracedOperation } from './event-sink.js'

/** Every event, whoever else listens. */
export const eventChannel = channel('portcullis:event')

const operations = ['keys', 'discovery', 'introspection', 'exchange', 'client'] as const satisfies TracedOperation[]

/** One tracing channel for each kind of work that goes out. */
export const workChannels = Object.fromEntries(
  operations.map((operation) => [operation, tracingChannel(`portcullis:${operation}`)]),
) as Partial<Record<TracedOperation, ReturnType<typeof tracingChannel>>>
