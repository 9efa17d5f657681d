/** What became of one row in one framework. */
export interface RowResult {
  /** As the contract names it, such as `Express 5`. */
  readonly framework: string
  /** The title of the test, and before it whatever describes the server it ran against. */
  readonly title: string
  readonly passed: boolean
}

const introduction = `# Conformance

What each adapter answers, over real HTTP: every row is one request and all there is to say about its answer, and every
framework is held to the same rows by the same code (\`portcullis/adapter-testing\`). Written by \`npm run conformance\` from
the results of a run; do not edit.

Where fields can only come joined (Fetch and what is built on it), several challenges are one field with commas, which
says the same (RFC 9110 §5.3).
`

/** The page for these results. `versions` says which release of each framework ran; its order is that of the columns. */
export function conformancePage(results: readonly RowResult[], versions: Readonly<Record<string, string>>): string {
  const frameworks = Object.keys(versions)
  const titles = [...new Set(results.map(({ title }) => title))]
  const byRow = new Map(results.map((result) => [`${result.framework}\n${result.title}`, result]))
  const mark = (framework: string, title: string) => {
    const result = byRow.get(`${framework}\n${title}`)
    if (result === undefined) return ' '
    return result.passed ? '✓' : '**✗**'
  }
  const lines = [
    tableLine(['requirements', 'the adapter', ...frameworks]),
    tableLine(['---', '---', ...frameworks.map(() => ':-:')]),
    tableLine(['', 'version', ...Object.values(versions)]),
    ...titles.map((title) => {
      const [, ids = '', sentence = ''] = /^((?:\[[^\]]+\] ?)*)(.*)$/.exec(title) ?? []
      const cells = frameworks.map((framework) => mark(framework, title))
      return tableLine([ids.replaceAll(/[[\]]/g, '').trim(), sentence, ...cells])
    }),
  ]
  const passed = results.filter((result) => result.passed).length
  const summary = `${titles.length} rows, ${frameworks.length} frameworks: ${passed} of ${results.length} pass.`
  return [introduction, `${summary}\n`, ...lines, ''].join('\n')
}

function tableLine(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('<', '&lt;')).join(' | ')} |`
}
