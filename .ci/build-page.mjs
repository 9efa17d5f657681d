/*
 * Joins the sources of the development page, `src/inspector/page`, into one HTML file with its script and its style in it,
 * and writes that as a module. `node .ci/build-page.mjs`; a test compares the outcome with what is committed.
 */
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { build, transform } from 'esbuild'

const room = resolve(import.meta.dirname, '../src/inspector')

/** The text of `page-file.ts`. */
export async function pageFile() {
  const { outputFiles } = await build({
    entryPoints: [join(room, 'page/main.ts')],
    bundle: true,
    minify: true,
    charset: 'utf8',
    format: 'iife',
    target: 'es2022',
    write: false,
  })
  const script = outputFiles[0].text.trim()
  const { code } = await transform(
    ['theme', 'page', 'report'].map((name) => readFileSync(join(room, `page/${name}.css`), 'utf8')).join(''),
    {
      loader: 'css',
      minify: true,
      charset: 'utf8',
    },
  )
  const style = code.trim()
  if (/<\/script|<!--/i.test(script) || /<\/style/i.test(style)) throw new Error('The page would end too early.')
  const html = readFileSync(join(room, 'page/page.html'), 'utf8')
    .replace('/*style*/', () => style)
    .replace('/*script*/', () => script)
  return `/** Made of \`page/\` by \`node .ci/build-page.mjs\`: do not write here. */
export const pageHtml =
  ${literal(html)}
export const scriptHash = '${hash(script)}'
export const styleHash = '${hash(style)}'
`
}

function hash(text) {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`
}

/** As Biome writes it. */
function literal(text) {
  const inner = JSON.stringify(text).slice(1, -1)
  return `'${inner.replaceAll('\\"', '"').replaceAll("'", "\\'")}'`
}

if (process.argv[1] === import.meta.filename) writeFileSync(join(room, 'page-file.ts'), await pageFile())
