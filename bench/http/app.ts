/* One server under load, in a process of its own. Told what to be by its parent; tells what it used when asked. */
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expressApp } from './express-app.js'
import { startFastify } from './fastify-app.js'
import { koaApp } from './koa-app.js'
import type { AppSettings, Usage } from './protocol.js'

function listen(listener: RequestListener): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer(listener).listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
}

async function start(settings: AppSettings): Promise<number> {
  if (settings.framework === 'fastify') return startFastify(settings)
  return listen(await (settings.framework === 'koa' ? koaApp(settings) : expressApp(settings)))
}

function usage(): Usage {
  const { user, system } = process.cpuUsage()
  return { cpuMicros: user + system }
}

process.once('message', (settings) => {
  void start(settings as AppSettings).then((port) => process.send?.({ port }))
  process.on('message', () => process.send?.(usage()))
})
process.once('disconnect', () => process.exit(0))
