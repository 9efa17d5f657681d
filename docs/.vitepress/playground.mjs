/*
 * What the site does for the playground: the core on WebCrypto, as `imports` of package.json chooses it for browsers, and a
 * policy in the page by which the browser forbids it every connection.
 */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import packageJson from '../../package.json' with { type: 'json' }
import { pagePolicy } from './theme/playground/page-policy.ts'

const root = join(import.meta.dirname, '../..')

/** The sources behind `#crypto`, `#diagnostics` and `#network` where there is no Node. */
export const webSources = Object.fromEntries(
  Object.entries(packageJson.imports).map(([name, { default: built }]) => [
    name,
    join(root, built.replace('./dist/', '').replace(/\.js$/, '.ts')),
  ]),
)

/** Writes the policy into the page, before anything that it is about. */
export function protectPlayground(html, _file, { page }) {
  if (page !== 'playground.md') return html
  const scripts = [...html.matchAll(/<script(?![^>]*\ssrc=)[^>]*>([\s\S]*?)<\/script>/g)].map(([, text]) => text)
  const hashes = scripts.map((text) => createHash('sha256').update(text).digest('base64'))
  const meta = `<meta http-equiv="Content-Security-Policy" content="${pagePolicy(hashes)}">`
  return html.replace(/<meta charset="utf-8">/i, (charset) => `${charset}\n    ${meta}`)
}
