import type { Table } from '../suites/suite.js'
import { show } from './show.js'

const width = 760
const left = 250
const barHeight = 20
const gap = 8
const top = 44
const right = 110

/** A table as horizontal bars with their middle halves; what is ours stands out. */
export function barChart({ title, unit, rows }: Table, note: string): string {
  const longest = Math.max(...rows.map(({ figure }) => figure.median))
  const scale = (value: number) => (Math.min(value, longest) / longest) * (width - left - right)
  const bars = rows.map(({ name, figure }, index) => {
    const y = top + index * (barHeight + gap)
    const middle = y + barHeight / 2
    const end = left + scale(figure.median)
    const [low, high] = [figure.low, figure.high].map((value) => (left + scale(value)).toFixed(1))
    return [
      `<text class="name" x="${left - 10}" y="${middle + 4}">${escaped(name)}</text>`,
      `<rect class="${classOf(name)}" x="${left}" y="${y}" width="${(end - left).toFixed(1)}" height="${barHeight}" rx="2"/>`,
      `<path class="spread" d="M${low} ${middle}H${high}M${low} ${middle - 4}v8M${high} ${middle - 4}v8"/>`,
      `<text class="figure" x="${(end + 8).toFixed(1)}" y="${middle + 4}">${show(figure.median)} ${escaped(unit)}</text>`,
    ].join('')
  })
  const height = top + rows.length * (barHeight + gap) + 30
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<style>${style}</style>`,
    `<rect class="paper" width="${width}" height="${height}"/>`,
    `<text class="title" x="16" y="26">${escaped(title)}</text>`,
    ...bars,
    `<text class="note" x="16" y="${height - 12}">${escaped(note)}</text>`,
    '</svg>\n',
  ].join('\n')
}

const style = [
  'text{font:13px system-ui,sans-serif;fill:#24292f}',
  '.title{font-size:15px;font-weight:600}',
  '.name{text-anchor:end}',
  '.note{font-size:11px;fill:#57606a}',
  '.paper{fill:#fff}',
  '.own{fill:#1a7f5a}',
  '.reference{fill:#8c959f}',
  '.peer{fill:#c9b458}',
  '.spread{stroke:#24292f;stroke-opacity:.55;fill:none}',
].join('')

function classOf(name: string): string {
  if (name.startsWith('portcullis')) return 'own'
  return /^(limit|bare)\b/.test(name) ? 'reference' : 'peer'
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
