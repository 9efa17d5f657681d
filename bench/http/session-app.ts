/* One server with sessions under load, in a process of its own, as `app.ts`. Its users sign in before it says where it is. */
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expressSessions } from './express-sessions.js'
import { startFastifySessions } from './fastify-sessions.js'
import { fetchSessions } from './fetch-sessions.js'
import { koaSessions } from './koa-sessions.js'
import type { SessionAppSettings, Started, Usage } from './protocol.js'

async function listen(listener: RequestListener): Promise<number> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

async function start({ framework, guard, users }: SessionAppSettings): Promise<Started> {
  const port = await startOn(framework, guard)
  const cookies: string[] = []
  while (cookies.length < users) cookies.push(await signIn(port))
  return { port, cookies }
}

const listeners = { express: expressSessions, koa: koaSessions, fetch: fetchSessions } as const

async function startOn(framework: SessionAppSettings['framework'], guard: string): Promise<number> {
  return framework === 'fastify' ? startFastifySessions(guard) : listen(await listeners[framework](guard))
}

/** The `Cookie` field of a new user. */
async function signIn(port: number): Promise<string> {
  const { headers } = await fetch(`http://127.0.0.1:${port}/sign-in`)
  const pairs = headers.getSetCookie().map((field) => field.split(';')[0] as string)
  return pairs.filter((pair) => !pair.endsWith('=')).join('; ')
}

function usage(): Usage {
  const { user, system } = process.cpuUsage()
  return { cpuMicros: user + system }
}

process.once('message', (settings) => {
  void start(settings as SessionAppSettings).then((started) => process.send?.(started))
  process.on('message', () => process.send?.(usage()))
})
process.once('disconnect', () => process.exit(0))
