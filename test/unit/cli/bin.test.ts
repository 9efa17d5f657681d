import { EventEmitter } from 'node:events'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { CommandIo } from '../../../src/cli/command-io.js'

const { getActiveResourcesInfo } = process
const command = vi.hoisted(() => ({ run: vi.fn<(args: readonly string[], io: CommandIo) => Promise<number>>() }))
vi.mock('../../../src/cli/run.js', () => ({ runCommand: command.run }))

/** What `process.exit` does in the double: nothing behind it is done. */
class Ended extends Error {
  readonly code: number | undefined

  constructor(code: number | undefined) {
    super('The process ended.')
    this.code = code
  }
}

/** Stands for the process that the command runs in. */
function createProcess() {
  const written: string[] = []
  return Object.assign(new EventEmitter(), {
    argv: ['/usr/bin/node', '/opt/bin.js', 'check', '--json'],
    env: { PORTCULLIS_TOKEN: 'x' },
    stdin: {},
    stdout: new EventEmitter(),
    stderr: Object.assign(new EventEmitter(), { write: (text: string) => void written.push(text) }),
    written,
    cwd: () => '/home/ann',
    platform: 'linux',
    exitCode: undefined as number | undefined,
    exit: vi.fn((code?: number): never => {
      throw new Ended(code)
    }),
  })
}

let own: ReturnType<typeof createProcess>
beforeEach(() => {
  own = createProcess()
  command.run.mockReset().mockResolvedValue(1)
  vi.resetModules()
  vi.stubGlobal('process', own)
})
afterEach(() => vi.unstubAllGlobals())

const start = () => import('../../../src/cli/bin.js')
const thrownBy = (work: () => unknown) => {
  try {
    return work()
  } catch (error) {
    return error
  }
}

describe('the command as a process', () => {
  it('hands over its arguments and the world, and ends with the exit code by itself', async () => {
    await start()
    const [args, io] = command.run.mock.calls[0] as Parameters<typeof command.run>
    expect(args).toEqual(['check', '--json'])
    expect(io).toMatchObject({ env: { PORTCULLIS_TOKEN: 'x' }, cwd: '/home/ann', platform: 'linux' })
    expect([io.stdin, io.stdout, io.stderr]).toEqual([own.stdin, own.stdout, own.stderr])
    expect(io.signal.aborted).toBe(false)
    expect(own.exitCode).toBe(1)
    expect(own.exit).not.toHaveBeenCalled()
  })

  it.each(['SIGINT', 'SIGTERM'])('is interrupted by %s, and waits for nobody then', async (signal) => {
    command.run.mockImplementation(async (_, io) => {
      own.emit(signal)
      expect(io.signal.aborted).toBe(true)
      return 2
    })
    await expect(start()).rejects.toEqual(new Ended(undefined))
    expect(own.exitCode).toBe(2)
  })

  it('ends without a word where its reader has seen enough', async () => {
    await start()
    const ended = thrownBy(() => own.stdout.emit('error', { code: 'EPIPE' }))
    expect(ended).toEqual(new Ended(undefined))
    expect(own.written).toEqual([])
  })

  it('says so and ends with 2 where its output cannot be written', async () => {
    await start()
    const ended = thrownBy(() => own.stdout.emit('error', { code: 'ENOSPC' }))
    expect(ended).toEqual(new Ended(2))
    expect(own.written).toEqual(['portcullis: the output cannot be written (ENOSPC)\n'])
  })

  it('goes on where its words cannot be written', async () => {
    await start()
    expect(thrownBy(() => own.stderr.emit('error', { code: 'EPIPE' }))).toBe(true)
  })

  it('is kept alive while the command waits, and no longer', async () => {
    const timers = () => getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
    const before = timers()
    let during = before
    command.run.mockImplementation(async () => {
      during = timers()
      return 0
    })
    await start()
    expect([during - before, timers() - before]).toEqual([1, 0])
  })
})
