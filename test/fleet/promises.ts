import type { FleetFigures } from './page.js'

/** What the figures of a fleet break of what is promised. */
export function brokenPromises({ gates, guards, refreshes }: Omit<FleetFigures, 'measured'>): readonly string[] {
  const broken: string[] = []
  const hold = (holds: boolean, what: string) => {
    if (!holds) broken.push(what)
  }
  for (const { plan, steady, outcomes, rotation } of gates) {
    const name = `${plan.instances} gates, ${plan.kind}`
    // Chance alone makes the peak of a few requests twice their mean.
    if (plan.instances >= 100) hold(steady.peakToMean < 2, `${name}: the peak is ${steady.peakToMean} times the mean`)
    for (const [phase, { refused }] of Object.entries(outcomes))
      hold(refused === 0, `${name}: ${refused} refused, ${phase}`)
    const unavailable = Object.values(outcomes).reduce((sum, one) => sum + one.unavailable, 0)
    if (plan.kind === 'jwt') hold(unavailable === 0, `${name}: ${unavailable} times 503`)
    if (rotation !== undefined) hold(rotation.perInstance <= 2, `${name}: ${rotation.perInstance} requests each`)
  }
  for (const { name, outcomes, latency } of guards) {
    hold(Object.keys(outcomes).join() === '200', `${name}: ${JSON.stringify(outcomes)}`)
    // At the start all of them wait for the first fetch.
    if (name !== 'all start at once') hold(latency.p99 < 1000, `${name}: p99 ${latency.p99} ms`)
  }
  for (const { name, instances, users, redemptions, doubled, lost, outcomes } of refreshes) {
    const about = `${name}, ${instances} instances`
    hold(redemptions === users, `${about}: ${redemptions} redemptions for ${users} users`)
    hold(doubled === 0, `${about}: ${doubled} doubled`)
    hold(lost === 0, `${about}: ${lost} lost`)
    hold(Object.keys(outcomes).join() === 'token', `${about}: ${JSON.stringify(outcomes)}`)
  }
  return broken
}
