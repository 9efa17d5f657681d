import { describe, expect, it } from 'vitest'
import { read } from './markdown.js'

const names = (text: string) => [...new Set(text.match(/(?<=['`])portcullis\.[a-z_.]+(?=['`])/g))].sort()
const ofPage = read('docs/observability.md').split('\n## OpenTelemetry\n')[1]?.split('\n## ')[0] ?? ''
const metrics = [...ofPage.matchAll(/^\| `(portcullis\.[a-z_.]+)` \| (histogram|counter)/gm)].map(
  ([, name = '', kind]) => `${name.replaceAll('.', '_')}${kind === 'counter' ? '_total' : '_seconds'}`,
)

describe('the telemetry of docs/observability.md', () => {
  it('[REAL-44] names every metric and attribute of the source, and no other', () => {
    expect(names(ofPage)).toEqual(names(read('src/telemetry/index.ts')))
    expect(metrics.length).toBeGreaterThan(8)
  })

  it('[REAL-44] is shown by a dashboard that asks for nothing else', () => {
    const { panels } = JSON.parse(read('docs/dashboards/grafana.json')) as {
      panels: readonly { readonly targets: readonly { readonly expr: string }[] }[]
    }
    const asked = panels.flatMap(({ targets }) =>
      targets.flatMap(({ expr }) => expr.match(/portcullis_\w+(?:_total|_seconds)(?=_|[[{])/g) ?? []),
    )
    expect(asked.length).toBeGreaterThanOrEqual(panels.length)
    expect(asked.filter((name) => !metrics.includes(name))).toEqual([])
  })
})
