/*
 * Draws the Mermaid blocks of the pages, in light and dark, so that the pages of the site need no script for them.
 * `npm run site -- --draw` calls it; what it writes is committed, and a test compares the names with the blocks.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { diagramName, diagramsOf } from './diagram-blocks.mjs'

const folder = join(import.meta.dirname, '../diagrams')
const themes = { light: 'neutral', dark: 'dark' }

/** Draws all blocks of the pages named, and removes what no block needs any more. */
export async function drawDiagrams(pages) {
  const blocks = new Map(
    pages.flatMap((page) => diagramsOf(readFileSync(page, 'utf8'))).map((s) => [diagramName(s), s]),
  )
  mkdirSync(folder, { recursive: true })
  for (const file of readdirSync(folder)) {
    if (!blocks.has(file.split('-')[0])) rmSync(join(folder, file))
  }
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
  try {
    const page = await browser.newPage()
    await page.addScriptTag({ path: createRequire(import.meta.url).resolve('mermaid/dist/mermaid.min.js') })
    for (const [name, source] of blocks) {
      for (const [look, theme] of Object.entries(themes)) {
        writeFileSync(join(folder, `${name}-${look}.svg`), `${await page.evaluate(draw, { name, source, theme })}\n`)
      }
    }
  } finally {
    await browser.close()
  }
}

/** Runs in the browser. */
async function draw({ name, source, theme }) {
  const { mermaid } = window
  const settings = { theme, htmlLabels: false, fontFamily: 'system-ui, sans-serif', deterministicIds: true }
  mermaid.initialize({ ...settings, startOnLoad: false, securityLevel: 'strict', sequence: { mirrorActors: false } })
  return (await mermaid.render(`d${name}`, source)).svg
}
