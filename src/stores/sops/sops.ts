import { type ChildProcess, spawn } from 'node:child_process'
import { devNull } from 'node:os'
import { TokenStoreError } from '../../errors/index.js'
import { failureCode } from '../../kit/failure-code.js'
import { parseJsonObject } from '../../kit/json.js'
import { damaged } from '../token-entry.js'

const maxOutputBytes = 1_048_576
/** No master key opens the file. */
const noKeyExit = 128
/** Without a file to read, `sops` reads its standard input, which is a socket here: `/dev/stdin` cannot be opened. */
const asJson = ['--input-type', 'json', '--output-type', 'json', '--filename-override']

/** How `sops` is called. */
export interface SopsSettings {
  readonly binary: string
  readonly directory: string
  readonly ageRecipients: readonly string[]
  readonly timeoutMs: number
  readonly env: Readonly<Record<string, string | undefined>> | undefined
}

interface Outcome {
  readonly exitCode: number | null
  readonly output: string
}

/**
 * Encrypts for the recipients, or as `.sops.yaml` says for a file of that name.
 *
 * @throws {@link TokenStoreError} `ERR_TOKEN_STORE_CONFIGURATION` where `sops` refuses.
 */
export async function sopsEncrypt(settings: SopsSettings, text: string, file: string): Promise<string> {
  const { ageRecipients } = settings
  const given = ageRecipients.length > 0
  const flags = given ? ['--age', ageRecipients.join()] : []
  const config = given ? ['--config', devNull] : []
  const args = [...config, 'encrypt', ...flags, ...asJson, file]
  const { exitCode, output } = await run(settings, args, JSON.stringify({ data: text }))
  if (exitCode === 0) return output
  const cure = given ? 'Check `ageRecipients`.' : 'Give `ageRecipients`, or a rule of .sops.yaml for *.token.sops.json.'
  throw new TokenStoreError('ERR_TOKEN_STORE_CONFIGURATION', `sops does not encrypt (exit ${exitCode}). ${cure}`)
}

/**
 * Opens what {@link sopsEncrypt} made.
 *
 * @throws {@link TokenStoreError} `ERR_TOKEN_STORE_LOCKED` without a key that opens it, `ERR_TOKEN_STORE_CORRUPT` for
 * what was altered.
 */
export async function sopsDecrypt(settings: SopsSettings, content: string, file: string): Promise<string> {
  const { exitCode, output } = await run(settings, ['decrypt', ...asJson, file], content)
  if (exitCode === noKeyExit) {
    throw new TokenStoreError('ERR_TOKEN_STORE_LOCKED', 'sops has no key that opens the entry: see SOPS_AGE_KEY_FILE.')
  }
  const text = exitCode === 0 ? parseJsonObject(output)?.['data'] : undefined
  if (typeof text === 'string') return text
  throw damaged(`sops does not open the entry (exit ${exitCode}): it was altered.`)
}

/** Runs `sops` without a shell. Plain text goes through its pipes alone; what it complains of is never read. */
async function run({ binary, directory, timeoutMs, env }: SopsSettings, args: readonly string[], input: string) {
  return new Promise<Outcome>((resolve, reject) => {
    const child: ChildProcess = spawn(binary, args, {
      cwd: directory,
      env: env as NodeJS.ProcessEnv | undefined,
      stdio: ['pipe', 'pipe', 'ignore'],
      windowsHide: true,
    })
    const chunks: Buffer[] = []
    let bytes = 0
    const stop = (detail: string) => {
      child.kill('SIGKILL')
      reject(unavailable(detail))
    }
    const timer = setTimeout(() => stop(`sops took longer than ${timeoutMs} ms.`), timeoutMs)
    child.on('error', (error) => {
      clearTimeout(timer)
      reject(notStarted(error))
    })
    const { stdin, stdout } = child
    // Where no file is left to open, Node makes no pipes, and tells the failure in the next tick.
    if (!stdin || !stdout) return
    stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > maxOutputBytes) stop(`sops wrote more than ${maxOutputBytes} bytes.`)
      else chunks.push(chunk)
    })
    stdin.on('error', () => undefined)
    child.on('close', (exitCode) => {
      clearTimeout(timer)
      resolve({ exitCode, output: Buffer.concat(chunks).toString('utf8') })
    })
    stdin.end(input)
  })
}

function notStarted(error: unknown): TokenStoreError {
  const code = failureCode(error)
  if (code !== 'ENOENT') return unavailable(`sops cannot be started: ${code}.`)
  return unavailable('There is no sops here: install it (https://getsops.io), or give its path in `binary`.')
}

function unavailable(detail: string): TokenStoreError {
  return new TokenStoreError('ERR_TOKEN_STORE_UNAVAILABLE', detail)
}
