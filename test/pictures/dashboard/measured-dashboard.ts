import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { metrics } from '@opentelemetry/api'
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus'
import { MeterProvider } from '@opentelemetry/sdk-metrics'
import { openTelemetry } from 'portcullis/otel'
import { listenOnLoopback } from '../../support/loopback-server.js'
import { type Prometheus, type Series, startPrometheus, type TimeRange } from './prometheus.js'
import { runTraffic } from './traffic.js'

/** What is read of a panel of docs/dashboards/grafana.json; the rest goes on as it is. */
export interface Panel {
  readonly title: string
  readonly gridPos: Readonly<Record<'h' | 'w' | 'x' | 'y', number>>
  readonly targets: readonly { readonly expr: string; readonly legendFormat: string }[]
}

/** A panel with what its expressions came to. */
export interface MeasuredPanel {
  readonly panel: Panel
  readonly lines: readonly { readonly name: string; readonly points: Series['points'] }[]
}

/** The dashboard with figures that a Prometheus measured. */
export interface MeasuredDashboard {
  readonly range: TimeRange
  readonly panels: readonly MeasuredPanel[]
}

const trafficSeconds = 240
const scrapeSeconds = 3
/** As Grafana takes it: four scrapes. */
const rateInterval = `${4 * scrapeSeconds}s`

/**
 * Has a Prometheus watch an API in ordinary and in bad minutes, and asks it all that the dashboard asks.
 *
 * @throws `Error` where an expression is not one, or gives no figures, or a legend names a label that is not there.
 */
export async function measureDashboard(): Promise<MeasuredDashboard> {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-prometheus-'))
  const exporter = new PrometheusExporter({ preventServerStart: true })
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [exporter] }))
  const target = await listenOnLoopback((request, response) => exporter.getMetricsRequestHandler(request, response))
  const prometheus = await startPrometheus(new URL(target.origin).host, scrapeSeconds, folder)
  const from = Math.ceil(Date.now() / 1000)
  await runTraffic(trafficSeconds, openTelemetry())
  await delay(scrapeSeconds * 1000)
  const range = { from, to: Math.floor(Date.now() / 1000) }
  const dashboard = JSON.parse(readFileSync('docs/dashboards/grafana.json', 'utf8')) as {
    readonly panels: readonly Panel[]
  }
  const asked = await Promise.allSettled(dashboard.panels.map((panel) => ask(prometheus, panel, range)))
  await prometheus.stop()
  await target.close()
  metrics.disable()
  rmSync(folder, { recursive: true, force: true })
  const faults = asked.flatMap((one) => (one.status === 'rejected' ? [String(one.reason)] : []))
  if (faults.length > 0) throw new Error(faults.join('\n'))
  return { range, panels: asked.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : [])) }
}

async function ask(prometheus: Prometheus, panel: Panel, range: TimeRange): Promise<MeasuredPanel> {
  const lines = panel.targets.map(async ({ expr, legendFormat }) => {
    const series = await prometheus.query(expr.replaceAll('$__rate_interval', rateInterval), range, scrapeSeconds)
    if (!series.some(({ points }) => points.some(([, value]) => value > 0))) {
      throw new Error(`No figures for "${panel.title}": ${expr}`)
    }
    return series.map(({ labels, points }) => ({ name: named(legendFormat, labels, expr), points }))
  })
  return { panel, lines: (await Promise.all(lines)).flat() }
}

function named(legend: string, labels: Series['labels'], expression: string): string {
  return legend.replace(/\{\{(\w+)\}\}/g, (_, label: string) => {
    const value = labels[label]
    if (value === undefined)
      throw new Error(`The legend of ${expression} names ${label}, which a series does not have.`)
    return value
  })
}
