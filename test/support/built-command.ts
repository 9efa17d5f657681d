import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import packageJson from '../../package.json' with { type: 'json' }
import { root } from '../docs/markdown.js'

/** The command, bundled as in the package, in a folder of its own. */
export interface BuiltCommand {
  /** The script to give to `node`. */
  readonly script: string
  run(args: readonly string[], options?: RunOptions): Promise<Outcome>
  remove(): void
}

/** What one run is given. */
export interface RunOptions {
  readonly input?: string
  readonly env?: Readonly<Record<string, string>>
  readonly nodeArgs?: readonly string[]
}

/** What one run brought. */
export interface Outcome {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

/** The sources of the platform files that `imports` of package.json picks on Node. */
const platformFiles = Object.fromEntries(
  Object.entries(packageJson.imports).map(([name, { node }]) => [
    name,
    join(root, node.replace('dist/', '').replace(/\.js$/, '.ts')),
  ]),
)

/** Bundles `src/cli/bin.ts` below `dist`, so that it finds its package. */
export async function buildCommand(): Promise<BuiltCommand> {
  mkdirSync(join(root, 'dist'), { recursive: true })
  const outdir = mkdtempSync(join(root, 'dist', 'command-'))
  await build({
    entryPoints: [join(root, 'src/cli/bin.ts')],
    alias: platformFiles,
    bundle: true,
    splitting: true,
    packages: 'external',
    format: 'esm',
    platform: 'neutral',
    target: 'es2022',
    outdir,
    logLevel: 'error',
  })
  const script = join(outdir, 'bin.js')
  return {
    script,
    run: (args, { input = '', env = {}, nodeArgs = [] } = {}) =>
      new Promise((resolve, reject) => {
        const child = spawn(process.execPath, [...nodeArgs, script, ...args], { env })
        const text = { stdout: '', stderr: '' }
        for (const name of ['stdout', 'stderr'] as const) {
          child[name].setEncoding('utf8').on('data', (chunk: string) => {
            text[name] += chunk
          })
        }
        child.on('error', reject)
        child.on('close', (exitCode) => resolve({ exitCode, ...text }))
        child.stdin.on('error', () => {})
        child.stdin.end(input)
      }),
    remove: () => rmSync(outdir, { recursive: true, force: true }),
  }
}
