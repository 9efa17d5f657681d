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
  /** Of a request, in microseconds: one entry per profile. */
  readonly profiles: Profile[]
}

/** What the first thread did while a profile was taken, in microseconds of a request. */
export interface Profile {
  readonly parts: Readonly<Record<Part, number>>
  /**
   * What the thread used of its core, and for how long it waited for one; `undefined` where the system does not tell. The
   * parts have in them what it waited, and leave out what it did between callbacks.
   */
  readonly thread: { readonly used: number; readonly waited: number } | undefined
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
  return { cpuPerRequest: [], inOtherThreads: [], perSecond: [], profiles: [] }
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
  const { answered, perSecond, cpuMicros, thread } = await observe(server, generator, load)
  if (!counts) return
  server.cpuPerRequest.push(cpuMicros / answered)
  server.perSecond.push(perSecond)
  if (thread !== undefined) server.inOtherThreads.push(cpuMicros / answered - thread.used)
}

async function profileOnce(server: Server, generator: ChildProcess, load: Load): Promise<void> {
  await ask<object>(server.process, 'profile')
  const { answered, thread } = await observe(server, generator, load)
  const micros = await ask<Record<Part, number>>(server.process, 'parts')
  const parts = Object.entries(micros).map(([part, sum]) => [part, sum / answered])
  server.profiles.push({ parts: Object.fromEntries(parts) as Profile['parts'], thread })
}

/** Sends load, and tells what the server used meanwhile: the whole of it, and its first thread in a request. */
async function observe(
  { guard, process: server }: Server,
  generator: ChildProcess,
  load: Load,
): Promise<LoadResult & { readonly cpuMicros: number; readonly thread: Profile['thread'] }> {
  const before = await ask<Usage>(server, 'usage')
  const result = await ask<LoadResult>(generator, load)
  const after = await ask<Usage>(server, 'usage')
  const { failed, answered } = result
  if (failed > 0 || answered === 0) throw new Error(`${guard}: ${failed} failed, ${answered} answered`)
  const [start, end] = [before.firstThread, after.firstThread]
  const thread = start &&
    end && {
      used: (end.usedMicros - start.usedMicros) / answered,
      waited: (end.waitedMicros - start.waitedMicros) / answered,
    }
  return { ...result, cpuMicros: after.cpuMicros - before.cpuMicros, thread }
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
