import type { AppSettings, Framework, Load, Part } from '../http/protocol.js'
import {
  type Figures,
  type LoadOfServer,
  measureServers,
  noFigures,
  type Profile,
  type Server,
  startServer,
} from '../http/servers.js'
import { median, pairedRatio, spreadOf } from '../measure/statistics.js'
import { createDpopClient } from '../package-under-test.js'
import { createBenchIssuer, mintToken, mintTokens, publicKeyOf } from '../set-up/issuer.js'
import type { Row, Suite, SuiteResult, Table, Thoroughness, Verdict } from './suite.js'

const peers: Readonly<Record<Framework, readonly string[]>> = {
  express: ['express-oauth2-jwt-bearer', 'jose'],
  fastify: ['@fastify/jwt, cached', '@fastify/jwt + get-jwks'],
  koa: ['koa-jwt + jwks-rsa'],
}
const own = ['bare', 'limit', 'portcullis']

/**
 * Every server is sent so many before it is measured. V8 compiles code anew while it is used, for tens of thousands of requests
 * and in threads that count as processor time; the larger the code, the longer.
 */
const firstRequests = 50_000

/** What is sent, and how many tokens the servers may remember. */
interface Column {
  readonly id: string
  readonly title: string
  readonly load: LoadOfServer
  readonly cacheEntries: number
  /** The order in which every server is sent {@link firstRequests}, where that is another one. */
  readonly firstOrder?: Load['order'] | undefined
  /** Whether a target counts its microseconds: it is measured in several processes, and the first thread is looked into. */
  readonly isProfiled?: boolean | undefined
  /** Of these peers those take part that can do it. */
  readonly peers: readonly string[]
}

/**
 * Whole servers, each in a process, under the load of another one. On two cores the load generator is the bottleneck, so
 * that processor time per request of the server process counts, and requests per second only illustrate.
 */
export const http: Suite = (options) => measureColumns(['one', 'many', 'dpop'], options)

/** The same with tokens that are new, or forgotten by then. */
export const httpNew: Suite = (options) => measureColumns(['new'], options)

/** A kind of server, and what was measured of its processes. */
type Contender = Figures & { readonly guard: string }

