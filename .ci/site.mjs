/*
 * npm run site [-- --draw | --preview | --check [part …]]
 *
 * Builds the site of docs/ into docs/.vitepress/dist: the reference from the doc comments, then the pages. VitePress fails at
 * a link that leads nowhere. Its packages have a lock file of their own, so that `npm ci` of the repository stays small.
 * `--draw` draws the diagrams anew before, which needs Chromium; `--preview` serves what was built. `--check`, which is
 * `npm run site:check`, reads the site in Chromium after the build, or the one that stands there with SITE_BUILT=1.
 *
 * SITE_URL is where the site is published. It gives the pages their base path and addresses, and makes a sitemap.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const root = join(import.meta.dirname, '..')
const site = join(root, 'docs/.vitepress')
const checks = join(root, 'test/site')
const flag = { type: 'boolean' }
const { values, positionals: parts } = parseArgs({
  options: { draw: flag, preview: flag, check: flag },
  allowPositionals: true,
})

function run(command, args, cwd = root) {
  const { status } = spawnSync(command, args, { cwd, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}

function install(folder) {
  const installed = join(folder, 'node_modules/.package-lock.json')
  const lock = join(folder, 'package-lock.json')
  if (existsSync(installed) && statSync(installed).mtimeMs > statSync(lock).mtimeMs) return
  run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], folder)
}

install(site)
const vitepress = join(site, 'node_modules/.bin/vitepress')
if (values.draw) {
  const { drawDiagrams } = await import('../docs/.vitepress/diagrams.mjs')
  const pages = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
  const written = pages.filter((page) => page.endsWith('.md') && !/^(api|\.vitepress)/.test(page))
  await drawDiagrams(written.map((page) => join(root, 'docs', page)))
}
if (values.preview) {
  run(vitepress, ['preview', 'docs'])
} else if (!values.check || process.env.SITE_BUILT === undefined) {
  run('npx', ['typedoc'])
  run(vitepress, ['build', 'docs'])
}
if (values.check) {
  if (parts.length === 0 || parts.includes('lighthouse')) install(join(checks, 'lighthouse'))
  run('npx', ['tsx', join(checks, 'main.ts'), ...parts])
}
