import { channel, tracingChannel } from 'node:diagnostics_channel'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { eventChannel, workChannels } from '../../../src/kit/diagnostics-web.js'
import { createEventSink, emit, isHeard, type TracedWork, traced } from '../../../src/kit/event-sink.js'
import type { EventListener, PortcullisEvent } from '../../../src/kit/events.js'

const event = (): PortcullisEvent => ({ type: 'dpop.replayed', resource: 'https://api.test' })
const work: TracedWork = { operation: 'keys', issuer: 'https://issuer.test' }
const tracing = (trace: (work: TracedWork, run: () => Promise<unknown>) => unknown): EventListener =>
  Object.assign(() => {}, { trace })

describe('an event sink', () => {
  const published: unknown[] = []
  const note = (message: unknown) => void published.push(message)
  afterEach(() => {
    channel('portcullis:event').unsubscribe(note)
    published.length = 0
  })

  it('[REAL-44] tells every listener, frozen, whatever the others do, until it is taken away', async () => {
    const heard: PortcullisEvent[] = []
    const sink = createEventSink(() => {
      throw new Error('mine')
    })
    const stop = sink.observe((told) => void heard.push(told))
    sink.observe(() => Promise.reject(new Error('later')))
    sink(event())
    stop()
    sink(event())
    expect(heard).toEqual([event()])
    expect(Object.isFrozen(heard[0])).toBe(true)
  })

  it('[REAL-44] takes one function as often as it is added, and forgets it once for each', () => {
    const listener = vi.fn()
    const sink = createEventSink(undefined)
    const stops = [sink.observe(listener), sink.observe(listener)]
    sink(event())
    stops[0]?.()
    sink(event())
    expect(listener).toHaveBeenCalledTimes(3)
  })

  it('[REAL-44] is heard while somebody listens, by function or by channel, and makes nothing of it otherwise', () => {
    const sink = createEventSink(undefined)
    const untouched = event()
    sink(untouched)
    expect(Object.isFrozen(untouched)).toBe(false)
    expect([sink.isHeard(), isHeard(sink), isHeard(undefined), isHeard(() => {})]).toEqual([false, false, false, true])
    const stop = sink.observe(() => {})
    expect([sink.isHeard(), isHeard(sink)]).toEqual([true, true])
    stop()
    expect(sink.isHeard()).toBe(false)
    channel('portcullis:event').subscribe(note)
    expect(isHeard(sink)).toBe(true)
    sink(event())
    expect(published).toEqual([event()])
  })

  it('[REAL-44] traces work on a channel of its operation, with nothing but what is known of it', async () => {
    const messages: unknown[] = []
    const keep = (message: unknown) => void messages.push({ ...(message as object) })
    const handlers = { start: keep, end: () => {}, asyncStart: () => {}, asyncEnd: keep, error: keep }
    const keys = tracingChannel('portcullis:keys')
    keys.subscribe(handlers as never)
    const sink = createEventSink(undefined)
    expect(await sink.trace(work, async () => 'done')).toBe('done')
    await expect(sink.trace(work, () => Promise.reject(new Error('down')))).rejects.toThrow('down')
    keys.unsubscribe(handlers as never)
    expect(messages).toMatchObject([work, { ...work, result: 'done' }, work, { error: new Error('down') }, work])
    expect(await sink.trace(work, async () => 'unheard')).toBe('unheard')
    expect(messages).toHaveLength(5)
  })

  it('[REAL-44] runs work once, within every tracing listener, and gives its own outcome', async () => {
    const order: string[] = []
    const around = (name: string) =>
      tracing(async (_work, run) => {
        order.push(`${name} begins`)
        await run()
        order.push(`${name} ends`)
        throw new Error('mine')
      })
    const sink = createEventSink(around('first'))
    sink.observe(around('second'))
    sink.observe(() => {})
    const run = vi.fn(async () => 'done')
    expect(await sink.trace(work, run)).toBe('done')
    await vi.waitFor(() => expect(order).toHaveLength(4), { timeout: 30_000 })
    expect(order).toEqual(['second begins', 'first begins', 'first ends', 'second ends'])
    expect(run).toHaveBeenCalledTimes(1)
    const heard: string[] = []
    sink.observe(Object.assign(({ type }: PortcullisEvent) => void heard.push(type), { trace: () => {} }))
    sink(event())
    expect(heard).toEqual(['dpop.replayed'])
  })

  it('[REAL-44] runs work, too, where a tracing listener throws or does not', async () => {
    for (const listener of [
      tracing(() => {
        throw new Error('mine')
      }),
      tracing(() => undefined),
    ]) {
      expect(await createEventSink(listener).trace(work, async () => 'done')).toBe('done')
    }
    expect(await traced(undefined, work, async () => 'plain')).toBe('plain')
    expect(
      await traced(
        () => {},
        work,
        async () => 'listener',
      ),
    ).toBe('listener')
    expect(await traced(createEventSink(undefined), work, async () => 'sink')).toBe('sink')
  })

  it('[REAL-44] hands what reads key sets to every tracing listener there is or will be', () => {
    const watching = () => ({ trace: () => {}, watch: vi.fn() })
    const [early, late] = [watching(), watching()]
    const listener = (more: object) => Object.assign(() => {}, more)
    const sink = createEventSink(listener(early))
    sink.observe(() => {})
    sink.observe(listener({ trace: () => {} }))
    sink.observe(listener({ watch: () => expect.unreachable() }))
    const tooEarly = { trace: () => {}, watch: vi.fn() }
    sink.observe(listener(tooEarly))
    expect(tooEarly.watch).not.toHaveBeenCalled()
    createEventSink(listener({ watch: () => expect.unreachable() })).watch(() => [])
    const read = () => []
    sink.watch(read)
    expect(early.watch).toHaveBeenCalledExactlyOnceWith(read)
    sink.observe(listener(late))
    sink.observe(listener({ trace: () => {} }))
    sink.observe(listener({ watch: () => expect.unreachable() }))
    expect(late.watch).toHaveBeenCalledExactlyOnceWith(read)
  })

  it('[REAL-44] runs work without a channel, and within listeners that trace only', async () => {
    const other = { ...work, operation: 'other' as never }
    const trace = vi.fn((_: unknown, run: () => Promise<unknown>) => run())
    const sink = createEventSink(Object.assign(() => {}, { trace }))
    sink.observe(Object.assign(() => {}, { trace: 5 }))
    expect(await sink.trace(other, async () => 'done')).toBe('done')
    expect(await traced(sink, work, async () => 'traced')).toBe('traced')
    expect(trace.mock.calls.map(([told]) => told)).toEqual([other, work])
  })

  it('[REAL-44] lets nothing go unhandled that a listener rejects with', async () => {
    const unhandled: unknown[] = []
    const listen = (reason: unknown) => unhandled.push(reason)
    process.on('unhandledRejection', listen)
    onTestFinished(() => void process.off('unhandledRejection', listen))
    const broken = () => Promise.reject(new Error('mine'))
    const sink = createEventSink(Object.assign(broken, { trace: broken }))
    sink(event())
    expect(await sink.trace(work, async () => 'done')).toBe('done')
    await new Promise(setImmediate)
    await new Promise(setImmediate)
    expect(unhandled).toEqual([])
  })

  it('[REAL-44] does without channels where the platform has none', async () => {
    expect(eventChannel.hasSubscribers).toBe(false)
    expect(eventChannel.publish(event())).toBeUndefined()
    expect(workChannels[work.operation]).toBeUndefined()
  })
})

describe('emit', () => {
  const replayed: PortcullisEvent = { type: 'dpop.replayed', resource: 'https://api.example.com' }

  it('hands the event to the listener at once', () => {
    const seen: PortcullisEvent[] = []
    emit((received) => seen.push(received), replayed)
    expect(seen).toEqual([replayed])
  })

  it('swallows what a faulty listener throws', () => {
    let called = 0
    const faulty = () => {
      called++
      throw new Error('listener')
    }
    expect(() => emit(faulty, replayed)).not.toThrow()
    expect(called).toBe(1)
  })

  it('swallows what an asynchronous listener rejects with, and does not wait for it', async () => {
    let called = 0
    const late = async () => {
      called++
      throw new Error('late')
    }
    expect(emit(late, replayed)).toBeUndefined()
    expect(called).toBe(1)
    await new Promise((resolve) => setImmediate(resolve)) // an unhandled rejection would fail the run
  })

  it('does nothing without a listener', () => {
    expect(() => emit(undefined, replayed)).not.toThrow()
  })
})
