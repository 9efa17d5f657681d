import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'

const root = resolve(import.meta.dirname, '../..')

/** An example that runs. */
export interface RunningExample {
  readonly origin: string
  stop(): Promise<void>
}

/**
 * Runs an example from the sources as they are, and waits until it listens; a `tsconfig.json` beside this file leads
 * `portcullis` to them.
 */
export async function runExample(name: string, issuer: string, ...further: readonly string[]): Promise<RunningExample> {
  const legacy = name.startsWith('experimental-decorators/') ? 'experimental-decorators.' : ''
  const program = resolve(root, 'examples', name)
  const child = spawn(process.execPath, ['--import', 'tsx', program, issuer, '0', ...further], {
    cwd: root,
    env: { ...process.env, TSX_TSCONFIG_PATH: resolve(import.meta.dirname, `${legacy}tsconfig.json`) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return { origin: await originOf(child), stop: () => stop(child) }
}

/** What the program prints once it listens. */
async function originOf(child: ChildProcess): Promise<string> {
  let output = ''
  for await (const chunk of child.stdout ?? []) {
    output += chunk
    if (output.includes('\n')) return output.trim()
  }
  throw new Error(`ended early: ${await child.stderr?.toArray()}`)
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  await ended
}
