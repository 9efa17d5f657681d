import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'

/** Runs `next dev` or `next start`, and waits until it answers. */
export async function startNext(command: 'dev' | 'start', port: number, variables: Record<string, string>) {
  const parameters = ['node_modules/next/dist/bin/next', command, '--hostname', 'localhost', '--port', String(port)]
  const child = spawn(process.execPath, parameters, {
    env: { ...process.env, NEXT_TELEMETRY_DISABLED: '1', ...variables },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  process.once('exit', () => child.kill())
  const url = `http://localhost:${port}/auth/status`
  while (!(await fetch(url).catch(() => undefined))?.ok) {
    if (child.exitCode !== null) throw new Error(`next ended with ${child.exitCode}`)
    await wait(200)
  }
  return {
    async stop() {
      const exited = once(child, 'exit')
      child.kill()
      await exited
    },
  }
}
