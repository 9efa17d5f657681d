import type { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createLiveStreams } from '../../../src/inspector/live-stream.js'
import { createRing } from '../../../src/inspector/ring.js'
import type { State } from '../../../src/inspector/wire.js'
import { readMessages } from '../../support/inspected-api.js'

const empty: State = {
  counts: { accepted: 0, anonymous: 0, refused: 0, failed: 0, unshown: 0 },
  servers: [],
  grants: [],
  circuits: [],
  events: [],
}

function setUp() {
  const ring = createRing()
  let state = empty
  const read = vi.fn(() => state)
  const streams = createLiveStreams('this-run', { ring, state: read })
  let count = 0
  return {
    streams,
    read,
    add(times = 1) {
      for (let at = 0; at < times; at += 1) {
        count += 1
        ring.add({ kind: 'event', atMs: count, type: 'keys.refreshed', correlationId: undefined, members: [] })
      }
    },
    change: (next: Partial<State>) => {
      state = { ...state, ...next }
    },
    open: (run: string | null = null, after = 0): Readable => {
      const stream = streams.open(run, after)
      if (stream === undefined) throw new Error('refused')
      return stream
    },
  }
}

/** Takes what is there now. */
function taken(stream: Readable): string {
  return String(stream.read() ?? '')
}
const times = (text: string) => readMessages(text).rows.map(({ atMs }) => atMs)

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'clearTimeout', 'clearInterval'] })
})
afterEach(() => {
  vi.useRealTimers()
})

describe('a stream of the development page', () => {
  it('begins with its run, all lines and the state, and goes on with what is new, at most ten times a second', () => {
    const { open, add } = setUp()
    add(2)
    const stream = open()
    const first = taken(stream)
    expect(readMessages(first)).toMatchObject({ run: 'this-run', states: [empty] })
    expect(first).toMatch(
      /^event: hello\ndata: "this-run"\n\nid: this-run\.2\nevent: rows\ndata: .+\n\nevent: state\ndata: .+\n\n$/,
    )
    expect(times(first)).toEqual([1, 2])
    add(3)
    vi.advanceTimersByTime(99)
    expect(taken(stream)).toBe('')
    vi.advanceTimersByTime(1)
    expect(times(taken(stream))).toEqual([3, 4, 5])
    vi.advanceTimersByTime(500)
    expect(taken(stream)).toBe('')
    stream.destroy()
  })

  it('sends fifty lines at once, the rest with the next batches', () => {
    const { open, add } = setUp()
    add(120)
    const stream = open()
    expect(times(taken(stream))).toHaveLength(50)
    vi.advanceTimersByTime(100)
    expect(times(taken(stream))).toHaveLength(50)
    vi.advanceTimersByTime(100)
    expect(times(taken(stream))).toHaveLength(20)
    stream.destroy()
  })

  it('goes on where a stream of the same run ended, and begins anew where it was another', () => {
    const { open, add } = setUp()
    add(3)
    const same = open('this-run', 2)
    expect(times(taken(same))).toEqual([3])
    const other = open('other-run', 2)
    expect(times(taken(other))).toEqual([1, 2, 3])
    same.destroy()
    other.destroy()
  })

  it('sends the state once a second at most, and only where it changed', () => {
    const { open, change, read } = setUp()
    const stream = open()
    taken(stream)
    vi.advanceTimersByTime(2000)
    expect(taken(stream)).toBe('')
    expect(read.mock.calls.length).toBeLessThanOrEqual(3)
    change({ circuits: [{ issuer: 'i', circuit: 'token', state: 'open', sinceMs: 1 }] })
    vi.advanceTimersByTime(1000)
    expect(readMessages(taken(stream)).states).toMatchObject([{ circuits: [{ state: 'open' }] }])
    stream.destroy()
  })

  it('sends a state that changed as soon as a second is over', () => {
    const { open, change } = setUp()
    const stream = open()
    taken(stream)
    change({ circuits: [{ issuer: 'i', circuit: 'token', state: 'open', sinceMs: 1 }] })
    vi.advanceTimersByTime(900)
    expect(taken(stream)).toBe('')
    vi.advanceTimersByTime(100)
    expect(readMessages(taken(stream)).states).toHaveLength(1)
    stream.destroy()
  })

  it('gives a reader that is behind nothing more, and says how many lines it missed', () => {
    const { open, add } = setUp()
    const stream = open()
    add(50)
    vi.advanceTimersByTime(100)
    add(900)
    vi.advanceTimersByTime(5000)
    expect(stream.readableLength).toBeLessThan(16_384 + 5000)
    let text = taken(stream)
    for (let round = 0; round < 12; round += 1) {
      vi.advanceTimersByTime(100)
      text += taken(stream)
    }
    const { dropped, rows } = readMessages(text)
    expect(dropped).toBeGreaterThan(0)
    expect(dropped + rows.length).toBe(950)
    stream.destroy()
  })

  it('writes a comment every 15 s and ends after 25 s, so that nobody waits for it', async () => {
    const { open } = setUp()
    const stream = open()
    const ended = vi.fn()
    stream.once('end', ended)
    taken(stream)
    vi.advanceTimersByTime(15_000)
    expect(taken(stream)).toBe(':\n\n')
    vi.advanceTimersByTime(9900)
    expect(stream.destroyed).toBe(false)
    vi.advanceTimersByTime(100)
    expect(taken(stream)).toBe('')
    expect(vi.getTimerCount()).toBe(0)
    await vi.waitFor(() => expect(ended).toHaveBeenCalled(), { timeout: 30_000 })
  })

  it('breaks off a reader that is behind when its time is over', () => {
    const { open, add } = setUp()
    const stream = open()
    add(500)
    vi.advanceTimersByTime(24_000)
    expect(stream.destroyed).toBe(false)
    vi.advanceTimersByTime(1000)
    expect(stream.destroyed).toBe(true)
  })

  it('is one of four at most, and a place is free again once one is over', () => {
    const { open, streams } = setUp()
    const four = [open(), open(), open(), open()]
    expect(streams.open(null, 0)).toBeUndefined()
    four[0]?.destroy()
    const next = open()
    expect(streams.open(null, 0)).toBeUndefined()
    for (const stream of four) taken(stream)
    streams.close()
    expect(String(next.read())).toContain('hello')
    expect(next.read()).toBeNull()
    expect(vi.getTimerCount()).toBe(0)
  })
})
