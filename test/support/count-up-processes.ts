import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { bundledScript } from './bundled-script.js'

/** Has several processes count up one entry of a store at once, each `times` times, by compare-and-swap. */
export async function countUp(settings: object, key: string, processes: number, times: number): Promise<void> {
  const script = await bundledScript('support/count-up')
  const args = [script, JSON.stringify(settings), key, String(times)]
  const children = Array.from({ length: processes }, () =>
    spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] }),
  )
  const ends = Promise.all(
    children.map(async (child) => {
      const [exitCode] = await once(child, 'exit')
      if (exitCode !== 0) throw new Error(`a process ended with ${exitCode}`)
    }),
  )
  await Promise.race([ends, Promise.all(children.map((child) => once(child.stdout, 'data')))])
  for (const child of children) child.stdin.end('go\n')
  await ends
}
