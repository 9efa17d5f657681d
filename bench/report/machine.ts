import { availableParallelism, cpus, totalmem } from 'node:os'

/** Where figures were taken. */
export interface Machine {
  readonly node: string
  readonly openssl: string
  readonly cpu: string
  readonly cores: number
  readonly memoryGib: number
}

export function machine(): Machine {
  return {
    node: process.version,
    openssl: process.versions.openssl,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGib: Math.round(totalmem() / 2 ** 30),
  }
}
