import { execFileSync, spawnSync } from 'node:child_process'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'

/** Where `.ci/run` puts the programs it builds; another folder by PORTCULLIS_TEST_TOOLS. */
const tools = process.env['PORTCULLIS_TEST_TOOLS'] ?? join(homedir(), '.cache', 'portcullis-tools')
const path = [tools, process.env['PATH']].join(delimiter)

function isRunnable(program: string): boolean {
  return spawnSync(program, ['--version'], { env: { PATH: path, HOME: homedir() } }).status === 0
}

/** Whether `sops` and `age-keygen` are here. Where not, says loudly which tests did not run; on CI that is an error. */
export function hasSops(tests: string): boolean {
  const missing = ['sops', 'age-keygen'].filter((program) => !isRunnable(program))
  if (missing.length === 0) return true
  const message = `No ${missing.join(' and ')} here, so these tests did NOT run: ${tests}. See tools() in .ci/run.`
  if (process.env['CI']) throw new Error(message)
  console.error(`\n!!! ${message}\n`)
  return false
}

/** An age key of its own, and the environment with which `sops` finds the programs and that key. */
export interface AgeKey {
  readonly recipient: string
  readonly env: Readonly<Record<string, string>>
}

export function createAgeKey(): AgeKey {
  const text = execFileSync('age-keygen', {
    encoding: 'utf8',
    env: { PATH: path },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const secret = /AGE-SECRET-KEY-\S+/.exec(text)?.[0] as string
  return {
    recipient: /age1\S+/.exec(text)?.[0] as string,
    env: { PATH: path, HOME: '/nonexistent', SOPS_AGE_KEY: secret },
  }
}

/** What `sops` makes of a file of that name, for that key. */
export function encryptFile({ recipient, env }: AgeKey, name: string, content: string): Buffer {
  const args = ['encrypt', '--age', recipient, '--filename-override', name]
  return execFileSync('sops', args, { env, input: content, stdio: ['pipe', 'pipe', 'ignore'] })
}
