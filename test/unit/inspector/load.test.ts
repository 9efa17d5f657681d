import type { Readable } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { createResourceServer } from 'portcullis'
import { createFrozenClock, createTestIssuer, requestFacts } from 'portcullis/testing'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { createLiveStreams } from '../../../src/inspector/live-stream.js'
import { createRecorder } from '../../../src/inspector/recorder.js'
import { createEventSink } from '../../../src/kit/event-sink.js'
import { insightOf } from '../../../src/resource-server/insight.js'
import { readMessages } from '../../support/inspected-api.js'

const clock = createFrozenClock()
const issuer = createTestIssuer({ clock: clock.now })
afterAll(() => issuer.close())
afterEach(() => {
  vi.useRealTimers()
})

const seconds = 4
const lineBytes = 4096

/** A server with a page, and how often a report was written. */
function setUp() {
  const server = createResourceServer({
    resource: 'https://api.example.com',
    issuer: issuer.issuer,
    fetch: issuer.fetch,
    clock: clock.now,
  })
  const insight = insightOf(server)
  if (insight === undefined) throw new Error('no insight')
  let reports = 0
  const watch: typeof insight.watch = (listener) =>
    insight.watch((judgement) => {
      const report = judgement.report
      listener({
        ...judgement,
        report() {
          reports += 1
          return report()
        },
      })
    })
  const recorder = createRecorder([{ server, insight: { ...insight, watch } }], clock.now)
  return { server, recorder, streams: createLiveStreams('run', recorder), reports: () => reports }
}

describe('the development page at a thousand requests a second', () => {
  it('shows and explains twenty a second in lines of 4 KiB, and holds little for who reads and for who does not', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'clearTimeout', 'clearInterval'] })
    const { server, recorder, streams, reports } = setUp()
    const guard = server.guard({ scope: 'write' })
    const claims = Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`claim-${at}-${'x'.repeat(150)}`, at]))
    const authorization = `Bearer ${issuer.mintToken({ ...claims, scope: 'read' })}`
    const facts = requestFacts({ url: `/me?${'%00'.repeat(200)}`, headers: { authorization } })
    const reading = streams.open(null, 0) as Readable
    const idle = streams.open(null, 0) as Readable
    let read = ''
    for (let ms = 0; ms < seconds * 1000; ms += 1) {
      await guard(facts)
      clock.advance(1)
      if (ms % 100 === 99) {
        await nextTurn()
        await nextTurn()
        vi.advanceTimersByTime(100)
        read += String(reading.read() ?? '')
        expect(idle.readableLength).toBeLessThan(50 * lineBytes + 64 * 1024)
      }
    }
    const { counts } = recorder.state()
    expect(counts).toEqual({ accepted: 0, anonymous: 0, refused: seconds * 1000, failed: 0, unshown: seconds * 980 })
    expect(reports()).toBe(seconds * 20)
    const { texts } = recorder.ring.after(0, 10_000)
    expect(texts.filter((text) => text.startsWith('{"kind":"request"'))).toHaveLength(seconds * 20)
    for (const text of texts) expect(Buffer.byteLength(text)).toBeLessThanOrEqual(lineBytes)
    const { rows, dropped, states } = readMessages(read)
    expect([rows.length, dropped]).toEqual([texts.length, 0])
    expect(states.at(-1)?.counts.refused).toBeGreaterThan((seconds - 2) * 1000)
    recorder.close()
    streams.close()
  })

  it('keeps 500 lines of 4 KiB of events, and counts the others', () => {
    const { recorder, streams } = setUp()
    const tell = createEventSink(undefined)
    const long = '\u0000'.repeat(5000)
    for (let at = 0; at < 30_000; at += 1) {
      tell({ type: 'discovery.failed', issuer: long, reason: 'timeout', stale: false, durationMs: at, retryInMs: 1 })
      clock.advance(1)
    }
    const { texts, dropped } = recorder.ring.after(0, 10_000)
    expect([texts.length, dropped]).toEqual([500, 30 * 20 - 500])
    for (const text of texts) expect(Buffer.byteLength(text)).toBeLessThanOrEqual(lineBytes)
    expect(recorder.state().events).toMatchObject([{ name: 'discovery.failed', count: 30_000 }])
    recorder.close()
    streams.close()
  })
})

describe('a line of the development page', () => {
  it('is no longer than 4 KiB whatever a sender wrote, and says what became of the request all the same', async () => {
    const { server, recorder } = setUp()
    const names = Array.from({ length: 16 }, (_, at) => `${at}${'%F3%A0%80%81'.repeat(80)}`).join('&')
    const headers = { host: 'localhost:3000', authorization: `Bearer ${issuer.mintToken({ scope: 'read' })}` }
    const facts = {
      ...requestFacts({ url: `/me/${'ä/'.repeat(200)}?${names}`, headers }),
      route: () => '\u0000'.repeat(500),
    }
    await server.authenticate(facts, { scope: 'write' })
    const line = await vi.waitFor(
      () => {
        const found = recorder.ring.after(0, 10).texts.find((text) => text.startsWith('{"kind":"request"'))
        if (found === undefined) throw new Error('not yet')
        return found
      },
      { timeout: 30_000 },
    )
    expect(Buffer.byteLength(line)).toBeLessThanOrEqual(lineBytes)
    expect(JSON.parse(line)).toMatchObject({
      outcome: 'refused',
      code: 'ERR_SCOPE_INSUFFICIENT',
      target: expect.stringMatching(/^\/me\//),
      steps: [],
    })
    recorder.close()
  })
})
