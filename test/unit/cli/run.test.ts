import { afterEach, describe, expect, it, vi } from 'vitest'
import packageJson from '../../../package.json' with { type: 'json' }
import { createOutput, table, wrap } from '../../../src/cli/command-io.js'
import { commands, commonFlags, shells } from '../../../src/cli/commands.js'
import { completionScript } from '../../../src/cli/completion.js'
import { runInProcess } from '../../support/run-command.js'

afterEach(() => {
  vi.useRealTimers()
})

const secret = 'eyJhbGciOiJFUzI1NiJ9.c2VjcmV0LWNhbmFyeQ.c2ln'

describe('the command line', () => {
  const usage: readonly [args: readonly string[], exitCode: number, stream: 'stdout' | 'stderr', words: string][] = [
    [[], 2, 'stderr', 'Usage: portcullis <command>'],
    [['--help'], 0, 'stdout', 'Usage: portcullis <command>'],
    [['-h'], 0, 'stdout', 'Usage: portcullis <command>'],
    [['help'], 0, 'stdout', 'Usage: portcullis <command>'],
    [['help', 'check'], 0, 'stdout', 'Usage: portcullis check'],
    [['help', 'nothing'], 2, 'stderr', 'there is no command nothing'],
    [['--version'], 0, 'stdout', packageJson.version],
    [['chek'], 2, 'stderr', 'did you mean check?'],
    [['frobnicate'], 2, 'stderr', 'portcullis --help lists them'],
    [['check', '--isuer', 'x'], 2, 'stderr', 'did you mean --issuer?'],
    [['check', '--zzzzzzz'], 2, 'stderr', 'there is no flag --zzzzzzz;'],
    [['check', '-x'], 2, 'stderr', 'there is no flag -x'],
    [['check', '-', '--zzzzzzz'], 2, 'stderr', 'there is no flag --zzzzzzz;'],
    [['check', 'a.b.c', '--zzzzzzz'], 2, 'stderr', 'there is no flag --zzzzzzz;'],
    [['check', '-h', '--zzzzzzz'], 2, 'stderr', 'there is no flag --zzzzzzz;'],
    [['check', '--isu'], 2, 'stderr', 'there is no flag --isu;'],
    [['check', '--isssue'], 2, 'stderr', 'did you mean --issuer?'],
    [['check', '--help=5'], 2, 'stderr', 'portcullis: a flag has no value, or one that it does not take; see'],
    [['-v'], 0, 'stdout', packageJson.version],
    [['-V'], 0, 'stdout', packageJson.version],
    [['--json', 'check'], 2, 'stderr', 'flags follow the command'],
    [['check', '--issuer'], 2, 'stderr', '--issuer has no value'],
    [['check', '--issuer', '--json'], 2, 'stderr', '--issuer has no value'],
    [['check', '--json=5'], 2, 'stderr', '--json has no value, or one that it does not take'],
    [['discover', 'http://example.com'], 2, 'stderr', 'could read tokens\n'],
    [['check', '--timeout', '0'], 2, 'stderr', 'from 1 to 60'],
    [['check', '--timeout', 'soon'], 2, 'stderr', 'from 1 to 60'],
    [['discover'], 2, 'stderr', 'URL is missing'],
    [['discover', 'a', 'b'], 2, 'stderr', 'too many operands'],
    [['completion'], 2, 'stderr', 'portcullis completion bash|zsh|fish [flags]: SHELL is missing'],
    [['completion', '--help'], 0, 'stdout', 'portcullis completion zsh > '],
    [['completion', 'tcsh'], 2, 'stderr', 'bash, zsh, fish'],
  ]
  it.each(usage)('[S1-71] answers %j with exit code %i', async (args, exitCode, stream, words) => {
    const result = await runInProcess(args)
    expect(result.exitCode).toBe(exitCode)
    expect(result[stream]).toContain(words)
    expect(result[stream === 'stdout' ? 'stderr' : 'stdout']).toBe('')
  })

  it.each(commands)('[S1-71] shows flags, examples and exit codes of $name', async ({ name, flags, examples }) => {
    const { exitCode, stdout } = await runInProcess([name, '--help'])
    expect(exitCode).toBe(0)
    for (const flag of [...flags, ...commonFlags]) expect(stdout).toContain(`--${flag.name}`)
    for (const [line] of examples) expect(stdout).toContain(line)
    expect(stdout).toMatch(/Exit codes\n {2}0 .+\n {2}1 .+\n {2}2 /)
    const tooLong = stdout.split('\n').filter((line) => line.length > 80 && !line.startsWith('  '))
    expect(tooLong).toEqual([])
  })

  it('[S1-70] repeats no value of an argument, which may be a token', async () => {
    for (const args of [
      ['check', '--tokn', secret],
      ['check', `--tokn=${secret}`],
      ['check', secret, secret],
      [secret],
    ]) {
      const { stderr, exitCode } = await runInProcess(args)
      expect(exitCode).toBe(2)
      expect(stderr).not.toContain('canary')
      expect(stderr).not.toContain(secret.split('.')[1])
    }
  })

  it.each(shells)('writes a completion of %s that knows every command and flag', async (shell) => {
    const { exitCode, stdout } = await runInProcess(['completion', shell])
    expect(exitCode).toBe(0)
    expect(stdout).toBe(`${completionScript(shell)}\n`)
    for (const { name, flags } of commands) {
      expect(stdout).toContain(name.split(' ')[0])
      for (const flag of flags) expect(stdout).toContain(shell === 'fish' ? `-l ${flag.name}` : `--${flag.name}`)
    }
  })

  it('ends with 2 when it is interrupted, and when something unexpected fails', async () => {
    const aborted = await runInProcess(['check', '-'], { signal: AbortSignal.abort() })
    expect(aborted).toMatchObject({ exitCode: 2, stderr: 'portcullis: interrupted\n' })
    const env = {
      get PORTCULLIS_TOKEN(): string {
        throw Object.assign(new Error(secret), { code: 'E_BROKEN' })
      },
    }
    const broken = await runInProcess(['check'], { env })
    expect(broken).toMatchObject({ exitCode: 2, stderr: 'portcullis: failed unexpectedly (E_BROKEN)\n' })
  })
})

