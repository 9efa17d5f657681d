import { Cluster } from 'ioredis'
import { createResourceServer, type RequestFacts } from 'portcullis'
import { createOAuthClient, parseTokenSet, publicClient, type TokenSet } from 'portcullis/client'
import { createUserTokens, type LockStore, type TokenProvider, type TokenStore } from 'portcullis/login'
import { createRedisLockStore, createRedisTokenStore } from 'portcullis/redis'
import { requestFacts } from 'portcullis/testing'

/** What a process of the fleet needs to know. */
export interface MemberWorld {
  readonly origin: string
  readonly ports: readonly number[]
}

/** What the fleet wants of one of its processes. */
export type MemberOrder =
  /** Keeps the tokens of logins. */
  | { readonly do: 'keep'; readonly logins: readonly (readonly [key: string, tokens: string])[] }
  /** Asks for a token of each user, as so many instances with stores, locks and memories of their own. */
  | {
      readonly do: 'refresh'
      readonly keys: readonly string[]
      readonly instances: number
      readonly concurrency: number
      /** How far the clock of access tokens is ahead. */
      readonly aheadMs: number
    }
  /** Reads the tokens of users as the store has them now, and counts those that are gone. */
  | { readonly do: 'count'; readonly keys: readonly string[] }
  /** Sets the clock, also of calls that are under way. */
  | { readonly do: 'clock'; readonly aheadMs: number }
  /** Sends requests to a gate of its own, so many a second, whether or not earlier ones were answered. */
  | {
      readonly do: 'guard'
      /** The second one from the middle of the time on. */
      readonly tokens: readonly [string, string]
      readonly perSecond: number
      readonly seconds: number
      readonly aheadMs: number
    }

/** What came of an order. */
export interface MemberReport {
  /** Milliseconds until somebody had a token, or a request its answer. */
  readonly latenciesMs: readonly number[]
  /** Milliseconds that calls waited for the lease of another process. */
  readonly waitsMs: readonly number[]
  /** How often somebody was told to come again (503), and did. */
  readonly repeats: number
  /** How often which code or status ended a call. */
  readonly outcomes: Readonly<Record<string, number>>
  /** How often the product told of a refresh or a write that failed, or of a lease that was lost. */
  readonly events: Readonly<Record<string, number>>
}

const { origin, ports } = JSON.parse(process.argv[2] ?? '{}') as MemberWorld
const secret = new Uint8Array(32).fill(7)
const patienceMs = 120_000

const cluster = new Cluster(
  ports.map((port) => ({ host: '127.0.0.1', port })),
  { redisOptions: { connectTimeout: 1000 }, slotsRefreshInterval: 1000, clusterRetryStrategy: () => 200 },
)
// What fails shows in the commands.
cluster.on('error', () => {})

let aheadMs = 0
const clock = () => Date.now() + aheadMs
const client = createOAuthClient({
  issuer: origin,
  credential: publicClient({ clientId: 'fleet' }),
  discovery: false,
  endpoints: { token: '/token' },
  allowInsecureLoopback: true,
  clock,
})
const provider: TokenProvider = {
  name: 'fleet',
  issuer: origin,
  refresh: ({ refreshToken = '' }, call) => client.refresh({ refreshToken }, call),
  revoke: async () => 'unsupported',
}

const resource = 'https://api.example.com'
const server = createResourceServer({ resource, issuer: origin, allowInsecureLoopback: true, clock })

/** One instance: what it remembers is its own, though others share its process and its connection. */
interface Instance {
  readonly store: TokenStore
  readonly lock: LockStore
}

const instances: Instance[] = []

function instance(index: number): Instance {
  const known = instances[index]
  if (known !== undefined) return known
  const store = createRedisTokenStore({ client: cluster, keys: [{ id: 'k', secret }], nameSecret: secret })
  const made = { store, lock: createRedisLockStore({ client: cluster }) }
  instances[index] = made
  return made
}

function tokensOf(key: string, { store, lock }: Instance, { waitsMs, events }: Pick<Tallied, 'waitsMs' | 'events'>) {
  const count = (name: string) => {
    events[name] = (events[name] ?? 0) + 1
  }
  return createUserTokens({
    ...{ provider, store, lock, key, clock },
    onEvent: (event) => {
      if (event.type === 'lock.waited') waitsMs.push(event.durationMs)
      if (event.type === 'lock.lost' || event.type === 'tokens.persist_failed') count(event.type)
      if (event.type === 'tokens.refresh_failed') count(`${event.type} ${event.code}`)
    },
  })
}

