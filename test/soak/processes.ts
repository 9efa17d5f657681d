import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { World } from './open-tokens.js'
import type { Answered, Order, Report } from './worker.js'

/** A process that obeys. */
export interface Worker {
  /** `undefined` where the process ended before it could report. */
  run(order: Order): Promise<Report | undefined>
  stop(): Promise<void>
}

export async function startWorker(script: string, world: World): Promise<Worker> {
  const child: ChildProcess = fork(script, [JSON.stringify(world)], { execArgv: [] })
  const waiting = new Map<number, (report: Report) => void>()
  const ended = once(child, 'exit')
  await Promise.race([once(child, 'message'), ended])
  child.on('message', ({ id, report }: Answered) => waiting.get(id)?.(report))
  let count = 0
  return {
    async run(order) {
      count += 1
      const id = count
      const answered = new Promise<Report>((resolve) => void waiting.set(id, resolve))
      child.send({ id, order })
      return Promise.race([answered, ended.then(() => undefined)])
    },
    async stop() {
      if (child.connected) child.disconnect()
      await ended
    },
  }
}
