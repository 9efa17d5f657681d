/* Servers in processes of their own, measured in turns. */
import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import { compiled } from '../set-up/compiled.js'
import type { AppSettings, Load, LoadResult, SessionAppSettings, Started, Usage } from './protocol.js'

/** A server at work, and what was measured of it: one figure per round. */
export interface Server {
  readonly guard: string
  readonly process: ChildProcess
  readonly url: string
  /** `Cookie` fields of users who are signed in, where the server has sessions. */
  readonly cookies: readonly string[]
  readonly cpuPerRequest: number[]
  /** The part of it in other threads than the first. Empty where the system does not tell. */
  readonly inOtherThreads: number[]
  /** How long a request takes to the handler. Empty where the server does not tell. */
  readonly toHandler: number[]
  readonly perSecond: number[]
}

/** What is sent to a server, for a second in each round, over ten connections where it does not say how many. */
export type LoadOfServer = Omit<Load, 'url' | 'seconds' | 'connections'> & Partial<Pick<Load, 'connections'>>

/** Starts a server, and waits until it listens. */
export async function startServer(
  entry: 'app' | 'session-app',
  settings: AppSettings | SessionAppSettings,
): Promise<Server> {
  const child = fork(join(compiled, 'http', `${entry}.mjs`), { env: { ...process.env, NODE_ENV: 'production' } })
  const { port, cookies = [] } = await ask<Started>(child, settings)
  const url = `http://127.0.0.1:${port}/me`
  return {
    guard: settings.guard,
    process: child,
    url,
    cookies,
    cpuPerRequest: [],
    inOtherThreads: [],
    toHandler: [],
    perSecond: [],
  }
}

/**
 * Sends load to one after the other, in an order that rotates with each round; the first round does not count. Ends the
 * processes afterwards.
 *
 * @param firstLoad - what is other in the first round.
 */
export async function measureServers(
  servers: readonly Server[],
  loadOf: (server: Server) => LoadOfServer,
  rounds: number,
  firstLoad: Partial<Load> = {},
): Promise<void> {
  const generator = fork(join(compiled, 'http', 'load.mjs'))
  for (let round = -1; round < rounds; round++) {
    for (let place = 0; place < servers.length; place++) {
      const server = servers[(round + 1 + place) % servers.length] as Server
      const usual = { connections: 10, ...loadOf(server), url: server.url, seconds: 1 }
      const load = round < 0 ? { ...usual, ...firstLoad } : usual
      await measureOnce(server, generator, load, round >= 0)
    }
  }
  for (const child of [generator, ...servers.map(({ process: child }) => child)]) child.disconnect()
}

async function measureOnce(server: Server, generator: ChildProcess, load: Load, counts: boolean): Promise<void> {
  const before = await ask<Usage>(server.process, 'usage')
  const { answered, failed, perSecond } = await ask<LoadResult>(generator, load)
  const after = await ask<Usage>(server.process, 'usage')
  if (failed > 0 || answered === 0) throw new Error(`${server.guard}: ${failed} failed, ${answered} answered`)
  if (!counts) return
  server.cpuPerRequest.push((after.cpuMicros - before.cpuMicros) / answered)
  server.perSecond.push(perSecond)
  if (after.toHandlerMicros !== undefined) server.toHandler.push(after.toHandlerMicros)
  if (after.otherThreadsMicros === undefined || before.otherThreadsMicros === undefined) return
  server.inOtherThreads.push((after.otherThreadsMicros - before.otherThreadsMicros) / answered)
}

function ask<Answer>(child: ChildProcess, question: AppSettings | SessionAppSettings | Load | string): Promise<Answer> {
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
