/* Servers in processes of their own, measured in turns. */
import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import { compiled } from '../set-up/compiled.js'
import type { AppSettings, Load, LoadResult, Part, Question, SessionAppSettings, Started, Usage } from './protocol.js'

/** What was measured of a server: one figure per round. */
export interface Figures {
  readonly cpuPerRequest: number[]
  /** The part of it in other threads than the first. Empty where the system does not tell. */
  readonly inOtherThreads: number[]
  readonly perSecond: number[]
  /** For how many microseconds of a request the first thread did what: one entry per profile. */
  readonly parts: Record<Part, number>[]
}

/** A server at work. */
export interface Server extends Figures {
  readonly guard: string
  readonly process: ChildProcess
  readonly url: string
  /** `Cookie` fields of users who are signed in, where the server has sessions. */
  readonly cookies: readonly string[]
}

/** What is sent to a server, for a second in each round. */
export type LoadOfServer = Omit<Load, 'url' | 'seconds'>

export function noFigures(): Figures {
  return { cpuPerRequest: [], inOtherThreads: [], perSecond: [], parts: [] }
}

/**
 * Starts a server, and waits until it listens.
 *
 * @param figures - where its figures go: those of an earlier process of the same kind, for instance.
 */
export async function startServer(
  entry: 'app' | 'session-app',
  settings: AppSettings | SessionAppSettings,
  figures: Figures = noFigures(),
): Promise<Server> {
  const child = fork(join(compiled, 'http', `${entry}.mjs`), { env: { ...process.env, NODE_ENV: 'production' } })
  const { port, cookies = [] } = await ask<Started>(child, settings)
  const url = `http://127.0.0.1:${port}/me`
  return { ...figures, guard: settings.guard, process: child, url, cookies }
}

/** How servers are measured. */
export interface Measurement {
  readonly rounds: number
  /** What is other in the first round, which does not count. */
  readonly firstLoad?: Partial<Load> | undefined
  /** Those whose first thread is looked into after the last round, for two seconds. */
  readonly profiled?: readonly string[] | undefined
}

/**
 * Sends load to one after the other, in an order that rotates with each round; the first round does not count. Ends the
 * processes afterwards.
 */
export async function measureServers(
  servers: readonly Server[],
  loadOf: (server: Server) => LoadOfServer,
  { rounds, firstLoad, profiled = [] }: Measurement,
): Promise<void> {
  const generator = fork(join(compiled, 'http', 'load.mjs'))
  for (let round = -1; round < rounds; round++) {
    for (let place = 0; place < servers.length; place++) {
      const server = servers[(round + 1 + place) % servers.length] as Server
      const usual = { ...loadOf(server), url: server.url, seconds: 1 }
      const load = round < 0 ? { ...usual, ...firstLoad } : usual
      await measureOnce(server, generator, load, round >= 0)
    }
  }
  for (const server of servers.filter(({ guard }) => profiled.includes(guard))) {
    await profileOnce(server, generator, { ...loadOf(server), url: server.url, seconds: 2 })
  }
  for (const child of [generator, ...servers.map(({ process: child }) => child)]) child.disconnect()
}

async function measureOnce(server: Server, generator: ChildProcess, load: Load, counts: boolean): Promise<void> {
  const before = await ask<Usage>(server.process, 'usage')
  const { answered, perSecond } = await sendLoad(server, generator, load)
  const after = await ask<Usage>(server.process, 'usage')
  if (!counts) return
  server.cpuPerRequest.push((after.cpuMicros - before.cpuMicros) / answered)
  server.perSecond.push(perSecond)
  if (after.otherThreadsMicros === undefined || before.otherThreadsMicros === undefined) return
  server.inOtherThreads.push((after.otherThreadsMicros - before.otherThreadsMicros) / answered)
}

async function profileOnce(server: Server, generator: ChildProcess, load: Load): Promise<void> {
  await ask<object>(server.process, 'profile')
  const { answered } = await sendLoad(server, generator, load)
  const micros = await ask<Record<Part, number>>(server.process, 'parts')
  const perRequest = Object.entries(micros).map(([part, sum]) => [part, sum / answered])
  server.parts.push(Object.fromEntries(perRequest) as Record<Part, number>)
}

async function sendLoad({ guard }: Server, generator: ChildProcess, load: Load): Promise<LoadResult> {
  const result = await ask<LoadResult>(generator, load)
  if (result.failed > 0 || result.answered === 0) {
    throw new Error(`${guard}: ${result.failed} failed, ${result.answered} answered`)
  }
  return result
}

function ask<Answer>(
  child: ChildProcess,
  question: AppSettings | SessionAppSettings | Load | Question,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const fail = () => reject(new Error('a process of the bench died'))
    child.once('exit', fail)
    child.once('message', (answer) => {
      child.off('exit', fail)
      resolve(answer as Answer)
    })
    child.send(question as object)
  })
}
