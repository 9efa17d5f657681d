import { serializeTokenSet, tokenSetFromResponse } from 'portcullis/client'
import type { World } from './open-tokens.js'
import { startWorker, type Worker } from './processes.js'
import type { TokenServer } from './token-server.js'

/** How many callers, in how many processes, meet how many expiries. */
export interface ExpiryPlan {
  readonly script: string
  readonly world: Omit<World, 'origin'>
  readonly processes: number
  readonly callers: number
  readonly expiries: number
  readonly delayMs: number
}

/** What came of it. */
export interface ExpiryResult {
  readonly redemptions: number
  readonly reuses: number
  /** Answers to callers that were another user's, or differed from what the others of the same expiry got. */
  readonly foreign: number
  readonly unequal: number
  readonly answers: number
  /** How often a caller was told to come again (503), and did. */
  readonly repeats: number
  readonly errors: readonly string[]
}

const hourMs = 3_600_000

/** Two users of the same name in each of the processes; every token expires again and again, for all callers at once. */
export async function runExpiries(server: TokenServer, plan: ExpiryPlan): Promise<ExpiryResult> {
  const world = { ...plan.world, origin: server.origin }
  const workers = await Promise.all(Array.from({ length: plan.processes }, () => startWorker(plan.script, world)))
  const id = `expiries-${Date.now()}-${Math.round(performance.now())}`
  const users = ['a', 'b'].map((letter) => ({ key: `${id}${letter}`, subject: `subject-${letter}` }))
  for (const { key, subject } of users) {
    const set = serializeTokenSet(tokenSetFromResponse(server.signIn(key, subject)))
    await (workers[0] as Worker).run({ key, set, callers: 0, offsetMs: 0 })
  }
  server.delayMs = plan.delayMs
  const result = { foreign: 0, unequal: 0, answers: 0, repeats: 0, errors: [] as string[] }
  for (let expiry = 1; expiry <= plan.expiries; expiry += 1) {
    const orders = users.flatMap(({ key, subject }) =>
      workers.map(async (worker, index) => {
        const share = plan.callers / users.length / workers.length
        const callers = Math.floor(share * (index + 1)) - Math.floor(share * index)
        return { subject, report: await worker.run({ key, callers, offsetMs: expiry * hourMs * 2 }) }
      }),
    )
    for (const { subject } of users) {
      const reports = (await Promise.all(orders)).filter((one) => one.subject === subject)
      const tokens = reports.flatMap(({ report }) => report?.tokens ?? [])
      result.answers += tokens.length
      result.repeats += reports.reduce((all, { report }) => all + (report?.repeats ?? 0), 0)
      result.foreign += tokens.filter((token) => !token.startsWith(`${subject}:`)).length
      result.unequal += new Set(tokens).size - 1
      result.errors.push(...reports.flatMap(({ report }) => report?.errors ?? ['process ended']))
    }
  }
  server.delayMs = 0
  await Promise.all(workers.map((worker) => worker.stop()))
  const sessions = users.map(({ key }) => server.sessions.get(key))
  const sum = (of: 'redemptions' | 'reuses') => sessions.reduce((all, session) => all + (session?.[of] ?? 0), 0)
  return { ...result, redemptions: sum('redemptions'), reuses: sum('reuses') }
}
