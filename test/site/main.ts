/**
 * Reads the built site as people do, in Chromium, and fails where they would: npm run site:check
 *
 * Thirty questions by search or by clicks, axe in light and dark, a phone, the menus by keyboard, and Lighthouse. On a site
 * that is built, `npx tsx test/site/main.ts axe phone` runs the parts that it names.
 */
import { readdirSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import type { Browser } from 'playwright-core'
import { startChromium } from '../support/chromium.js'
import { lighthouseScores, tooLow } from './lighthouse.js'
import { ask, readQuestions } from './questions.js'
import { axeProblems, menuProblems, widePages } from './reading.js'
import { built, serveSite } from './served-site.js'

/** One of each kind: home, tabs, a guide, a picture drawn of a diagram, a long reference, a table of options, the API. */
const kinds = [
  '/',
  '/getting-started',
  '/mcp',
  '/concepts/request',
  '/providers/keycloak',
  '/troubleshooting',
  '/errors',
  '/options',
  '/comparison',
  '/questions',
  '/api/',
  '/api/src/client',
]

let failures = 0

function report(what: string, problems: readonly string[], startedMs: number): void {
  const took = `${((performance.now() - startedMs) / 1000).toFixed(1)} s`
  console.log(`${problems.length === 0 ? 'ok    ' : 'FAILED'}  ${what} (${took})`)
  for (const problem of problems) console.log(`        ${problem}`)
  if (problems.length > 0) failures += 1
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** The paths of all pages but the generated reference. */
function paths(): string[] {
  const files = readdirSync(built, { recursive: true, encoding: 'utf8' })
  const pages = files.filter((file) => file.endsWith('.html') && !file.startsWith('api/') && file !== '404.html')
  return pages.map((file) => `/${file.replace(/(?:(?<=^|\/)index)?\.html$/, '')}`).sort()
}

async function checkQuestions(browser: Browser, origin: string): Promise<void> {
  const startedMs = performance.now()
  const questions = readQuestions()
  const problems = questions.length >= 30 ? [] : [`there are ${questions.length} questions`]
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } })
  page.setDefaultTimeout(10_000)
  for (const question of questions) {
    const problem = await ask(page, origin, question)
    if (problem !== undefined) problems.push(`${question.text} ${question.answer}: ${problem}`)
  }
  await page.close()
  report(`${questions.length} questions, each by two clicks or one search`, problems, startedMs)
}

async function checkAxe(browser: Browser, origin: string): Promise<void> {
  for (const path of kinds) {
    const startedMs = performance.now()
    const found: string[] = []
    for (const scheme of ['light', 'dark'] as const) {
      const problems = await axeProblems(browser, origin + path, scheme)
      found.push(...problems.map((problem) => `${scheme}: ${problem}`))
    }
    report(`axe on ${path}, light and dark`, found, startedMs)
  }
}

async function checkPhone(browser: Browser, origin: string): Promise<void> {
  const startedMs = performance.now()
  const all = paths()
  const wide = await widePages(
    browser,
    all.map((path) => origin + path),
  )
  report(`${all.length} pages on a phone`, wide, startedMs)
  const menuMs = performance.now()
  report('the menus of a phone by keyboard', await menuProblems(browser, origin), menuMs)
}

async function checkLighthouse(origin: string, port: number): Promise<void> {
  for (const path of ['/', '/getting-started', '/errors']) {
    const startedMs = performance.now()
    const scores = await lighthouseScores(origin + path, port)
    report(`Lighthouse of ${path}: ${JSON.stringify(scores)}`, tooLow(scores), startedMs)
  }
}

const site = await serveSite()
const port = await freePort()
const browser = await startChromium([], [`--remote-debugging-port=${port}`])
const parts: Readonly<Record<string, () => Promise<void>>> = {
  questions: () => checkQuestions(browser, site.origin),
  axe: () => checkAxe(browser, site.origin),
  phone: () => checkPhone(browser, site.origin),
  lighthouse: () => checkLighthouse(site.origin, port),
}
const named = process.argv.slice(2)
try {
  for (const [name, check] of Object.entries(parts)) {
    if (named.length === 0 || named.includes(name)) await check()
  }
} finally {
  await browser.close()
  await site.close()
}
process.exitCode = failures === 0 ? 0 : 1
