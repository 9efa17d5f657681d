/* One server under load, in a process of its own. Told what to be by its parent; tells what it used when asked. */
import { readFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expressApp } from './express-app.js'
import { startFastify } from './fastify-app.js'
import { koaApp } from './koa-app.js'
import type { AppSettings, Usage } from './protocol.js'
import { takeMedianMicros, watchRequests } from './way-to-handler.js'

function listen(listener: RequestListener): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer(listener).listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
}

async function start(settings: AppSettings): Promise<number> {
  watchRequests()
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
  const otherThreadsMicros = main === undefined ? undefined : cpuMicros - main
  return { cpuMicros, otherThreadsMicros, toHandlerMicros: takeMedianMicros() }
}

process.once('message', (settings) => {
  void start(settings as AppSettings).then((port) => process.send?.({ port }))
  process.on('message', () => process.send?.(usage()))
})
process.once('disconnect', () => process.exit(0))