describe('what is written', () => {
  const io = (isTTY: boolean, env: Record<string, string> = {}, isQuiet = false) => {
    const written: string[] = []
    const sink = { isTTY, write: (text: string) => written.push(text) }
    return { written, output: createOutput({ env, stdout: sink, stderr: sink } as never, isQuiet) }
  }

  it('has colours on a terminal alone, and none with NO_COLOR or a dumb one', () => {
    expect(io(true).output.style('red', 'x')).toBe('\u001b[31mx\u001b[39m')
    expect(io(false).output.style('red', 'x')).toBe('x')
    expect(io(true, { NO_COLOR: '1' }).output.style('red', 'x')).toBe('x')
    expect(io(true, { TERM: 'dumb' }).output.style('red', 'x')).toBe('x')
  })

  it('tells a terminal after a second that it waits, and clears the line', async () => {
    vi.useFakeTimers()
    const { written, output } = io(true)
    let finish: (value: number) => void = () => {}
    const work = output.during('asking', new Promise<number>((resolve) => (finish = resolve)))
    await vi.advanceTimersByTimeAsync(999)
    expect(written).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    expect(written).toEqual(['asking …'])
    finish(5)
    expect(await work).toBe(5)
    expect(written.at(-1)).toBe(`\r${' '.repeat('asking …'.length)}\r`)
    expect(await output.during('asking', Promise.resolve(6))).toBe(6)
    expect(written).toHaveLength(2)
  })

  it.each([
    ['without a terminal', false, false],
    ['with --quiet', true, true],
  ])('says nothing of waiting %s', async (_, isTTY, isQuiet) => {
    vi.useFakeTimers()
    const { written, output } = io(isTTY, {}, isQuiet)
    let finish: (value: number) => void = () => {}
    const work = output.during('asking', new Promise<number>((resolve) => (finish = resolve)))
    await vi.advanceTimersByTimeAsync(2000)
    finish(7)
    expect(await work).toBe(7)
    expect(written).toEqual([])
  })

  it('escapes what could steer a terminal', () => {
    const { written, output } = io(false)
    output.json({ name: '\u009b31m\u202e\u{e0001}\u2028\u2029\u007f' })
    expect(written.join('')).toBe('{\n  "name": "\\u009b31m\\u202e\\udb40\\udc01\\u2028\\u2029\\u007f"\n}\n')
    expect(
      table([
        ['name', '\u001b[31m'],
        ['absent', undefined],
        ['list', [1, '\u202e']],
      ]),
    ).toBe('  name  \\u{1b}[31m\n  list  [1,"\\u{202e}"]')
  })

  it('breaks lines between words, and never inside one', () => {
    expect(wrap('one two three', 7)).toBe('one two\nthree')
    expect(wrap('a-very-long-word and more', 8, '  ')).toBe('  a-very-long-word\n  and\n  more')
  })
})
