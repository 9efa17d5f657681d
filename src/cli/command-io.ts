/** What the command sees of the world. The process itself is touched in `bin.ts` alone. */
import { shownText } from '../errors/index.js'
import type { Clock } from '../kit/clock.js'
import type { Fetch } from '../kit/fetch/platform-fetch.js'

/** A stream that text is written to. */
export interface TextSink {
  write(text: string): unknown
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
}

/** Everything a command is given; tests give their own. */
export interface CommandIo {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdin: AsyncIterable<string | Uint8Array> & { readonly isTTY?: boolean | undefined }
  readonly stdout: TextSink
  readonly stderr: TextSink
  readonly cwd: string
  readonly platform: NodeJS.Platform
  readonly fetch: Fetch
  readonly clock: Clock
  /** Aborts when the user ends the command. */
  readonly signal: AbortSignal
}

/** 0: yes, done. 1: no, invalid, not signed in. 2: it could not be told: network, configuration, usage. */
export type ExitCode = 0 | 1 | 2

/** What a command ends with where it cannot go on: the sentence goes to stderr as it is. */
export class CommandFailure extends Error {
  readonly exitCode: ExitCode

  constructor(message: string, exitCode: ExitCode = 2) {
    super(message)
    this.exitCode = exitCode
  }
}

/** How one call writes: data on stdout, words on stderr. */
export interface Output {
  /** A line of data. */
  data(text: string): void
  /** A value as JSON, with every character escaped that could steer a terminal. */
  json(value: unknown): void
  /** A line of words; nothing with `--quiet`. */
  say(text: string): void
  /** A line that is shown whatever was asked. */
  warn(text: string): void
  /** Words for stdout with a style, where a terminal shows it. */
  style(style: Style, text: string): string
  /** Does `work`; where it takes longer than a second, a terminal is told so meanwhile. */
  during<T>(words: string, work: Promise<T>): Promise<T>
}

/** One call of a command, taken apart. */
export interface CommandCall {
  readonly io: CommandIo
  readonly output: Output
  /** What follows the command and is not a flag. */
  readonly operand: string | undefined
  readonly flags: Readonly<Record<string, string | boolean | undefined>>
  /** Milliseconds for each request. */
  readonly timeoutMs: number
}

/** Does the work of a command. */
export type CommandWork = (call: CommandCall) => Promise<ExitCode>

/** How words stand out on a terminal. */
export type Style = 'bold' | 'dim' | 'green' | 'red' | 'yellow'

const styles: Readonly<Record<Style, readonly [number, number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  green: [32, 39],
  red: [31, 39],
  yellow: [33, 39],
}

/** What JSON leaves as it is though a terminal may obey it: C1 controls, and characters that hide or turn text. */
const unprintable = /[\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}]/gu
const patienceMs = 1000

/** Makes the {@link Output} of one call. */
export function createOutput({ env, stdout, stderr }: CommandIo, isQuiet: boolean): Output {
  const isColoured = stdout.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb'
  return {
    data: (text) => void stdout.write(`${text}\n`),
    json: (value) => void stdout.write(`${JSON.stringify(value, null, 2).replace(unprintable, escaped)}\n`),
    say: (text) => {
      if (!isQuiet) stderr.write(`${text}\n`)
    },
    warn: (text) => void stderr.write(`${text}\n`),
    style(style, text) {
      const [on, off] = styles[style]
      return isColoured ? `\u001b[${on}m${text}\u001b[${off}m` : text
    },
    async during(words, work) {
      if (isQuiet || stderr.isTTY !== true) return work
      const clear = `\r${' '.repeat(words.length + 2)}\r`
      let isShown = false
      const timer = setTimeout(() => {
        isShown = true
        stderr.write(`${words} …`)
      }, patienceMs)
      try {
        return await work
      } finally {
        clearTimeout(timer)
        if (isShown) stderr.write(clear)
      }
    },
  }
}

function escaped(character: string): string {
  return character.replace(/[\s\S]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** What is on stdin. @throws {@link CommandFailure} `tooMuch`, where there are more characters than `maxLength`. */
export async function readStdin({ stdin }: CommandIo, maxLength: number, tooMuch: string): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of stdin) {
    text += typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true })
    if (text.length > maxLength) throw new CommandFailure(tooMuch)
  }
  return text
}

/** Two columns: names, and what belongs to them, as text that no terminal obeys. Absent values are passed over. */
export function table(rows: readonly (readonly [name: string, value: unknown])[]): string {
  const present = rows.filter(([, value]) => value !== undefined)
  const width = Math.max(...present.map(([name]) => name.length))
  return present.map(([name, value]) => `  ${name.padEnd(width)}  ${plain(value)}`).join('\n')
}

/** Any value as one line that no terminal obeys. */
export function plain(value: unknown): string {
  return shownText(typeof value === 'string' ? value : JSON.stringify(value))
}

/** Breaks a sentence into lines of at most `width` characters. */
export function wrap(text: string, width: number, indent = ''): string {
  const lines: string[] = []
  let line = indent
  for (const word of text.split(' ')) {
    const next = line === indent ? `${indent}${word}` : `${line} ${word}`
    if (next.length > width && line !== indent) {
      lines.push(line)
      line = `${indent}${word}`
    } else line = next
  }
  return [...lines, line].join('\n')
}
