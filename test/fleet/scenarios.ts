import { setTimeout as wait } from 'node:timers/promises'
import { serializeTokenSet, tokenSetFromResponse } from 'portcullis/client'
import { createSigningKey } from 'portcullis/testing'
import type { Authority, Mood } from './authority.js'
import type { Crew } from './crew.js'
import type { MemberReport } from './member.js'
import type { FleetCluster } from './redis-cluster.js'

/** A span of milliseconds. */
export interface Spread {
  readonly count: number
  readonly p50: number
  readonly p99: number
  readonly max: number
}

/** What a fleet did that had to renew the tokens of many users at once. */
export interface RefreshResult {
  readonly name: string
  readonly instances: number
  readonly users: number
  /** How often the authorization server took a refresh token: once for each user. */
  readonly redemptions: number
  /** How often a spent one came: a session that ends, or would with another server. */
  readonly doubled: number
  /** Users whose session the server ended, or whose entry is gone. */
  readonly lost: number
  readonly outcomes: Readonly<Record<string, number>>
  /** What the product told of: refreshes and writes that failed, leases that were lost. */
  readonly events: Readonly<Record<string, number>>
  readonly repeats: number
  /** Until a caller had a token, however often told to come again. */
  readonly latency: Spread
  readonly leaseWaits: Spread
  readonly seconds: number
  readonly perSecond: number
  readonly peakPerSecond: number
  /** How long a third of the slots had no master. Only where a node was killed. */
  readonly failoverMs: number | undefined
}

/** What callers of gates met while something happened. */
export interface GuardResult {
  readonly name: string
  readonly processes: number
  readonly outcomes: Readonly<Record<string, number>>
  readonly latency: Spread
}

/** What the scenarios run on. */
export interface Fleet {
  readonly authority: Authority
  readonly cluster: FleetCluster
  readonly crew: Crew
}

/** How many callers of each user ask at once, in processes of their own where there are so many. */
const callersPerUser = 3
const hourMs = 3_600_000
let hours = 0
let signedIn = 0

/** Signs users in, lets all of their tokens expire at once, and has the fleet renew them while `meanwhile` happens. */
export async function refreshUsers(
  { authority, crew }: Fleet,
  plan: { readonly name: string; readonly instances: number; readonly users: number },
  meanwhile: () => Promise<number | undefined> = async () => undefined,
): Promise<RefreshResult> {
  const { name, instances, users } = plan
  const keys = Array.from({ length: users }, (_, index) => `user-${signedIn + index}`)
  signedIn += users
  const logins = keys.map((key): readonly [string, string] => [
    key,
    serializeTokenSet(tokenSetFromResponse(authority.signIn(key, key), { clock: () => Date.now() + hours * hourMs })),
  ])
  await crew.run(shares(logins, crew.size).map((share) => ({ do: 'keep', logins: share })))
  hours += 2
  authority.takeSeconds()
  const processes = Math.min(instances, crew.size)
  const perProcess = Math.ceil(instances / processes)
  const startedMs = performance.now()
  const working = crew.run(
    Array.from({ length: processes }, (_, index) => ({
      do: 'refresh' as const,
      keys: keysOf(keys, index, processes),
      instances: perProcess,
      concurrency: Math.max(4, Math.floor(256 / processes)),
      aheadMs: hours * hourMs,
    })),
  )
  const [report, failoverMs] = await Promise.all([working, meanwhile()])
  const seconds = (performance.now() - startedMs) / 1000
  const counted = authority.takeSeconds()
  const kept = await crew.run(shares(keys, crew.size).map((share) => ({ do: 'count', keys: share })))
  const sessions = keys.map((key) => authority.sessions.get(key))
  const sum = (of: 'redemptions' | 'reuses') => sessions.reduce((all, session) => all + (session?.[of] ?? 0), 0)
  return {
    name,
    instances,
    users,
    redemptions: sum('redemptions'),
    doubled: sum('reuses'),
    lost: Math.max(
      sessions.filter((session) => session?.refreshToken === undefined).length,
      kept.outcomes['gone'] ?? 0,
    ),
    outcomes: report.outcomes,
    events: report.events,
    repeats: report.repeats,
    latency: spreadOf(report.latenciesMs),
    leaseWaits: spreadOf(report.waitsMs),
    seconds,
    perSecond: users / seconds,
    peakPerSecond: Math.max(0, ...counted),
    failoverMs,
  }
}

/** Those users of whom a process has a caller: three processes in a row have one of each, or all that there are. */
function keysOf(keys: readonly string[], process: number, processes: number): readonly string[] {
  const copies = Math.ceil(callersPerUser / processes)
  const own = keys.filter((_, index) => (process - index + processes * keys.length) % processes < callersPerUser)
  return own.flatMap((key) => Array.from({ length: copies }, () => key))
}

function shares<T>(items: readonly T[], parts: number): readonly (readonly T[])[] {
  return Array.from({ length: parts }, (_, part) => items.filter((_, index) => index % parts === part))
}

/** A fault while gates are asked: what the server does from a third of the time on, and how late it seems to be then. */
export interface GuardPlan {
  readonly name: string
  readonly seconds: number
  readonly perSecond: number
  readonly mood?: Mood
  readonly aheadMs?: number
  readonly rotates?: boolean
}

/** Has each process send requests to a gate of its own while something happens to the authorization server. */
export async function guardRequests({ authority, crew }: Fleet, plan: GuardPlan): Promise<GuardResult> {
  const { name, seconds, perSecond, mood = 'up', aheadMs = hours * hourMs, rotates = false } = plan
  const { issuer } = authority
  const mint = (key = issuer.signingKey()) => issuer.mintToken({}, { key, lifetimeSeconds: 864_000 })
  const next = createSigningKey({ algorithm: 'ES256', kid: `next-${performance.now()}` })
  const tokens = [mint(), rotates ? mint(next) : mint()] as const
  const orders = Array.from({ length: crew.size }, () => ({
    do: 'guard' as const,
    tokens,
    perSecond,
    seconds,
    aheadMs,
  }))
  const working = crew.run(orders)
  await wait(seconds * 333)
  authority.mood = mood
  if (rotates) issuer.publishKey(next.publicJwk)
  const report: MemberReport = await working
  authority.mood = 'up'
  return { name, processes: crew.size, outcomes: report.outcomes, latency: spreadOf(report.latenciesMs) }
}

function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((one, other) => one - other)
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), max: sorted.at(-1) ?? 0 }
}

/** An hour without the authorization server, of which each second is ten minutes. */
export async function passAnHourWithout({ authority, crew }: Fleet): Promise<undefined> {
  authority.mood = 'down'
  const fromMs = hours * hourMs
  for (let minutes = 10; minutes <= 60; minutes += 10) {
    await wait(1000)
    await crew.run(Array.from({ length: crew.size }, () => ({ do: 'clock', aheadMs: fromMs + minutes * 60_000 })))
  }
  hours += 1
  authority.mood = 'up'
}
