import { pairedRatio, type Spread, spreadOf } from './statistics.js'

/** One of several ways to do the same thing. */
export interface Contender {
  readonly name: string
  /** Does it once; `turn` counts up, for contenders that need fresh input. Throws (or rejects) on failure. */
  run(turn: number): unknown
  /** Set for those that may answer with a promise: each promise is awaited before the next turn. */
  readonly isAsync?: boolean | undefined
  /** How many operations one `run` does. Default 1. */
  readonly operations?: number | undefined
  /** Prepares `turns` inputs outside of the measured time. */
  prepare?(turns: number): void
  /** The most turns a slice may have, where preparing them is dear. */
  readonly maxTurns?: number | undefined
}

/** Microseconds per operation of one contender, one figure per round. */
export interface Measured {
  readonly name: string
  readonly rounds: readonly number[]
  readonly spread: Spread
}

/** How long is measured, and by which clock. */
export interface Pace {
  readonly rounds: number
  readonly sliceMs: number
  /** `cpu` counts the processor time of this process instead: for a machine that has other things to do. */
  readonly clock: 'wall' | 'cpu'
}

const warmUpMs = 120

/**
 * Measures contenders in turns: every round gives each of them one slice, in an order that rotates, after a collection
 * of young garbage, so that nobody pays for his neighbour. Figures are compared within their round alone.
 */
export async function compare(contenders: readonly Contender[], pace: Pace): Promise<readonly Measured[]> {
  const state = []
  for (const contender of contenders) state.push(await calibrate(contender, pace))
  for (let round = 0; round < pace.rounds; round++) {
    for (let place = 0; place < state.length; place++) {
      const one = state[(round + place) % state.length] as Calibrated
      one.contender.prepare?.(one.turns)
      collectYoungGarbage()
      one.rounds.push(await slice(one, one.turns, clocks[pace.clock]))
    }
  }
  return state.map(({ contender: { name }, rounds }) => ({ name, rounds, spread: spreadOf(rounds) }))
}

/** How many times the speed of `other` the speed of `one` is. */
export function speedRatio(measured: readonly Measured[], one: string, other: string): Spread {
  return pairedRatio(named(measured, other).rounds, named(measured, one).rounds)
}

export function named(measured: readonly Measured[], name: string): Measured {
  const found = measured.find((candidate) => candidate.name === name)
  if (found === undefined) throw new Error(`nobody measured ${name}`)
  return found
}

interface Calibrated {
  readonly contender: Contender
  readonly turns: number
  turn: number
  readonly rounds: number[]
}

async function calibrate(contender: Contender, { sliceMs }: Pace): Promise<Calibrated> {
  const one: Calibrated = { contender, turns: 0, turn: 0, rounds: [] }
  const limit = contender.maxTurns ?? Number.POSITIVE_INFINITY
  let turns = 8
  let spentMs = 0
  let perTurnMs = 1
  contender.prepare?.(1)
  await slice(one, 1, clocks.wall) // the first turn pays for connections and modules loaded late
  while (spentMs < warmUpMs) {
    contender.prepare?.(turns)
    perTurnMs = ((await slice(one, turns, clocks.wall)) * (contender.operations ?? 1)) / 1000
    spentMs += Math.max(perTurnMs * turns, 0.05)
    turns = Math.min(turns * 2, limit, Math.ceil(sliceMs / perTurnMs))
  }
  return { ...one, turns: Math.max(1, Math.min(limit, Math.round(sliceMs / perTurnMs))) }
}

const clocks: Readonly<Record<Pace['clock'], () => number>> = {
  wall: () => performance.now() * 1000,
  cpu: () => {
    const { user, system } = process.cpuUsage()
    return user + system
  },
}

/** Microseconds per operation. */
async function slice(one: Calibrated, turns: number, now: () => number): Promise<number> {
  const { contender } = one
  const startedAt = now()
  if (contender.isAsync === true) {
    for (let n = 0; n < turns; n++) {
      const running = contender.run(one.turn++)
      if (running instanceof Promise) await running
    }
  } else for (let n = 0; n < turns; n++) contender.run(one.turn++)
  return (now() - startedAt) / turns / (contender.operations ?? 1)
}

function collectYoungGarbage(): void {
  const collect = globalThis.gc as ((options?: { type: 'minor' }) => void) | undefined
  collect?.({ type: 'minor' })
}
