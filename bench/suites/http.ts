import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import type { AppSettings, Framework, Load, LoadResult, Usage } from '../http/protocol.js'
import { median, pairedRatio, spreadOf } from '../measure/statistics.js'
import { createDpopClient } from '../package-under-test.js'
import { compiled } from '../set-up/compiled.js'
import { createBenchIssuer, mintToken, mintTokens, publicKeyOf } from '../set-up/issuer.js'
import type { Row, Suite, SuiteResult, Table, Verdict } from './suite.js'

const peers: Readonly<Record<Framework, readonly string[]>> = {
  express: ['express-oauth2-jwt-bearer', 'jose'],
  fastify: ['@fastify/jwt, cached', '@fastify/jwt + get-jwks'],
  koa: ['koa-jwt + jwks-rsa'],
}
const own = ['bare', 'limit', 'portcullis']

/** What is sent, and how many tokens the servers may remember. */
interface Column {
  readonly id: string
  readonly title: string
  readonly load: Omit<Load, 'url' | 'seconds' | 'connections'>
  readonly cacheEntries: number
  /** Of these peers those take part that can do it. */
  readonly peers: readonly string[]
}

/**
 * Whole servers, each in a process, under the load of another one. On two cores the load generator is the bottleneck, so
 * that processor time per request of the server process counts, and requests per second only illustrate.
 */
export const http: Suite = async ({ quick }) => {
  const issuer = createBenchIssuer()
  const origin = await issuer.listen()
  const columns = createColumns(issuer, quick)
  const { jwk, pem } = publicKeyOf(issuer, 'RS256')
  const shared = { issuer: origin, jwksUri: `${origin}/jwks`, jwk: jwk as AppSettings['jwk'], pem }
  const results: SuiteResult[] = []
  for (const framework of quick ? (['fastify'] as const) : (['express', 'fastify', 'koa'] as const)) {
    for (const column of columns) {
      const { cacheEntries, id } = column
      const guards = [...own, ...peers[framework].filter((name) => column.peers.includes(name))]
      const settings = guards.map((guard) => ({ ...shared, framework, guard, cacheEntries, dpop: id === 'dpop' }))
      results.push(reportOn(framework, column, await measure(settings, column, quick)))
    }
  }
  await issuer.close()
  return { tables: results.flatMap(({ tables }) => tables), verdicts: results.flatMap(({ verdicts }) => verdicts) }
}

function createColumns(issuer: ReturnType<typeof createBenchIssuer>, quick: boolean): readonly Column[] {
  const many = mintTokens(issuer, 'RS256', quick ? 400 : 10_000)
  const clients = Array.from({ length: 20 }, () => createDpopClient())
  const all = Object.values(peers).flat()
  const bound = clients.map(({ jkt }) => mintToken(issuer, 'RS256', { cnf: { jkt } }))
  const proofKeys = clients.map(({ key }) => key.privateKey.export({ format: 'jwk' }))
  const everyToken = { tokens: many, cacheEntries: many.length }
  return [
    {
      id: 'one',
      title: 'one token',
      load: { tokens: many.slice(0, 1), order: 'in turn' },
      cacheEntries: 10_000,
      peers: all,
    },
    {
      id: 'many',
      title: '10,000 tokens',
      load: { ...everyToken, order: 'random' },
      cacheEntries: many.length,
      peers: all,
    },
    {
      id: 'new',
      title: 'new tokens',
      load: { tokens: many, order: 'in turn' },
      cacheEntries: many.length / 4,
      peers: all,
    },
    {
      id: 'dpop',
      title: 'bound tokens with proofs',
      load: { tokens: bound, proofKeys, order: 'in turn' },
      cacheEntries: 10_000,
      peers: ['express-oauth2-jwt-bearer'],
    },
  ]
}

interface Server {
  readonly guard: string
  readonly process: ChildProcess
  readonly url: string
  readonly cpuPerRequest: number[]
  readonly perSecond: number[]
}

async function measure(settings: readonly AppSettings[], column: Column, quick: boolean): Promise<readonly Server[]> {
  const load = fork(join(compiled, 'http', 'load.mjs'))
  const servers = []
  for (const one of settings) servers.push(await startServer(one))
  const rounds = quick ? 3 : 5
  for (let round = -1; round < rounds; round++) {
    for (let place = 0; place < servers.length; place++) {
      const server = servers[(round + 1 + place) % servers.length] as Server
      await measureOnce(server, load, { ...column.load, url: server.url, seconds: 1, connections: 10 }, round >= 0)
    }
  }
  for (const child of [load, ...servers.map(({ process: child }) => child)]) child.disconnect()
  return servers
}

async function startServer(settings: AppSettings): Promise<Server> {
  const child = fork(join(compiled, 'http', 'app.mjs'), { env: { ...process.env, NODE_ENV: 'production' } })
  const { port } = await ask<{ port: number }>(child, settings)
  const url = `http://127.0.0.1:${port}/me`
  return { guard: settings.guard, process: child, url, cpuPerRequest: [], perSecond: [] }
}

async function measureOnce(server: Server, generator: ChildProcess, load: Load, counts: boolean): Promise<void> {
  const before = await ask<Usage>(server.process, 'usage')
  const { answered, failed, perSecond } = await ask<LoadResult>(generator, load)
  const after = await ask<Usage>(server.process, 'usage')
  if (failed > 0 || answered === 0) throw new Error(`${server.guard}: ${failed} failed, ${answered} answered`)
  if (!counts) return
  server.cpuPerRequest.push((after.cpuMicros - before.cpuMicros) / answered)
  server.perSecond.push(perSecond)
}

function ask<Answer>(child: ChildProcess, question: AppSettings | Load | string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const fail = () => reject(new Error('a process of the bench died'))
    child.once('exit', fail)
    child.once('message', (answer) => {
      child.off('exit', fail)
      resolve(answer as Answer)
    })
    child.send(question as object)
  })
}

const leastShare: Readonly<Record<Framework, number>> = { express: 0.93, fastify: 0.85, koa: 0.9 }

function reportOn(framework: Framework, { id, title }: Column, servers: readonly Server[]): SuiteResult {
  const by = (guard: string) => servers.find((server) => server.guard === guard) as Server
  const share = (guard: string, of: string) => pairedRatio(by(of).cpuPerRequest, by(guard).cpuPerRequest).median
  const rows: Row[] = servers.map(({ guard, cpuPerRequest, perSecond }) => ({
    name: guard,
    figure: spreadOf(cpuPerRequest),
    cells: [share(guard, 'bare').toFixed(2), share(guard, 'limit').toFixed(2), median(perSecond).toFixed(0)],
  }))
  const table: Table = {
    id: `http-${framework}-${id}`,
    title: `${framework}, ${title}: processor time per request`,
    unit: 'µs',
    columns: ['speed, bare = 1', 'speed, limit = 1', 'requests/s'],
    rows,
    chart: true,
  }
  const about = `${framework}, ${title}`
  const verdicts: Verdict[] = []
  const add = (target: string, figure: number, atLeast: number) => verdicts.push({ target, figure, unit: '×', atLeast })
  if (id === 'one') add(`${about}: to the bare framework`, share('portcullis', 'bare'), leastShare[framework])
  if (id === 'new') add(`${about}: to the limit inline`, share('portcullis', 'limit'), 0.95)
  for (const { guard } of servers) {
    if (!own.includes(guard)) add(`${about}: to ${guard}`, share('portcullis', guard), 1)
  }
  return { tables: [table], verdicts }
}
