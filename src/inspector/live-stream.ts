/** The stream of the page: lines as they come, the state as it changes. Bounded in time, rate and memory. */
import { Readable } from 'node:stream'
import type { Recorder } from './recorder.js'

const flushMs = 100
const stateMs = 1000
const commentMs = 15_000
const endMs = 25_000
const linesAtOnce = 50
const maxBufferedBytes = 16_384
const maxStreams = 4

/** Opens streams. */
export interface LiveStreams {
  /**
   * A `text/event-stream` of the lines behind the place `after` of this run; `undefined` while four are open. It ends by
   * itself after 25 s, so that no server waits for it when it closes: the reader asks again.
   */
  open(run: string | null, after: number): Readable | undefined
  /** Ends all of them. */
  close(): void
}

/** Makes the streams of one page. `run` names this recorder: places of another one mean nothing here. */
export function createLiveStreams(run: string, { ring, state }: Pick<Recorder, 'ring' | 'state'>): LiveStreams {
  const open = new Map<Readable, () => void>()

  function start(after: number): Readable {
    let place = after
    let sent = ''
    let isReady = true
    let sinceState = stateMs
    const stream = new Readable({
      highWaterMark: maxBufferedBytes,
      read() {
        isReady = true
      },
      destroy(error, done) {
        stop()
        done(error)
      },
    })

    function stop(): void {
      for (const timer of timers) clearTimeout(timer)
      open.delete(stream)
    }

    /** A reader that is behind may never read the end. */
    function end(): void {
      stop()
      if (isReady) stream.push(null)
      else stream.destroy()
    }

    function push(text: string): void {
      if (text !== '') isReady = stream.push(text)
    }

    /** A reader that is behind gets nothing more: what the ring forgets meanwhile it is told as a number. */
    function flush(): void {
      if (!isReady) return
      const { texts, next, dropped } = ring.after(place, linesAtOnce)
      place = next
      const rows = texts.length === 0 ? '' : message('rows', `[${texts.join(',')}]`, `${run}.${place}`)
      push(`${dropped === 0 ? '' : message('dropped', String(dropped))}${rows}${changedState()}`)
    }

    function changedState(): string {
      sinceState += flushMs
      if (sinceState < stateMs) return ''
      sinceState = 0
      const now = JSON.stringify(state())
      if (now === sent) return ''
      sent = now
      return message('state', now)
    }

    const timers = [setInterval(flush, flushMs), setInterval(() => push(':\n\n'), commentMs), setTimeout(end, endMs)]
    for (const timer of timers) timer.unref()
    push(message('hello', JSON.stringify(run)))
    flush()
    open.set(stream, end)
    return stream
  }

  return {
    open: (known, after) => (open.size < maxStreams ? start(known === run ? after : 0) : undefined),
    close() {
      for (const end of [...open.values()]) end()
    },
  }
}

function message(name: string, data: string, id?: string): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${name}\ndata: ${data}\n\n`
}
