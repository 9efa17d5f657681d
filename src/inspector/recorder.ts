/** Hears of every judgement and event, and keeps what the page shows of them. Holds a token until its report is written. */
import { channel } from 'node:diagnostics_channel'
import { shownText } from '../errors/index.js'
import type { Clock } from '../kit/clock.js'
import type { PortcullisEvent } from '../kit/events.js'
import type { Insight, Judgement } from '../resource-server/insight.js'
import type { ResourceServer } from '../resource-server/resource-server.js'
import { textOf } from './masked-members.js'
import { outcomeOf, toRequestRow } from './request-row.js'
import { createRing, type Ring } from './ring.js'
import { readServerState } from './server-state.js'
import { createTally } from './tally.js'
import type { EventRow, Member, Outcome, Row, State } from './wire.js'

/** A server and its private door. */
export interface Watched {
  readonly server: Pick<ResourceServer, 'health' | 'explainToken'>
  readonly insight: Insight
}

/** What the page shows. */
export interface Recorder {
  readonly ring: Pick<Ring, 'after'>
  state(): State
  /** Hears nothing from then on. */
  close(): void
}

const maxASecond = 20

/** Starts to listen: to the guards of these servers, and to the events of everything in this process. */
export function createRecorder(watched: readonly Watched[], clock: Clock): Recorder {
  const ring = createRing()
  const tally = createTally(clock)
  const counts: Record<Outcome | 'unshown', number> = { accepted: 0, anonymous: 0, refused: 0, failed: 0, unshown: 0 }
  const mayShowRequest = createAllowance(clock)
  const mayShowEvent = createAllowance(clock)
  const events = channel('portcullis:event')
  let isOpen = true

  function add(row: Row): void {
    if (isOpen) ring.add(row)
  }

  function judged(judgement: Judgement): void {
    counts[outcomeOf(judgement)] += 1
    if (!mayShowRequest()) {
      counts.unshown += 1
      return
    }
    const atMs = clock()
    // A turn of its own, behind the answer of the guard: no request waits for its report.
    setImmediate(() => void record(judgement, atMs))
  }

  async function record(judgement: Judgement, atMs: number): Promise<void> {
    try {
      add(toRequestRow(judgement, await judgement.report(), atMs))
    } catch {
      counts.unshown += 1
    }
  }

  /** Of a channel: what it throws would end the process. */
  function heard(message: unknown): void {
    try {
      const event = message as PortcullisEvent
      tally.add(event)
      if (!event.type.startsWith('auth.') && mayShowEvent()) add(toEventRow(event, clock()))
    } catch {}
  }

  const unwatch = watched.map(({ insight }) => insight.watch(judged))
  events.subscribe(heard)
  return {
    ring,
    state: () => ({
      counts: { ...counts },
      servers: watched.map(({ server, insight }) => readServerState(server, insight)),
      ...tally.read(),
    }),
    close() {
      isOpen = false
      for (const stop of unwatch) stop()
      events.unsubscribe(heard)
    },
  }
}

/** Says yes at most 20 times in a second. */
function createAllowance(clock: Clock): () => boolean {
  let second = 0
  let given = 0
  return () => {
    const now = Math.floor(clock() / 1000)
    if (now !== second) given = 0
    second = now
    given += 1
    return given <= maxASecond
  }
}

function toEventRow(event: PortcullisEvent, atMs: number): EventRow {
  const { type, ...rest } = event
  const members = Object.entries(rest).flatMap(([name, value]): Member[] =>
    value === undefined || name === 'correlationId' ? [] : [[name, textOf(rounded(value))]],
  )
  const { correlationId } = rest as { readonly correlationId?: string }
  return { kind: 'event', atMs, type: shownText(type), correlationId, members }
}

/** Times have more decimal places than a page needs. */
function rounded(value: unknown): unknown {
  return typeof value === 'number' ? Math.round(value * 1000) / 1000 : value
}
