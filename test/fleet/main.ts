/*
 * `npm run fleet`: many instances of the product against one authorization server and a Redis Cluster, while things happen
 * to both. Exits with 1 where a promise does not hold. `npm run fleet -- --quick` does some of it, and
 * `npm run fleet -- gates` one part (`gates`, `guards`, `refreshes`). Writes docs/proof/fleet.md, its charts and figures;
 * where it is quick only with `--write`.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { bundledScript } from '../support/bundled-script.js'
import { hasRedis } from '../support/redis.js'
import { startAuthority } from './authority.js'
import { startCrew } from './crew.js'
import { type GatePlan, type GateResult, runGates } from './gates.js'
import { type FleetFigures, keptFigures, measuredNow, writeFigures } from './page.js'
import { brokenPromises } from './promises.js'
import { startFleetCluster } from './redis-cluster.js'
import {
  type Fleet,
  type GuardResult,
  guardRequests,
  passAnHourWithout,
  type RefreshResult,
  refreshUsers,
} from './scenarios.js'

const parts = ['gates', 'guards', 'refreshes']
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false }, write: { type: 'boolean', default: false } },
})
const unknown = positionals.find((name) => !parts.includes(name))
if (unknown !== undefined) throw new Error(`There is no ${unknown}. There are ${parts.join(', ')}.`)
const wants = (part: string) => positionals.length === 0 || positionals.includes(part)
const { quick, write } = values
const processes = quick ? 4 : 8
const startedMs = performance.now()

function tell(what: string, figures: object): void {
  const seconds = Math.round((performance.now() - startedMs) / 1000)
  console.log(`${String(seconds).padStart(4)} s  ${what}: ${JSON.stringify(figures)}`)
}

function gatePlans(): readonly GatePlan[] {
  const hour = 3600
  const sizes = quick ? [1, 10, 100] : [1, 10, 100, 1000]
  const jwt = sizes.map((instances) => ({
    kind: 'jwt' as const,
    instances,
    steadySeconds: 4 * hour,
    rotationSeconds: hour,
    outageSeconds: hour,
    recoverySeconds: hour,
  }))
  const opaque = sizes.map((instances) => ({
    kind: 'opaque' as const,
    instances,
    steadySeconds: 900,
    rotationSeconds: 0,
    outageSeconds: quick ? 600 : hour,
    recoverySeconds: 600,
  }))
  return [...jwt, ...opaque]
}

async function gatesInVirtualTime(): Promise<readonly GateResult[]> {
  const results: GateResult[] = []
  for (const plan of gatePlans()) {
    const result = await runGates(plan)
    const { minutes: _, plan: __, ...figures } = result
    tell(`${plan.instances} gates, ${plan.kind}`, figures)
    results.push(result)
  }
  return results
}

async function refreshing(fleet: Fleet): Promise<readonly RefreshResult[]> {
  const { cluster } = fleet
  const results: RefreshResult[] = []
  const users = quick ? 300 : 1000
  const add = async (name: string, instances: number, some: number, meanwhile?: () => Promise<number | undefined>) => {
    const result = await refreshUsers(fleet, { name, instances, users: some }, meanwhile)
    tell(`${name}, ${instances} instances`, result)
    results.push(result)
  }
  for (const instances of quick ? [1, 4, 100] : [1, 8, 100, 1000]) await add('all tokens expire', instances, users)
  await add('all tokens expire', 1000, quick ? 1000 : 10_000)
  await add('an hour without the server', 100, users, () => passAnHourWithout(fleet))
  for (const third of [0, 1, 2]) {
    await add(`master ${third + 1} of 3 is killed`, 100, users, async () => {
      await wait(quick ? 100 : 1000)
      return cluster.heal(cluster.killMaster(third))
    })
  }
  return results
}

async function guarding(fleet: Fleet): Promise<readonly GuardResult[]> {
  const results: GuardResult[] = []
  const seconds = quick ? 3 : 9
  const base = { seconds, perSecond: 100 }
  for (const plan of [
    { ...base, name: 'all start at once' },
    { ...base, name: 'keys are rotated', rotates: true },
    { ...base, name: 'the server refuses connections, keys are due', mood: 'down' as const, aheadMs: 55 * 60_000 },
    { ...base, name: 'the server hangs, keys have expired', mood: 'hanging' as const, aheadMs: 100 * 60_000 },
  ]) {
    const result = await guardRequests(fleet, plan)
    tell(plan.name, result)
    results.push(result)
  }
  return results
}

/** Runs what needs servers. */
async function withServers(): Promise<Partial<FleetFigures>> {
  const authority = await startAuthority()
  const cluster = await startFleetCluster()
  const script = await bundledScript('fleet/member')
  const crew = await startCrew(script, { origin: authority.origin, ports: cluster.ports }, processes)
  const fleet = { authority, cluster, crew }
  const guards = wants('guards') ? { guards: await guarding(fleet) } : {}
  const refreshes = wants('refreshes') ? { refreshes: await refreshing(fleet) } : {}
  await crew.stop()
  await cluster.stop()
  await authority.close()
  return { ...guards, ...refreshes }
}

if (!hasRedis('fleet')) process.exit(1)
const results = {
  ...(wants('gates') ? { gates: await gatesInVirtualTime() } : {}),
  ...(wants('guards') || wants('refreshes') ? await withServers() : {}),
}
const now = measuredNow(startedMs, processes)
const kept = keptFigures()
const measured = { ...kept.measured, ...Object.fromEntries(Object.keys(results).map((part) => [part, now])) }
if (!quick || write) writeFigures({ ...kept, ...results, measured } as FleetFigures)
const broken = brokenPromises({ gates: [], guards: [], refreshes: [], ...results })
console.log(broken.length === 0 ? 'everything holds' : `does not hold:\n${broken.join('\n')}`)
process.exit(broken.length === 0 ? 0 : 1)
