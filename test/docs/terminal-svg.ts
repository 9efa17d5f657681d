/** Draws what a terminal showed as an SVG: light or dark as the reader likes it, and text that can be selected. */

const columns = 88
const lineHeight = 20
const padding = 16
const width = columns * 8.5 + 2 * padding

const classes: Readonly<Record<string, string>> = { 1: 'bold', 2: 'dim', 31: 'red', 32: 'green', 33: 'yellow' }

const style = [
  'text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:#1f2328;white-space:pre}',
  'rect{fill:#f6f8fa;stroke:#d1d9e0}.bold,.typed{font-weight:700}.dim{fill:#59636e}',
  '.red{fill:#b3202b}.green{fill:#1a7f37}.yellow{fill:#8a5c00}',
  '@media(prefers-color-scheme:dark){text{fill:#e6edf3}rect{fill:#151b23;stroke:#3d444d}',
  '.dim{fill:#9198a1}.red{fill:#ff7b72}.green{fill:#3fb950}.yellow{fill:#d29922}}',
].join('')

/** One session: lines that begin with `$ ` were typed. */
export function terminalSvg(title: string, session: string): string {
  const lines = session.trimEnd().split('\n').flatMap(folded)
  const height = lines.length * lineHeight + 2 * padding
  const texts = lines.map((line, index) => {
    const y = padding + index * lineHeight + 14
    return line === '' ? '' : `<text x="${padding}" y="${y}" xml:space="preserve">${spans(line)}</text>`
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<style>${style}</style>`,
    `<rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8"/>`,
    ...texts.filter((text) => text !== ''),
    '</svg>',
    '',
  ].join('\n')
}

/** A terminal breaks a line that is too long wherever it ends. Styled lines are short. */
function folded(line: string): readonly string[] {
  if (line.includes('\u001b') || line.length <= columns) return [line]
  return line.match(new RegExp(`.{1,${columns}}`, 'g')) ?? [line]
}

function spans(line: string): string {
  if (line.startsWith('$ '))
    return `<tspan class="dim">$ </tspan><tspan class="typed">${escaped(line.slice(2))}</tspan>`
  const [plain = '', ...styled] = line.split('\u001b[')
  const parts = styled.map((part) => {
    const [, code = '', text = ''] = /^(\d+)m(.*)$/.exec(part) ?? []
    const name = classes[code]
    return name === undefined ? escaped(text) : `<tspan class="${name}">${escaped(text)}</tspan>`
  })
  return escaped(plain) + parts.join('')
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
