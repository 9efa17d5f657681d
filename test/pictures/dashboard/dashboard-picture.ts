import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import type { Browser } from 'playwright-core'
import { type MeasuredDashboard, measureDashboard } from './measured-dashboard.js'

const grafana = join(import.meta.dirname, '../grafana')
const modules = join(grafana, 'node_modules')
/** Grafana's components read the local storage, which a page without an address does not have. */
const address = 'http://dashboard.test/'
const html = '<!doctype html><style>body { margin: 0 }</style><main></main>'
let measuring: Promise<MeasuredDashboard> | undefined
let bundling: Promise<string> | undefined

/** The panels of docs/dashboards/grafana.json, drawn by Grafana's components from what a Prometheus measured. */
export async function dashboardPicture(browser: Browser, colorScheme: 'light' | 'dark'): Promise<Buffer> {
  if (!existsSync(modules)) throw new Error('First: npm ci --prefix test/pictures/grafana')
  bundling ??= bundle()
  measuring ??= measureDashboard()
  const [script, dashboard] = await Promise.all([bundling, measuring])
  const page = await browser.newPage({ viewport: { width: 1200, height: 800 }, colorScheme })
  await page.route(address, (route) => route.fulfill({ contentType: 'text/html', body: html }))
  await page.goto(address)
  await page.evaluate((given) => void Object.assign(window, given), { dashboard, scheme: colorScheme })
  await page.addScriptTag({ content: script })
  await page.waitForFunction((count) => document.querySelectorAll('canvas').length === count, dashboard.panels.length)
  const picture = await page.screenshot({ fullPage: true })
  await page.close()
  return picture
}

async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(grafana, 'panels.mjs')],
    bundle: true,
    write: false,
    minify: true,
    format: 'iife',
    platform: 'browser',
    define: { 'process.env.NODE_ENV': '"production"', global: 'window' },
    loader: { '.svg': 'dataurl', '.png': 'dataurl', '.woff2': 'dataurl', '.ttf': 'dataurl', '.css': 'text' },
    logLevel: 'error',
  })
  const [script] = outputFiles
  if (script === undefined) throw new Error('esbuild made nothing of panels.mjs')
  return script.text
}
