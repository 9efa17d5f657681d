import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { MemberOrder, MemberReport, MemberWorld } from './member.js'

/** The processes of the fleet. */
export interface Crew {
  readonly size: number
  /** Gives each process its order, and puts their reports together. */
  run(orders: readonly MemberOrder[]): Promise<MemberReport>
  stop(): Promise<void>
}

export async function startCrew(script: string, world: MemberWorld, size: number): Promise<Crew> {
  const members = await Promise.all(Array.from({ length: size }, () => startMember(script, world)))
  return {
    size,
    async run(orders) {
      const reports = await Promise.all(orders.map((order, index) => members[index % size]?.run(order)))
      return joined(reports.flatMap((report) => report ?? []))
    },
    async stop() {
      await Promise.all(members.map((member) => member.stop()))
    },
  }
}

async function startMember(script: string, world: MemberWorld) {
  const child: ChildProcess = fork(script, [JSON.stringify(world)], { execArgv: [] })
  const ended = once(child, 'exit').then(() => {
    throw new Error('a process of the fleet ended')
  })
  ended.catch(() => {})
  await Promise.race([once(child, 'message'), ended])
  const waiting = new Map<number, (report: MemberReport) => void>()
  child.on('message', ({ id, report }: { readonly id: number; readonly report: MemberReport }) =>
    waiting.get(id)?.(report),
  )
  let count = 0
  return {
    run(order: MemberOrder): Promise<MemberReport> {
      count += 1
      const id = count
      const answered = new Promise<MemberReport>((resolve) => void waiting.set(id, resolve))
      child.send({ id, order })
      return Promise.race([answered, ended])
    },
    async stop() {
      const exited = once(child, 'exit')
      if (!child.connected) return
      child.disconnect()
      await exited
    },
  }
}

function joined(reports: readonly MemberReport[]): MemberReport {
  const together = (counts: readonly Readonly<Record<string, number>>[]) => {
    const all: Record<string, number> = {}
    for (const [name, count] of counts.flatMap((one) => Object.entries(one))) all[name] = (all[name] ?? 0) + count
    return all
  }
  return {
    latenciesMs: reports.flatMap(({ latenciesMs }) => latenciesMs),
    waitsMs: reports.flatMap(({ waitsMs }) => waitsMs),
    repeats: reports.reduce((sum, { repeats }) => sum + repeats, 0),
    outcomes: together(reports.map(({ outcomes }) => outcomes)),
    events: together(reports.map(({ events }) => events)),
  }
}
