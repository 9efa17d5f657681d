import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startServer } from '../../interop/server-process.js'
import { freePort } from '../../support/loopback-server.js'

/** One line of a chart: its labels, and what it was at which time. */
export interface Series {
  readonly labels: Readonly<Record<string, string>>
  /** Seconds since 1970, and the figure. */
  readonly points: readonly (readonly [time: number, value: number])[]
}

/** From when to when, in seconds since 1970. */
export interface TimeRange {
  readonly from: number
  readonly to: number
}

/** A Prometheus that reads one target. */
export interface Prometheus {
  /** What an expression comes to. @throws `Error` with what Prometheus says, where it is not one. */
  query(expression: string, range: TimeRange, stepSeconds: number): Promise<readonly Series[]>
  stop(): Promise<void>
}

interface Answer {
  readonly status: string
  readonly error?: string
  readonly data: {
    readonly result: readonly { readonly metric: Series['labels']; readonly values: readonly [number, string][] }[]
  }
}

/** Starts the Prometheus that is installed here (Debian: `prometheus`). It asks `target` every `scrapeSeconds`. */
export async function startPrometheus(target: string, scrapeSeconds: number, folder: string): Promise<Prometheus> {
  const configuration = {
    global: { scrape_interval: `${scrapeSeconds}s`, scrape_timeout: `${scrapeSeconds}s` },
    scrape_configs: [{ job_name: 'api', static_configs: [{ targets: [target] }] }],
  }
  const file = join(folder, 'prometheus.yml')
  writeFileSync(file, JSON.stringify(configuration))
  const address = `127.0.0.1:${await freePort()}`
  const parameters = {
    'config.file': file,
    'storage.tsdb.path': join(folder, 'data'),
    'web.listen-address': address,
    'log.level': 'warn',
  }
  const server = await startServer({
    program: 'prometheus',
    parameters: Object.entries(parameters).map(([name, value]) => `--${name}=${value}`),
    env: {},
    readyUrl: `http://${address}/-/ready`,
    logFile: join(folder, 'prometheus.log'),
  })
  return {
    stop: server.stop,
    async query(expression, { from, to }, stepSeconds) {
      const form = { query: expression, start: String(from), end: String(to), step: String(stepSeconds) }
      const response = await fetch(`http://${address}/api/v1/query_range?${new URLSearchParams(form)}`)
      const { status, error, data } = (await response.json()) as Answer
      if (status !== 'success') throw new Error(`${expression}: ${error}`)
      return data.result.map(({ metric, values }) => ({
        labels: metric,
        points: values.map(([time, value]) => [time, Number(value)] as const),
      }))
    },
  }
}
