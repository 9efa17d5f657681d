/** Where events and the work that leaves the process are told: to listeners, and to channels of the platform. */
import { eventChannel, workChannels } from '#diagnostics'
import type { ClientOperation } from './client-events.js'
import type { EventListener, PortcullisEvent } from './events.js'
import { isThenable } from './maybe-promise.js'

/** Work that goes out to an authorization server. @group Events */
export type TracedOperation = 'keys' | 'discovery' | 'introspection' | 'exchange' | 'client'

/** What is known of such work when it begins. @group Events */
export interface TracedWork {
  readonly operation: TracedOperation
  readonly issuer: string
  /** The downstream service, of an exchange. */
  readonly resource?: string | undefined
  /** Whether known keys serve meanwhile: no request waits for it. */
  readonly isBackground?: boolean | undefined
  /** The call, of the client. */
  readonly call?: ClientOperation | undefined
  /** That of the request it is done for, where it is done for one. */
  readonly correlationId?: string | undefined
}

/**
 * A listener that also wants to be around such work, so that what happens within it can be told to belong to it: spans.
 *
 * @group Events
 */
export interface TracingListener extends EventListener {
  /**
   * Has to call `run`, and gives or throws what it likes: whoever waits for the work gets the outcome of `run` itself. The
   * work runs, once, even where it is not called.
   */
  trace(work: TracedWork, run: () => Promise<unknown>): unknown
  /**
   * Gets, from each part it listens to that has key sets, the function that reads their state at any time. Hold it weakly:
   * it keeps that part alive.
   */
  watch?(read: ReadKeySets): void
}

/** The state of a key set, for a gauge. @group Events */
export interface KeySetReading {
  readonly issuer: string
  readonly state: 'empty' | 'fresh' | 'due' | 'stale' | 'expired'
  /** Since the last fetch; `undefined` before the first, and for keys that were given. */
  readonly ageMs: number | undefined
  readonly clockOffsetMs: number | undefined
}

/** Reads the state of key sets. No network. @group Events */
export type ReadKeySets = () => readonly KeySetReading[]

/** Tells everybody who listens. Built by {@link createEventSink}. */
export interface EventSink extends EventListener {
  /** Whether somebody listens. An event that costs something is made only then. */
  isHeard(): boolean
  /** Adds a listener until the function it gives is called. */
  observe(listener: EventListener): () => void
  /** Hands `read` to every tracing listener there is or will be. */
  watch(read: ReadKeySets): void
  /** Runs work with every tracing listener around it. */
  trace<T>(work: TracedWork, run: () => Promise<T>): Promise<T>
}

/**
 * Makes the sink of one server, client or grant engine. Listeners get events in the order they came, each frozen; what
 * they throw changes nothing. A subscriber of a channel that throws ends the process: Node has it so.
 */
export function createEventSink(onEvent: EventListener | undefined): EventSink {
  const listeners = new Set<EventListener>(onEvent === undefined ? [] : [onEvent])
  let readKeySets: ReadKeySets | undefined

  function tell(event: PortcullisEvent): void {
    if (listeners.size === 0 && !eventChannel.hasSubscribers) return
    Object.freeze(event)
    for (const listener of listeners) emit(listener, event)
    if (eventChannel.hasSubscribers) eventChannel.publish(event)
  }

  return Object.assign(tell, {
    isHeard: () => listeners.size > 0 || eventChannel.hasSubscribers,
    observe(listener: EventListener) {
      const own: EventListener = isTracing(listener)
        ? Object.assign((event: PortcullisEvent) => listener(event), { trace: listener.trace.bind(listener) })
        : (event) => listener(event)
      listeners.add(own)
      if (readKeySets !== undefined && isTracing(listener)) listener.watch?.(readKeySets)
      return () => void listeners.delete(own)
    },
    watch(read: ReadKeySets) {
      readKeySets = read
      for (const listener of listeners) if (isTracing(listener)) listener.watch?.(read)
    },
    trace<T>(work: TracedWork, run: () => Promise<T>): Promise<T> {
      const channel = workChannels[work.operation]
      let around = channel?.hasSubscribers ? () => channel.tracePromise(run, { ...work }) : run
      for (const listener of listeners) {
        const inner = around
        if (isTracing(listener)) around = () => runWithin(listener, work, inner)
      }
      return around()
    },
  })
}

/**
 * Hands an event to `listener`, or a message to another function of the application, so that a faulty one can never change
 * an answer nor end the process: what it throws or rejects with is swallowed, and nothing waits for it.
 */
export function emit<Message = PortcullisEvent>(
  listener: ((message: Message) => unknown) | undefined,
  message: NoInfer<Message>,
): void {
  try {
    const returned: unknown = listener?.(message)
    if (isThenable(returned)) Promise.resolve(returned).catch(() => {})
  } catch {}
}

/** Whether somebody gets what is told to `listener`. */
export function isHeard(listener: EventListener | undefined): boolean {
  if (listener === undefined) return false
  return 'isHeard' in listener ? (listener as EventSink).isHeard() : true
}

/** Runs work as the sink of its part would: a listener that is none traces nothing. */
export function traced<T>(listener: EventListener | undefined, work: TracedWork, run: () => Promise<T>): Promise<T> {
  return listener !== undefined && isTracing(listener) ? (listener as EventSink).trace(work, run) : run()
}

function isTracing(listener: EventListener): listener is TracingListener {
  return 'trace' in listener && typeof listener.trace === 'function'
}

function runWithin<T>(listener: TracingListener, work: TracedWork, run: () => Promise<T>): Promise<T> {
  let running: Promise<T> | undefined
  const once = (): Promise<T> => {
    running ??= run()
    return running
  }
  try {
    const returned = listener.trace(work, once)
    if (isThenable(returned)) Promise.resolve(returned).catch(() => {})
  } catch {}
  return once()
}
