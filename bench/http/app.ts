/* One server under load, in a process of its own. Told what to be by its parent; tells what it used when asked. */
import { readFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expressApp } from './express-app.js'
import { startFastify } from './fastify-app.js'
import { startProfile, takeProfile } from './first-thread.js'
import { koaApp } from './koa-app.js'
import type { AppSettings, Question, Usage } from './protocol.js'

function listen(listener: RequestListener): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer(listener).listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
}

async function start(settings: AppSettings): Promise<number> {
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
  return { cpuMicros, otherThreadsMicros }
}

const answers: Readonly<Record<Question, () => Promise<object>>> = {
  usage: async () => usage(),
  profile: async () => ({ started: await startProfile() }),
  parts: takeProfile,
}

process.once('message', (settings) => {
  void start(settings as AppSettings).then((port) => process.send?.({ port }))
  process.on('message', (question) => {
    void answers[question as Question]().then((answer) => process.send?.(answer))
  })
})
process.once('disconnect', () => process.exit(0))
