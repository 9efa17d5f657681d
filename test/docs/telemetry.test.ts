import { describe, expect, it } from 'vitest'
import { read } from './markdown.js'

const names = (text: string) => [...new Set(text.match(/(?<=['`])portcullis\.[a-z_.]+(?=['`])/g))].sort()
const ofPage = read('docs/observability.md').split('\n## OpenTelemetry\n')[1]?.split('\n## ')[0] ?? ''
const suffixes: Readonly<Record<string, string>> = {
  'histogram, s': '_seconds',
  'gauge, s': '_seconds',
  counter: '_total',
  gauge: '',
}
const metrics = [...ofPage.matchAll(/^\| `(portcullis\.[a-z_.]+)` \| ([a-z, ]+) \|/gm)].map(
  ([, name = '', kind = '']) => `${name.replaceAll('.', '_')}${suffixes[kind]}`,
)

describe('the telemetry of docs/observability.md', () => {
  it('[REAL-44] names every metric and attribute of the source, and no other', () => {
    expect(names(ofPage)).toEqual(
      names(read('src/telemetry/index.ts') + read('src/telemetry/metrics.ts') + read('src/telemetry/gauges.ts')),
    )
    expect(metrics.length).toBeGreaterThan(15)
  })

  it('[REAL-44] is shown by a dashboard that asks for nothing else', () => {
    const { panels } = JSON.parse(read('docs/dashboards/grafana.json')) as {
      panels: readonly { readonly targets: readonly { readonly expr: string }[] }[]
    }
    const asked = panels.flatMap(({ targets }) =>
      targets.flatMap(
        ({ expr }) => expr.match(/portcullis_\w+(?:_total|_seconds|_status)(?=_(?:bucket|count|sum)|[[{])/g) ?? [],
      ),
    )
    expect(asked.length).toBeGreaterThanOrEqual(panels.length)
    expect(asked.filter((name) => !metrics.includes(name))).toEqual([])
  })
})
