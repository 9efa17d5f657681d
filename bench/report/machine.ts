import { availableParallelism, cpus, loadavg, totalmem } from 'node:os'

/** Where and when figures were taken. */
export interface Machine {
  readonly node: string
  readonly openssl: string
  readonly cpu: string
  readonly cores: number
  readonly memoryGib: number
  readonly load: number
  readonly date: string
}

export function machine(): Machine {
  return {
    node: process.version,
    openssl: process.versions.openssl,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGib: Math.round(totalmem() / 2 ** 30),
    load: loadavg()[0] as number,
    date: new Date().toISOString().slice(0, 10),
  }
}
