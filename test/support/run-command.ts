import { Readable } from 'node:stream'
import type { CommandIo } from '../../src/cli/command-io.js'
import { runCommand } from '../../src/cli/run.js'

/** What a command did. */
export interface CommandResult {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/** What a test gives to {@link runInProcess}; the rest is an empty environment that reaches nobody. */
export interface CommandWorld extends Partial<Omit<CommandIo, 'stdin' | 'stdout' | 'stderr'>> {
  readonly stdin?: string | readonly (string | Uint8Array)[]
  readonly isTTY?: boolean
  readonly columns?: number | undefined
  /** Told of every text on stderr as it is written. */
  readonly onWords?: (text: string) => void
}

/** Runs the command in this process, with streams of its own. */
export async function runInProcess(args: readonly string[], world: CommandWorld = {}): Promise<CommandResult> {
  const { stdin = [], isTTY = false, columns, onWords, ...rest } = world
  const written = { stdout: '', stderr: '' }
  const sink = (name: 'stdout' | 'stderr') => ({
    isTTY,
    columns,
    write: (text: string) => {
      written[name] += text
      if (name === 'stderr') onWords?.(text)
    },
  })
  async function* chunks() {
    yield* typeof stdin === 'string' ? [stdin] : stdin
  }
  const exitCode = await runCommand(args, {
    env: {},
    cwd: '/nowhere',
    platform: 'linux',
    clock: () => Date.now(),
    signal: new AbortController().signal,
    fetch: () => Promise.reject(new Error('no network in this test')),
    ...rest,
    stdin: Object.assign(Readable.from(chunks()), { isTTY }),
    stdout: sink('stdout'),
    stderr: sink('stderr'),
  })
  return { exitCode, ...written }
}
