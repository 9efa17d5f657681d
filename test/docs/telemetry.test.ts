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
/** The labels of each metric, by the name that the Prometheus exporter gives it. */
const metrics = new Map(
  [...ofPage.matchAll(/^\| `(portcullis\.[a-z_.]+)` \| ([a-z, ]+) \| (.*) \|$/gm)].map(
    ([, name = '', kind = '', about = '']) => [
      `${name}${suffixes[kind]}`.replaceAll('.', '_'),
      new Set([...about.matchAll(/`([a-z_]+(?:\.[a-z_]+)+)`/g)].map(([, label = '']) => label.replaceAll('.', '_'))),
    ],
  ),
)

describe('the telemetry of docs/observability.md', () => {
  it('[REAL-44] names every metric and attribute of the source, and no other', () => {
    expect(names(ofPage)).toEqual(
      names(read('src/telemetry/index.ts') + read('src/telemetry/metrics.ts') + read('src/telemetry/gauges.ts')),
    )
    expect(metrics.size).toBeGreaterThan(15)
  })

  it('[REAL-44] is shown by a dashboard that asks for no other metric, and for no label that it does not have', () => {
    const { panels } = JSON.parse(read('docs/dashboards/grafana.json')) as {
      panels: readonly { readonly targets: readonly { readonly expr: string }[] }[]
    }
    const queries = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))
    expect(queries.length).toBeGreaterThanOrEqual(panels.length)
    for (const query of queries) {
      // Of two series without labels, `or` shows the first alone.
      expect(query).not.toMatch(/\bor\b/)
      // With the unit, as the collector writes it, or without, as the exporter of the JavaScript SDK does.
      const plain = [...query.matchAll(/portcullis_\w+(?=[[{])/g)].map(([name]) => name)
      const either = [...query.matchAll(/__name__=~"(portcullis_\w+)\(_seconds\)\?(?:_bucket|_count|_sum)?"/g)]
      const names = [...plain, ...either.map(([, name]) => `${name}_seconds`)]
      expect(names.length, query).toBeGreaterThan(0)
      const labels = [...query.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(', '))
      const selected = [...query.matchAll(/[{,]\s*(\w+)(?==|!)/g)].map(([, label]) => label as string)
      for (const name of names) {
        expect([query, [...metrics.keys()]]).toEqual([query, expect.arrayContaining([name])])
        const own = query.includes('_bucket"') ? ['le', '__name__'] : ['__name__']
        const unknown = [...labels, ...selected].filter(
          (label) => !metrics.get(name)?.has(label) && !own.includes(label),
        )
        expect(unknown, query).toEqual([])
      }
    }
  })
})
