import { serializeTokenSet, tokenSetFromResponse } from 'portcullis/client'
import { openParts, openTokens, patiently, type World } from './open-tokens.js'
import { startWorker } from './processes.js'
import type { TokenServer } from './token-server.js'

/** How often a process is killed in the middle of a refresh. */
export interface KillPlan {
  readonly script: string
  readonly world: Omit<World, 'origin'>
  readonly kills: number
  /** How many at a time. */
  readonly parallel: number
  /** Told how it goes, now and then. */
  readonly tell?: (figures: object) => void
}

/** What came of it. */
export interface KillResult {
  readonly kills: number
  /** Entries that could not be read, or were gone although nobody ended the session. */
  readonly damaged: number
  /** Redemptions beyond the one that was needed, where the answer to the first was not lost. */
  readonly needless: number
  /** Sessions that ended because the answer was lost with the process: the server takes no spent token. */
  readonly lost: number
  readonly slowestMs: number
  readonly errors: readonly string[]
}

const points = 12
/** Between these the server has taken the refresh token, and its answer is not in the store. */
const answerIsLost: ReadonlySet<number> = new Set([8, 9, 10])
const hourMs = 3_600_000

/** Kills a process at each point of the protocol in turn, and lets another one go on. */
export async function runKills(server: TokenServer, plan: KillPlan): Promise<KillResult> {
  const world = { ...plan.world, origin: server.origin }
  // Later by what an answer may take: the survivor need not wait for one that cannot come.
  const survivor = openParts(world, () => Date.now() + 2 * hourMs + 120_000)
  const result = { kills: 0, damaged: 0, needless: 0, lost: 0, slowestMs: 0, errors: [] as string[] }
  let next = 0
  let done = 0

  async function killOnce(round: number): Promise<void> {
    const killAt = (round % points) + 1
    const key = `kill-${process.pid}-${Date.now()}-${round}`
    const set = serializeTokenSet(tokenSetFromResponse(server.signIn(key, key)))
    const victim = await startWorker(plan.script, world)
    const report = await victim.run({ key, set, callers: 1, offsetMs: 2 * hourMs, killAt })
    if (report === undefined) result.kills += 1
    else result.errors.push(`point ${killAt} was not reached: ${report.errors.join() || 'a token came'}`)
    await victim.stop()
    const startedMs = performance.now()
    const code = await patiently(() => openTokens(survivor, key).getToken()).then(
      () => undefined,
      (error: { readonly code: string }) => error.code,
    )
    result.slowestMs = Math.max(result.slowestMs, performance.now() - startedMs)
    judge(killAt, key, code)
    await patiently(() => survivor.store.delete(key))
    done += 1
    if (done % 100 === 0) plan.tell?.({ done, ...result })
  }

  function judge(killAt: number, key: string, code: string | undefined): void {
    const { redemptions = 0, reuses = 0 } = server.sessions.get(key) ?? {}
    const attempts = redemptions + reuses
    if (code === 'ERR_TOKEN_STORE_CORRUPT') result.damaged += 1
    else if (code === 'ERR_REAUTHENTICATION_REQUIRED' && answerIsLost.has(killAt) && attempts === 2) result.lost += 1
    else if (code !== undefined) result.errors.push(`point ${killAt}: ${code} after ${attempts} attempts`)
    else if (attempts > 1) result.needless += 1
  }

  async function lane(): Promise<void> {
    while (next < plan.kills) {
      const round = next
      next += 1
      await killOnce(round)
    }
  }

  server.delayMs = 50
  await Promise.all(Array.from({ length: plan.parallel }, lane))
  server.delayMs = 0
  survivor.close()
  return result
}
