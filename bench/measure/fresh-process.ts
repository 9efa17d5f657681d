import { spawnSync } from 'node:child_process'
import { compiled } from '../set-up/compiled.js'

/** Runs an ES module in a process of its own, next to the compiled bench, and gives what it printed. */
export function runScript(script: string, flags: readonly string[] = []): string {
  return runNode([...flags, '--input-type=module', '--eval', script])
}

/** Runs this Node with the arguments, and gives what it printed. */
export function runNode(args: readonly string[]): string {
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8', cwd: compiled })
  if (status !== 0) throw new Error(stderr)
  return stdout
}

/**
 * Milliseconds that importing modules takes in a fresh process, one after the other.
 *
 * @param before - what is imported first, and does not count.
 */
export function importTime(modules: readonly string[], before: readonly string[] = []): number {
  return Number(
    runScript(`
    for (const name of ${JSON.stringify(before)}) await import(name)
    const startedAt = performance.now()
    for (const name of ${JSON.stringify(modules)}) await import(name)
    process.stdout.write(String(performance.now() - startedAt))`),
  )
}

const printEveryModule = `
  import { writeSync } from 'node:fs'
  export async function load(url, context, next) {
    writeSync(1, url + '\\n')
    return next(url, context)
  }`

/** The modules that importing others loads: addresses of ES modules, and paths of CommonJS modules. */
export function modulesLoadedBy(modules: readonly string[]): readonly string[] {
  const output = runScript(`
    import { createRequire, register } from 'node:module'
    import { writeSync } from 'node:fs'
    register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(printEveryModule)}))
    for (const name of ${JSON.stringify(modules)}) await import(name)
    for (const file of Object.keys(createRequire('file:///').cache)) writeSync(1, file + '\\n')`)
  return output.trim().split('\n')
}