async function measureColumns(ids: readonly string[], { quick, pick }: Thoroughness): Promise<SuiteResult> {
  // Two processes of one server differ by a tenth and more: where a target counts microseconds, each is started several times.
  const several = { processes: pick(1, 4, 8), rounds: 3 }
  const once = { processes: 1, rounds: pick(3, 3, 5) }
  const issuer = createBenchIssuer()
  const origin = await issuer.listen()
  const columns = createColumns(issuer, quick).filter(({ id }) => ids.includes(id))
  const { jwk, pem } = publicKeyOf(issuer, 'RS256')
  const shared = { issuer: origin, jwksUri: `${origin}/jwks`, jwk: jwk as AppSettings['jwk'], pem }
  const results: SuiteResult[] = []
  for (const framework of quick ? (['fastify'] as const) : (['express', 'fastify', 'koa'] as const)) {
    for (const column of columns) {
      const { cacheEntries, id, load, isProfiled = false } = column
      const { processes, rounds } = isProfiled ? several : once
      const guards = [...own, ...peers[framework].filter((name) => column.peers.includes(name))]
      const contenders = guards.map((guard): Contender => ({ guard, ...noFigures() }))
      const firstLoad = { amount: quick ? 2000 : firstRequests, order: column.firstOrder ?? load.order }
      for (let turn = 0; turn < processes; turn++) {
        const servers: Server[] = []
        for (const { guard, ...figures } of contenders) {
          const settings = { ...shared, framework, guard, cacheEntries, dpop: id === 'dpop' }
          servers.push(await startServer('app', settings, figures))
        }
        await measureServers(servers, () => load, { rounds, firstLoad, profiled: isProfiled ? own : [] })
      }
      results.push(reportOn(framework, column, contenders))
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
      isProfiled: true,
      peers: all,
    },
    {
      id: 'many',
      title: '10,000 tokens',
      load: { ...everyToken, order: 'random' },
      cacheEntries: many.length,
      firstOrder: 'in turn',
      peers: all,
    },
    {
      id: 'new',
      title: 'new tokens',
      load: { tokens: many, order: 'in turn' },
      cacheEntries: many.length / 4,
      isProfiled: true,
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

const leastShare: Readonly<Record<Framework, number>> = { express: 0.9, fastify: 0.9, koa: 0.9 }

function reportOn(framework: Framework, { id, title }: Column, contenders: readonly Contender[]): SuiteResult {
  const by = (guard: string) => contenders.find((one) => one.guard === guard) as Contender
  const share = (guard: string, of: string) => pairedRatio(by(of).cpuPerRequest, by(guard).cpuPerRequest).median
  const rows: Row[] = contenders.map(({ guard, cpuPerRequest, inOtherThreads, perSecond }) => {
    const shares = [share(guard, 'bare'), share(guard, 'limit')].map((figure) => figure.toFixed(2))
    const others = inOtherThreads.length === 0 ? 'not told' : median(inOtherThreads).toFixed(1)
    const cells = [...shares, others, median(perSecond).toFixed(0)]
    return { name: guard, figure: spreadOf(cpuPerRequest), cells }
  })
  const table: Table = {
    id: `http-${framework}-${id}`,
    title: `${framework}, ${title}: processor time per request`,
    unit: 'µs',
    columns: ['speed, bare = 1', 'speed, limit = 1', 'in other threads, µs', 'requests/s'],
    rows,
    chart: true,
  }
  const about = `${framework}, ${title}`
  const verdicts: Verdict[] = []
  const add = (target: string, figure: number, atLeast: number) => verdicts.push({ target, figure, unit: '×', atLeast })
  if (id === 'one') add(`${about}: to the bare framework`, share('portcullis', 'bare'), leastShare[framework])
  if (id === 'new') add(`${about}: to the limit inline`, share('portcullis', 'limit'), 0.9)
  for (const { guard } of contenders) {
    if (!own.includes(guard)) add(`${about}: to ${guard}`, share('portcullis', guard), 1)
  }
  const profiled = contenders.filter(({ profiles }) => profiles.length > 0)
  return { tables: profiled.length === 0 ? [table] : [table, partsTable(framework, { id, title }, profiled)], verdicts }
}

const partTitles: Readonly<Record<Part, string>> = {
  signature: 'checks of signatures',
  guard: 'the guard besides',
  writing: 'writing to sockets',
  garbage: 'collecting garbage',
  rest: 'Node and the framework',
}

function partsTable(
  framework: Framework,
  { id, title }: Pick<Column, 'id' | 'title'>,
  contenders: readonly Contender[],
): Table {
  const named = Object.entries(partTitles) as [Part, string][]
  const rows = contenders.map(({ guard, profiles }): Row => {
    const cells = named.map(([part]) => median(profiles.map(({ parts }) => parts[part])).toFixed(1))
    const threads = profiles.flatMap(({ parts, thread }) => (thread === undefined ? [] : [{ ...thread, parts }]))
    if (threads.length === 0) return { name: guard, figure: spreadOf(profiles.map(sumOfParts)), cells }
    const unseen = threads.map((thread) => thread.used + thread.waited - sumOfParts(thread))
    const rest = [unseen, threads.map(({ waited }) => waited)].map((figures) => median(figures).toFixed(1))
    return { name: guard, figure: spreadOf(threads.map(({ used }) => used)), cells: [...cells, ...rest] }
  })
  return {
    id: `http-parts-${framework}-${id}`,
    title: `${framework}, ${title}: what the first thread does in a request`,
    unit: 'µs',
    columns: [...named.map(([, name]) => `${name}, µs`), 'unseen by the profile, µs', 'less: waiting for a core, µs'],
    rows,
    notes: [
      'The first figure is what the system says that the thread used of its core, in the two seconds of each process in which a profile was taken, with a look each millisecond. It slows a server down.',
      'The profile tells the parts. It goes by the clock, so that time in which the thread waited for a core is in one of them. It does not see what the event loop does between two callbacks, such as reading from sockets.',
    ],
  }
}

function sumOfParts({ parts }: Pick<Profile, 'parts'>): number {
  return Object.values(parts).reduce((sum, micros) => sum + micros)
}
