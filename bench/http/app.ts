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

/** What Linux counts for the first thread: how much of its core it used, and how long it waited for a core. */
function firstThread(): Usage['firstThread'] {
  if (process.platform !== 'linux') return undefined
  const [used, waited] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ').map(Number)
  return { usedMicros: (used as number) / 1000, waitedMicros: (waited as number) / 1000 }
}

function usage(): Usage {
  const { user, system } = process.cpuUsage()
  return { cpuMicros: user + system, firstThread: firstThread() }
}

const answers: Readonly<Record<Question, () => Promise<object>>> = {
  usage: async () => usage(),
  profile: async () => {
    await startProfile()
    return {}
  },
  parts: takeProfile,
}

process.once('message', (settings) => {
  void start(settings as AppSettings).then((port) => process.send?.({ port }))
  process.on('message', (question) => {
    void answers[question as Question]().then((answer) => process.send?.(answer))
  })
})
process.once('disconnect', () => process.exit(0))