/** A report that is being made. */
interface Tallied {
  readonly latenciesMs: number[]
  readonly waitsMs: number[]
  repeats: number
  readonly outcomes: Record<string, number>
  readonly events: Record<string, number>
}

function createTally() {
  const outcomes: Record<string, number> = {}
  const report: Tallied = { latenciesMs: [], waitsMs: [], repeats: 0, outcomes, events: {} }
  return {
    report,
    count: (outcome: string) => {
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
    },
  }
}

/** Comes again for as long as it is told to. */
async function patiently<T>(work: () => Promise<T>, onRepeat: () => void): Promise<T> {
  const startedMs = performance.now()
  for (;;) {
    try {
      return await work()
    } catch (error) {
      const { retryable } = error as { readonly retryable?: boolean }
      if (retryable !== true || performance.now() - startedMs > patienceMs) throw error
      onRepeat()
      await new Promise((resolve) => setTimeout(resolve, 100 + Math.random() * 100))
    }
  }
}

async function inLanes<T>(items: readonly T[], lanes: number, work: (item: T, index: number) => Promise<void>) {
  let next = 0
  async function lane(): Promise<void> {
    while (next < items.length) {
      const index = next
      next += 1
      await work(items[index] as T, index)
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
}

async function keep(logins: readonly (readonly [string, string])[]): Promise<MemberReport> {
  const { report, count } = createTally()
  await inLanes(logins, 32, async ([key, tokens]) => {
    await patiently(
      () => tokensOf(key, instance(0), report).set(parseTokenSet(tokens)),
      () => count('again'),
    )
  })
  return report
}

async function refresh(order: Extract<MemberOrder, { do: 'refresh' }>): Promise<MemberReport> {
  const { report, count } = createTally()
  aheadMs = order.aheadMs
  await inLanes(order.keys, order.concurrency, async (key, index) => {
    const startedMs = performance.now()
    const tokens = tokensOf(key, instance(index % order.instances), report)
    const end = await patiently<TokenSet>(
      () => tokens.getToken(),
      () => (report.repeats += 1),
    ).then(
      ({ accessToken }) => (accessToken.startsWith(`${key}:`) ? 'token' : 'foreign token'),
      (error: { readonly code?: string }) => String(error.code),
    )
    count(end)
    report.latenciesMs.push(performance.now() - startedMs)
  })
  return report
}

async function countKept(keys: readonly string[]): Promise<MemberReport> {
  const { report, count } = createTally()
  await inLanes(keys, 32, async (key) => {
    const kept = await patiently(
      () => instance(0).store.get(key),
      () => {},
    )
    count(kept === undefined ? 'gone' : 'kept')
  })
  return report
}

async function guard(order: Extract<MemberOrder, { do: 'guard' }>): Promise<MemberReport> {
  const { report, count } = createTally()
  aheadMs = order.aheadMs
  const requests = order.tokens.map((token) => requestFacts({ headers: { authorization: `Bearer ${token}` } }))
  const total = order.perSecond * order.seconds
  const pending: Promise<void>[] = []
  const startedMs = performance.now()
  for (let sent = 0; sent < total; sent += 1) {
    const dueMs = startedMs + (sent * 1000) / order.perSecond
    const earlyMs = dueMs - performance.now()
    if (earlyMs > 1) await new Promise((resolve) => setTimeout(resolve, earlyMs))
    pending.push(askGate(requests[sent < total / 2 ? 0 : 1] as RequestFacts))
  }
  await Promise.all(pending)
  return report

  async function askGate(request: RequestFacts): Promise<void> {
    const askedMs = performance.now()
    const result = await server.authenticate(request)
    report.latenciesMs.push(performance.now() - askedMs)
    count(result.ok ? '200' : String(result.answer.status))
  }
}

async function obey(order: MemberOrder): Promise<MemberReport> {
  if (order.do === 'keep') return keep(order.logins)
  if (order.do === 'refresh') return refresh(order)
  if (order.do === 'clock') {
    aheadMs = order.aheadMs
    return createTally().report
  }
  return order.do === 'count' ? countKept(order.keys) : guard(order)
}

process.on('message', async ({ id, order }: { readonly id: number; readonly order: MemberOrder }) => {
  process.send?.({ id, report: await obey(order) })
})
// Also where the parent was killed in the middle of an order.
process.on('disconnect', () => process.exit(0))
process.send?.('ready')
