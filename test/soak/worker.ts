import { parseTokenSet, type TokenSet } from 'portcullis/client'
import type { TokenProvider, TokenStore } from 'portcullis/login'
import { openParts, openTokens, type Parts, patiently, type World } from './open-tokens.js'

/** What the parent wants of this process. */
export interface Order {
  readonly key: string
  /** Keeps these tokens first. */
  readonly set?: string | undefined
  /** How many callers ask for a token at once. */
  readonly callers: number
  /** How far the clock is ahead for access tokens. */
  readonly offsetMs: number
  /** Ends this process with SIGKILL at that point of the protocol, 1 to 12. */
  readonly killAt?: number | undefined
}

/** What the callers got. */
export interface Report {
  readonly tokens: readonly string[]
  readonly errors: readonly string[]
  /** How often a caller was told to come again (503), and did. */
  readonly repeats: number
}

/** A report, and the order it is for. */
export interface Answered {
  readonly id: number
  readonly report: Report
}

const world = JSON.parse(process.argv[2] ?? '{}') as World
const { writeMs = 3 } = world

/** The process is gone before the next line runs, and right after the last one. */
function point(reached: number, killAt: number | undefined): void {
  if (reached === killAt) process.kill(process.pid, 'SIGKILL')
}

/** Starts a write and ends the process while it is under way, at another moment each time. */
async function halfway<T>(work: Promise<T>, killAt: number | undefined): Promise<T> {
  if (killAt === 10) setTimeout(() => point(10, killAt), Math.random() * writeMs)
  return work
}

function killing({ provider, store, lock, ...others }: Parts, killAt: number | undefined): Parts {
  let reads = 0
  let hasAnswer = false
  return {
    ...others,
    provider: {
      ...provider,
      async refresh(...args: Parameters<TokenProvider['refresh']>) {
        point(7, killAt)
        if (killAt === 8) setTimeout(() => point(8, killAt), Math.random() * 40)
        const tokens = await provider.refresh(...args)
        point(9, killAt)
        hasAnswer = true
        return tokens
      },
    },
    store: {
      ...store,
      async get(key) {
        reads += 1
        if (reads === 1) point(3, killAt)
        const entry = await store.get(key)
        if (reads === 1) point(4, killAt)
        return entry
      },
      async replace(...args: Parameters<TokenStore['replace']>) {
        if (!hasAnswer) return store.replace(...args)
        const answer = await halfway(store.replace(...args), killAt)
        point(10, killAt)
        point(11, killAt)
        return answer
      },
    },
    lock: {
      async acquire(...args) {
        point(1, killAt)
        const lease = await lock.acquire(...args)
        point(2, killAt)
        return (
          lease && {
            async extend(ttlMs) {
              point(5, killAt)
              const isHeld = await lease.extend(ttlMs)
              point(6, killAt)
              return isHeld
            },
            async release() {
              point(12, killAt)
              await lease.release()
            },
          }
        )
      },
    },
  }
}

let aheadMs = 0
const parts = openParts(world, () => Date.now() + aheadMs)

async function obey({ key, set, callers, offsetMs, killAt }: Order): Promise<Report> {
  aheadMs = offsetMs
  const tokens = openTokens(killing(parts, killAt), key)
  if (set !== undefined) await patiently(() => tokens.set(parseTokenSet(set)))
  let repeats = 0
  const comeAgain = (error: { readonly retryable?: boolean }): Promise<TokenSet> => {
    if (error.retryable !== true || killAt !== undefined) throw error
    repeats += 1
    return patiently(() => tokens.getToken())
  }
  const ask = () => tokens.getToken().catch(comeAgain)
  const results = await Promise.allSettled(Array.from({ length: callers }, ask))
  await tokens.close()
  return {
    tokens: results.flatMap((result) => (result.status === 'fulfilled' ? [result.value.accessToken] : [])),
    repeats,
    errors: results.flatMap((result) => (result.status === 'rejected' ? [String(result.reason.code)] : [])),
  }
}

process.on('message', async ({ id, order }: { readonly id: number; readonly order: Order }) => {
  const report = await obey(order)
  process.send?.({ id, report } satisfies Answered)
})
process.on('disconnect', () => parts.close())
process.send?.('ready')
