/* One server under load, in a process of its own. Told what to be by its parent; tells what it used when asked. */
import crypto from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { syncBuiltinESMExports } from 'node:module'
import type { AddressInfo } from 'node:net'
import { expressApp } from './express-app.js'
import { startFastify } from './fastify-app.js'
import { koaApp } from './koa-app.js'
import { type AppSettings, type Usage, withoutThreadPool } from './protocol.js'

function listen(listener: RequestListener): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer(listener).listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
}

/** What would be handed over is made at once, and answered as if it had been. */
function avoidThreadPool(): void {
  const { verify } = crypto
  type Answer = (error: Error | null, isValid: boolean) => void
  const verifyHere = (...[digest, data, key, signature, answer]: [...Parameters<typeof verify>, Answer?]) => {
    const isValid = verify(digest, data, key, signature)
    if (answer !== undefined) process.nextTick(answer, null, isValid)
    return isValid
  }
  Object.assign(crypto, { verify: verifyHere })
  syncBuiltinESMExports()
}

async function start({ guard, ...rest }: AppSettings): Promise<number> {
  if (guard === withoutThreadPool) avoidThreadPool()
  const settings = { ...rest, guard: guard === withoutThreadPool ? 'portcullis' : guard }
  if (settings.framework === 'fastify') return startFastify(settings)
  return listen(await (settings.framework === 'koa' ? koaApp(settings) : expressApp(settings)))
}

/** What Linux counts for the first thread. */
function mainThreadMicros(): number | undefined {
  if (process.platform !== 'linux') return undefined
  const [nanos = ''] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')
  return Number(nanos) / 1000
}

function usage(): Usage {
  const main = mainThreadMicros()
  const { user, system } = process.cpuUsage()
  const cpuMicros = user + system
  return { cpuMicros, otherThreadsMicros: main === undefined ? undefined : cpuMicros - main }
}

process.once('message', (settings) => {
  void start(settings as AppSettings).then((port) => process.send?.({ port }))
  process.on('message', () => process.send?.(usage()))
})
process.once('disconnect', () => process.exit(0))
