import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { open, readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'

/** How to start a server that is a program of its own. */
export interface ServerCommand {
  readonly program: string
  readonly parameters: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Answers 200 once the server is ready. */
  readonly readyUrl: string
  readonly logFile: string
}

/** A server that runs. */
export interface ServerProcess {
  /** Ends it as an operator would, and waits until it has ended. */
  stop(): Promise<void>
  /** From now on it answers nobody, and closes no connection: a server that hangs. */
  pause(): void
  resume(): void
}

const startTimeoutMs = 360_000
const stopTimeoutMs = 30_000

/** Starts a server and waits until it is ready. Rejects with the end of its log when it ends before. */
export async function startServer(command: ServerCommand): Promise<ServerProcess> {
  const log = await open(command.logFile, 'a')
  const child = spawn(command.program, command.parameters, {
    env: { ...process.env, ...command.env },
    stdio: ['ignore', log.fd, log.fd],
    detached: true, // a group of its own: scripts start further processes
  })
  const ended = once(child, 'exit')
  ended.catch(() => undefined) // without a program there is no exit; `hasEnded` says so
  const hasEnded = () => child.pid === undefined || child.exitCode !== null || child.signalCode !== null
  const signal = (name: NodeJS.Signals) => {
    if (!hasEnded()) process.kill(-Number(child.pid), name)
  }
  const kill = () => signal('SIGKILL')
  // Also where the run is interrupted: it hangs on nothing but the channel to its parent.
  process.once('exit', kill).once('disconnect', kill)
  const stop = async () => {
    signal('SIGTERM')
    const patience = setTimeout(kill, stopTimeoutMs)
    if (!hasEnded()) await ended
    clearTimeout(patience)
    process.off('exit', kill).off('disconnect', kill)
    await log.close()
  }
  const giveUpAt = Date.now() + startTimeoutMs
  while (!(await answers(command.readyUrl))) {
    if (hasEnded() || Date.now() > giveUpAt) {
      await stop()
      const lines = (await readFile(command.logFile, 'utf8')).split('\n')
      throw new Error(`${command.program} did not start:\n${lines.slice(-30).join('\n')}`)
    }
    await delay(250)
  }
  return { stop, pause: () => signal('SIGSTOP'), resume: () => signal('SIGCONT') }
}

async function answers(url: string): Promise<boolean> {
  const response = await fetch(url).catch(() => undefined)
  await response?.body?.cancel()
  return response?.status === 200
}
