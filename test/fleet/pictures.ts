const width = 760
const height = 300
const left = 60
const right = 20
const top = 44
const bottom = 46

const style = [
  'text{font:12px system-ui,sans-serif;fill:#24292f}',
  '.title{font-size:15px;font-weight:600}',
  '.name{text-anchor:end}',
  '.middle{text-anchor:middle}',
  '.paper{fill:#fff}',
  '.own{fill:#1a7f5a}',
  '.line{stroke:#1a7f5a;stroke-width:1.5;fill:none}',
  '.axis{stroke:#8c959f;fill:none}',
  '.mean{stroke:#8c959f;stroke-dasharray:5 4}',
  '.twice{stroke:#b4690e;stroke-dasharray:5 4}',
  '.mark{stroke:#24292f;stroke-opacity:.35}',
].join('')

/** What a line is held against. */
interface Guides {
  readonly mean: number
  readonly marks: readonly (readonly [minute: number, name: string])[]
}

/** Values by minute, with their mean in the quiet time and twice that. High peaks are cut off, and their value is written. */
export function linePicture(title: string, values: readonly number[], { mean, marks }: Guides): string {
  const most = mean * 6
  const x = (minute: number) => left + (minute / values.length) * (width - left - right)
  const y = (value: number) => height - bottom - (Math.min(value, most) / most) * (height - top - bottom)
  const path = values.map(
    (value, minute) => `${minute === 0 ? 'M' : 'L'}${x(minute).toFixed(1)} ${y(value).toFixed(1)}`,
  )
  const across = (value: number, kind: string, name: string) =>
    `<path class="${kind}" d="M${left} ${y(value).toFixed(1)}H${width - right}"/>` +
    `<text class="name" x="${left - 6}" y="${(y(value) + 4).toFixed(1)}">${show(value)}</text>` +
    `<text class="name" x="${width - right}" y="${(y(value) - 4).toFixed(1)}">${name}</text>`
  const ticks = Array.from({ length: Math.floor(values.length / 60) + 1 }, (_, hour) => hour * 60)
  return picture(title, height, [
    across(mean, 'mean', 'mean'),
    across(mean * 2, 'twice', 'twice the mean'),
    ...marks.map(
      ([minute, name]) =>
        `<path class="mark" d="M${x(minute).toFixed(1)} ${top}V${height - bottom}"/><text x="${(x(minute) + 4).toFixed(1)}" y="${top + 12}">${name}</text>`,
    ),
    `<path class="line" d="${path.join('')}"/>`,
    `<path class="axis" d="M${left} ${top}V${height - bottom}H${width - right}"/>`,
    ...ticks.map(
      (minute) =>
        `<text class="middle" x="${x(minute).toFixed(1)}" y="${height - bottom + 18}">${minute / 60} h</text>`,
    ),
    `<text x="${left}" y="${height - 8}">by minute; first minute ${show(values[0] ?? 0)}/s; cut off above ${show(most)}/s</text>`,
  ])
}

const barTop = 44
const barLeft = 330
const barHeight = 18
const gap = 8

/** Values with names, side by side. */
export function barPicture(
  title: string,
  unit: string,
  rows: readonly (readonly [name: string, value: number])[],
): string {
  const most = Math.max(...rows.map(([, value]) => value))
  const bars = rows.map(([name, value], index) => {
    const y = barTop + index * (barHeight + gap)
    const length = (value / most) * (width - barLeft - 90)
    return [
      `<text class="name" x="${barLeft - 8}" y="${y + 13}">${escaped(name)}</text>`,
      `<rect class="own" x="${barLeft}" y="${y}" width="${length.toFixed(1)}" height="${barHeight}" rx="2"/>`,
      `<text x="${(barLeft + length + 6).toFixed(1)}" y="${y + 13}">${show(value)} ${unit}</text>`,
    ].join('')
  })
  return picture(title, barTop + rows.length * (barHeight + gap) + 14, bars)
}

function picture(title: string, tall: number, parts: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${tall}" width="${width}" height="${tall}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<style>${style}</style>`,
    `<rect class="paper" width="${width}" height="${tall}"/>`,
    `<text class="title" x="16" y="26">${escaped(title)}</text>`,
    ...parts,
    '</svg>\n',
  ].join('\n')
}

function show(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(2).replace(/\.?0+$/, '')
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
